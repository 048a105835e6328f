"""A JSON column may carry a JSON Schema, which each value meets however it comes in; errors name the places."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from dataengine.models import Table
from dataengine.services import trash
from dataengine.tests.importing import import_text, records

pytestmark = pytest.mark.django_db(transaction=True)

SCHEMA = {
    "type": "object",
    "required": ["zip"],
    "properties": {
        "zip": {"type": "string", "pattern": "^[0-9]{5}$"},
        "floors": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "a/b~c": {"type": "boolean"},
    },
    "additionalProperties": False,
}
GOOD = {"zip": "12345", "floors": [0, 1]}
BAD = {"zip": "1234", "floors": [0, -1, 1.5], "a/b~c": 1, "door": 2}
PLACES = {"/zip", "/floors/1", "/floors/2", "/a~1b~0c", "/door"}


@pytest.fixture
def table(client: APIClient) -> Table:
    fields = {"name": "TEXT UNIQUE", "address": {"type": "JSONB", "constraints": {"json_schema": SCHEMA}}}
    made = client.post("/api/create-table/", {"table_name": "houses", "fields": fields})
    assert made.status_code == 201, made.content
    assert made.json()["columns"][1]["constraints"] == {"json_schema": SCHEMA}
    return Table.objects.get()


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


def pointers(answer: Any) -> set[str]:
    assert answer.status_code == 400, answer.content
    return {entry["pointer"] for entry in answer.json()["error"]["pointers"]}


def test_single_records(client: APIClient, table: Table) -> None:
    url = "/api/tables/houses/records/"
    assert client.post(url, {"name": "a", "address": GOOD}).status_code == 201
    assert client.post(url, {"name": "b", "address": None}).status_code == 201  # no value is none that breaks it
    assert client.post(url, {"name": "c"}).status_code == 201
    refused = client.post(url, {"name": "d", "address": BAD})
    assert pointers(refused) == {f"/address{place}" for place in PLACES}
    assert set(refused.json()["error"]["fields"]) == {"address"}
    assert "/a~1b~0c: Give true or false." in refused.json()["error"]["fields"]["address"]
    verb = client.post("/api/insert-record/", {"table_name": "houses", "data": {"address": {}, "nome": 1}})
    assert pointers(verb) == {"/data/address/zip", "/data/nome"}
    for method, address, body, start in (
        (client.patch, f"{url}1/", {"address": {"zip": 5}}, ""),
        (client.patch, f"{url}1/", {"data": {"address": {"zip": 5}}}, "/data"),
        (
            client.put,
            "/api/update-record/",
            {"table_name": "houses", "id": 1, "data": {"address": {"zip": 5}}},
            "/data",
        ),
        (client.post, f"{url}1/duplicate/", {"address": {"zip": 5}}, ""),
    ):
        assert pointers(method(address, body)) == {f"{start}/address/zip"}
    assert client.patch(f"{url}1/", {"address": 5}).json()["error"]["pointers"] == [
        {"pointer": "/address", "message": "Give a JSON object."}
    ]
    assert records("houses", "name", "address") == [("a", json.dumps(GOOD)), ("b", None), ("c", None)]


def test_many_records_at_once(client: APIClient, table: Table) -> None:
    url = "/api/tables/houses/records/bulk/"
    entries = [{"name": str(number), "address": GOOD} for number in range(3)]
    assert client.post(url, {"records": entries}).status_code == 201
    refused = client.post(url, {"records": [entries[0], {"address": {"zip": "x"}}, {"address": []}]})
    assert pointers(refused) == {"/records/1/address/zip", "/records/2/address"}
    assert [entry["index"] for entry in refused.json()["error"]["records"]] == [1, 2]
    changes = [{"id": 1, "data": {"address": GOOD}}, {"id": 2, "data": {"address": {}}}]
    assert pointers(client.patch(url, {"records": changes})) == {"/records/1/data/address/zip"}
    every = {"filter": {"id__gte": 1}, "data": {"address": {}}}
    assert pointers(client.patch(url, every)) == {"/data/address/zip"}
    taken = client.post(url, {"records": [{"name": "1"}]})  # what only PostgreSQL can tell has a place, too
    assert pointers(taken) == {"/records/0/name"}


def test_imports(owner: User, table: Table) -> None:
    lines = [
        "name,address",
        'a,"{""zip"": ""12345""}"',
        'b,"{""zip"": 1, ""floors"": [1, ""x""]}"',
        "c,[",
        'd," {""floors"": []} "',
        "e,",
        'f,"{""zip"": ""12345"", ""floors"": [1e400, 1e-400]}"',
    ]
    job = import_text(owner, "houses", "\n".join(lines))
    assert (job.rows_imported, job.rows_rejected) == (2, 4)
    assert [name for (name,) in records("houses", "name")] == ["a", "e"]
    errors = {row.line: row.errors for row in job.rejected_rows.all()}
    assert {line: [error["code"] for error in found] for line, found in errors.items()} == {
        3: ["constraint_failed"], 4: ["invalid_type"], 5: ["constraint_failed"], 7: ["constraint_failed"],
    }  # fmt: skip
    assert "/zip: Give a text. /floors/1: Give a whole number." in errors[3][0]["message"]
    assert errors[5][0]["message"].endswith("/zip: This is missing.")


def test_a_default_meets_the_schema(client: APIClient, table: Table) -> None:
    column = {"column_name": "more", "column_type": "JSON", "constraints": {"json_schema": {"type": "array"}}}
    url = "/api/tables/houses/columns/"
    refused = client.post(url, column | {"default": {}})
    assert (refused.json()["error"]["code"], pointers(refused)) == ("invalid_default", {"/default"})
    assert client.post(url, column | {"default": [1]}).status_code == 201
    assert pointers(client.patch(f"{url}more/", {"default": 5})) == {"/default"}
    assert client.post("/api/tables/houses/records/", {"name": "x"}).json()["more"] == [1]


def test_copies_and_the_trash_keep_it(client: APIClient, owner: User, table: Table) -> None:
    assert client.post("/api/tables/houses/duplicate/", {"table_name": "flats"}).status_code == 201
    assert pointers(client.post("/api/tables/flats/records/", {"address": {}})) == {"/address/zip"}
    item = trash.delete_column(user=owner, table=table, column=table.columns.get(name="address"))
    assert client.post(f"/api/trash/{item.pk}/restore/").status_code == 200
    assert pointers(client.post("/api/tables/houses/records/", {"address": {}})) == {"/address/zip"}


def test_the_table_s_schema_has_it_and_gives_the_same_table(client: APIClient, table: Table) -> None:
    linked = {"$defs": {"zip": {"type": "string"}}, "properties": {"zip": {"$ref": "#/$defs/zip"}}}
    column = {
        "column_name": "größe m",
        "column_type": "JSON NOT NULL DEFAULT '{}'",
        "constraints": {"json_schema": linked},
    }
    assert client.post("/api/tables/houses/columns/", column).status_code == 201
    schema = client.get("/api/tables/houses/schema/").json()
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    assert check.is_valid({"address": GOOD, "größe m": {"zip": "x"}})
    assert check.is_valid({"address": None})
    assert not check.is_valid({"address": BAD})
    assert not check.is_valid({"größe m": {"zip": 5}})
    again = client.post("/api/create-table/", {"table_name": "again", "json_schema": schema})
    assert again.status_code == 201, again.content
    assert again.json()["columns"] == client.get("/api/tables/houses/").json()["columns"]


def test_objects_and_lists_of_a_json_schema_become_such_columns(client: APIClient) -> None:
    schema = {
        "type": "object",
        "properties": {
            "home": {
                "type": ["object", "null"], "title": "Home", "properties": {"zip": {"$ref": "#/$defs/zip"}},
            },
            "tree": {"type": "object", "additionalProperties": {"$ref": "#/properties/tree"}},
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        },
        "required": ["home", "tags"],
        "$defs": {"zip": {"type": "string", "minLength": 5}},
    }  # fmt: skip
    made = client.post("/api/create-table/", {"table_name": "t", "json_schema": schema})
    assert made.status_code == 201, made.content
    columns = {column["column_name"]: column for column in made.json()["columns"]}
    assert columns["home"]["label"] == "Home"
    assert [columns[name]["required"] for name in ("home", "tree", "tags")] == [False, False, True]
    good = {"home": {"zip": "12345"}, "tree": {"a": {"b": {}}}, "tags": ["x"]}
    assert client.post("/api/tables/t/records/", good).status_code == 201
    bad = {"home": {"zip": "1"}, "tree": {"a": {"b": 1}}, "tags": ["x", 1, "y"]}
    assert pointers(client.post("/api/tables/t/records/", bad)) == {"/home/zip", "/tree/a/b", "/tags", "/tags/1"}
    elsewhere = {"type": "object", "properties": {"a": {"type": "array", "items": {"$ref": "#/properties/b"}}}}
    refused = client.post("/api/create-table/", {"table_name": "u", "json_schema": elsewhere})
    assert pointers(refused) == {"/json_schema/properties/a"}


NOT_USABLE: list[tuple[dict[str, Any], str | None]] = [
    ({"type": "strin"}, "/type"),
    ({"properties": {"a": {"minLength": -1}}}, "/properties/a/minLength"),
    ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema"),
    ({"$ref": "https://example.com/schema"}, "/$ref"),
    ({"items": {"$ref": "file:///etc/passwd"}}, "/items/$ref"),
    ({"$ref": "#/$defs/nowhere"}, "/$ref"),
    ({"$ref": "#"}, ""),
    ({"$dynamicRef": "#a"}, "/$dynamicRef"),
    ({"properties": {"a": {"$id": "https://example.com/"}}}, "/properties/a/$id"),
    ({"properties": {"a": {"pattern": "(a)\\1"}}}, "/properties/a/pattern"),
    ({"pattern": "(?=a)b"}, "/pattern"),
    ({"pattern": "(\\w{500}){500}"}, "/pattern"),
    ({"patternProperties": {"(": {}}}, "/patternProperties/("),
    ({"format": "horoscope"}, "/format"),
    ({"items": {"minimum": 5, "maximum": 3}}, "/items/minimum"),
    ({"exclusiveMinimum": 3, "maximum": 3}, "/exclusiveMinimum"),
    ({"patternProperties": {f"a{number}": {} for number in range(41)}}, ""),
    ({"description": "x" * 70_000}, ""),
    (nested(129), ""),
    ({"allOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}]}, ""),
    (
        {"$ref": "#/$defs/0"}
        | {"$defs": {str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(20)} | {"$defs": True}},
        None,
    ),
]


def test_schemas_that_cannot_be_used_are_refused(client: APIClient, table: Table, subtests: pytest.Subtests) -> None:
    for schema, place in NOT_USABLE:
        with subtests.test(schema=schema, place=place):
            column = {"column_name": "c", "column_type": "JSON", "constraints": {"json_schema": schema}}
            refused = client.post("/api/tables/houses/columns/", column)
            assert refused.status_code == 400, refused.content
            assert set(refused.json()["error"]["fields"]) == {"c"}
            [found] = refused.json()["error"]["pointers"]
            if place is not None:
                assert found["pointer"] == f"/constraints/json_schema{place}"
            fields = {"c": {"type": "JSON", "constraints": {"json_schema": schema}}}
            made = client.post("/api/create-table/", {"table_name": "t", "fields": fields})
            assert made.json()["error"]["pointers"][0]["pointer"].startswith("/fields/c/constraints/json_schema")


def test_only_json_columns_have_one(client: APIClient) -> None:
    fields = {"a": {"type": "TEXT", "constraints": {"json_schema": {}}}, "b": {"type": "JSON", "constraints": {
        "json_schema": [],
    }}}  # fmt: skip
    refused = client.post("/api/create-table/", {"table_name": "t", "fields": fields})
    assert pointers(refused) == {"/fields/b/constraints/json_schema"}
    del fields["b"]
    refused = client.post("/api/create-table/", {"table_name": "t", "fields": fields})
    assert pointers(refused) == {"/fields/a/constraints/json_schema"}


def test_what_matches_takes_a_time_that_is_linear_in_the_text(client: APIClient) -> None:
    schema = {"items": {"pattern": "^(a+)+$"}}
    fields = {"c": {"type": "JSON", "constraints": {"json_schema": schema}}}
    assert client.post("/api/create-table/", {"table_name": "t", "fields": fields}).status_code == 201
    refused = client.post("/api/tables/t/records/", {"c": ["a" * 50_000 + "b"]})  # a backtracking engine takes for ever
    assert pointers(refused) == {"/c/0"}


def test_values_nested_too_deeply_are_said(client: APIClient) -> None:
    fields = {"c": {"type": "JSON", "constraints": {"json_schema": {"items": {"$ref": "#"}, "type": "array"}}}}
    assert client.post("/api/create-table/", {"table_name": "t", "fields": fields}).status_code == 201
    deep: list[Any] = []
    for _ in range(63):
        deep = [deep]
    assert client.post("/api/tables/t/records/", {"c": deep}).status_code == 201
    refused = client.post("/api/tables/t/records/", {"c": [deep]})
    assert refused.json()["error"]["pointers"] == [
        {"pointer": "/c", "message": "This is nested deeper than 64 levels."}
    ]


def test_a_column_gets_one_where_its_values_meet_it(client: APIClient) -> None:
    assert client.post("/api/create-table/", {"table_name": "t", "fields": {"c": "JSONB"}}).status_code == 201
    for value in ({"zip": "12345"}, {"zip": 1}, None):
        assert client.post("/api/tables/t/records/", {"c": value}).status_code == 201
    url, wanted = "/api/tables/t/columns/c/", {"constraints": {"json_schema": SCHEMA}}
    refused = client.patch(url, wanted)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "would_lose_data")
    [cause] = refused.json()["error"]["rehearsal"]["causes"]
    assert (cause["code"], cause["count"], cause["examples"][0]["id"]) == ("constraint_failed", 1, 2)
    assert client.get(url).json()["constraints"] == {}
    bad = client.patch(url, {"constraints": {"json_schema": {"type": "fish"}}})
    assert pointers(bad) == {"/constraints/json_schema/type"}
    done = client.patch(url, wanted | {"on_failure": "null"})
    assert (done.status_code, done.json()["constraints"]) == (200, {"json_schema": SCHEMA}), done.content
    assert [record["c"] for record in client.get("/api/tables/t/records/").json()["results"]] == [
        {"zip": "12345"}, None, None,
    ]  # fmt: skip
    assert pointers(client.post("/api/tables/t/records/", {"c": {}})) == {"/c/zip"}
