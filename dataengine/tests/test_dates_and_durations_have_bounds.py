"""Bounds of columns for dates, times and lengths of time: what is taken, what is kept, and what becomes of them."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from dataengine.columns.types import REGISTRY

from .changing import change, fill, rehearse, undo, values
from .conftest import MakeTable


def test_bounds_are_kept_as_values_are_written(client: APIClient) -> None:
    fields = {
        "day": {"type": "DATE", "constraints": {"minimum": "2024-1-5"}},
        "seen": {"type": "TIMESTAMPTZ", "constraints": {"maximum": "2024-01-05T02:00:00+02:00"}},
        "took": {"type": "DURATION", "constraints": {"minimum": "90 min", "maximum": "1 day 1:00"}},
    }
    made = client.post("/api/create-table/", {"table_name": "t", "fields": fields})
    assert made.status_code == 201, made.content
    assert [column["constraints"] for column in made.json()["columns"]] == [
        {"minimum": "2024-01-05"}, {"maximum": "2024-01-05T00:00:00Z"}, {"minimum": "PT1H30M", "maximum": "PT25H"},
    ]  # fmt: skip
    for record in ({"day": "2024-01-04"}, {"seen": "2024-01-05T00:00:01Z"}, {"took": "25:00:01"}):
        for answer in (
            client.post("/api/tables/t/records/", record),
            client.post("/api/tables/t/records/bulk/", {"records": [record]}),
        ):
            assert answer.status_code == 400, answer.content
            assert next(iter(record)) in str(answer.json()["error"])
    good = {"day": "2024-01-05", "seen": "2024-01-05T00:00:00Z", "took": "PT1H30M"}
    assert client.post("/api/tables/t/records/", good).status_code == 201


@pytest.mark.parametrize(
    ("column_type", "constraints", "complaint"),
    [
        ("DATE", {"minimum": 5}, "minimum: Give a date like 2024-01-31, as a text."),
        ("DATE", {"minimum": "2024-02-30"}, "minimum: Give a date like 2024-01-31, as a text."),
        ("TIME", {"maximum": "25:00"}, "maximum: Give a time of day like 12:34:56, as a text."),
        ("TIMESTAMP", {"maximum": ""}, "maximum: Give a date and time like 2024-01-31 12:34:56, as a text."),
        ("DURATION", {"minimum": "1 month"}, f"minimum: Give {REGISTRY['duration'].expected}, as a text."),
        ("DURATION", {"minimum": "PT10H", "maximum": "PT9H"}, "minimum is greater than maximum."),
        (
            "DATE", {"minimum": "2024-01-01", "exclusiveMaximum": "2024-01-01"},
            "Nothing is between minimum and exclusiveMaximum.",
        ),
        ("INTEGER", {"minimum": "5"}, "minimum: Give a number."),
    ],
)  # fmt: skip
def test_what_is_no_bound_is_refused(
    client: APIClient, column_type: str, constraints: dict[str, Any], complaint: str
) -> None:
    column = {"type": column_type, "constraints": constraints}
    error = client.post("/api/create-table/", {"table_name": "t", "fields": {"a": column}}).json()["error"]
    assert error["fields"] == {"a": [complaint]}
    assert [found["pointer"] for found in error["pointers"]] == [f"/fields/a/constraints/{next(iter(constraints))}"]


def test_bounds_follow_a_change_of_type_as_far_as_they_can(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT")
    fill(client, "t", "a", ["31.12.2023", "01.02.2024"])
    body = {"column_type": "DATE", "constraints": {"minimum": "2024-01-01"}}
    found = rehearse(client, body)
    assert (found["failing"], [cause["code"] for cause in found["causes"]]) == (1, ["constraint_failed"])
    assert change(client, {**body, "on_failure": "null"}).status_code == 200
    # A day is a moment, too; a moment within a day is no day.
    moment = change(client, {"column_type": "TIMESTAMP"}).json()
    assert moment["constraints"] == {"minimum": "2024-01-01T00:00:00"}
    bound = {"minimum": "2024-01-01T12:00:00"}
    assert change(client, {"constraints": bound}).status_code == 200
    assert any("minimum" in note for note in rehearse(client, {"column_type": "DATE"})["notes"])
    day = change(client, {"column_type": "DATE"}).json()
    assert day["constraints"] == {}
    assert undo(client, day["undo"]).status_code == 200
    assert client.get("/api/tables/t/columns/a/").json()["constraints"] == bound
    assert values(client) == [None, "2024-02-01T00:00:00"]
