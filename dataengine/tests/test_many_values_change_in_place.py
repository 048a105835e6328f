"""Types that are stored alike and rules rewrite nothing; where they change very many values, a worker does it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from dataengine.models import Table
from dataengine.tests.retyping import PRICE, ROWS, done, few_are_many, make_sold, sql, values

from .changing import undo

pytestmark = pytest.mark.django_db(transaction=True)

DAY = "/api/tables/sold/columns/day/"


@pytest.fixture
def table(owner: User, monkeypatch: pytest.MonkeyPatch) -> Table:
    few_are_many(monkeypatch)
    return make_sold(owner)


@pytest.mark.parametrize(
    "body", [{"column_type": "EMAIL"}, {"constraints": {"maxLength": 3}}, {"required": True, "default": "-"}]
)
def test_a_worker_writes_very_many(client: APIClient, table: Table, body: dict[str, Any]) -> None:
    if "required" in body:
        sql("UPDATE userdata.sold SET day = NULL WHERE id > 2")
    before = values("day")
    choice = "default" if "required" in body else "null"
    refused = client.patch(DAY, body).json()["error"]
    assert (refused["code"], refused["rehearsal"]["rewrites_table"]) == ("would_lose_data", False)
    asked = client.patch(DAY, {**body, "on_failure": choice})
    assert asked.status_code == 202, asked.content
    job = done(asked.json()["id"])
    after = values("day")
    assert after[2:] == ["-" if "required" in body else None] * (ROWS - 2)
    assert client.get(DAY).json()["constraints"] == body.get("constraints", {})
    assert job.event is not None
    assert before != after


def test_few_values_of_a_large_table_are_changed_at_once(client: APIClient, table: Table) -> None:
    sql("UPDATE userdata.sold SET price = 'longer than that' WHERE id < 4")
    before = values("price")
    answer = client.patch(PRICE, {"constraints": {"maxLength": 9}, "on_failure": "keep"})
    assert answer.status_code == 200, answer.content
    assert values("price")[:4] == [None, None, None, "4,50"]
    assert values("price_before")[:4] == ["longer than that"] * 3 + [None]
    assert undo(client, answer.json()["undo"]).status_code == 200
    assert values("price") == before


def test_rules_that_all_values_meet_change_none(client: APIClient, table: Table) -> None:
    answer = client.patch(PRICE, {"required": True, "constraints": {"pattern": ",50$"}, "label": "Price"})
    assert answer.status_code == 200, answer.content
    assert client.post("/api/tables/sold/records/", {"name": "x", "price": "1"}).status_code == 400
