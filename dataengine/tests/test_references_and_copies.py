"""References are shown by label, found by text, and named when they prevent deleting; records can be copied."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from dataengine.columns.sql_types import parse_sql_type
from dataengine.models import Table
from dataengine.queries import references
from dataengine.records.model import record_model
from dataengine.services.tables import create_table

from .conftest import MakeTable


@pytest.fixture
def customers(client: APIClient, make_table: MakeTable) -> Table:
    made = make_table("customers", code="INTEGER", name="TEXT", email="TEXT UNIQUE")
    people = [{"name": name} for name in ("Anna", "Joanna", "Bert", None)]
    assert client.post("/api/tables/customers/records/bulk/", {"records": people}).status_code == 201
    return made


@pytest.fixture
def orders(client: APIClient, make_table: MakeTable, customers: Table) -> Table:
    made = make_table("orders", customer="REFERENCES customers", n="INTEGER")
    bought = [{"customer": 1}, {"customer": 1}, {"customer": 4}, {}]
    assert client.post("/api/tables/orders/records/bulk/", {"records": bought}).status_code == 201
    return made


@pytest.mark.usefixtures("customers")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("search=anna", [(1, "Anna"), (2, "Joanna")]),
        ("search=anna&limit=1", [(1, "Anna")]),
        ("search=4", [(4, "#4")]),
        ("search=zoe", []),
        ("", [(1, "Anna"), (2, "Joanna"), (3, "Bert"), (4, "#4")]),
        ("search=99999999999999999999999", []),
        ("search=%25", []),
    ],
)
def test_finding_a_record_to_refer_to(client: APIClient, query: str, expected: list[tuple[int, str]]) -> None:
    found = client.get(f"/api/tables/customers/lookup/?{query}").json()["results"]
    assert [(entry["id"], entry["label"]) for entry in found] == expected


def test_labels_are_for_those_who_may_see_the_table(owner: User, colleague: User, orders: Table, share: Any) -> None:
    found = list(record_model(orders).objects.order_by("id"))
    [attribute] = [column.attribute for column in found[0].columns if column.name == "customer"]
    assert references.labels(owner, found) == {attribute: {1: "Anna", 4: "#4"}}
    share(orders, colleague, "view")
    assert references.labels(colleague, found) == {}
    assert references.labels(owner, []) == {}


def test_deleting_says_what_refers_to_it(
    client: APIClient, orders: Table, customers: Table, stranger: User, share: Any
) -> None:
    answer = client.delete("/api/tables/customers/records/1/")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "referenced")
    assert error["referenced_by"] == [{"table_name": "orders", "column_name": "customer", "count": 2}]
    many = client.delete("/api/tables/customers/records/bulk/", {"ids": [1, 4]}).json()["error"]
    assert many["referenced_by"] == [{"table_name": "orders", "column_name": "customer", "count": 3}]


def test_tables_without_access_are_not_named(client: APIClient, customers: Table, colleague: User, share: Any) -> None:
    share(customers, colleague, "view")
    secret = create_table(user=colleague, name="secret", columns=[parse_sql_type("who", "REFERENCES customers")])
    record_model(secret).objects.create(**{record_model(secret).columns[0].attribute: 2})
    error = client.delete("/api/tables/customers/records/2/").json()["error"]
    assert (error["code"], error["referenced_by"]) == ("referenced", [])
    assert "secret" not in error["message"]


@pytest.mark.usefixtures("customers")
def test_a_copy_has_everything_but_what_is_unique(client: APIClient) -> None:
    client.patch("/api/tables/customers/records/1/", {"code": 7, "email": "a@example.com"})
    url = "/api/tables/customers/records/1/duplicate/"
    assert client.post(url).json() == {"id": 5, "code": 7, "name": "Anna", "email": None}
    changed = client.post(url, {"email": "b@example.com", "code": None})
    assert changed.json() == {"id": 6, "code": None, "name": "Anna", "email": "b@example.com"}
    assert changed["Location"].endswith("/records/6/")
    taken = client.post(url, {"email": "a@example.com"})
    assert (taken.status_code, list(taken.json()["error"]["fields"])) == (400, ["email"])
    assert client.post("/api/tables/customers/records/99/duplicate/").status_code == 404


def test_a_copy_needs_a_value_where_one_is_required(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", code="TEXT UNIQUE NOT NULL")
    client.post("/api/tables/t/records/", {"code": "a"})
    answer = client.post("/api/tables/t/records/1/duplicate/")
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["code"])
    assert client.post("/api/tables/t/records/1/duplicate/", {"code": "b"}).status_code == 201
