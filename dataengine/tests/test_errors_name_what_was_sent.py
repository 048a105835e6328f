"""Errors of a change of a column name the key of the body that is at fault, not the column."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from dataengine.exceptions import shown
from dataengine.models import Table

from .changing import change, fill, rehearse
from .conftest import MakeTable


@pytest.fixture
def table(make_table: MakeTable) -> Table:
    return make_table("t", a="TEXT", n="INTEGER DEFAULT 7 NOT NULL", other="TEXT")


@pytest.mark.parametrize(
    ("column", "body", "field"),
    [
        ("a", {"column_name": "id"}, "column_name"),
        ("a", {"column_name": "a" * 64}, "column_name"),
        ("a", {"column_name": "other"}, "column_name"),
        ("n", {"default": "x"}, "default"),
        ("n", {"column_type": "REFERENCES nothing"}, "column_type"),
        ("a", {"constraints": {"pattern": "("}}, "constraints"),
    ],
)
def test_the_key_of_the_body_is_named(
    client: APIClient, table: Table, column: str, body: dict[str, Any], field: str
) -> None:
    answers = [
        change(client, body, column),
        client.post(f"/api/tables/t/columns/{column}/rehearse/", body),
    ]
    for answer in answers:
        error = answer.json()["error"]
        assert answer.status_code in {400, 409}
        assert list(error["fields"]) == [field]
        assert {each["pointer"].split("/")[1] for each in error["pointers"]} == {field}


@pytest.mark.parametrize("name", ["id", "other", "a" * 64])
def test_the_verb_names_its_own_key(client: APIClient, table: Table, name: str) -> None:
    answer = client.put("/api/update-column/", {"table_name": "t", "column_name": "a", "new_name": name})
    error = answer.json()["error"]
    assert answer.status_code in {400, 409}
    assert list(error["fields"]) == ["new_name"]
    assert [each["pointer"] for each in error["pointers"]] == ["/new_name"]


def test_a_unique_column_cannot_have_its_default_again_and_again(client: APIClient, table: Table) -> None:
    """The rehearsal says it, not only the change."""
    fill(client, "t", "n", [1, 2, 2])
    body = {"unique": True, "on_failure": "keep"}
    for answer in (change(client, body, "n"), client.post("/api/tables/t/columns/n/rehearse/", body)):
        error = answer.json()["error"]
        assert (answer.status_code, list(error["fields"])) == (400, ["on_failure"])


def test_what_is_too_long_for_a_unique_column_is_said_of_unique(client: APIClient, table: Table) -> None:
    longest = "".join(chr(0x4E00 + number) for number in range(3000))
    fill(client, "t", "a", [longest])
    assert rehearse(client, {"unique": True})["failing"] == 1
    error = change(client, {"unique": True}).json()["error"]
    assert (error["code"], list(error["fields"])) == ("would_lose_data", ["unique"])


def test_a_key_that_is_not_known_is_named(client: APIClient, table: Table) -> None:
    error = client.delete("/api/tables/t/records/bulk/", {"idz": [1]}).json()["error"]
    assert error["fields"] == {"idz": ["There is no such key. Give ids or filter."]}
    assert [each["pointer"] for each in error["pointers"]] == ["/idz"]


def test_bounds_that_leave_no_value_are_named(client: APIClient) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "number", "minimum": 5, "exclusiveMaximum": 5}}}
    error = client.post("/api/create-table/", {"table_name": "u", "json_schema": schema}).json()["error"]
    assert error["fields"] == {"a": ["No number is between minimum and exclusiveMaximum."]}


def test_a_message_is_one_line_of_what_can_be_read() -> None:
    assert shown("two\nlines\tand 1\u00a0234") == "two lines and 1 234"
    assert shown("a\0b\ud800") == "a\ufffdb\ufffd"


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_cannot_be_stored_is_pointed_to(client: APIClient, table: Table, text: str) -> None:
    sent = {"grants": [{"user": "ann", "right": "view"}, {"user": text, "right": "view"}]}
    answer = client.generic("PUT", "/api/tables/t/sharing/", json.dumps(sent), "application/json")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], list(error["fields"])) == (400, "invalid_text", ["user"])
    assert [each["pointer"] for each in error["pointers"]] == ["/grants/1/user"]
