"""The import's socket and its download over a real ASGI server: who is admitted, what is sent, when it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from dataengine.jobs.progress import ImportProgress, Sender, publish, shape
from dataengine.models import ImportJob, RejectedRow, Table
from dataengine.services.tokens import create_token
from webui import consumers
from webui.tests.conftest import PEOPLE, make_table
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from conftest import LiveServer


WAIT = 60
"""Seconds after which nothing more will arrive."""


@pytest.fixture
def job(live_asgi: LiveServer, owner: User) -> ImportJob:
    table = make_table(owner, "people", PEOPLE)
    return ImportJob.objects.create(
        table=table, table_name="people", user=owner, filename="a.csv", state="running", phase="reading",
        bytes_total=1000, bytes_read=100, rows_read=10, progress=0.1, attempt=1,
    )  # fmt: skip


def cookie_of(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}


def opened(server: LiveServer, job: ImportJob, query: str = "", **options: Any) -> ClientConnection:
    socket: ClientConnection = connect(f"{server.ws_url}/ws/imports/{job.pk}/{query}", open_timeout=WAIT, **options)
    return socket


def token(user: User) -> str:
    return str(AccessToken.for_user(user))


def finish(job: ImportJob, **values: Any) -> None:
    ImportJob.objects.filter(pk=job.pk).update(state="completed", bytes_read=1000, rows_imported=12, **values)
    publish(job.pk)


def test_the_page_gets_fragments_from_the_first_to_the_last(live_asgi: LiveServer, job: ImportJob, owner: User) -> None:
    with opened(live_asgi, job, additional_headers=cookie_of(owner)) as socket:
        first = read(str(socket.recv(WAIT)))
        assert (first.outermost.tag, first.outermost["hx-target"]) == ("hx-partial", "#import-live")
        assert first.values("div", "aria-valuenow", role="progressbar") == ["10"]
        finish(job)
        last = read(str(socket.recv(WAIT)))
        assert last.values("div", "aria-valuenow", role="progressbar") == ["100"]
        assert "12 rows imported" in last
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(WAIT)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000


def test_an_api_client_gets_the_job_as_the_api_has_it(live_asgi: LiveServer, job: ImportJob, owner: User) -> None:
    with opened(live_asgi, job, f"?token={token(owner)}") as socket:
        first = json.loads(socket.recv(WAIT))
        assert (first["id"], first["state"], first["rows_read"]) == (job.pk, "running", 10)
        assert first["url"] == f"{live_asgi.url}/api/imports/{job.pk}/"
        sender = Sender()
        sender.send(job.pk, shape(ImportProgress(phase="loading", rows_read=11)))
        second = json.loads(socket.recv(WAIT))
        assert (second["phase"], second["rows_read"], second["id"]) == ("loading", 11, job.pk)
        # Somebody cancels it: the row is not up to date with that message yet.
        sender.send(job.pk, shape(ImportProgress(phase="loading", rows_read=30, progress=0.5)))
        assert json.loads(socket.recv(WAIT))["progress"] == 0.5
        ImportJob.objects.filter(pk=job.pk).update(rows_read=20, progress=0.3, error="It is being cancelled.")
        publish(job.pk)
        third = json.loads(socket.recv(WAIT))
        assert (third["rows_read"], third["progress"], third["error"]) == (30, 0.5, "It is being cancelled.")
        sender.close()
        finish(job)
        assert json.loads(socket.recv(WAIT))["state"] == "completed"


def test_a_new_attempt_is_sent_with_the_rows_state(live_asgi: LiveServer, job: ImportJob, owner: User) -> None:
    with opened(live_asgi, job, f"?token={token(owner)}") as socket:
        assert json.loads(socket.recv(WAIT))["attempt"] == 1
        ImportJob.objects.filter(pk=job.pk).update(attempt=2, started_at=timezone.now(), rows_read=0)
        sender = Sender()
        sender.send(job.pk, shape(ImportProgress(phase="reading", attempt=2, rows_read=3)))
        second = json.loads(socket.recv(WAIT))
        assert second["attempt"] == 2
        assert second["started_at"]
        sender.close()


def test_the_format_may_be_chosen(live_asgi: LiveServer, job: ImportJob, owner: User) -> None:
    with opened(live_asgi, job, "?format=json", additional_headers=cookie_of(owner)) as socket:
        assert json.loads(socket.recv(WAIT))["id"] == job.pk


def test_a_lost_message_does_no_harm(live_asgi: LiveServer, job: ImportJob, owner: User) -> None:
    with opened(live_asgi, job, f"?token={token(owner)}") as socket:
        socket.recv(WAIT)
        ImportJob.objects.filter(pk=job.pk).update(state="failed", error="The disk is full.")
        assert json.loads(socket.recv(WAIT))["error"] == "The disk is full."


def test_a_finished_import_is_sent_once(live_asgi: LiveServer, job: ImportJob, owner: User) -> None:
    finish(job)
    with opened(live_asgi, job, f"?token={token(owner)}") as socket:
        assert json.loads(socket.recv(WAIT))["state"] == "completed"
        with pytest.raises(ConnectionClosed):
            socket.recv(WAIT)


@pytest.mark.parametrize(
    "who", [
        "nobody", "stranger", "stranger's token", "forged token", "token for another table", "foreign page",
        "page on another port", "no such job", "no such address",
    ],
)  # fmt: skip
def test_users_without_access_are_refused_at_the_handshake(
    who: str, live_asgi: LiveServer, job: ImportJob, owner: User, stranger: User
) -> None:
    query, options = "", dict[str, Any]()
    match who:
        case "stranger":
            options["additional_headers"] = cookie_of(stranger)
        case "stranger's token":
            query = f"?token={token(stranger)}"
        case "forged token":
            query = "?token=e30.e30.e30"
        case "token for another table":
            make_table(owner, "other", PEOPLE)
            query = f"?token={create_token(user=owner, name='x', right='own', tables=['other'])[1]}"
        case "foreign page":
            options = {"additional_headers": cookie_of(owner), "origin": "https://evil.example"}
        case "page on another port":
            options = {"additional_headers": cookie_of(owner), "origin": "http://127.0.0.1:1"}
        case "no such job":
            options["additional_headers"] = cookie_of(owner)
            job.pk += 1
        case "no such address":
            options["additional_headers"] = cookie_of(owner)
            query = "nothing/"
    with pytest.raises(InvalidStatus) as refused, opened(live_asgi, job, query, **options):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("how", ["logged out", "disabled", "disabled with a token", "revoked token"])
def test_users_who_lose_access_lose_the_socket(
    how: str, live_asgi: LiveServer, job: ImportJob, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.1)
    headers = cookie_of(owner)
    made, text = create_token(user=owner, name="script", right="view", tables=["people"])
    reached = (
        opened(live_asgi, job, f"?token={text if how == 'revoked token' else token(owner)}")
        if "token" in how
        else opened(live_asgi, job, additional_headers=headers)
    )
    with reached as socket:
        socket.recv(WAIT)
        if how == "logged out":
            client = Client(headers=headers)
            client.cookies["sessionid"] = headers["Cookie"].removeprefix("sessionid=")
            client.post("/logout/")
        elif how == "revoked token":
            made.delete()
        else:
            owner.is_active = False
            owner.save()
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(WAIT)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == consumers.NOT_ALLOWED_ANY_MORE


def test_rejected_rows_come_as_a_file(live_asgi: LiveServer, job: ImportJob, owner: User) -> None:
    finish(job, rows_rejected=1, findings={"headers": ["name", "born"]})
    errors = [{"column": "born", "code": "invalid_type", "message": "is no date"}]
    RejectedRow.objects.create(job=job, line=2, raw="Ann,soon", errors=errors)
    request = Request(f"{live_asgi.url}/imports/{job.pk}/rejected.csv", headers=cookie_of(owner))  # noqa: S310  (our own server)
    with urlopen(request) as response:  # noqa: S310
        assert response.headers["Content-Disposition"] == f'attachment; filename="rejected-{job.pk}.csv"'
        assert response.read().splitlines()[1] == b"Ann,soon,2,born: invalid_type: is no date"


def test_a_table_is_not_needed_while_it_is_being_made(live_asgi: LiveServer, owner: User, stranger: User) -> None:
    job = ImportJob.objects.create(table=None, table_name="new", user=owner, filename="a.csv", state="queued")
    assert not Table.objects.exists()
    with opened(live_asgi, job, f"?token={token(owner)}") as socket:
        assert json.loads(socket.recv(WAIT))["state"] == "queued"
    with pytest.raises(InvalidStatus), opened(live_asgi, job, f"?token={token(stranger)}"):
        pass
