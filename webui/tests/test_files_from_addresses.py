"""Files from addresses in the console, without scripts: fetched, looked at, imported; and sources with a schedule."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from dataengine.models import Download, ImportJob, Source, Table
from dataengine.services import downloads, import_runs, source_runs
from dataengine.tests.file_server import FileServer
from webui.tests.pages import read

IMPORT = "/tables/people/import/"
SOURCES = "/tables/people/sources/"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(settings: Settings) -> Iterator[FileServer]:
    settings.REMOTE_SOURCES = True
    settings.OUTGOING_ALLOW = [ip_network("127.0.0.0/8")]
    made = FileServer()
    made.files["/new.csv"] = b"name,score\nAda,1.5\nBob,2\n"
    yield made
    made.close()


def test_a_file_is_fetched_and_looked_at_like_an_upload(
    as_owner: Client, as_stranger: Client, people: Table, server: FileServer
) -> None:
    refused = as_owner.post(IMPORT, {"url": "https://10.0.0.1/a.csv", "do": "preview"})
    assert refused.status_code == 422
    assert "This address is not public." in read(refused)
    sent = as_owner.post(IMPORT, {"url": f"{server.url}/new.csv?key=topsecret", "do": "preview", "on_error": "abort"})
    waiting = sent.headers["Location"]
    page = read(as_owner.get(waiting))
    assert "Waiting to start" in page
    assert "topsecret" not in page
    assert as_stranger.get(f"/tables/new/import/?fetch={Download.objects.get().pk}").status_code == 404
    downloads.run(Download.objects.get().pk)
    here = as_owner.get(waiting).headers["Location"]
    assert "on_error=abort" in here
    page = read(as_owner.get(here))
    assert "Nothing is imported yet." in page
    assert "1.5" in page
    token = next(value for value in page.values("input", "value") if value and ":" in value)
    as_owner.post(IMPORT, {"draft": token, "do": "start"})
    job = ImportJob.objects.get()
    import_runs.run(job.pk)
    job.refresh_from_db()
    assert (job.filename, job.rows_imported) == ("new.csv", 2)
    # One that is cancelled, and one that fails.
    waiting = as_owner.post(IMPORT, {"url": f"{server.url}/gone.csv", "do": "preview"}).headers["Location"]
    downloads.run(Download.objects.latest("pk").pk)
    assert "The address answered 404." in read(as_owner.get(waiting, follow=True))
    as_owner.post(IMPORT, {"url": f"{server.url}/new.csv", "do": "preview"})
    last = Download.objects.latest("pk")
    as_owner.post(IMPORT, {"fetch": str(last.pk)})
    assert Download.objects.get(pk=last.pk).state == "cancelled"


def test_where_nothing_is_fetched_there_is_no_field(as_owner: Client, people: Table) -> None:
    assert "url" not in read(as_owner.get(IMPORT)).values("input", "name")
    assert "fetches nothing from addresses" in read(as_owner.get(SOURCES))


def test_a_source_is_added_run_paused_and_deleted(as_owner: Client, people: Table, server: FileServer) -> None:
    for path in (IMPORT, "/tables/people/"):
        assert SOURCES in read(as_owner.get(path)).values("a", "href")
    wrong = as_owner.post(SOURCES, {"do": "add", "url": f"{server.url}/new.csv", "when": "other", "cron": "often",
                                    "time_zone": "UTC"})  # fmt: skip
    assert wrong.status_code == 422
    assert "Give five fields" in read(wrong)
    good = {"do": "add", "url": f"{server.url}/new.csv", "when": "0 6 * * *", "time_zone": "Europe/Berlin"}
    as_owner.post(SOURCES, good)
    source = Source.objects.get()
    page = read(as_owner.get(SOURCES))
    assert "Every day at 6:00, Europe/Berlin" in page
    assert "from now" in page
    as_owner.post(SOURCES, {"do": "run", "source": source.pk})
    source_runs.sweep()
    assert "running" in read(as_owner.get(SOURCES))
    downloads.run(Download.objects.get().pk)
    import_runs.run(ImportJob.objects.get().pk)
    source_runs.sweep()
    source_runs.sweep()
    assert "2 imported" in read(as_owner.get(SOURCES))
    for do, state in (("pause", "by_user"), ("resume", "")):
        as_owner.post(SOURCES, {"do": do, "source": source.pk})
        source.refresh_from_db()
        assert source.paused == state
    as_owner.post(SOURCES, {"do": "delete", "source": source.pk})
    assert "There is none yet." in read(as_owner.get(SOURCES))
    assert as_owner.post(SOURCES, {"do": "run", "source": source.pk}).status_code == 404
