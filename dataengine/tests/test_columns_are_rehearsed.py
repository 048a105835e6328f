"""What a change of a column would do to its values is said beforehand, value by value, and nothing is touched."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from dataengine.models import Table

from .conftest import MakeTable


def fill(client: APIClient, table: str, column: str, values: list[Any]) -> list[int]:
    answer = client.post(f"/api/tables/{table}/records/bulk/", {"records": [{column: value} for value in values]})
    assert answer.status_code == 201, answer.content
    found: list[int] = answer.json()["ids"]
    return found


def rehearse(client: APIClient, body: dict[str, Any], column: str = "a", table: str = "t") -> Any:
    answer = client.post(f"/api/tables/{table}/columns/{column}/rehearse/", body)
    assert answer.status_code == 200, answer.content
    return answer.json()


def counts(found: dict[str, Any]) -> tuple[int, int, int, int]:
    return found["records"], found["converted"], found["unchanged"], found["failing"]


def change(client: APIClient, body: dict[str, Any], column: str = "a", table: str = "t") -> Any:
    return client.patch(f"/api/tables/{table}/columns/{column}/", body)


def values(client: APIClient, column: str = "a", table: str = "t") -> list[Any]:
    found = client.get(f"/api/tables/{table}/records/?limit=1000&order_by=id").json()["results"]
    return [record[column] for record in found]


def undo(client: APIClient, url: str, body: dict[str, Any] | None = None) -> Any:
    return client.post(url.removeprefix("http://testserver"), body or {})


@pytest.fixture
def table(make_table: MakeTable) -> Table:
    return make_table("t", a="TEXT", other="INTEGER")


def test_texts_are_read_as_an_import_reads_cells(client: APIClient, table: Table) -> None:
    fill(client, "t", "a", ["1.234,56", "7", None, "N/A", "", "abc", "-0,5"])
    found = rehearse(client, {"column_type": "NUMERIC"})
    assert counts(found) == (7, 5, 1, 1)
    [cause] = found["causes"]
    assert (cause["code"], cause["count"], cause["examples"]) == ("invalid_type", 1, [{"id": 6, "value": "abc"}])
    assert "abc" in cause["message"]
    assert found["rewrites_table"] is True
    assert values(client) == ["1.234,56", "7", None, "N/A", "", "abc", "-0,5"]
    refused = change(client, {"column_type": "NUMERIC"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "would_lose_data")
    again = refused.json()["error"]["rehearsal"]
    assert {**again, "plan": "", "expires_at": ""} == {**found, "plan": "", "expires_at": ""}
    assert values(client)[0] == "1.234,56"
    done = change(client, {"column_type": "NUMERIC", "on_failure": "null"})
    assert done.status_code == 200, done.content
    assert done.json()["column_type"] == "NUMERIC"
    assert values(client) == ["1234.56", "7", None, None, None, None, "-0.5"]
    back = undo(client, done.json()["undo"])
    assert back.status_code == 200, back.content
    assert values(client) == ["1.234,56", "7", None, "N/A", "", "abc", "-0,5"]
    assert client.get("/api/tables/t/columns/a/").json()["column_type"] == "TEXT"
    redone = undo(client, back.json()["undo"])
    assert redone.status_code == 200, redone.content
    assert values(client) == ["1234.56", "7", None, None, None, None, "-0.5"]
    back = undo(client, redone.json()["undo"])
    assert back.status_code == 200, back.content
    assert values(client) == ["1.234,56", "7", None, "N/A", "", "abc", "-0,5"]
