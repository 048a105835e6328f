"""Webhooks: signed messages at the end of imports, tried again, sent again, and never to an address inside."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient
from standardwebhooks import Webhook as Verifier

from dataengine import outgoing
from dataengine.models import AuditEvent, Delivery, ImportJob
from dataengine.services import import_runs, imports, sharing, webhook_runs

from .conftest import MakeTable

if TYPE_CHECKING:
    from django.contrib.auth.models import User

HOOKS = "/api/tables/t/webhooks/"
# Imports are watched by a session of their own, which must see their rows.
commits = pytest.mark.django_db(transaction=True)


class Receiver:
    """A server that keeps what it gets, and answers with ``status``."""

    def __init__(self) -> None:
        self.status = 204
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((self.path, {name.lower(): text for name, text in self.headers.items()}, body))
                self.send_response(receiver.status)
                if receiver.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.OUTGOING_ALLOW = [ip_network("127.0.0.0/8")]
    made = Receiver()
    yield made
    made.close()


def imported(owner: User, content: bytes = b"name\nn\n", **options: Any) -> ImportJob:
    job = imports.start(
        user=owner, table=None, table_name="t", file=io.BytesIO(content), filename="t.csv", options=options, send=False
    )
    import_runs.run(job.pk)
    job.refresh_from_db()
    assert job.is_over
    return job


def run_all() -> list[Delivery]:
    return [found for pk in Delivery.objects.values_list("pk", flat=True) if (found := webhook_runs.run(pk))]


def is_due() -> None:
    Delivery.objects.update(try_again_at=timezone.now() - timedelta(seconds=1))


@commits
def test_the_end_of_an_import_is_told_and_signed(
    client: APIClient, owner: User, make_table: MakeTable, receiver: Receiver
) -> None:
    make_table("t", name="TEXT")
    made = client.post(HOOKS, {"url": receiver.url}).json()
    assert made["events"] == ["import.completed", "import.failed"]
    assert made["secret"].startswith("whsec_")
    job = imported(owner, b"name\nn\nm\n")
    [delivery] = run_all()
    assert (delivery.state, delivery.tries[0]["status"]) == ("completed", 204)
    [(path, headers, body)] = receiver.got
    message = Verifier(made["secret"]).verify(body, headers)
    assert path == "/hook"
    assert message["type"] == "import.completed"
    assert message["data"]["id"] == job.pk
    assert message["data"]["rows_imported"] == 2
    assert message["data"]["url"].startswith("http")
    run_all()
    webhook_runs.sweep()
    assert len(receiver.got) == 1
    assert Delivery.objects.count() == 1


@commits
def test_only_what_was_asked_for_is_told(
    client: APIClient, owner: User, make_table: MakeTable, receiver: Receiver
) -> None:
    make_table("t", name="INTEGER")
    client.post(HOOKS, {"url": receiver.url, "events": ["import.failed"]})
    imported(owner, b"name\n1\n")
    assert not Delivery.objects.exists()
    job = imported(owner, b"name\nx\n", on_error="abort")
    assert job.state == "failed"
    run_all()
    [(_, _, body)] = receiver.got
    message = json.loads(body)
    assert message["type"] == "import.failed"
    assert message["data"]["errors"][0]["code"] == "invalid_type"


@commits
def test_what_is_not_taken_is_tried_again_with_growing_pauses(
    client: APIClient, owner: User, make_table: MakeTable, receiver: Receiver
) -> None:
    make_table("t", name="TEXT")
    client.post(HOOKS, {"url": receiver.url})
    receiver.status = 503
    imported(owner)
    pauses = []
    for _ in range(Delivery.MAX_ATTEMPTS - 1):
        [delivery] = run_all()
        assert delivery.state == "queued"
        assert delivery.try_again_at is not None
        pauses.append(round((delivery.try_again_at - timezone.now()).total_seconds(), -1))
        assert webhook_runs.sweep() == []
        is_due()
        assert webhook_runs.sweep() == [delivery.pk]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 14 * 3600
    [delivery] = run_all()
    assert delivery.state == "failed"
    assert len(receiver.got) == len(delivery.tries) == Delivery.MAX_ATTEMPTS
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1


@commits
def test_a_message_is_sent_again_on_demand(
    client: APIClient, owner: User, make_table: MakeTable, receiver: Receiver
) -> None:
    make_table("t", name="TEXT")
    hook = client.post(HOOKS, {"url": receiver.url}).json()["id"]
    receiver.status = 302
    imported(owner)
    for _ in range(Delivery.MAX_ATTEMPTS):
        run_all()
        is_due()
    assert {path for path, _, _ in receiver.got} == {"/hook"}  # the redirect was not followed
    [shown] = client.get(f"{HOOKS}{hook}/deliveries/").json()["results"]
    assert shown["state"] == "failed"
    assert shown["tries"][0]["error"] == "The address answered 302."
    assert shown["payload"]["type"] == shown["event"] == "import.completed"
    assert shown["next_try_at"] is None
    receiver.status = 200
    again = client.post(f"{HOOKS}{hook}/deliveries/{shown['id']}/again/")
    assert again.status_code == 202
    assert again.json()["state"] == "queued"
    twice = client.post(f"{HOOKS}{hook}/deliveries/{shown['id']}/again/")
    assert twice.status_code == 409
    assert twice.json()["error"]["code"] == "delivery_running"
    [delivery] = run_all()
    assert delivery.state == "completed"
    assert len(delivery.tries) == Delivery.MAX_ATTEMPTS + 1
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1


@commits
def test_who_is_gone_is_left_alone(client: APIClient, owner: User, make_table: MakeTable, receiver: Receiver) -> None:
    make_table("t", name="TEXT")
    hook = client.post(HOOKS, {"url": receiver.url}).json()["id"]
    receiver.status = 410
    imported(owner)
    [delivery] = run_all()
    assert delivery.state == "failed"
    assert client.get(f"{HOOKS}{hook}/").json()["active"] is False
    imported(owner)
    assert Delivery.objects.count() == 1
    assert client.patch(f"{HOOKS}{hook}/", {"active": True}).json()["active"] is True


@commits
def test_it_stops_with_its_maker_s_right(
    client: APIClient, api: Callable[[User], APIClient], owner: User, colleague: User, make_table: MakeTable,
    receiver: Receiver,
) -> None:  # fmt: skip
    table = make_table("t", name="TEXT")
    group = Group.objects.create(name="designers")
    colleague.groups.add(group)
    sharing.give(user=owner, table=table, kind="user", name="colleague", right="design")
    sharing.give(user=owner, table=table, kind="group", name="designers", right="design")
    hook = api(colleague).post(HOOKS, {"url": receiver.url}).json()["id"]
    receiver.status = 503
    imported(owner)
    assert [delivery.state for delivery in run_all()] == ["queued"]
    sharing.take(user=owner, table=table, kind="user", name="colleague")
    assert client.get(f"{HOOKS}{hook}/").json()["active"] is True, "the group's right is one, too"
    # Taken away where no service notices: by Django's admin.
    group.delete()
    is_due()
    assert [delivery.state for delivery in run_all()] == ["failed"]
    shown = client.get(f"{HOOKS}{hook}/").json()
    assert (shown["active"], shown["stopped"], shown["created_by"]) == (False, "right", "colleague")
    sharing.give(user=owner, table=table, kind="user", name="colleague", right="design")
    imported(owner)
    assert client.get(f"{HOOKS}{hook}/").json()["active"] is False, "a right that is given back starts nothing"
    again = client.patch(f"{HOOKS}{hook}/", {"active": True}).json()
    assert (again["active"], again["stopped"], again["created_by"]) == (True, None, "owner")
    api(colleague).patch(f"{HOOKS}{hook}/", {"url": f"{receiver.url}/mine"})
    sharing.give(user=owner, table=table, kind="user", name="colleague", right="edit")
    assert client.get(f"{HOOKS}{hook}/").json()["stopped"] == "right", "whoever changes the address answers for it"
    imported(owner)
    assert len(receiver.got) == 1
    stopped = AuditEvent.objects.filter(action="webhook.stopped")
    assert {event.user_name for event in stopped} == {"", "owner"}


@commits
def test_a_message_that_a_crash_prevented_is_made(
    client: APIClient, owner: User, make_table: MakeTable, receiver: Receiver
) -> None:
    make_table("t", name="TEXT")
    before = imported(owner)
    client.post(HOOKS, {"url": receiver.url})
    job = imported(owner)
    # As if the worker had been killed after the commit.
    Delivery.objects.all().delete()
    ImportJob.objects.filter(pk=job.pk).update(announced_at=None)
    webhook_runs.sweep()
    [delivery] = Delivery.objects.all()
    assert delivery.import_job_id == job.pk != before.pk


INSIDE = [
    "https://127.0.0.1/", "https://localhost/", "https://a.localhost./", "https://10.0.0.8/x", "https://192.168.1.1/",
    "https://172.16.0.1:8443/", "https://169.254.169.254/latest/meta-data/", "https://[::1]/", "https://[fe80::1]/",
    "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://[2002:a00:1::]/", "https://2130706433/",
    "https://0x7f.1/", "https://0/", "https://100.64.0.1/", "https://[fd00:ec2::254]/", "https://224.0.0.1/",
    "https://[::7f00:1]/", "https://[::ffff:0:a00:1]/", "https://[64:ff9b:1::a00:1]/", "https://[fec0::1]/",
]  # fmt: skip
NO_ADDRESSES = [
    "http://example.com/", "ftp://example.com/", "example.com", "https://", "https://user:secret@example.com/", "",
    "https://exa mple.com/", "https://example.com:99999/", "https://[::1/", "javascript:alert(1)", "https://a\nb/",
]  # fmt: skip


def test_an_address_that_may_not_be_reached_is_refused(
    client: APIClient, make_table: MakeTable, subtests: pytest.Subtests
) -> None:
    make_table("t", name="TEXT")
    for url in [*INSIDE, *NO_ADDRESSES]:
        with subtests.test(url=url):
            answer = client.post(HOOKS, {"url": url})
            assert answer.status_code == 400, answer.content
            assert list(answer.json()["error"]["fields"]) == ["url"]


@pytest.mark.parametrize("address", ["10.0.0.8", "127.0.0.1", "169.254.169.254", "::1", "fe80::1%lo"])
def test_a_name_of_an_inner_address_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, address: str
) -> None:
    settings.OUTGOING_ALLOW = []
    outer = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443))
    inner = (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))
    # What a name server would say; there is none here. One inner address among outer ones is enough to refuse.
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [outer, inner])
    with pytest.raises(outgoing.Refused, match="not public"):
        outgoing.post("https://hooks.example.com/", b"", {})


def test_plain_http_is_for_allowed_networks(client: APIClient, make_table: MakeTable, settings: Settings) -> None:
    settings.OUTGOING_ALLOW = [ip_network("10.1.0.0/16")]
    make_table("t", name="TEXT")
    assert client.post(HOOKS, {"url": "http://10.1.2.3/"}).status_code == 201
    assert client.post(HOOKS, {"url": "http://10.2.2.3/"}).status_code == 400


def test_bodies_are_checked(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", name="TEXT")
    url = "https://hooks.example.com/"
    for body, field in [
        ({}, "url"),
        ({"url": url, "events": []}, "events"),
        ({"url": url, "events": ["import.started"]}, "events.0"),
        ({"url": url, "secret": "whsec_short"}, "secret"),
        ({"url": url, "colour": "red"}, "colour"),
        ({"url": url + "x" * 2000}, "url"),
    ]:
        answer = client.post(HOOKS, body)
        assert answer.status_code == 400, body
        assert list(answer.json()["error"]["fields"]) == [field]
    given = "whsec_" + "QUJD" * 10
    assert client.post(HOOKS, {"url": url, "secret": given}).json()["secret"] == given
    [shown] = client.get(HOOKS).json()["results"]
    assert "secret" not in shown
    assert shown["created_by"] == "owner"
    # What was read may be sent back.
    changed = client.patch(f"{HOOKS}{shown['id']}/", {**shown, "events": ["import.failed"]})
    assert changed.json()["events"] == ["import.failed"]
    assert client.patch(f"{HOOKS}{shown['id']}/", {"id": shown["id"] + 1}).status_code == 400
    assert client.delete(f"{HOOKS}{shown['id']}/").status_code == 204
    assert client.get(f"{HOOKS}{shown['id']}/").status_code == 404
    actions = AuditEvent.objects.filter(action__startswith="webhook").values_list("action", flat=True)
    assert list(actions) == ["webhook.deleted", "webhook.changed", "webhook.created"]


def test_only_designers_have_them(
    make_table: MakeTable,
    api: Callable[[User], APIClient],
    client: APIClient,
    share: Any,
    colleague: User,
    stranger: User,
) -> None:
    table = make_table("t", name="TEXT")
    hook = client.post(HOOKS, {"url": "https://hooks.example.com/"}).json()["id"]
    share(table, colleague, "edit")
    for path in (HOOKS, f"{HOOKS}{hook}/", f"{HOOKS}{hook}/deliveries/"):
        assert api(colleague).get(path).status_code == 403
        assert api(stranger).get(path).status_code == 404
    make_table("u", name="TEXT")
    assert client.get(f"/api/tables/u/webhooks/{hook}/").status_code == 404
