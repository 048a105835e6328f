"""``/api/tables/{t}/activity/``, ``/api/activity/``, ``…/records/{id}/history/``: who did what, before and after."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from dataengine import access
from dataengine.models import AuditEvent, RecordChange, Table
from dataengine.services import retention
from dataengine.services.tokens import create_token
from dataengine.tests.importing import import_text
from dataengine.tests.indexing import plans_of_selects
from dataengine.tests.old_events import age

from .conftest import MakeTable

if TYPE_CHECKING:
    from django.contrib.auth.models import User

type Api = Callable[[User], APIClient]
URL = "/api/tables/t/activity/"


@pytest.fixture
def table(make_table: MakeTable) -> Table:
    return make_table("t", name="TEXT", amount="NUMERIC(6,2)", ok="BOOLEAN")


def told(client: APIClient, query: str = "", url: str = URL) -> list[dict[str, Any]]:
    answer = client.get(url + query)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def actions(client: APIClient, query: str = "", url: str = URL) -> list[str]:
    return [event["action"] for event in told(client, query, url)]


def test_records_are_told_with_before_and_after(client: APIClient, table: Table) -> None:
    pk = client.post("/api/tables/t/records/", {"name": "n", "amount": "1.5", "ok": True}).json()["id"]
    client.patch(f"/api/tables/t/records/{pk}/", {"amount": "2.5"})
    client.delete(f"/api/tables/t/records/{pk}/")
    deleted, updated, inserted, made = told(client)
    whole = {"name": "n", "amount": "2.50", "ok": True}
    assert [(one["before"], one["after"]) for one in (deleted, updated, inserted)] == [
        (whole, None),
        ({"amount": "1.50"}, {"amount": "2.50"}),
        (None, whole | {"amount": "1.50"}),
    ]
    assert (made["action"], made["undo"]) == ("table.created", None)
    assert {key: updated[key] for key in ("user", "via", "address", "action", "record", "table_name", "import")} == {
        "user": "owner", "via": "jwt", "address": "127.0.0.1", "action": "record.updated", "record": pk,
        "table_name": "t", "import": None,
    }  # fmt: skip
    assert client.post(deleted["undo"]).status_code == 200
    assert told(client)[1]["undo"] is None, "undone already"


def test_columns_names_sharing_exports_and_imports_are_told(client: APIClient, table: Table, colleague: User) -> None:
    client.patch("/api/tables/t/columns/amount/", {"column_name": "price", "required": True})
    client.patch("/api/tables/t/", {"table_name": "u"})
    client.put("/api/tables/u/sharing/", {"grants": [{"user": "colleague", "right": "view"}]})
    assert b"".join(client.get("/api/tables/u/export/?format=csv&name__contains=x&order_by=name"))
    exported, shared, renamed, changed, _ = told(client, url="/api/tables/u/activity/")
    assert exported["details"] == {"format": "csv", "filter": {"name__contains": "x"}}
    assert (shared["before"], shared["after"]) == (
        {"grants": []},
        {"grants": [{"user": "colleague", "right": "view"}]},
    )
    assert (renamed["before"], renamed["after"]) == ({"table_name": "t"}, {"table_name": "u"})
    assert changed["action"] == "column.changed"
    assert changed["after"]["name"] == "price"
    assert changed["after"]["required"] is True


@pytest.mark.django_db(transaction=True)
def test_an_import_is_one_event_and_one_that_fails_one_too(client: APIClient, table: Table) -> None:
    done = import_text(table.owner, "t", "name,amount\n" + "n,1\n" * 50)
    failed = import_text(table.owner, "t", "name,amount\nn,x\n", on_error="abort")
    second, first, _ = told(client)
    assert (first["action"], first["import"], first["details"]["rows_imported"]) == ("import.completed", done.pk, 50)
    assert (second["action"], second["import"]) == ("import.failed", failed.pk)
    assert "1 row has errors" in second["details"]["reason"]


@pytest.mark.django_db(transaction=True)
def test_a_record_has_its_history_from_the_line_of_the_file_on(client: APIClient, table: Table, api: Api) -> None:
    job = import_text(table.owner, "t", "name,amount\nfirst,1\nsecond,2\n")
    pk = client.get("/api/tables/t/records/?name=second").json()["results"][0]["id"]
    url = f"/api/tables/t/records/{pk}/"
    client.patch(url, {"amount": "3"})
    client.patch("/api/tables/t/records/bulk/", {"filter": {"name": "second"}, "data": {"ok": True}})
    client.delete(url)
    deleted, bulk, updated, imported = told(client, url=f"{url}history/")
    assert (imported["import"], imported["line"], imported["before"]) == (job.pk, 3, None)
    assert imported["after"] == {"name": "second", "amount": "2.00", "ok": None}
    assert (updated["before"], updated["after"]) == ({"amount": "2.00"}, {"amount": "3.00"})
    assert (updated["user"], updated["import"], updated["line"]) == ("owner", None, None)
    assert (bulk["before"], bulk["after"]) == ({"ok": None}, {"ok": True})
    assert bulk["state"] == {"name": "second", "amount": "3.00", "ok": True}
    assert (deleted["after"], deleted["state"]) == (None, None)
    assert client.post(deleted["undo"]).status_code == 200
    assert actions(client, url=f"{url}history/")[0] == "records.inserted"
    page = client.get(f"{url}history/?limit=2&page=2").json()
    assert (page["count"], len(page["results"])) == (5, 2)
    assert page["next"].endswith("page=3")


@pytest.mark.django_db(transaction=True)
def test_an_update_by_an_import_says_its_line(client: APIClient, make_table: MakeTable, owner: User) -> None:
    make_table("k", key="TEXT UNIQUE", n="INTEGER")
    import_text(owner, "k", "key,n\na,1\n")
    job = import_text(owner, "k", "key,n\nb,1\na,2\n", on_conflict="update", key="key")
    url = f"/api/tables/k/records/{client.get('/api/tables/k/records/?key=a').json()['results'][0]['id']}/history/"
    changed, made = told(client, url=url)
    assert (changed["import"], changed["line"]) == (job.pk, 3)
    assert (changed["before"]["n"], changed["after"]["n"]) == (1, 2)
    assert made["line"] == 2


def test_the_history_of_a_record_is_looked_up_among_very_many(client: APIClient, table: Table) -> None:
    pk = client.post("/api/tables/t/records/", {"name": "x"}).json()["id"]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dataengine_recordchange (event_id, record_id) SELECT %s, 999 + generate_series(1, 30000)",
            [AuditEvent.objects.latest("id").pk],
        )
        cursor.execute("ANALYZE dataengine_recordchange")
    with plans_of_selects("dataengine_recordchange") as plans:
        assert len(told(client, url=f"/api/tables/t/records/{pk}/history/")) == 1
    assert plans
    for plan in plans:
        assert "recordchange_by_record" in plan


def test_values_of_a_type_that_the_column_had_are_texts(client: APIClient, table: Table) -> None:
    pk = client.post("/api/tables/t/records/", {"name": "x"}).json()["id"]
    client.patch(f"/api/tables/t/records/{pk}/", {"name": "5"})
    client.patch("/api/tables/t/columns/name/", {"column_type": "INTEGER"})
    history = told(client, url=f"/api/tables/t/records/{pk}/history/")
    assert history[0]["before"] == {"name": "x"}
    assert client.get("/api/tables/t/records/99/history/").status_code == 404


def test_filters(client: APIClient, api: Api, table: Table, colleague: User) -> None:
    client.put("/api/tables/t/sharing/", {"grants": [{"user": "colleague", "right": "edit"}]})
    api(colleague).post("/api/tables/t/records/", {"name": "n"})
    assert actions(client, "?user=colleague") == ["record.inserted"]
    assert actions(client, "?action=record") == actions(client, "?action=record.inserted") == ["record.inserted"]
    assert actions(client, "?action=table,sharing.changed") == ["sharing.changed", "table.created"]
    assert actions(client, "?action=rec") == []
    today = timezone.now().date()
    assert len(told(client, f"?since={today}&until={today}")) == 3
    assert told(client, f"?since={today + timedelta(days=1)}") == []
    moment = AuditEvent.objects.get(action="sharing.changed").created_at.isoformat()
    assert actions(client, f"?until={moment}") == ["sharing.changed", "table.created"]
    assert actions(client, "?limit=1&page=2") == ["sharing.changed"]
    assert told(client, "?user=&action=&since=&until=") == told(client)


@pytest.mark.parametrize(
    "query",
    ["since=yesterday", "until=2026-02-30", "since=0000-00-00", "page=0", "limit=1001", "format=xml", "since=%00"],
)
def test_what_makes_no_sense_is_named(client: APIClient, table: Table, query: str) -> None:
    answer = client.get(f"{URL}?{query}")
    assert answer.status_code == 400
    assert query.split("=")[0] in answer.json()["error"]["fields"]


def test_as_csv_for_spreadsheets(client: APIClient, table: Table) -> None:
    client.post("/api/tables/t/records/", {"name": "=1+1"})
    client.get("/api/tables/t/export/")
    answer = client.get(f"{URL}?format=csv&action=record,table")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "t-activity.csv" in answer["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert [row["action"] for row in rows] == ["record.inserted", "table.created"]
    assert rows[0]["after"].startswith('{"name": "=1+1"')


def test_who_may_see_what(client: APIClient, api: Api, table: Table, colleague: User, stranger: User) -> None:
    client.post("/api/tables/t/records/", {"name": "secret"})
    client.put("/api/tables/t/sharing/", {"grants": [{"user": "colleague", "right": "view"}]})
    inserted = told(api(colleague), "?action=record.inserted")[0]
    assert inserted["after"]["name"] == "secret"
    assert (inserted["address"], inserted["request_id"], inserted["undo"]) == (None, None, None)
    assert told(client)[0]["request_id"]
    for url in (URL, "/api/tables/t/records/1/history/"):
        assert api(stranger).get(url).json()["error"]["code"] == "table_not_found"
    for user in (colleague, stranger):
        assert api(user).get("/api/activity/").status_code == 403
    stranger.is_superuser = True
    stranger.save()
    everything = told(api(stranger), url="/api/activity/")
    assert [event["action"] for event in everything] == ["sharing.changed", "record.inserted", "table.created"]
    assert everything[1]["address"] == "127.0.0.1"
    assert (everything[1]["after"], everything[1]["undo"]) == (None, None), "administrators are not owners"
    assert api(stranger).get(URL).status_code == 404
    allowed: list[tuple[access.Right, int]] = [("view", 403), ("own", 200)]
    for right, status in allowed:
        _, text = create_token(user=stranger, name="t", right=right)
        bearer = APIClient(headers={"Authorization": f"Bearer {text}"})
        assert bearer.get("/api/activity/").status_code == status


def test_what_is_too_old_is_swept(client: APIClient, table: Table, settings: Settings) -> None:
    pk = client.post("/api/tables/t/records/", {"name": "n"}).json()["id"]
    client.patch(f"/api/tables/t/records/{pk}/", {"name": "m"})
    old = AuditEvent.objects.get(action="record.inserted")
    age(AuditEvent.objects.filter(pk__lte=old.pk), days=40)
    settings.UNDO_DAYS, settings.TRASH_DAYS, settings.AUDIT_DAYS = 30, 30, 60
    assert told(client)[1]["undo"] is None
    refused = client.post(f"/api/tables/t/undo/{old.pk}/")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "undo_expired")
    assert retention.sweep() == (1, 0)
    assert (told(client)[1]["action"], told(client)[1]["after"]) == ("record.inserted", None)
    settings.AUDIT_DAYS = 35
    assert retention.sweep() == (0, 2)
    assert actions(client) == ["record.updated"]
    assert RecordChange.objects.count() == 1
    settings.AUDIT_DAYS = 0
    assert retention.sweep() == (0, 0)
    assert retention.holdings().since == AuditEvent.objects.get().created_at


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE dataengine_auditevent SET action = 'x'",
        "UPDATE dataengine_auditevent SET user_id = NULL, details = '{}'",
        "DELETE FROM dataengine_auditevent",
        "TRUNCATE dataengine_auditevent CASCADE",
    ],
)
@pytest.mark.django_db(transaction=True)
def test_nobody_changes_what_was_written(owner: User, table: Table, statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_its_writer_completes_it_and_users_may_go(owner: User, table: Table, colleague: User) -> None:
    with transaction.atomic():
        with transaction.atomic():
            event = AuditEvent.objects.create(user=colleague, user_name="colleague", action="token.created")
        with transaction.atomic():
            event.details = {"name": "n"}
            event.save()
    event.action = "token.deleted"
    with pytest.raises(DatabaseError, match="append-only"):
        event.save()
    colleague.delete()
    event.refresh_from_db()
    assert (event.user, event.user_name) == (None, "colleague")
