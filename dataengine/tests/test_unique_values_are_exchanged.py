"""Records may exchange unique values in one change, and that change can be undone: only the result counts."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from .conftest import MakeTable

URL = "/api/tables/t/records/bulk/"


@pytest.fixture(params=["INTEGER UNIQUE", "INTEGER UNIQUE NOT NULL"])
def _table(request: pytest.FixtureRequest, client: APIClient, make_table: MakeTable) -> None:
    make_table("t", n=request.param, a="TEXT")
    client.post(URL, {"records": [{"n": number} for number in (1, 2, 3)]})


def numbers(client: APIClient) -> list[int]:
    return [record["n"] for record in client.get("/api/tables/t/records/?order_by=id").json()["results"]]


def change(client: APIClient, **numbers: int) -> Any:
    records = [{"id": int(name[1:]), "data": {"n": number, "a": "x"}} for name, number in numbers.items()]
    return client.patch(URL, {"records": records})


@pytest.mark.usefixtures("_table")
@pytest.mark.parametrize("wanted", [[2, 1, 3], [2, 3, 1], [3, 1, 2], [100, 1, 3], [3, 2, 100]])
def test_swaps_rings_and_chains(client: APIClient, wanted: list[int]) -> None:
    named = {f"r{place}": number for place, number in enumerate(wanted, 1)}
    answer = change(client, **named)
    assert (answer.status_code, numbers(client)) == (200, wanted)
    for expected in ([1, 2, 3], wanted):
        answer = client.post("/api/tables/t/undo/", {"event": int(answer["X-Undo"])})
        assert (answer.status_code, numbers(client)) == (200, expected)
    assert client.get("/api/tables/t/columns/n/").json()["required"] is (
        client.post("/api/tables/t/records/", {"n": None}).status_code == 400
    )


@pytest.mark.usefixtures("_table")
def test_only_records_at_fault_are_named(client: APIClient) -> None:
    # Do not lock readers out of a table for a better message.
    required = client.get("/api/tables/t/columns/n/").json()["required"]
    for wanted in ({"r1": 2, "r2": 3}, {"r1": 2, "r2": 2}):
        answer = change(client, **wanted)
        named = [entry["index"] for entry in answer.json()["error"]["records"]]
        assert answer.status_code == 400
        assert required or named == [1]
        assert numbers(client) == [1, 2, 3]


@pytest.mark.usefixtures("_table")
@pytest.mark.parametrize("word", ["page", "limit", "order_by", "table_name"])
def test_a_posted_filter_holds_conditions_only(client: APIClient, word: str) -> None:
    for method, more in (("delete", {}), ("patch", {"data": {"a": "x"}})):
        answer = getattr(client, method)(URL, {"filter": {word: 1, "n__gt": 0}, **more})
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [word])
    assert numbers(client) == [1, 2, 3]
