"""Who did what, by what and from where: events of the API, the console, the terminal and jobs; sign-ins."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from dataengine.models import AuditEvent, ImportJob
from dataengine.origin import Origin, acting, current, current_as_json
from dataengine.services import import_runs, imports

from .conftest import MakeTable

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def last() -> AuditEvent:
    found = AuditEvent.objects.first()
    assert found is not None
    return found


def told(event: AuditEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in ("user_name", "via", "via_name", "address", "action")}


def test_a_record_by_the_api(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", name="TEXT")
    client.post("/api/tables/t/records/", {"name": "n"}, REMOTE_ADDR="203.0.113.7")
    inserted = {"user_name": "owner", "via": "jwt", "via_name": "", "address": "203.0.113.7"}
    assert told(last()) == {**inserted, "action": "record.inserted"}
    assert last().table_name == "t"


def test_a_record_in_the_console(owner: User, make_table: MakeTable) -> None:
    table = make_table("t", name="TEXT")
    browser = Client(REMOTE_ADDR="2001:db8::1")
    browser.force_login(owner)
    browser.post("/tables/t/records/new/", {table.columns.get().attribute: "n"})
    assert told(last()) == {
        "user_name": "owner", "via": "session", "via_name": "", "address": "2001:db8::1", "action": "record.inserted",
    }  # fmt: skip
    assert current() == Origin()


@pytest.mark.django_db(transaction=True)
def test_an_import_says_who_asked_for_it(owner: User, make_table: MakeTable) -> None:
    make_table("t", name="TEXT")
    with acting(Origin(via="token", name="nightly", address="203.0.113.7")):
        file = io.BytesIO(b"name\nn\n")
        job = imports.start(user=owner, table=None, table_name="t", file=file, filename="t.csv", send=False)
    assert ImportJob.objects.get().origin == {"via": "token", "name": "nightly", "address": "203.0.113.7"}
    import_runs.run(job.pk)
    assert told(last()) == {
        "user_name": "owner", "via": "token", "via_name": "nightly", "address": "203.0.113.7",
        "action": "import.completed",
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_command_says_its_name(owner: User, make_table: MakeTable, tmp_path: Path) -> None:
    make_table("t", name="TEXT")
    path = tmp_path / "t.csv"
    path.write_text("name\nn\n")
    with acting(Origin(via="command", name="import_csv")):
        call_command("import_csv", str(path), table="t")
    assert (last().via, last().via_name) == ("command", "import_csv")


def test_sign_ins_and_those_in_vain(owner: User, password: str) -> None:
    browser = Client(REMOTE_ADDR="203.0.113.9")
    for name in ("owner", "hunter2"):
        browser.post("/login/", {"username": name, "password": "wrong"})
    browser.post("/login/", {"username": "owner", "password": password})
    browser.post("/logout/")
    APIClient().post("/api/token/", {"username": "owner", "password": "wrong"})
    APIClient().post("/api/token/", {"username": "owner", "password": password})
    events = [(event.action, event.user_name, event.details) for event in AuditEvent.objects.order_by("pk")]
    wrong = ("sign_in.failed", "", {"username": "owner"})
    nobody: tuple[str, str, dict[str, str]] = ("sign_in.failed", "", {})
    assert events == [
        wrong, nobody, ("session.started", "owner", {}), ("session.ended", "owner", {}),
        wrong, ("jwt.issued", "owner", {}),
    ]  # fmt: skip
    assert {event.address for event in AuditEvent.objects.filter(action__startswith="session.")} == {"203.0.113.9"}


def test_what_is_not_known_any_more_is_passed_over() -> None:
    assert Origin.read({"via": "jwt", "agent": "x"}) == Origin(via="jwt")
    with acting(Origin(via="jwt", address="::1")):
        assert current_as_json() == {"via": "jwt", "address": "::1"}
