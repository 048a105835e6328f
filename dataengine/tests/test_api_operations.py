"""Each operation works the same through its verb endpoint and its resource: same view, same answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import resolve
from rest_framework.test import APIClient

from dataengine.api.urls import RESOURCES, VERBS

from .conftest import MakeTable

type Ask = Callable[..., Any]


@pytest.fixture(params=["verbs", "resources"])
def ask(request: pytest.FixtureRequest, client: APIClient) -> Ask:
    """``ask(operation, …)``: send it in one way or the other."""

    def verbs(operation: str, table: str, **given: Any) -> Any:
        body = {"table_name": table, **given}
        match operation:
            case "create":
                return client.post("/api/create-table/", body)
            case "add column":
                return client.post("/api/add-column/", body)
            case "insert":
                return client.post("/api/insert-record/", body)
            case "list":
                return client.get("/api/get-records/", body)
            case "update":
                return client.put("/api/update-record/", body)
            case "delete record":
                return client.delete("/api/delete-record/", body)
            case "delete record by query":
                return client.delete(f"/api/delete-record/?table_name={table}&id={given['id']}")
            case _:
                return client.delete("/api/delete-table/", body)

    def resources(operation: str, table: str, **given: Any) -> Any:
        url = f"/api/tables/{table}/"
        match operation:
            case "create":
                return client.post("/api/tables/", {"table_name": table, **given})
            case "add column":
                return client.post(f"{url}columns/", given)
            case "insert":
                return client.post(f"{url}records/", given.get("data", given))
            case "list":
                return client.get(f"{url}records/", given)
            case "update":
                return client.put(f"{url}records/{given['id']}/", given["data"])
            case "delete record" | "delete record by query":
                return client.delete(f"{url}records/{given['id']}/")
            case _:
                return client.delete(url)

    return verbs if request.param == "verbs" else resources


FIELDS = {"name": "TEXT", "email": "TEXT UNIQUE", "created_at": "DATE"}


def test_a_table_from_start_to_end(ask: Ask) -> None:
    made = ask("create", "Customer", fields=FIELDS)
    assert made.status_code == 201, made.content
    assert [column["column_name"] for column in made.json()["columns"]] == ["name", "email", "created_at"]
    assert made.json() | {"id": 0, "created_at": "", "columns": []} == {
        "id": 0, "table_name": "Customer", "label": "", "description": "", "columns": [],
        "record_count": 0, "record_count_exact": True, "search_index": None,
        "search_index_reason": None, "named_by": None,
        "created_at": "", "url": "http://testserver/api/tables/Customer/",
    }  # fmt: skip
    added = ask("add column", "Customer", column_name="age", column_type="SMALLINT NOT NULL DEFAULT 3")
    assert added.status_code == 201
    assert added.json() == {
        "column_name": "age", "label": "", "description": "", "column_type": "SMALLINT", "type": "smallint",
        "unique": False, "unique_ignores_case": False,
        "required": True, "default": "3", "constraints": {}, "display": {}, "indexed": False,
        "index_state": None, "index_reason": None,
    }  # fmt: skip
    data = {"name": "John Doe", "email": "j@example.com", "created_at": "2026-01-31"}
    record = ask("insert", "Customer", data=data)
    assert record.status_code == 201
    assert record.json() == {"id": 1, **data, "age": 3}
    changed = ask("update", "Customer", id=1, data={"name": "Jane"})
    assert changed.status_code == 200
    assert changed.json() == {"id": 1, **data, "name": "Jane", "age": 3}
    listed = ask("list", "Customer", search="jane")
    assert listed.status_code == 200
    assert listed.json() == {
        "table_name": "Customer", "page": 1, "page_exact": True, "limit": 10, "count": 1, "count_exact": True,
        "next": None, "previous": None, "last": None, "results": [changed.json()],
    }  # fmt: skip
    assert ask("delete record", "Customer", id=1).status_code == 204
    assert ask("delete record by query", "Customer", id=1).status_code == 404
    assert ask("delete table", "Customer").status_code == 204
    assert ask("list", "Customer").status_code == 404


@pytest.mark.parametrize(
    ("operation", "given", "code"),
    [
        ("add column", {"column_name": "x", "column_type": "TEXT"}, "table_not_found"),
        ("insert", {"data": {"a": 1}}, "table_not_found"),
        ("list", {}, "table_not_found"),
        ("update", {"id": 1, "data": {}}, "table_not_found"),
        ("delete record", {"id": 1}, "table_not_found"),
        ("delete table", {}, "table_not_found"),
    ],
)
def test_unknown_tables_are_404(ask: Ask, operation: str, given: dict[str, Any], code: str) -> None:
    answer = ask(operation, "nowhere", **given)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)


def test_bad_records_name_every_column(ask: Ask, make_table: MakeTable) -> None:
    make_table("t", a="INTEGER NOT NULL", b="DATE", c="VARCHAR(3)", d="CHOICE('x','y')")
    answer = ask("insert", "t", data={"b": "yesterday", "c": "long", "d": "z", "nope": 1, "id": 4})
    assert answer.status_code == 400
    assert set(answer.json()["error"]["fields"]) == {"a", "b", "c", "d", "nope", "id"}
    assert ask("list", "t").json()["count"] == 0


def test_data_has_to_be_an_object(ask: Ask, make_table: MakeTable) -> None:
    make_table("t", a="TEXT")
    for data in ([], "x", 1, [{"a": "b"}]):
        answer = ask("insert", "t", data=data)
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["data"])


def test_updating_nothing_changes_nothing(ask: Ask, make_table: MakeTable) -> None:
    make_table("t", a="TEXT NOT NULL")
    made = ask("insert", "t", data={"a": "x"}).json()
    assert ask("update", "t", id=made["id"], data={}).json() == made
    refused = ask("update", "t", id=made["id"], data={"a": None})
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["a"])


def test_head_asks_what_get_does(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT")
    for url in ("/api/get-records/?table_name=t", "/api/tables/t/records/?limit=0", "/api/tables/?page=x"):
        head, answer = client.head(url), client.get(url)
        assert (head.status_code, head.content) == (answer.status_code, b"")


def test_both_lists_name_the_same_view_classes() -> None:
    views = {pattern.callback.cls for pattern in RESOURCES}  # type: ignore[attr-defined]
    assert {pattern.callback.cls for pattern in VERBS} <= views  # type: ignore[attr-defined]


def test_verbs_know_their_method_only(client: APIClient) -> None:
    answer = client.get("/api/create-table/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert answer["Allow"] == "POST, OPTIONS"
    assert resolve("/api/tables/x/records/bulk/").url_name == "api-records-bulk"
