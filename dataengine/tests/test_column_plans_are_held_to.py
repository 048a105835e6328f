"""A plan does exactly what was rehearsed, once, within ten minutes, for whom and what it was made; or nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from dataengine.models import Table
from dataengine.services import column_plans

from .changing import change, fill, rehearse, undo, values
from .conftest import MakeTable

BODY = {"column_type": "INTEGER", "on_failure": "keep"}


@pytest.fixture
def table(client: APIClient, make_table: MakeTable) -> Table:
    made = make_table("t", a="TEXT", b="TEXT")
    fill(client, "t", "a", ["1", "x", "NA"])
    return made


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    assert (answer.status_code, error["code"], list(error["fields"])) == (status, code, ["plan"]), answer.content
    return error


def test_a_plan_is_done_as_rehearsed(client: APIClient, table: Table) -> None:
    plan = rehearse(client, BODY)["plan"]
    done = change(client, {"plan": plan})
    assert done.status_code == 200, done.content
    assert (values(client), values(client, "a_before")) == ([1, None, None], [None, "x", None])


def test_the_verb_takes_it_too(client: APIClient, table: Table) -> None:
    plan = rehearse(client, BODY)["plan"]
    done = client.put("/api/update-column/", {"table_name": "t", "column_name": "a", "plan": plan})
    assert (done.status_code, done.json()["column_type"]) == (200, "INTEGER")
    assert undo(client, done.json()["undo"]).status_code == 200
    body = {"table_name": "t", "column_name": "a", "column_type": "INTEGER"}
    assert client.put("/api/update-column/", body).json()["error"]["code"] == "would_lose_data"
    assert client.put("/api/update-column/", {**body, "on_failure": "null", "new_name": "n"}).status_code == 200
    assert values(client, "n") == [1, None, None]


def test_the_changes_may_be_repeated_beside_the_plan(client: APIClient, table: Table) -> None:
    plan = rehearse(client, BODY)["plan"]
    refused(change(client, {"plan": plan, "column_type": "BIGINT"}), 400, "invalid_plan")
    refused(change(client, {"plan": plan, "on_failure": "null"}), 400, "invalid_plan")
    assert change(client, {"plan": plan, **BODY}).status_code == 200


def test_numbers_that_hold_no_more(client: APIClient, table: Table) -> None:
    found = rehearse(client, BODY)
    client.patch("/api/tables/t/records/1/", {"a": "one"})
    error = refused(change(client, {"plan": found["plan"]}), 409, "plan_outdated")
    assert (error["rehearsal"]["failing"], found["failing"]) == (2, 1)
    assert values(client) == ["one", "x", "NA"]
    assert change(client, {"plan": error["rehearsal"]["plan"]}).status_code == 200
    assert values(client, "a_before") == ["one", "x", None]


def test_a_plan_that_stops_loses_nothing(client: APIClient, table: Table) -> None:
    plan = rehearse(client, {"column_type": "INTEGER"})["plan"]
    answer = change(client, {"plan": plan})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "would_lose_data")
    assert values(client) == ["1", "x", "NA"]


def test_a_plan_is_good_for_one_time(client: APIClient, table: Table) -> None:
    plan = rehearse(client, BODY)["plan"]
    url = change(client, {"plan": plan}).json()["undo"]
    refused(change(client, {"plan": plan}), 409, "plan_outdated")
    assert undo(client, url).status_code == 200
    error = refused(change(client, {"plan": plan}), 409, "plan_outdated")
    assert "already" in error["message"]
    assert values(client) == ["1", "x", "NA"]


def test_a_plan_ends_after_ten_minutes(client: APIClient, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_plans, "LIFETIME", timedelta(seconds=-1))
    plan = rehearse(client, BODY)["plan"]
    error = refused(change(client, {"plan": plan}), 409, "plan_outdated")
    assert "ten minutes" in error["message"]
    monkeypatch.undo()
    assert change(client, {"plan": rehearse(client, BODY)["plan"]}).status_code == 200


def test_plans_of_others_and_for_others_are_none(
    client: APIClient,
    table: Table,
    api: Callable[[User], APIClient],
    colleague: User,
    share: Any,
    make_table: MakeTable,
) -> None:
    plan = rehearse(client, BODY)["plan"]
    share(table, colleague, "design")
    assert "another user" in refused(change(api(colleague), {"plan": plan}), 400, "invalid_plan")["message"]
    assert "another column" in refused(change(client, {"plan": plan}, "b"), 400, "invalid_plan")["message"]
    make_table("u", a="TEXT")
    refused(change(client, {"plan": plan}, "a", "u"), 400, "invalid_plan")
    for text in ("", plan[:-1], plan[:20], "x" * 100, "é"):
        answer = change(client, {"plan": text})
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["plan"])
    assert values(client) == ["1", "x", "NA"]


def test_rehearsing_needs_the_right_to_design(
    client: APIClient, table: Table, api: Callable[[User], APIClient], colleague: User, stranger: User, share: Any
) -> None:
    url = "/api/tables/t/columns/a/rehearse/"
    assert api(stranger).post(url, BODY).status_code == 404
    share(table, colleague, "edit")
    assert api(colleague).post(url, BODY).status_code == 403
    assert client.post("/api/tables/t/columns/zz/rehearse/", BODY).status_code == 404
    assert client.get(url).status_code == 405


def test_a_change_that_came_between_outdates_a_plan(client: APIClient, table: Table) -> None:
    plan = rehearse(client, {"column_type": "VARCHAR(5)"})["plan"]
    assert change(client, {"column_type": "VARCHAR(9)"}).status_code == 200
    refused(change(client, {"plan": plan}), 409, "plan_outdated")


@pytest.mark.parametrize("beside", [{"column_type": "TEXT"}, {"on_failure": "stop"}, {"required": True}])
def test_a_plan_is_not_done_where_the_body_says_otherwise(
    client: APIClient, table: Table, beside: dict[str, Any]
) -> None:
    """Even if that is what the column is already."""
    plan = rehearse(client, BODY)["plan"]
    refused(change(client, {"plan": plan, **beside}), 400, "invalid_plan")
    assert values(client) == ["1", "x", "NA"]
    assert change(client, {"plan": plan, "required": False}).status_code == 200
