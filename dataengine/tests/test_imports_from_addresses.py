"""Imports of files at addresses: fetched by the worker within bounds, never from an address inside."""

from __future__ import annotations

import gzip
import io
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from dataengine.models import ImportJob
from dataengine.postgres import locks
from dataengine.services import fetching, import_runs
from dataengine.tests.file_server import FileServer, send
from dataengine.tests.importing import records
from dataengine.tests.waiting import until

from .conftest import MakeTable

if TYPE_CHECKING:
    from django.contrib.auth.models import User

RUN = "import sys, django; django.setup(); from dataengine.services.import_runs import run; run(int(sys.argv[1]))"
IMPORTS = "/api/tables/t/imports/"
ROWS = b"name,n\nAda,1\nBob,2\n"
commits = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(settings: Settings) -> Iterator[FileServer]:
    settings.REMOTE_SOURCES = True
    settings.OUTGOING_ALLOW = [ip_network("127.0.0.0/8")]
    made = FileServer()
    yield made
    made.close()


@pytest.fixture
def table(make_table: MakeTable) -> None:
    make_table("t", name="TEXT", n="INTEGER")


def post(client: APIClient, url: str, **more: Any) -> Any:
    answer = client.post(IMPORTS, {"url": url, **more}, format="json")
    assert answer.status_code == 202, answer.content
    return answer.json()


def outcome(client: APIClient, url: str, **options: Any) -> ImportJob:
    """The job of an import, whose every attempt was made."""
    made = post(client, url, options=options)
    for _ in range(ImportJob.MAX_ATTEMPTS):
        ImportJob.objects.filter(pk=made["id"]).update(try_again_at=None)
        import_runs.run(made["id"])
    return ImportJob.objects.get(pk=made["id"])


def stored() -> list[str]:
    try:
        return default_storage.listdir("imports")[1]
    except FileNotFoundError:
        return []


