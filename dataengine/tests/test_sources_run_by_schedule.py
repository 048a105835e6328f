"""Sources: files at addresses that are imported by a schedule, once, and not where nothing or too much has changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from django.core import mail
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from dataengine.models import AuditEvent, Download, ImportJob, Source, Table
from dataengine.postgres import locks
from dataengine.services import downloads, import_runs, schedules, source_runs, trash
from dataengine.tests.file_server import FileServer, send
from dataengine.tests.importing import records
from dataengine.tests.threads import in_thread
from dataengine.tests.waiting import PATIENCE_SECONDS

from .conftest import MakeTable

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SOURCES = "/api/tables/t/sources/"
commits = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(settings: Settings) -> Iterator[FileServer]:
    settings.REMOTE_SOURCES = True
    settings.OUTGOING_ALLOW = [ip_network("127.0.0.0/8")]
    made = FileServer()
    yield made
    made.close()


@pytest.fixture
def table(make_table: MakeTable) -> Table:
    return make_table("t", name="TEXT", n="INTEGER")


def add(client: APIClient, url: str, **more: Any) -> dict[str, Any]:
    answer = client.post(SOURCES, {"url": url, "cron": "0 6 * * *", **more})
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def run(client: APIClient, pk: int) -> dict[str, Any]:
    """What a source says of a run that was asked for, after the sweeper and the workers have done theirs."""
    assert client.post(f"{SOURCES}{pk}/run/").status_code == 202
    return swept(client, pk)


def swept(client: APIClient, pk: int) -> dict[str, Any]:
    source_runs.sweep()
    for _ in range(Download.MAX_ATTEMPTS):
        Download.objects.update(try_again_at=None)
        for waiting in Download.objects.filter(state="queued").values_list("pk", flat=True):
            downloads.run(waiting)
    source_runs.sweep()
    for waiting in ImportJob.objects.filter(state="queued").values_list("pk", flat=True):
        import_runs.run(waiting)
    source_runs.sweep()
    told: dict[str, Any] = client.get(f"{SOURCES}{pk}/").json()
    assert not told["running"]
    return told


@contextmanager
def in_another_session(user: User, places: int) -> Iterator[None]:
    """As while another worker fetches a file for the user."""
    began, over = threading.Event(), threading.Event()

    def fetch() -> None:
        with locks.place_to_fetch(user.pk, places) as has_place:
            assert has_place
            began.set()
            over.wait(PATIENCE_SECONDS)

    thread = in_thread(fetch)
    try:
        assert began.wait(PATIENCE_SECONDS)
        yield
    finally:
        over.set()
        thread.join()


def due(pk: int) -> None:
    Source.objects.filter(pk=pk).update(next_run_at=timezone.now() - timedelta(minutes=1))


@commits
def test_a_source_is_imported_and_skipped_while_nothing_changes(
    client: APIClient, owner: User, table: Table, server: FileServer
) -> None:
    tag = ['"1"']

    def tagged(handler: BaseHTTPRequestHandler) -> None:
        if handler.headers["If-None-Match"] == tag[0]:
            send(handler, b"", 304)
        else:
            send(handler, content[0], ETag=tag[0])

    content = [b"name,n\nAda,1\n"]
    server.files["/a.csv"] = tagged
    made = add(client, f"{server.url}/a.csv?key=topsecret", options={"key": "name", "on_conflict": "update"})
    assert made["url"].endswith("/a.csv?…")
    assert datetime.fromisoformat(made["next_run_at"]).hour == 6
    pk = made["id"]
    assert swept(client, pk)["last_result"] == "", "it is not due yet"
    due(pk)
    told = swept(client, pk)
    assert (told["last_result"], told["last_message"]) == ("imported", "1 imported")
    assert datetime.fromisoformat(told["next_run_at"]) > timezone.now()
    job = ImportJob.objects.get()
    assert (job.user, job.email, job.filename) == (owner, owner.email, "a.csv")
    # Not modified; another tag of the same file; and something new.
    assert run(client, pk)["last_result"] == "unchanged"
    tag[0] = '"2"'
    assert run(client, pk)["last_result"] == "unchanged"
    assert ImportJob.objects.count() == 1
    tag[0], content[0] = '"3"', b"name,n\nAda,2\nBob,3\n"
    told = run(client, pk)
    assert (told["last_result"], told["last_message"]) == ("imported", "1 imported, 1 updated")
    assert records("t", "name", "n") == [("Ada", "2"), ("Bob", "3")]
    shown = client.get(SOURCES).content.decode() + str([*AuditEvent.objects.values_list("details", flat=True)])
    assert "topsecret" not in shown
    actions = AuditEvent.objects.filter(action__startswith="source.").values_list("action", flat=True)
    assert set(actions) == {"source.added", "source.run"}


@commits
def test_another_header_pauses_and_is_mailed(client: APIClient, table: Table, server: FileServer, owner: User) -> None:
    server.files["/a.csv"] = b"name,n\nAda,1\n"
    pk = add(client, f"{server.url}/a.csv")["id"]
    assert run(client, pk)["last_result"] == "imported"
    mail.outbox.clear()
    for header, words in (
        (b"n,name", "In another place"),
        (b"name,n,x", "New in the file"),
        (b"name", "Missing from it"),
    ):
        server.files["/a.csv"] = header + b"\n" + b",".join([b"1"] * (header.count(b",") + 1)) + b"\n"
        told = run(client, pk)
        assert (told["last_result"], told["paused"], told["paused_because"]) == ("drifted", True, "drift")
        assert words in told["paused_reason"]
        assert told["next_run_at"] is None
        Source.objects.update(paused="", paused_reason="", headers=["name", "n"])
    assert records("t", "name") == [("Ada",)]
    assert [message.to for message in mail.outbox] == [[owner.email]] * 3
    # Who resumes it takes the new header.
    server.files["/a.csv"] = b"n,name\n2,Bob\n"
    run(client, pk)
    assert client.post(f"{SOURCES}{pk}/run/").json()["error"]["code"] == "source_paused"
    assert client.patch(f"{SOURCES}{pk}/", {"paused": False}).json()["next_run_at"] is not None
    assert run(client, pk)["last_result"] == "imported"
    assert records("t", "name") == [("Ada",), ("Bob",)]


@commits
def test_failures_back_off_and_pause(client: APIClient, table: Table, server: FileServer) -> None:
    pk = add(client, f"{server.url}/a.csv", cron="*/5 * * * *")["id"]
    waits = []
    for number in range(1, source_runs.MOST_FAILURES + 1):
        told = run(client, pk)
        assert (told["last_result"], told["failures"]) == ("failed", number)
        assert "404" in told["last_message"]
        if told["next_run_at"]:
            waits.append(datetime.fromisoformat(told["next_run_at"]) - timezone.now())
    assert told["paused_because"] == "failures"
    assert waits == sorted(waits)
    assert waits[-1] > timedelta(hours=5)
    # A file that is refused is asked for again as if it were new.
    client.patch(f"{SOURCES}{pk}/", {"paused": False, "options": {"on_error": "abort"}})
    server.files["/a.csv"] = b"name,n\nAda,x\n"
    for _ in range(2):
        assert run(client, pk)["last_result"] == "failed"
    assert ImportJob.objects.count() == 2


@commits
def test_it_has_the_rights_of_who_added_it(
    api: Any, client: APIClient, colleague: User, table: Table, share: Any, server: FileServer, owner: User
) -> None:
    server.files["/a.csv"] = b"name,n\nAda,1\n"
    assert api(colleague).post(SOURCES, {"url": f"{server.url}/a.csv", "cron": "@daily"}).status_code == 404
    share(table, colleague, "view")
    assert api(colleague).post(SOURCES, {"url": f"{server.url}/a.csv", "cron": "@daily"}).status_code == 403
    share(table, colleague, "edit")
    pk = add(api(colleague), f"{server.url}/a.csv")["id"]
    assert run(client, pk)["last_result"] == "imported"
    assert ImportJob.objects.get().user == colleague
    mail.outbox.clear()
    colleague.is_active = False
    colleague.save()
    assert run(client, pk)["paused_because"] == "no_right"
    assert sorted(mail.outbox[0].to) == sorted({colleague.email, owner.email} - {""})
    # Who resumes it answers for it.
    assert client.patch(f"{SOURCES}{pk}/", {"paused": False}).json()["created_by"] == owner.username
    assert run(client, pk)["last_result"] == "unchanged"
    # A copy of the table has none; a table in the trash pauses its own.
    assert client.post("/api/tables/t/duplicate/", {"table_name": "copy", "with_records": False}).status_code == 201
    assert client.get("/api/tables/copy/sources/").json()["count"] == 0
    trash.delete_table(user=owner, table=table)
    assert Source.objects.get().paused == "trashed"


@commits
def test_it_runs_once_however_many_sweep(client: APIClient, table: Table, server: FileServer) -> None:
    server.files["/a.csv"] = b"name,n\nAda,1\n"
    pk = add(client, f"{server.url}/a.csv")["id"]
    due(pk)

    def sweep() -> None:
        try:
            source_runs.sweep()
            for waiting in Download.objects.values_list("pk", flat=True):
                downloads.run(waiting)
            source_runs.sweep()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (Download.objects.count(), ImportJob.objects.count()) == (1, 1)
    assert swept(client, pk)["last_result"] == "imported"


@commits
def test_a_slow_address_leaves_a_worker_to_others(
    client: APIClient, owner: User, stranger: User, table: Table, server: FileServer, settings: Settings
) -> None:
    """Of two workers one fetches at most; of many, one for each user. Who waits has lost no attempt."""
    server.files["/a.csv"] = b"name,n\nAda,1\n"
    fetching = Download.objects.create(user=owner, url=f"{server.url}/a.csv", came_from="a")

    def is_held_up(user: User, workers: int) -> bool:
        settings.CELERY_WORKER_CONCURRENCY = workers
        Download.objects.update(state="queued", try_again_at=None, attempt=0, url=f"{server.url}/a.csv")
        with in_another_session(user, workers - 1):
            done = downloads.run(fetching.pk)
        assert done is not None
        assert done.state == "completed" or (done.state, done.attempt) == ("queued", 0)
        return not done.is_over

    assert is_held_up(owner, 5)
    assert not is_held_up(stranger, 5)
    assert is_held_up(stranger, 2)


@commits
def test_a_source_that_breaks_does_not_stop_the_sweep(client: APIClient, table: Table, server: FileServer) -> None:
    server.files["/a.csv"] = b"name,n\nAda,1\n"
    broken, good = add(client, f"{server.url}/b.csv")["id"], add(client, f"{server.url}/a.csv")["id"]
    due(broken)
    Source.objects.filter(pk=broken).update(time_zone="Mars/Olympus")  # known no more
    assert run(client, good)["last_result"] == "imported"


@commits
def test_odd_headers_are_not_sent_back(client: APIClient, table: Table, server: FileServer) -> None:
    server.files["/a.csv"] = lambda handler: send(handler, b"name,n\nAda,1\n", ETag='"é"')
    pk = add(client, f"{server.url}/a.csv")["id"]
    assert [run(client, pk)["last_result"] for _ in range(2)] == ["imported", "unchanged"]
    server.files["/a.csv"] = lambda handler: send(handler, b"", status=304)
    told = run(client, pk)
    assert (told["last_result"], told["last_message"]) == ("failed", "The address answered 304.")


def test_what_cannot_be_is_refused(client: APIClient, settings: Settings, table: Table, subtests: Any) -> None:
    good = {"url": "https://example.com/a.csv", "cron": "0 6 * * *"}
    assert client.post(SOURCES, good).json()["error"]["code"] == "remote_sources_off"
    settings.REMOTE_SOURCES = True
    cases: list[tuple[dict[str, Any], str]] = [
        ({"url": "https://10.0.0.1/a.csv"}, "url"), ({"url": "s3://b/k"}, "url"), ({"cron": "often"}, "cron"),
        ({"cron": "* * * * *"}, "cron"), ({"cron": "0 6 * * * *"}, "cron"), ({"cron": "R 6 * * *"}, "cron"),
        ({"cron": "0 0 31 2 *"}, "cron"), ({"cron": ""}, "cron"), ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"), ({"options": {"create_table": True}}, "options"),
        ({"options": {"recipe": "none"}}, "options"), ({"options": {"delimiter": 5}}, "options"),
        ({"options": []}, "options"), ({"other": 1}, "other"),
    ]  # fmt: skip
    for change, field in cases:
        with subtests.test(str(change)):
            answer = client.post(SOURCES, {**good, **change})
            assert (answer.status_code, set(answer.json()["error"]["fields"])) == (400, {field})
    assert client.get(SOURCES).json()["count"] == 0


def test_clocks_that_change_move_no_run() -> None:
    """Six o'clock is six o'clock; what does not exist in spring comes when the clock has gone on."""
    times = [datetime(2026, 3, 28, 12, tzinfo=UTC)]
    for _ in range(2):
        times.append(schedules.next_time("30 2 * * *", "Europe/Berlin", times[-1]))
    assert [f"{time:%d %H:%M}" for time in times[1:]] == ["29 01:00", "30 00:30"]
