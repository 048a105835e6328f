"""Undo reverts a change exactly, including ids, unless somebody has changed the records since."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from rest_framework.test import APIClient

from dataengine.models import AuditEvent, RecordChange, Table
from dataengine.records.model import record_model
from dataengine.services import bulk_records
from dataengine.services.audit import Trail
from dataengine.services.undo import undo

from .conftest import MakeTable
from .importing import records
from .test_export_is_exact import QUICK, TYPES, fill, rows_of_values

BULK = "/api/tables/t/records/bulk/"


def take_back(client: APIClient, answer: Any) -> Any:
    return client.post("/api/tables/t/undo/", {"event": int(answer["X-Undo"])})


@pytest.fixture
def table(make_table: MakeTable) -> Table:
    return make_table("t", a="TEXT UNIQUE", n="NUMERIC(8,2)", r="REFERENCES t")


@pytest.fixture
def filled(client: APIClient, table: Table) -> list[Any]:
    made = [{"a": "x", "n": "1.50"}, {"a": "", "n": None}, {"a": None, "n": "3"}, {"a": "y", "n": "4", "r": 1}]
    assert client.post(BULK, {"records": made}).status_code == 201
    return records("t")


CHANGES: dict[str, Any] = {
    "insert": lambda c: c.post("/api/tables/t/records/", {"a": "new"}),
    "update": lambda c: c.patch("/api/tables/t/records/1/", {"a": None, "n": "9.99"}),
    "delete": lambda c: c.delete("/api/tables/t/records/2/"),
    "duplicate": lambda c: c.post("/api/tables/t/records/1/duplicate/", {"a": "copy"}),
    "insert many": lambda c: c.post(BULK, {"records": [{"a": "p"}, {"a": "q"}]}),
    "update many": lambda c: c.patch(
        BULK, {"records": [{"id": 1, "data": {"a": "xx"}}, {"id": 3, "data": {"n": "1", "r": 2}}]}
    ),
    "update matching": lambda c: c.patch(BULK, {"filter": {"id__gte": 2}, "data": {"n": "7.1"}}),
    "delete many": lambda c: c.delete(BULK, {"ids": [1, 4]}),
    "delete matching": lambda c: c.delete(BULK, {"filter": {"id__gte": 1}}),
}


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("name", CHANGES)
def test_each_change_can_be_taken_back_and_made_again(client: APIClient, name: str) -> None:
    before = records("t")
    answer = CHANGES[name](client)
    assert answer.status_code < 300, answer.content
    after = records("t")
    assert after != before
    is_of_many = name.endswith(("many", "matching"))  # one record's answer is the record, flat, and only has X-Undo
    undone = client.post(answer.json()["undo"]) if is_of_many else take_back(client, answer)
    assert (undone.status_code, undone.json()["undone"]) == (200, int(answer["X-Undo"]))
    assert records("t") == before
    again = take_back(client, answer)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_undone")
    assert client.post(undone.json()["undo"]).status_code == 200
    assert records("t") == after


@settings(max_examples=15, phases=QUICK)
@given(rows=rows_of_values, others=rows_of_values)
def test_every_value_comes_back_as_it_was(
    owner: User, make_table: MakeTable, rows: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    table = Table.objects.filter(name="t").first() or make_table("t", **TYPES)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM userdata.t")
    made = fill(table, rows)
    names = ("id", *TYPES)
    before = records("t", *names)
    trail: Trail = []
    if made:
        changes = [
            {"id": row.pk, "data": {"a": other["a"], "i": other["i"], "b": other["b"]}}
            for row, other in zip(made, others, strict=False)
        ]
        if changes:
            bulk_records.update_many(user=owner, table=table, records=changes, trail=trail)
        bulk_records.delete_many(user=owner, table=table, ids=[row.pk for row in made], trail=trail)
        assert records("t", *names) == []
    for event in reversed(trail):
        undo(user=owner, table=table, event_id=event.pk)
    assert records("t", *names) == before


@pytest.mark.usefixtures("filled")
def test_what_was_changed_since_is_left_alone_and_named(client: APIClient) -> None:
    answer = client.patch(BULK, {"filter": {"id__lte": 3}, "data": {"n": "7"}})
    client.patch("/api/tables/t/records/2/", {"n": "8"})
    client.patch("/api/tables/t/records/1/", {"a": "another column"})
    state = records("t")
    refused = take_back(client, answer)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "changed_since")
    assert refused.json()["error"]["ids"] == [2]
    assert records("t") == state
    inserted = client.post("/api/tables/t/records/", {"a": "new"})
    client.delete(f"/api/tables/t/records/{inserted.json()['id']}/")
    assert take_back(client, inserted).json()["error"]["ids"] == [inserted.json()["id"]]


@pytest.mark.usefixtures("filled")
def test_what_the_table_does_not_allow_any_more(client: APIClient) -> None:
    gone = client.delete("/api/tables/t/records/1/")
    assert gone.status_code == 409  # record 4 refers to it
    gone = client.delete(BULK, {"ids": [1, 4]})
    client.post("/api/tables/t/records/", {"a": "x"})
    refused = take_back(client, gone)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "undo_refused")
    assert list(refused.json()["error"]["fields"]) == ["a"]


@pytest.mark.usefixtures("filled")
def test_columns_may_come_go_and_be_renamed_meanwhile(client: APIClient) -> None:
    changed = client.patch("/api/tables/t/records/1/", {"a": "xx", "n": "2"})
    gone = client.delete("/api/tables/t/records/2/")
    client.post("/api/tables/t/columns/", {"column_name": "extra", "column_type": "INTEGER DEFAULT 5"})
    client.patch("/api/tables/t/columns/a/", {"column_name": "b"})
    client.delete("/api/tables/t/columns/n/")
    for answer in (gone, changed):
        assert take_back(client, answer).status_code == 200
    found = client.get("/api/tables/t/records/").json()["results"]
    assert found[:2] == [{"id": 1, "b": "x", "r": None, "extra": 5}, {"id": 2, "b": "", "r": None, "extra": 5}]


@pytest.mark.parametrize("body", [{}, {"event": "x"}, {"event": 0}, {"event": 2**70}, {"event": None}])
def test_bad_bodies(client: APIClient, table: Table, body: dict[str, Any]) -> None:
    answer = client.post("/api/tables/t/undo/", body)
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["event"])


@pytest.mark.usefixtures("filled")
def test_only_changes_of_records_of_this_table_by_who_may_edit(
    api: Any, client: APIClient, make_table: MakeTable, share: Any, table: Table, colleague: User, stranger: User
) -> None:
    other = make_table("other", a="TEXT")
    event = client.post("/api/tables/other/records/", {"a": "x"})
    assert take_back(client, event).status_code == 404
    created = AuditEvent.objects.filter(table=other, action="table.created").first()
    assert created is not None
    assert client.post("/api/tables/other/undo/", {"event": created.pk}).status_code == 404
    mine = client.patch("/api/tables/t/records/1/", {"a": "z"})
    assert take_back(api(stranger), mine).status_code == 404
    share(table, colleague, "view")
    assert take_back(api(colleague), mine).status_code == 403
    share(table, colleague, "edit")
    assert take_back(api(colleague), mine).status_code == 200


def test_very_many_records_in_a_few_statements(owner: User, client: APIClient, table: Table) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO userdata.t (a, n) SELECT g::text, g FROM generate_series(1, 30000) g")
    before = records("t")
    with CaptureQueriesContext(connection) as queries:
        changed = client.patch(BULK, {"filter": {"id__gte": 1}, "data": {"n": "0"}})
        gone = client.delete(BULK, {"filter": {"id__gte": 1}})
    assert changed.json()["updated"] == gone.json()["deleted"] == 30_000
    assert len(queries) < 60
    assert RecordChange.objects.count() == 60_000
    with CaptureQueriesContext(connection) as queries:
        assert take_back(client, gone).json()["count"] == 30_000
        assert take_back(client, changed).json()["count"] == 30_000
    assert len(queries) < 60
    assert records("t") == before
    assert record_model(table).objects.create().pk == 30_001