@commits
@pytest.mark.usefixtures("table")
def test_a_file_is_fetched_and_imported(
    client: APIClient, owner: User, server: FileServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.files["/a/people.csv"] = ROWS
    made = post(client, f"{server.url}/a/people.csv?sig=topsecret", options={"dry_run": False})
    assert (made["state"], made["filename"], made["bytes_total"]) == ("queued", "people.csv", 0)
    assert made["source_url"] == f"{server.url}/a/people.csv?…"
    done = import_runs.run(made["id"])
    assert done is not None
    assert (done.state, done.rows_imported, done.bytes_total) == ("completed", 2, len(ROWS))
    shown = client.get(f"/api/imports/{done.pk}/").json()
    assert shown["sha256"] == done.sha256 != ""
    assert shown["findings"]["mapping"] == {"name": "name", "n": "n"}
    assert client.get(f"/api/imports/{done.pk}/receipt/").json()["source_url"] == made["source_url"]
    assert "topsecret" not in f"{shown}{caplog.text}"
    assert done.url == ""
    assert server.asked[0][0].endswith("?sig=topsecret")
    # The same by the verb, as a new table, and from the terminal.
    verb = client.post(
        "/api/upload-csv/",
        {"table_name": "made", "url": f"{server.url}/a/people.csv", "options": '{"create_table": true}'},
    )
    assert verb.status_code == 202
    import_runs.run(verb.json()["id"])
    assert records("made", "name", "n") == [("Ada", "1"), ("Bob", "2")]
    call_command("import_csv", f"{server.url}/a/people.csv", table="made", owner=owner.username)
    assert len(records("made")) == 4


@commits
@pytest.mark.usefixtures("table")
def test_content_decides_what_a_file_is(client: APIClient, server: FileServer, subtests: Any) -> None:
    packed = gzip.compress(ROWS)
    cases: dict[str, tuple[Any, str]] = {
        "/plain": (lambda h: send(h, ROWS, Content_Type="text/csv"), "plain.csv"),
        "/way.csv.gz": (lambda h: send(h, packed, Content_Encoding="gzip"), "way.csv"),
        "/kept.csv.gz": (packed, "kept.csv.gz"),
        "/id": (lambda h: send(h, ROWS, Content_Disposition="attachment; filename*=UTF-8''..%2F%C3%A4.csv"), "ä.csv"),
        "/lines": (lambda h: send(h, b'{"name": "Ada", "n": 1}\n{"name": "Bob", "n": 2}\n',
                                  Content_Type="application/x-ndjson"), "lines.jsonl"),
        "/moved": (lambda h: send(h, b"", 302, Location="/plain"), "plain.csv"),
    }  # fmt: skip
    server.files = {path: answer for path, (answer, _) in cases.items()}
    for path, (_, name) in cases.items():
        with subtests.test(path):
            job = outcome(client, f"{server.url}{path}")
            assert (job.state, job.error, job.filename, job.rows_imported) == ("completed", "", name, 2)


@commits
@pytest.mark.usefixtures("table")
def test_what_goes_wrong_is_told(
    client: APIClient, server: FileServer, settings: Settings, subtests: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "IDLE_SECONDS", 0.6)
    monkeypatch.setattr(fetching, "SLOW_SECONDS", 1.0)
    settings.MAX_UPLOAD_BYTES = 100_000
    silent = threading.Event()

    def without_length(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with_room = b"name,n\n" + b"a,1\n" * 50_000
        handler.wfile.write(with_room)

    def stops(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(ROWS)
        silent.wait(60)

    def trickles(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):  # the other side has had enough
            while not silent.wait(0.1):
                handler.wfile.write(ROWS)

    bomb = gzip.compress(b"a,1\n" * 500_000)
    inside = f"http://10.0.0.1:{server.port}/a.csv"
    cases: dict[str, tuple[Any, str, str]] = {
        "/gone.csv": (None, "source_failed", "404"),
        "/broken.csv": (lambda h: send(h, b"", 503), "source_failed", "503"),
        "/large.csv": (lambda h: send(h, b"a" * 100_001), "source_too_large", "100,000"),
        "/endless.csv": (without_length, "source_too_large", "100,000"),
        "/bomb.csv": (lambda h: send(h, bomb, Content_Encoding="gzip"), "source_too_large", "100,000"),
        "/cut.csv": (lambda h: send(h, gzip.compress(ROWS)[:-9], Content_Encoding="gzip"), "source_unreachable",
                     "early"),
        "/odd.csv": (lambda h: send(h, ROWS, Content_Encoding="br"), "source_unreachable", "packed"),
        "/slow.csv": (stops, "source_unreachable", "seconds"),
        "/trickle.csv": (trickles, "source_unreachable", "Less than 65,536 bytes"),
        "/page": (lambda h: send(h, b"<!DOCTYPE html><p>Log in", Content_Type="text/html"), "not_csv", "web page"),
        "/picture.csv": (b"\x89PNG\r\n\x1a\n" + bytes(50), "not_csv", ""),
        "/inside.csv": (lambda h: send(h, b"", 302, Location=inside), "source_refused", "not public"),
        "/file.csv": (lambda h: send(h, b"", 302, Location="file:///etc/passwd"), "source_refused", "https"),
        "/round.csv": (lambda h: send(h, b"", 302, Location="/round.csv"), "source_unreachable", "5 times"),
    }  # fmt: skip
    server.files = {path: answer for path, (answer, _, _) in cases.items() if answer is not None}
    before = stored()
    for path, (_, code, words) in cases.items():
        with subtests.test(path):
            job = outcome(client, f"{server.url}{path}")
            assert (job.state, job.error_code) == ("failed", code), job.error
            assert words in job.error
    silent.set()
    assert stored() == before, "nothing of what failed is kept"
    assert records("t") == []


def test_addresses_inside_are_refused_at_once(
    client: APIClient, settings: Settings, make_table: MakeTable, subtests: Any
) -> None:
    make_table("t", name="TEXT")
    refused = client.post(IMPORTS, {"url": "https://example.com/a.csv"}, format="json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "remote_sources_off")
    settings.REMOTE_SOURCES = True
    for url in (
        "http://example.com/a.csv", "https://127.0.0.1/a", "https://2130706433/a", "https://0x7f.1/a", "https://017700000001/",
        "https://[::1]/a", "https://[::ffff:10.0.0.1]/a", "https://[64:ff9b::a00:1]/a", "https://169.254.169.254/latest",
        "https://[fe80::1]/a", "https://224.0.0.1/a", "https://localhost/a", "https://a.localhost./a", "https://0/a",
        "https://user:secret@example.com/a.csv", "ftp://example.com/a.csv", "file:///etc/passwd", "https:///a", "x",
        "https://exa mple.com/", "https://[::1/", "s3://unnamed/a.csv", "https://example.com/" + "a" * 2000,
    ):  # fmt: skip
        with subtests.test(url):
            answer = client.post(IMPORTS, {"url": url}, format="json")
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "source_refused")
            assert set(answer.json()["error"]["fields"]) == {"url"}
            assert "secret" not in answer.content.decode()
    both = client.post(IMPORTS, {"url": "https://example.com/a.csv", "text": "a\n1\n"}, format="json")
    assert both.status_code == 400
    assert ImportJob.objects.count() == 0


@commits
@pytest.mark.usefixtures("table")
def test_objects_come_from_the_buckets_that_are_named(
    client: APIClient, server: FileServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SOURCE_BUCKETS = ["data"]
    for name, value in {"ENDPOINT_URL_S3": server.url, "ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server.files["/data/in/a.csv"] = ROWS
    job = outcome(client, "s3://data/in/a.csv")
    assert (job.state, job.error, job.filename, job.rows_imported) == ("completed", "", "a.csv", 2)
    assert outcome(client, "s3://data/in/b.csv").error_code == "source_failed"
    for url in ("s3://other/in/a.csv", "s3://data/", "s3://data/a.csv?x=1", "s3://k:s@data/a.csv"):
        assert client.post(IMPORTS, {"url": url}, format="json").json()["error"]["code"] == "source_refused"


@commits
@pytest.mark.usefixtures("table")
def test_a_name_that_turns_inside_gains_nothing(
    client: APIClient, server: FileServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is connected to is what was checked: a name is asked for once, and every address that it has counts."""
    settings.OUTGOING_ALLOW = []
    server.files["/a.csv"] = ROWS
    answers: list[list[str]] = [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:127.0.0.1"]]
    asked = []
    really = socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[tuple[Any, ...]]:
        if host != "rebinding.example":
            return [*really(host, port, *args, **kwargs)]
        asked.append(host)
        return [(0, 0, 0, "", (address, port)) for address in answers.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for _ in range(3):
        job = outcome(client, f"https://rebinding.example:{server.port}/a.csv")
        assert (job.state, job.error_code) == ("failed", "source_refused")
    assert asked == ["rebinding.example"] * 3
    assert server.asked == []


@commits
@pytest.mark.usefixtures("table")
def test_a_download_is_shown_cancelled_and_begun_again(
    client: APIClient, server: FileServer, settings: Settings, process_environment: dict[str, str]
) -> None:
    go_on = threading.Event()

    def half(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(ROWS)))
        handler.end_headers()
        handler.wfile.write(ROWS[:10])
        go_on.wait(60)
        handler.wfile.write(ROWS[10:])

    server.files["/a.csv"] = half
    made = post(client, f"{server.url}/a.csv")
    page = f"/api/imports/{made['id']}/"
    worker = threading.Thread(target=run_in_thread, args=(made["id"],))
    worker.start()
    until(lambda: client.get(page).json()["bytes_read"] == 10)
    shown = client.get(page).json()
    assert (shown["state"], shown["phase"], shown["bytes_total"]) == ("running", "fetching", len(ROWS))
    # Nobody waits for a slow address: columns can be added meanwhile.
    added = client.post("/api/tables/t/columns/", {"column_name": "more", "column_type": "TEXT"})
    assert added.status_code == 201
    client.post(f"{page}cancel/")
    worker.join(60)
    shown = client.get(page).json()
    assert (shown["state"], shown["rows_imported"]) == ("cancelled", 0)
    go_on.set()
    again = client.post(f"{page}retry/")
    assert again.status_code == 202, again.content
    assert client.post(f"{page}retry/").status_code == 409
    # Its first worker is killed while the file comes; the next one begins anew, and it happens once.
    pk, asked = again.json()["id"], len(server.asked)
    go_on.clear()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(pk)],
        env={**process_environment, "REMOTE_SOURCES": "1", "OUTGOING_ALLOW": "127.0.0.0/8"},
        cwd=settings.BASE_DIR,
    )
    until(lambda: client.get(f"/api/imports/{pk}/").json()["bytes_read"] == 10)
    process.kill()
    process.wait()
    go_on.set()
    until(lambda: not locks.job_is_held(pk))
    import_runs.sweep()
    ImportJob.objects.filter(pk=pk).update(try_again_at=None)
    done = import_runs.run(pk)
    assert done is not None
    assert (done.state, done.attempt, done.rows_imported) == ("completed", 2, 2)
    assert records("t", "name") == [("Ada",), ("Bob",)]
    assert len(server.asked) == asked + 2


def run_in_thread(pk: int) -> None:
    from django.db import connection

    try:
        import_runs.run(pk)
    finally:
        connection.close()


def test_a_text_and_a_file_go_on_as_they_were(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", name="TEXT")
    assert client.post(IMPORTS, {"text": "name\nAda\n", "options": {"dry_run": True}}, format="json").status_code == 202
    file = io.BytesIO(b"name\nAda\n")
    file.name = "a.csv"
    assert client.post(IMPORTS, {"file": file, "options": "{}"}, format="multipart").status_code == 202
    for options in ("[1]", "{", 7):
        refused = client.post(IMPORTS, {"text": "name\nAda\n", "options": options}, format="json")
        assert (refused.status_code, set(refused.json()["error"]["fields"])) == (400, {"options"})
