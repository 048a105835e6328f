"""A right that is taken away is gone at once, or in some seconds from what is under way.


How often is asked (every two seconds and a bit) is set to always where a test would otherwise wait.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from rest_framework_simplejwt.tokens import AccessToken
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from dataengine.http import streaming
from dataengine.imports.loading.appending import Appending
from dataengine.models import ImportJob, Table
from dataengine.services import import_runs, sharing, tokens
from dataengine.tests.importing import import_text, queue_import, records
from webui import consumers
from webui.tests.conftest import make_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from conftest import LiveServer

PROMISED_SECONDS = 5
WAIT = 60
LONG = 60_000
"""Records of so many bytes that they are in no buffer between server and client."""


@pytest.fixture
def table(transactional_db: None, owner: User, colleague: User) -> Table:
    made = make_table(owner, "t", {"name": "TEXT"})
    sharing.give(user=owner, table=made, kind="user", name="colleague", right="edit")
    return made


@pytest.fixture
def revoke(owner: User, table: Table) -> Callable[[], Any]:
    return lambda: sharing.take(user=owner, table=table, kind="user", name="colleague")


def cookie_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}"


def test_what_is_asked_again_is_asked_often_enough() -> None:
    assert streaming.RECHECK_SECONDS <= PROMISED_SECONDS - 1
    assert consumers.RECHECK_SECONDS + consumers.POLL_SECONDS <= PROMISED_SECONDS


def test_an_open_socket_is_closed(
    live_asgi: LiveServer, table: Table, colleague: User, revoke: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.1)
    job = ImportJob.objects.create(table=table, table_name="t", user=table.owner, filename="a.csv", state="running")
    url = f"{live_asgi.ws_url}/ws/imports/{job.pk}/?token={AccessToken.for_user(colleague)}"
    with connect(url, open_timeout=WAIT) as opened:
        assert json.loads(opened.recv(WAIT))["id"] == job.pk
        revoke()
        with pytest.raises(ConnectionClosed) as closed:
            opened.recv(WAIT)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == consumers.NOT_ALLOWED_ANY_MORE


@pytest.mark.parametrize(
    ("path", "by", "how"),
    [
        ("/api/tables/t/export/?format=csv", "jwt", "right"),
        ("/api/tables/t/export/?format=csv", "jwt", "account"),
        ("/api/tables/t/export/?format=json", "token", "credential"),
        ("/tables/t/export/csv/", "session", "right"),
        ("/tables/t/export/csv/", "session", "credential"),
    ],
)
def test_a_running_export_breaks_off(
    live_asgi: LiveServer, table: Table, colleague: User, owner: User, revoke: Callable[[], Any],
    path: str, by: str, how: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(streaming, "RECHECK_SECONDS", 0.0)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO userdata.t (name) SELECT repeat('x', 300) FROM generate_series(1, %s)", [LONG])
    made, text = tokens.create_token(user=colleague, name="nightly", right="view")
    bearer = str(AccessToken.for_user(colleague)) if by == "jwt" else text
    cookie = cookie_of(colleague)
    headers = {"Cookie": cookie} if by == "session" else {"Authorization": f"Bearer {bearer}"}
    server = urlsplit(live_asgi.url)
    client = http.client.HTTPConnection(server.hostname or "", server.port, timeout=WAIT)
    client.connect()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    client.request("GET", path, headers=headers)
    answer = client.getresponse()
    assert answer.status == 200
    answer.read(1000)
    match how:
        case "right":
            revoke()
        case "account":
            colleague.is_active = False
            colleague.save()
        case _:
            made.delete()
            Client(headers={"Cookie": cookie}).post("/logout/")
    with pytest.raises(http.client.IncompleteRead) as broken:
        answer.read()
    assert len(broken.value.partial) < LONG * 300 / 2
    client.close()


def test_an_export_goes_on_for_who_may_see_it(
    live_asgi: LiveServer, table: Table, colleague: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "RECHECK_SECONDS", 0.0)
    import_text(table.owner, "t", "name\n" + "n\n" * 30_000)
    server = urlsplit(live_asgi.url)
    client = http.client.HTTPConnection(server.hostname or "", server.port, timeout=WAIT)
    client.request("GET", "/tables/t/export/csv/", headers={"Cookie": cookie_of(colleague)})
    assert client.getresponse().read().count(b"\n") == 30_001
    client.close()


def test_an_upload_takes_no_further_piece(
    client: Client, table: Table, colleague: User, revoke: Callable[[], Any]
) -> None:
    client.force_login(colleague)
    tus = {"Tus-Resumable": "1.0.0"}
    metadata = ",".join(f"{key} {base64.b64encode(text).decode()}" for key, text in
                        (("filename", b"a.csv"), ("table", b"t")))  # fmt: skip
    begun = client.post("/uploads/", headers={**tus, "Upload-Length": "10", "Upload-Metadata": metadata})
    url = begun.headers["Location"]

    def send(offset: int) -> Any:
        headers = {**tus, "Upload-Offset": str(offset)}
        return client.patch(url, b"name\n", content_type="application/offset+octet-stream", headers=headers)

    assert send(0).status_code == 204
    revoke()
    assert send(5).status_code == 403
    assert client.head(url, headers=tus).status_code == 403
    assert client.post("/tables/t/import/", {"draft": url.split("/")[-2], "do": "start"}).status_code == 404
    refused = client.post("/uploads/", headers={**tus, "Upload-Length": "10", "Upload-Metadata": metadata})
    assert refused.status_code == 404
    assert not ImportJob.objects.exists()


def test_a_queued_import_loads_nothing(table: Table, colleague: User, revoke: Callable[[], Any]) -> None:
    job = queue_import(colleague, "t", "name\nn\n")
    revoke()
    done = import_runs.run(job.pk)
    assert done is not None
    assert (done.state, done.error_code) == ("failed", "permission_denied")
    assert records("t") == []


def test_an_import_that_runs_loads_nothing(
    table: Table, colleague: User, revoke: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    secure = Appending.secure

    def secure_while_the_right_is_taken_away(loader: Appending) -> None:
        secure(loader)
        revoke()

    monkeypatch.setattr(Appending, "secure", secure_while_the_right_is_taken_away)
    import_text(table.owner, "t", "name\nfirst\n")  # by the owner, and so that the next one is appended
    sharing.give(user=table.owner, table=table, kind="user", name="colleague", right="edit")
    done = import_text(colleague, "t", "name\nn\n")
    assert (done.state, done.error_code) == ("failed", "permission_denied")
    assert records("t", "name") == [("first",)]


def test_who_is_shut_out_imports_nothing(
    table: Table, colleague: User, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_text(owner, "t", "name\nfirst\n")  # so that the next one is appended
    queued = queue_import(colleague, "fresh", "name\nn\n", create_table=True)
    secure, others = Appending.secure, type(colleague).objects.filter(pk=colleague.pk)

    def secure_while_the_user_is_shut_out(loader: Appending) -> None:
        secure(loader)
        others.update(is_active=False)

    monkeypatch.setattr(Appending, "secure", secure_while_the_user_is_shut_out)
    running = import_text(colleague, "t", "name\nn\n")
    others.update(is_active=False)  # the import took that back with the rest
    for done in (running, import_runs.run(queued.pk)):
        assert done is not None
        assert (done.state, done.error_code) == ("failed", "permission_denied")
    assert records("t", "name") == [("first",)]
    assert not Table.objects.filter(name="fresh").exists()
