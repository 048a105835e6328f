"""A default is a value of its column's type that its constraints allow, or the column is refused."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from .conftest import MakeTable


@pytest.mark.parametrize(
    "described",
    [
        "REAL DEFAULT 1e39",
        "DOUBLE PRECISION DEFAULT 1e400",
        "SMALLINT DEFAULT 40000",
        "INTEGER DEFAULT ٣",
        "DECIMAL(5,2) DEFAULT 1234.5",
        "NUMERIC DEFAULT 1e200000",
        "VARCHAR(2) DEFAULT 'abc'",
        "DATE DEFAULT '2024-02-30'",
        "CHOICE('a','b') DEFAULT 'c'",
        {"type": "TEXT", "default": "b", "constraints": {"pattern": "^a"}},
        {"type": "TEXT", "default": "abc", "constraints": {"maxLength": 2}},
        {"type": "TEXT", "default": "a", "constraints": {"minLength": 2}},
        {"type": "INTEGER", "default": 5, "constraints": {"exclusiveMinimum": 5}},
        {"type": "INTEGER", "default": 5, "constraints": {"exclusiveMaximum": 5}},
        {"type": "NUMERIC", "default": "0.1", "constraints": {"minimum": 0.2}},
    ],
)
def test_invalid_defaults_are_refused(client: APIClient, make_table: MakeTable, described: Any) -> None:
    answer = client.post("/api/create-table/", {"table_name": "t", "fields": {"x": described}})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["x"])
    make_table("other", a="TEXT")
    more = described if isinstance(described, dict) else {"type": described}
    body = {"column_name": "x", "column_type": more["type"], **{k: v for k, v in more.items() if k != "type"}}
    answer = client.post("/api/tables/other/columns/", body)
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["x"])


def test_a_default_that_is_allowed(client: APIClient) -> None:
    constraints = {"pattern": "^a", "minLength": 2, "maxLength": 2}
    fields = {"x": {"type": "TEXT", "default": "ab", "constraints": constraints}, "y": "REAL DEFAULT 3e38"}
    assert client.post("/api/create-table/", {"table_name": "t", "fields": fields}).status_code == 201
    assert client.post("/api/tables/t/records/", {}).json() == {"id": 1, "x": "ab", "y": 3e38}
    answer = client.patch("/api/tables/t/columns/x/", {"default": "b"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_default")
