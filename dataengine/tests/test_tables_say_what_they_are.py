"""A table described in words, ordered by hand, copied, and handed to other programs."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from rest_framework.test import APIClient

from dataengine.columns.json_schema import columns_of
from dataengine.columns.sql_types import parse_sql_type
from dataengine.columns.table_schemas import table_schema
from dataengine.models import Table

from .conftest import MakeTable

EVERYTHING = {
    "customer": {"type": "TEXT NOT NULL", "label": "Customer", "description": "Who bought it"},
    "code": "VARCHAR(12) UNIQUE",
    "few": {"type": "SMALLINT DEFAULT 3", "constraints": {"minimum": 0, "maximum": 9}},
    "many": "BIGINT",
    "price": {
        "type": "NUMERIC(10,2) NOT NULL DEFAULT 0.50", "constraints": {"minimum": 0.5},
        "display": {"style": "currency", "currency": "USD"},
    },
    "exact": "NUMERIC",
    "ratio": "REAL",
    "share": "DOUBLE PRECISION",
    "paid": "BOOLEAN NOT NULL DEFAULT TRUE",
    "day": {"type": "DATE DEFAULT '2024-01-31'", "constraints": {"minimum": "2024-01-01"}},
    "at": "TIME",
    "made": "TIMESTAMP",
    "seen": {"type": "TIMESTAMPTZ", "constraints": {"exclusiveMaximum": "2030-01-01T00:00:00Z"}},
    "took": {"type": "DURATION DEFAULT '1 day 1:00'", "constraints": {"minimum": "PT0S", "maximum": "PT240H"}},
    "key": "UUID",
    "more": """JSONB DEFAULT '{"a": 1}'""",
    "mail": "EMAIL",
    "page": "URL",
    "size": "CHOICE('small','it''s large') DEFAULT 'small'",
    "story": {"type": "LONGTEXT", "constraints": {"maxLength": 9000}},
    "tags": """TEXT[] DEFAULT '["new", "a, b"]'""",
    "colours": "CHOICES('red','it''s blue') DEFAULT 'red'",
    "parent": "REFERENCES orders",
}  # fmt: skip


@pytest.fixture
def orders(client: APIClient) -> dict[str, Any]:
    body = {"table_name": "orders", "description": "What was sold", "fields": EVERYTHING}
    answer = client.post("/api/create-table/", body)
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def test_tables_and_columns_are_described(client: APIClient, orders: dict[str, Any]) -> None:
    assert orders["description"] == "What was sold"
    assert [c["description"] for c in orders["columns"]][:2] == ["Who bought it", ""]
    changed = client.patch("/api/tables/orders/", {"description": " Sales \n"})
    assert (changed.status_code, changed.json()["description"]) == (200, "Sales")
    column = client.patch("/api/tables/orders/columns/code/", {"description": "From the till"})
    assert column.json()["description"] == "From the till"
    added = client.post("/api/add-column/", {
        "table_name": "orders", "column_name": "note", "column_type": "TEXT", "description": "Anything else",
    })  # fmt: skip
    assert added.json()["description"] == "Anything else"
    long = client.patch("/api/tables/orders/", {"description": "x" * 2001})
    assert (long.status_code, list(long.json()["error"]["fields"])) == (400, ["description"])


def test_the_verbs_change_tables_and_columns(client: APIClient, make_table: MakeTable) -> None:
    make_table("people", name="TEXT", age="INTEGER")
    changed = client.put("/api/update-table/", {
        "table_name": "people", "new_name": "persons", "label": "Persons", "description": "All of them",
    })  # fmt: skip
    assert changed.status_code == 200, changed.content
    assert [changed.json()[key] for key in ("table_name", "label", "description")] == [
        "persons", "Persons", "All of them",
    ]  # fmt: skip
    column = client.put("/api/update-column/", {
        "table_name": "persons", "column_name": "age", "new_name": "years", "required": True, "default": 0,
    })  # fmt: skip
    assert column.status_code == 200, column.content
    assert [column.json()[key] for key in ("column_name", "required", "default")] == ["years", True, "0"]
    assert client.delete("/api/delete-column/", {"table_name": "persons", "column_name": "years"}).status_code == 204
    assert client.delete("/api/delete-column/?table_name=persons&column_name=years").status_code == 404
    assert [c["column_name"] for c in client.get("/api/tables/persons/").json()["columns"]] == ["name"]


@pytest.mark.parametrize(
    ("verb", "body", "status", "fields"),
    [
        ("update-table", {}, 400, {"table_name"}),
        ("update-table", {"table_name": "people", "colour": "red"}, 400, {"colour"}),
        ("update-table", {"table_name": "people", "new_name": "a b__c"}, 400, {"table_name"}),
        ("update-table", {"table_name": "nowhere", "label": "x"}, 404, set()),
        ("update-column", {"table_name": "people"}, 400, {"column_name"}),
        ("update-column", {"table_name": "people", "column_name": "age", "colour": "red"}, 400, {"colour"}),
        ("update-column", {"table_name": "people", "column_name": "nothing"}, 404, set()),
        ("update-column", {"table_name": "people", "column_name": "age", "new_name": "name"}, 409, {"new_name"}),
        ("update-column", {"table_name": "people", "column_name": "age", "position": 2}, 400, {"position"}),
        ("update-column", {"table_name": "people", "column_name": "age", "position": -1}, 400, {"position"}),
    ],
)
def test_what_cannot_be_changed_is_named(
    client: APIClient, make_table: MakeTable, verb: str, body: dict[str, Any], status: int, fields: set[str]
) -> None:
    make_table("people", name="TEXT", age="INTEGER")
    answer = client.put(f"/api/{verb}/", body)
    assert answer.status_code == status, answer.content
    assert set(answer.json()["error"].get("fields", {})) == fields


def test_put_is_no_method_of_the_resources(client: APIClient, make_table: MakeTable) -> None:
    make_table("people", name="TEXT")
    for url in ("/api/tables/people/", "/api/tables/people/columns/name/"):
        assert client.put(url, {}).status_code == 405


def test_lists_of_tables_are_searched(client: APIClient, make_table: MakeTable) -> None:
    make_table("orders", a="TEXT")
    make_table("people", a="TEXT")
    client.patch("/api/tables/people/", {"label": "Kunden", "description": "who Orders"})
    for search, found in (("ord", ["orders", "people"]), ("KUND", ["people"]), ("%", []), ("", ["orders", "people"])):
        for url in ("/api/list-tables/", "/api/tables/"):
            answer = client.get(url, {"search": search})
            assert [table["table_name"] for table in answer.json()["results"]] == found
    assert client.get("/api/list-tables/", {"limit": 1, "page": 2}).json()["results"][0]["table_name"] == "people"


def test_columns_stand_where_they_are_put(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT", b="TEXT", c="TEXT", d="TEXT")
    client.delete("/api/tables/t/columns/b/")

    def names() -> list[str]:
        return [column["column_name"] for column in client.get("/api/tables/t/").json()["columns"]]

    assert client.patch("/api/tables/t/columns/d/", {"position": 0}).status_code == 200
    assert names() == ["d", "a", "c"]
    client.patch("/api/tables/t/columns/d/", {"position": 2})
    assert names() == ["a", "c", "d"]
    client.post("/api/tables/t/records/", {"a": "1", "c": "2", "d": "3"})
    assert client.get("/api/get-records/?table_name=t").json()["results"] == [{"id": 1, "a": "1", "c": "2", "d": "3"}]


def test_a_table_read_from_its_own_schema_is_the_same(client: APIClient, orders: dict[str, Any]) -> None:
    answer = client.get("/api/tables/orders/schema/")
    assert answer.headers["Content-Type"].startswith("application/schema+json")
    schema = answer.json()
    jsonschema.Draft202012Validator.check_schema(schema)
    again = client.post("/api/create-table/", {"table_name": "orders2", "json_schema": schema})
    assert again.status_code == 201, again.content
    assert again.json()["columns"] == orders["columns"]


def test_a_schema_s_default_keeps_the_digits_that_were_sent(client: APIClient) -> None:
    text = '{"table_name": "t", "json_schema": {"properties": {"a": {"type": "number", "default": 0.10}}}}'
    made = client.post("/api/create-table/", text, content_type="application/json")
    assert (made.status_code, made.json()["columns"][0]["default"]) == (201, "0.10")


def test_records_fit_their_table_s_schema(client: APIClient, orders: dict[str, Any]) -> None:
    schema = client.get("/api/tables/orders/schema/").json()
    made = client.post("/api/tables/orders/records/", {"customer": "Anna", "exact": "1.50", "more": [1]})
    assert made.status_code == 201, made.content
    check = jsonschema.Draft202012Validator(schema)
    check.validate(made.json())
    for wrong in ({}, {"customer": None}, {"customer": "A", "few": 10}, {"customer": "A", "size": "huge"}):
        assert not check.is_valid(wrong)
    assert check.is_valid({"customer": "A", "few": 9, "size": None})
    for said in ("NaN", "Infinity", "-Infinity", 1.5, None):
        made = client.post("/api/tables/orders/records/", {"customer": "A", "ratio": said, "share": said})
        assert made.status_code == 201, made.content
        check.validate(made.json())
    assert not check.is_valid({"customer": "A", "ratio": "much"})


def test_the_schema_s_own_word_is_checked(client: APIClient) -> None:
    for own in ("TEXT", {}, {"column_type": "NOPE"}, {"column_type": "TEXT", "unique": 1}, {"column_type": 3},
                {"column_type": "INTEGER", "display": "percent"},
                {"column_type": "TEXT", "display": {"style": "percent"}}):  # fmt: skip
        schema = {"type": "object", "properties": {"a": {"x-tablekeep": own}}}
        answer = client.post("/api/create-table/", {"table_name": "t", "json_schema": schema})
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["a"])


def test_a_table_is_written_as_sql_that_runs(client: APIClient, orders: dict[str, Any], db: None) -> None:
    client.patch("/api/tables/orders/", {"description": 'it\'s "sold"'})
    answer = client.get("/api/tables/orders/schema/?format=sql")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/sql; charset=utf-8")
    text = answer.content.decode()
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA elsewhere")
        cursor.execute("SET LOCAL search_path = elsewhere")
        cursor.execute(text)
        cursor.execute(
            "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attname",
            ["elsewhere.orders"],
        )
        here = cursor.fetchall()
        cursor.execute(
            "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attname",
            ["userdata.orders"],
        )
        assert here == cursor.fetchall()
        cursor.execute("SELECT obj_description('elsewhere.orders'::regclass)")
        assert cursor.fetchone() == ('it\'s "sold"',)
        with pytest.raises(IntegrityError, match="check"):
            cursor.execute("INSERT INTO elsewhere.orders (customer, few) VALUES ('a', 10)")


def test_strangers_see_no_schema(api: Any, stranger: User, orders: dict[str, Any]) -> None:
    for url in ("schema/", "schema/?format=sql"):
        assert api(stranger).get(f"/api/tables/orders/{url}").status_code == 404
    assert api(stranger).post("/api/tables/orders/duplicate/", {"table_name": "mine"}).status_code == 404


def test_a_copy_has_the_columns_and_if_wanted_the_records(client: APIClient, orders: dict[str, Any]) -> None:
    first = client.post("/api/tables/orders/records/", {"customer": "Anna", "code": "a"}).json()
    client.post("/api/tables/orders/records/", {"customer": "Bob", "parent": first["id"]})
    client.delete(f"/api/tables/orders/records/{first['id'] + 1}/")
    client.post("/api/tables/orders/records/", {"customer": "Cid", "parent": first["id"], "price": "2.10"})
    bare = client.post("/api/tables/orders/duplicate/", {"table_name": "bare"})
    assert (bare.status_code, bare.json()["record_count"], bare.json()["description"]) == (201, 0, "What was sold")
    columns = {c["column_name"]: c for c in bare.json()["columns"]}
    assert columns.pop("parent")["column_type"] == "REFERENCES bare"
    assert columns == {c["column_name"]: c for c in orders["columns"] if c["column_name"] != "parent"}
    full = client.post("/api/tables/orders/duplicate/", {"table_name": "filled", "with_records": True})
    assert full.status_code == 201, full.content
    assert full.json()["record_count"] == 2
    assert full.headers["Location"].endswith("/api/tables/filled/")

    def records(table: str) -> Any:
        return client.get("/api/get-records/", {"table_name": table}).json()["results"]

    assert records("filled") == records("orders")
    new = client.post("/api/tables/filled/records/", {"customer": "Dora"})
    assert new.json()["id"] == records("orders")[-1]["id"] + 1
    assert len(records("orders")) == 2
    taken = client.post("/api/tables/orders/duplicate/", {"table_name": "filled"})
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "name_taken")
    nameless = client.post("/api/tables/orders/duplicate/", {})
    assert list(nameless.json()["error"]["fields"]) == ["table_name"]


def test_who_may_only_see_a_table_may_copy_it(
    api: Any, stranger: User, make_table: MakeTable, share: Any, client: APIClient
) -> None:
    table: Table = make_table("t", a="TEXT")
    client.post("/api/tables/t/records/", {"a": "x"})
    share(table, stranger, "view")
    copied = api(stranger).post("/api/tables/t/duplicate/", {"table_name": "mine", "with_records": True})
    assert (copied.status_code, copied.json()["record_count"]) == (201, 1)
    assert client.get("/api/tables/mine/").status_code == 404


def test_json_schema_keeps_every_default() -> None:
    for text in ("TEXT DEFAULT '3'", "INTEGER DEFAULT 3", "NUMERIC DEFAULT 3.10", "BOOLEAN DEFAULT FALSE",
                 "JSONB DEFAULT '\"a\"'", "JSONB DEFAULT '[1, 2.50]'", "DOUBLE PRECISION DEFAULT 1e3",
                 "DOUBLE PRECISION DEFAULT 'NaN'", "REAL DEFAULT '-Infinity'"):  # fmt: skip
        spec = parse_sql_type("a", text)
        schema = json.dumps(table_schema("t", "", "", [spec]), allow_nan=False)
        assert columns_of(json.loads(schema)) == [spec]
