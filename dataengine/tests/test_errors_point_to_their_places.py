"""Bodies that make and change tables are checked by their published schemas first; every error has its place."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from dataengine.models import AuditEvent, Table

from .conftest import MakeTable


def places(answer: Any) -> set[str]:
    assert 400 <= answer.status_code < 500, answer.content
    return {entry["pointer"] for entry in answer.json()["error"].get("pointers", ())}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"/table_name", "/fields"}),
        ({"table_name": 5, "fields": {"a": "TEXT"}, "colour": 1}, {"/table_name", "/colour"}),
        ({"table_name": "t", "fields": {}}, {"/fields"}),
        (
            {"table_name": "t", "fields": {"a": 5, "b": {"unique": 1}, "c/~": {"type": "TEXT", "nope": 1}}},
            {"/fields/a", "/fields/b/type", "/fields/b/unique", "/fields/c~1~0/nope"},
        ),
        ({"table_name": "t", "fields": {"a": {"type": "INT", "constraints": {"minimum": "x"}}}},
         {"/fields/a/constraints/minimum"}),
        ({"table_name": "t", "fields": {"a": "NIX", "b": {"type": "NIX"}}}, {"/fields/a", "/fields/b/type"}),
        ({"table_name": "t", "fields": {"a": {"type": "INT", "constraints": {"pattern": "x"}}}},
         {"/fields/a/constraints/pattern"}),
        ({"table_name": "t", "fields": {"a": {"type": "INT", "unique": "ignore_case"}}}, {"/fields/a/unique"}),
        ({"table_name": "t", "fields": {"a": {"type": "INT", "default": "x"}}}, {"/fields/a/default"}),
        ({"table_name": "t", "fields": {"a": {"type": "TEXT", "display": {"style": "percent"}}}},
         {"/fields/a/display"}),
        ({"table_name": "t", "fields": {"id": "TEXT"}}, {"/fields/id"}),
        ({"table_name": "a b__c", "fields": {"a": "TEXT"}}, {"/table_name"}),
        ({"table_name": "people", "fields": {"a": "TEXT"}}, {"/table_name"}),
        ({"table_name": "t", "json_schema": {"properties": {"a": {"type": "strin"}, "b": {"minLength": "x"}}}},
         {"/json_schema/properties/a/type", "/json_schema/properties/b/minLength"}),
        ({"table_name": "t", "json_schema": {"properties": {"a": {"type": "string", "multipleOf": 1}}}},
         {"/json_schema/properties/a"}),
        ({"table_name": "t", "json_schema": {"properties": {"id": {"type": "string"}}}},
         {"/json_schema/properties/id"}),
    ],
)  # fmt: skip
def test_create_table(client: APIClient, make_table: MakeTable, body: dict[str, Any], expected: set[str]) -> None:
    make_table("people", name="TEXT")
    for address in ("/api/create-table/", "/api/tables/"):
        assert places(client.post(address, body)) == expected
    assert Table.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"label": 5, "description": "x" * 2_001, "colour": "red"}, {"/label", "/description", "/colour"}),
        ({"search_index": "soon"}, {"/search_index"}),
        ({"search_index": "true"}, {"/search_index"}),
        ({"search_index": 1}, {"/search_index"}),
        ({"record_count": 7, "id": 9}, {"/id"}),
    ],
)
def test_update_table(client: APIClient, make_table: MakeTable, body: dict[str, Any], expected: set[str]) -> None:
    make_table("people", name="TEXT")
    before = client.get("/api/tables/people/").json()
    assert places(client.patch("/api/tables/people/", {"table_name": "persons", **body})) == expected
    assert places(client.put("/api/update-table/", {"table_name": "people", "new_name": "persons", **body})) == expected
    assert client.get("/api/tables/people/").json() == before
    assert places(client.put("/api/update-table/", body)) >= {"/table_name"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"unique": "perhaps", "required": "yes", "position": -1, "nope": 1},
         {"/unique", "/required", "/position", "/nope"}),
        ({"label": None, "display": {"style": "blink"}}, {"/label", "/display/style"}),
        ({"constraints": {"minimum": "low"}}, {"/constraints/minimum"}),
        ({"default": "x"}, {"/default"}),
        ({"position": 5}, {"/position"}),
    ],
)  # fmt: skip
def test_update_column(client: APIClient, make_table: MakeTable, body: dict[str, Any], expected: set[str]) -> None:
    make_table("people", name="TEXT", age="INTEGER")
    url = "/api/tables/people/columns/age/"
    before, events = client.get(url).json(), AuditEvent.objects.count()
    assert places(client.patch(url, {"column_name": "years", **body})) == expected
    verb = {"table_name": "people", "column_name": "age", "new_name": "years", **body}
    assert places(client.put("/api/update-column/", verb)) == expected
    assert (client.get(url).json(), AuditEvent.objects.count()) == (before, events)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"/column_name", "/column_type"}),
        ({"column_name": "a", "column_type": 5, "unique": "x"}, {"/column_type", "/unique"}),
        ({"column_name": "a", "column_type": "NIX"}, {"/column_type"}),
        ({"column_name": "a", "column_type": "INT", "constraints": {"pattern": "x"}}, {"/constraints/pattern"}),
        ({"column_name": "a", "column_type": "INT", "default": "x"}, {"/default"}),
        ({"column_name": "a", "column_type": "INT DEFAULT 'x'"}, {"/column_name"}),
        ({"column_name": "name", "column_type": "INT"}, {"/column_name"}),
        ({"column_name": "id", "column_type": "INT", "label": "x"}, {"/column_name"}),
    ],
)
def test_add_column(client: APIClient, make_table: MakeTable, body: dict[str, Any], expected: set[str]) -> None:
    make_table("people", name="TEXT")
    assert places(client.post("/api/tables/people/columns/", body)) == expected
    assert places(client.post("/api/add-column/", {"table_name": "people", **body})) == expected
    assert client.get("/api/tables/people/columns/").json()["count"] == 1


def test_bodies_that_are_nested_too_deeply(client: APIClient, make_table: MakeTable) -> None:
    make_table("people", name="TEXT")
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]
    for answer in (
        client.post("/api/create-table/", {"table_name": "t", "fields": {"a": {"type": "JSON", "default": deep}}}),
        client.post("/api/create-table/", {"table_name": "t", "json_schema": {"properties": {"a": {"enum": deep}}}}),
        client.post("/api/tables/people/columns/", {"column_name": "a", "column_type": "JSON", "default": deep}),
        client.patch("/api/tables/people/columns/name/", {"default": deep}),
        client.patch("/api/tables/people/", {"label": deep}),
    ):
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, "This is nested too deeply.")


def test_bodies_that_cannot_be_read_have_no_places(client: APIClient, make_table: MakeTable) -> None:
    make_table("people", name="TEXT")
    for method in (client.post, client.patch, client.delete):
        for address in ("people/records/bulk/", "nowhere/records/bulk/", "nowhere/records/1/duplicate/", "nowhere/"):
            for kind in ("multipart/form-data", "text/plain", "application/json"):
                answer = method(f"/api/tables/{address}", data='{"records": [', content_type=kind)
                assert 400 <= answer.status_code < 500, (address, kind, answer.content)


def test_what_was_read_may_be_sent_back(client: APIClient, make_table: MakeTable) -> None:
    make_table("people", name="TEXT UNIQUE", price="NUMERIC DEFAULT 0.10")
    table = client.get("/api/tables/people/").json()
    assert client.patch("/api/tables/people/", table).json() == table
    for column in table["columns"]:
        assert client.patch(f"/api/tables/people/columns/{column['column_name']}/", column).json() == column


def test_records_and_other_bodies(client: APIClient, make_table: MakeTable) -> None:
    make_table("people", name="TEXT NOT NULL", age="INTEGER")
    assert places(client.post("/api/tables/people/records/", {"age": "x", "colour": 1})) == {"/age", "/name", "/colour"}
    verb = client.post("/api/insert-record/", {"table_name": "people", "data": {"age": "x"}, "more": 1})
    assert places(verb) == {"/more"}
    assert places(client.post("/api/tables/people/records/bulk/", {"records": [{"age": 1}]})) == {"/records/0/name"}
    assert places(client.get("/api/tables/people/records/", {"age": "x"})) == set()
    assert places(client.post("/api/token/", {"username": 5, "nope": 1})) == {"/nope"}
