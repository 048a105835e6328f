"""Designing tables: what can be made, what is refused, and that nothing half-finished remains."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from dataengine.columns.payload_schemas import PUBLISHED
from dataengine.models import AuditEvent, Column, Table
from dataengine.queries import table_sizes

from .conftest import MakeTable


def relations() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'userdata'")
        return {name for (name,) in cursor.fetchall()}


def create(client: APIClient, name: object, fields: object, **more: Any) -> Any:
    return client.post("/api/create-table/", {"table_name": name, "fields": fields, **more})


def test_a_table_that_goes_while_tables_are_listed(
    client: APIClient, make_table: MakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = make_table("kept", a="TEXT"), make_table("gone", a="TEXT")
    client.post("/api/tables/kept/records/", {})
    client.delete("/api/tables/gone/")
    real = table_sizes._from_catalog
    stale = iter([real(["kept"]) | {"gone": (0, 0)}])
    monkeypatch.setattr(table_sizes, "_from_catalog", lambda names: next(stale, None) or real(names))
    sizes = table_sizes.sizes_of([kept, gone])
    assert [sizes[table.pk].records for table in (kept, gone)] == [1, 0]


def test_columns_as_text_and_as_objects(client: APIClient) -> None:
    answer = create(
        client,
        "t",
        {
            "a": "varchar(20) unique not null default 'x'",
            "b": {"type": "NUMERIC(10,2)", "required": True, "default": 1.50, "label": "Price"},
            "c": {"type": "CHOICE('x','y')", "default": "y"},
            "d": {"type": "TEXT", "unique": True, "constraints": {"minLength": 2, "pattern": "^a"}},
            "e": {"type": "BOOLEAN", "default": False},
            "f": {"type": "JSON", "default": {"k": [1]}},
            "g": "TIMESTAMPTZ DEFAULT '2024-01-31'",
        },
        label="A table",
    )
    assert answer.status_code == 201, answer.content
    assert answer["Location"] == answer.json()["url"]
    shown = {column.pop("column_name"): column for column in answer.json()["columns"]}
    plain = {"label": "", "description": "", "unique": False, "required": False, "default": None, "constraints": {}}
    plain |= {"unique_ignores_case": False, "display": {}, "indexed": False, "index_state": None, "index_reason": None}
    assert shown == {
        "a": plain | {"column_type": "VARCHAR(20)", "type": "varchar", "unique": True, "required": True,
                      "default": "x", "indexed": True, "index_state": "ready"},
        "b": plain | {"column_type": "NUMERIC(10,2)", "type": "numeric", "label": "Price", "required": True,
                      "default": "1.5"},
        "c": plain | {"column_type": "CHOICE('x','y')", "type": "choice", "default": "y"},
        "d": plain | {"column_type": "TEXT", "type": "text", "unique": True,
                      "constraints": {"minLength": 2, "pattern": "^a"}, "indexed": True, "index_state": "ready"},
        "e": plain | {"column_type": "BOOLEAN", "type": "boolean", "default": "false"},
        "f": plain | {"column_type": "JSON", "type": "json", "default": '{"k": [1]}'},
        "g": plain | {"column_type": "TIMESTAMPTZ", "type": "timestamptz", "default": "2024-01-31"},
    }  # fmt: skip
    assert client.post("/api/insert-record/", {"table_name": "t", "data": {"d": "ab"}}).json() == {
        "id": 1, "a": "x", "b": "1.50", "c": "y", "d": "ab", "e": False, "f": {"k": [1]},
        "g": "2024-01-31T00:00:00Z",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"a": "TEX"}, {"a"}),
        ({"a": "TEXT", "b": "NOPE", "c": "VARCHAR(0)"}, {"b", "c"}),
        ({"a": 5}, {"a"}),
        ({"a": None}, {"a"}),
        ({"a": ""}, {"a"}),
        ({"a": {"unique": True}}, {"a"}),
        ({"a": {"type": "TEXT", "unique": "yes"}}, {"a"}),
        ({"a": {"type": "TEXT", "nope": 1}}, {"a"}),
        ({"a": {"type": "TEXT", "constraints": {"minimum": 1}}}, {"a"}),
        ({"a": {"type": "INT", "constraints": {"pattern": "x"}}}, {"a"}),
        ({"a": {"type": "INT", "constraints": {"minimum": 2, "maximum": 1}}}, {"a"}),
        ({"a": {"type": "TEXT", "constraints": {"pattern": "("}}}, {"a"}),
        ({"a": "INTEGER DEFAULT 'x'"}, {"a"}),
        ({"a": "VARCHAR(2) DEFAULT 'long'"}, {"a"}),
        ({"a": "CHOICE('x') DEFAULT 'y'"}, {"a"}),
        ({"a": "DATE DEFAULT '2023-02-29'"}, {"a"}),
        ({"a": "SMALLINT DEFAULT 99999"}, {"a"}),
        ({"a": {"type": "JSON", "unique": True}}, {"a"}),
        ({"a": "REFERENCES nowhere"}, {"a"}),
        ({"id": "INTEGER"}, {"id"}),
        ({"ctid": "INTEGER"}, {"ctid"}),
        ({"select": "TEXT"}, {"select"}),
        ({'a"b': "TEXT"}, {'a"b'}),
        ({"a;b": "TEXT"}, {"a;b"}),
        ({"a.b": "TEXT"}, {"a.b"}),
        ({"x" * 64: "TEXT"}, {"x" * 64}),
        ({"a": "TEXT", "A": "TEXT"}, {"A"}),
        ({}, {"fields"}),
        ([], {"fields"}),
        ("TEXT", {"fields"}),
        (None, {"fields"}),
    ],
)
def test_bad_columns_are_named_and_nothing_is_made(client: APIClient, fields: object, named: set[str]) -> None:
    answer = create(client, "t", fields)
    assert answer.status_code == 400, answer.content
    assert set(answer.json()["error"]["fields"]) == named
    assert not Table.objects.exists()
    assert relations() == set()


@pytest.mark.parametrize(
    "name", ['a"b', "a;b", "a.b", "x" * 64, "é" * 32, "select", "a b ", "1a", "", "a__b", None, 5, ["a"], {}]
)
def test_bad_table_names(client: APIClient, name: object) -> None:
    answer = create(client, name, {"a": "TEXT"})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["table_name"])
    assert relations() == set()


def test_taken_names_are_a_conflict_whoever_has_them(client: APIClient, api: Any, stranger: User) -> None:
    assert create(client, "Customer", {"a": "TEXT"}).status_code == 201
    for who in (client, api(stranger)):
        answer = create(who, "Customer", {"a": "TEXT"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "name_taken")
        assert list(answer.json()["error"]["fields"]) == ["table_name"]
        other_case = create(who, "CUSTOMER", {"a": "TEXT"})
        assert (other_case.status_code, list(other_case.json()["error"]["fields"])) == (409, ["table_name"])
    assert api(stranger).get("/api/tables/").json()["count"] == 0


def test_the_payload_schemas_are_published_and_sound(client: APIClient, subtests: pytest.Subtests) -> None:
    client.credentials()
    described = client.get("/api/schema/").json()["paths"]
    bodies = [
        operation["requestBody"]["content"]["application/json"]["schema"]
        for operations in described.values()
        for operation in operations.values()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]
    for name in PUBLISHED:
        with subtests.test(name=name):
            answer = client.get(f"/api/schemas/{name}.json")
            assert answer.headers["Content-Type"].startswith("application/schema+json")
            assert answer.json() == PUBLISHED[name]
            Draft202012Validator.check_schema(answer.json())
            assert PUBLISHED[name] in bodies


def test_there_are_no_other_schemas(db: None, client: APIClient) -> None:
    client.credentials()
    assert client.get("/api/schema/create-table/").json() == PUBLISHED["create-table"]
    assert client.get("/api/schemas/nothing.json").json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "payload",
    [
        {"table_name": "t"},
        {"table_name": "t", "fields": {"a": "TEXT"}, "json_schema": {"type": "object"}},
        {"table_name": "t", "fields": {"a": "TEXT"}, "nope": 1},
        {"fields": {"a": "TEXT"}},
        {"table_name": "t", "json_schema": []},
    ],
)
def test_payloads_against_the_schema(client: APIClient, payload: dict[str, Any]) -> None:
    answer = client.post("/api/create-table/", payload)
    assert answer.status_code == 400
    assert answer.json()["error"]["fields"]


def test_json_schema(client: APIClient) -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 20, "minLength": 1, "title": "Full name"},
            "mail": {"type": "string", "format": "email"},
            "kind": {"enum": ["a", "b"]},
            "age": {"type": ["integer", "null"], "minimum": 0, "maximum": 150},
            "score": {"type": "number", "exclusiveMinimum": 0.5},
            "on": {"type": "string", "format": "date"},
            "at": {"type": "string", "format": "date-time"},
            "tags": {"type": "array"},
            "ok": {"type": "boolean", "default": True},
            "code": {"type": "string", "pattern": "^[A-Z]{2}$"},
        },
        "required": ["name", "age"],
    }
    answer = client.post("/api/create-table/", {"table_name": "t", "json_schema": schema | {"properties": {}}})
    assert answer.status_code == 400
    del schema["properties"]["on"]  # type: ignore[attr-defined]  # a reserved word of SQL
    answer = client.post("/api/create-table/", {"table_name": "t", "json_schema": schema})
    assert answer.status_code == 201, answer.content
    shown = {column["column_name"]: column for column in answer.json()["columns"]}
    assert {name: column["column_type"] for name, column in shown.items()} == {
        "name": "VARCHAR(20)", "mail": "EMAIL", "kind": "CHOICE('a','b')", "age": "BIGINT", "score": "NUMERIC",
        "at": "TIMESTAMPTZ", "tags": "JSONB", "ok": "BOOLEAN", "code": "TEXT",
    }  # fmt: skip
    assert [name for name, column in shown.items() if column["required"]] == ["name"]
    assert shown["name"]["constraints"] == {"minLength": 1}
    assert shown["age"]["constraints"] == {"minimum": 0, "maximum": 150}
    assert shown["ok"]["default"] == "true"
    bad = client.post("/api/insert-record/", {"table_name": "t", "data": {"name": "", "age": 151, "code": "x"}})
    assert {"age"} <= set(bad.json()["error"]["fields"])


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"a": {"oneOf": [{"type": "string"}]}}, "a"),
        ({"a": {"type": ["string", "integer"]}}, "a"),
        ({"a": {"type": "integer", "multipleOf": 2}}, "a"),
        ({"a": {"type": "integer", "enum": [1, 2]}}, "a"),
        ({"a": {"type": "string", "format": "ipv4"}}, "a"),
        ({"a": {"type": "strin"}}, "a"),
        ({"a": {"$ref": "#/x"}}, "a"),
        ({"a": {"type": "string", "minLength": -1}}, "a"),
        ({"a": True}, "a"),
        ({"a.b": {"type": "string"}}, "a.b"),
        ({"id": {"type": "integer"}}, "id"),
        ({"a": {"type": "string", "pattern": "("}}, "a"),
    ],
)
def test_json_schemas_that_no_table_can_express(client: APIClient, properties: dict[str, Any], named: str) -> None:
    schema = {"type": "object", "properties": properties}
    answer = client.post("/api/create-table/", {"table_name": "t", "json_schema": schema})
    assert answer.status_code == 400, answer.content
    assert list(answer.json()["error"]["fields"]) == [named]
    assert relations() == set()


def test_renaming_and_relabelling(client: APIClient, make_table: MakeTable) -> None:
    make_table("old", a="TEXT UNIQUE")
    make_table("other", r="REFERENCES old")
    client.post("/api/tables/old/records/", {"a": "x"})
    answer = client.patch("/api/tables/old/", {"table_name": "New name", "label": "Shown"})
    assert (answer.status_code, answer.json()["table_name"], answer.json()["label"]) == (200, "New name", "Shown")
    assert client.get("/api/tables/old/").status_code == 404
    assert client.get("/api/tables/New%20name/records/").json()["results"] == [{"id": 1, "a": "x"}]
    assert client.get("/api/tables/other/columns/r/").json()["column_type"] == 'REFERENCES "New name"'
    assert client.patch("/api/tables/New%20name/", {"table_name": "other"}).status_code == 409
    assert client.patch("/api/tables/New%20name/", {"table_name": "a.b"}).status_code == 400
    assert relations() == {"New name", "other"}


def test_changing_columns(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT", b="INTEGER")
    url = "/api/tables/t/columns/a/"
    for value in ("x", "x", None):
        client.post("/api/tables/t/records/", {"a": value})
    for change, status, named in (
        ({"unique": True}, 409, "unique"),
        ({"required": True}, 409, "required"),
        ({"column_name": "b"}, 409, "column_name"),
        ({"column_name": "id"}, 400, "column_name"),
        ({"column_type": "INTEGER"}, 409, "column_type"),
        ({"type": "integer"}, 400, "type"),
        ({"unique": "perhaps"}, 400, "unique"),
    ):
        answer = client.patch(url, change)
        assert answer.status_code == status, (change, answer.content)
        assert list(answer.json()["error"]["fields"]) == [named]
    client.delete("/api/tables/t/records/bulk/", {"ids": [2, 3]})
    answer = client.patch(url, {"unique": True, "required": True, "column_name": "z", "default": "d", "label": "L"})
    assert answer.json().pop("undo").startswith("http://testserver/api/tables/t/undo/")
    assert {key: value for key, value in answer.json().items() if key != "undo"} == {
        "column_name": "z", "label": "L", "description": "", "column_type": "TEXT", "type": "text",
        "unique": True, "unique_ignores_case": False, "required": True, "default": "d", "constraints": {},
        "display": {},
        "indexed": True, "index_state": "ready", "index_reason": None,
    }  # fmt: skip
    assert client.get(url).status_code == 404
    assert client.post("/api/tables/t/records/", {}).json()["z"] == "d"
    assert client.post("/api/tables/t/records/", {}).status_code == 400
    assert client.patch("/api/tables/t/columns/z/", {"default": None, "unique": False}).json()["default"] is None
    assert client.delete("/api/tables/t/columns/z/").status_code == 204
    assert client.get("/api/tables/t/records/").json()["results"][0] == {"id": 1, "b": None}
    assert client.delete("/api/tables/t/columns/z/").status_code == 404


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"column_name": "x", "column_type": "NOPE"}, ["x"]),
        ({"column_name": "a", "column_type": "TEXT"}, ["column_name"]),
        ({"column_name": "A", "column_type": "TEXT"}, ["column_name"]),
        ({"column_name": "b c ", "column_type": "TEXT"}, ["b c "]),
        ({"column_name": "x"}, ["column_type"]),
        ({"column_type": "TEXT"}, ["column_name"]),
        ({"column_name": "x", "column_type": "INTEGER NOT NULL"}, ["x"]),
    ],
)
def test_bad_columns_to_add(client: APIClient, make_table: MakeTable, given: dict[str, str], named: list[str]) -> None:
    make_table("t", a="TEXT")
    client.post("/api/tables/t/records/", {"a": "x"})
    answer = client.post("/api/add-column/", {"table_name": "t", **given})
    assert answer.status_code == (409 if given.get("column_name") in ("a", "A") else 400)
    assert list(answer.json()["error"]["fields"]) == named
    assert Column.objects.count() == 1


@pytest.mark.parametrize("name", ["b", "B"])
def test_renaming_a_column_to_a_taken_name_is_a_conflict(client: APIClient, make_table: MakeTable, name: str) -> None:
    make_table("t", a="TEXT", b="TEXT")
    answer = client.patch("/api/tables/t/columns/a/", {"column_name": name})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "name_taken")
    assert list(answer.json()["error"]["fields"]) == ["column_name"]


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"table_name": 1, "fields": {"a": "TEXT"}}, "Give a text."),
        ({"table_name": "t", "fields": []}, "Give a JSON object."),
        ({"table_name": "t", "fields": {}}, "This cannot be empty."),
        ({"table_name": "t", "fields": {"a": {"unique": True}}}, "type: This is missing."),
        (
            {"table_name": "t", "fields": {"a": {"type": "TEXT", "unique": 1}}},
            "unique: Give true, false, “ignore_case” or “exact”.",
        ),
        ([], "Give a JSON object."),
    ],
)
def test_what_is_wrong_with_a_payload_is_said_in_a_sentence(client: APIClient, payload: object, text: str) -> None:
    fields = client.post("/api/create-table/", payload).json()["error"]["fields"]
    assert list(fields.values()) == [[text]]


def test_referred_tables_cannot_be_deleted(client: APIClient, make_table: MakeTable) -> None:
    make_table("parent", a="TEXT")
    make_table("child", p="REFERENCES parent")
    answer = client.delete("/api/delete-table/", {"table_name": "parent"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "referenced")
    assert client.delete("/api/delete-table/?table_name=child").status_code == 204
    assert client.delete("/api/tables/parent/").status_code == 204
    assert relations() == set()


def test_lists_are_paged_and_need_few_queries(
    client: APIClient, make_table: MakeTable, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        make_table(f"t{number:02}", a="TEXT", b="INTEGER")
    client.post("/api/tables/t03/records/", {"a": "x"})
    with django_assert_max_num_queries(9):
        listed = client.get("/api/tables/").json()
    assert listed["count"] == 12
    assert [table["record_count"] for table in listed["results"]] == [0, 0, 0, 1] + [0] * 8
    assert all(table["record_count_exact"] for table in listed["results"])
    second = client.get("/api/tables/?limit=5&page=2").json()
    assert [table["table_name"] for table in second["results"]] == ["t05", "t06", "t07", "t08", "t09"]
    assert client.get(second["next"]).json()["next"] is None
    assert client.get(second["previous"]).json()["previous"] is None
    assert client.get("/api/tables/?page=99").json()["results"] == []
    assert client.get("/api/tables/?page=0").status_code == 400


def test_changes_leave_a_trail(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT")
    client.post("/api/insert-record/", {"table_name": "t", "data": {"a": "x"}})
    client.put("/api/update-record/", {"table_name": "t", "id": 1, "data": {"a": "y"}})
    client.delete("/api/delete-record/", {"table_name": "t", "id": 1})
    client.post("/api/insert-record/", {"table_name": "t", "data": {"nope": "x"}})
    events = AuditEvent.objects.order_by("id").values_list("action", "details__id", "user__username")
    assert list(events) == [
        ("table.created", None, "owner"),
        ("record.inserted", 1, "owner"),
        ("record.updated", 1, "owner"),
        ("record.deleted", 1, "owner"),
    ]
