"""What a worker made of a column of a large table is taken back by a worker: exactly, also after later edits."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from dataengine.models import AuditEvent, ChangeJob, Column, Index, Table, TrashItem
from dataengine.services import change_runs, column_undo, indexes
from dataengine.tests.indexing import build_waiting
from dataengine.tests.retyping import (
    PRICE,
    ROWS,
    done,
    few_are_many,
    make_sold,
    meanwhile,
    nothing_is_left,
    sql,
    values,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    few_are_many(monkeypatch)
    monkeypatch.setattr(column_undo, "MANY", 50)


@pytest.fixture
def table(owner: User) -> Table:
    return make_sold(owner)


def retyped(client: APIClient, **wanted: Any) -> int:
    """The event of a change of ``price``."""
    asked = client.patch(PRICE, {"column_type": "NUMERIC", **wanted})
    assert (asked.status_code, asked.json()["undo"]) == (202, None), asked.json()
    event = done(asked.json()["id"]).event
    shown = client.get(asked.json()["url"].removeprefix("http://testserver")).json()
    assert event is not None
    assert shown["undo"] == f"http://testserver/api/tables/sold/undo/{event.pk}/"
    return event.pk


def undo(client: APIClient, event: int, **more: Any) -> Any:
    return client.post(f"/api/tables/sold/undo/{event}/", more)


def taken_back(client: APIClient, event: int, **more: Any) -> int:
    """The event of the undoing."""
    asked = undo(client, event, **more)
    assert asked.status_code == 202, asked.json()
    job = done(asked.json()["id"])
    assert job.event is not None
    nothing_is_left(job.pk)
    return job.event.pk


def test_every_value_comes_back_and_forth(client: APIClient, owner: User, table: Table) -> None:
    indexes.set_indexed(user=owner, table=table, column=table.columns.get(name="price"), indexed=True)
    assert build_waiting() == ["completed"]
    sql("UPDATE userdata.sold SET price = ' 1.234,50 ' WHERE id = 3")
    sql("UPDATE userdata.sold SET price = '' WHERE id = 4")
    sql("UPDATE userdata.sold SET price = NULL WHERE id = 5")
    sql("UPDATE userdata.sold SET price = 'x' WHERE id = 6")
    before = values("price")
    event = retyped(client, on_failure="keep")
    numbers, kept = values("price"), values("price_before")
    assert numbers[2:6] == ["1234.50", None, None, None]
    # What others write in other columns, and new columns, stand in nobody's way.
    sql("UPDATE userdata.sold SET n = 7 WHERE id < 100")
    assert client.post("/api/tables/sold/columns/", {"column_name": "more", "column_type": "TEXT"}).status_code == 201
    undone = taken_back(client, event)
    assert values("price") == before
    assert client.get(PRICE).json()["column_type"] == "TEXT"
    assert values("n")[:2] == ["7", "7"]
    names = [column["column_name"] for column in client.get("/api/tables/sold/").json()["columns"]]
    assert names == ["name", "price", "day", "n", "more"]
    assert [item.name for item in TrashItem.objects.filter(successor=None)] == ["price_before"]
    assert Index.objects.get(column__name="price").state == "completed"
    again = undo(client, event)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_undone")
    redone = taken_back(client, undone)
    assert (values("price"), values("price_before")) == (numbers, kept)
    assert [column["column_name"] for column in client.get("/api/tables/sold/").json()["columns"]][1:3] == [
        "price", "price_before",
    ]  # fmt: skip
    assert client.get(PRICE).json()["column_type"] == "NUMERIC"
    taken_back(client, redone)
    assert values("price") == before
    assert Column.everything.filter(trash_item__successor__name="price").count() == 1


def test_what_was_changed_since_is_named_and_the_rest_goes_back(client: APIClient, table: Table) -> None:
    before = values("price")
    event = retyped(client)
    sql("UPDATE userdata.sold SET price = 0.125 WHERE id IN (10, 20)")
    sql("INSERT INTO userdata.sold (name, price) VALUES ('new', 7.5), ('none', NULL)")
    refused = undo(client, event)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (409, "changed_since")
    assert (error["count"], error["ids"]) == (3, [10, 20, ROWS + 1])
    assert not ChangeJob.objects.filter(parameters__undoes=event).exists()
    taken_back(client, event, rest=True)
    expected = [*before, "7.5", None]
    expected[9] = expected[19] = "0.125"
    assert values("price") == expected


def test_texts_that_are_written_as_numbers_are_compared_with_what_they_became(client: APIClient, table: Table) -> None:
    sql("UPDATE userdata.sold SET price = (id * 0.25)::text")
    odd = {1: "007", 2: " 5 ", 3: "NaN", 4: "-0.50", 5: "x", 6: "+1", 7: None, 8: None, 9: "1E2", 10: "12", 11: "13"}
    for key, text in odd.items():
        sql(f"UPDATE userdata.sold SET price = {'NULL' if text is None else repr(text)} WHERE id = {key}")
    before = values("price")
    undone = taken_back(client, retyped(client, on_failure="null"))
    assert values("price") == before
    numbers = taken_back(client, undone)
    assert values("price")[:8] == ["7", "5", None, "-0.50", None, "1", None, None]
    changes = {3: "'NaN'", 5: "0", 8: "0", 10: "NULL", 11: "13.0", 12: "'NaN'"}
    for key, number in changes.items():
        sql(f"UPDATE userdata.sold SET price = {number} WHERE id = {key}")
    refused = undo(client, numbers)
    assert (refused.status_code, refused.json()["error"].get("ids")) == (409, [*changes])
    taken_back(client, numbers, rest=True)
    expected = dict(enumerate(before, start=1)) | {3: "NaN", 5: "0", 8: "0", 10: None, 11: "13.0", 12: "NaN"}
    assert values("price") == [*expected.values()]


def test_what_is_changed_while_it_runs(client: APIClient, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    before = values("price")
    event = retyped(client)
    numbers = values("price")
    for rest in (False, True):
        job = undo(client, event, rest=rest).json()
        with meanwhile(monkeypatch, job["id"], "analyze"):
            sql("UPDATE userdata.sold SET price = 0.125 WHERE id = 10")
            sql("UPDATE userdata.sold SET n = 8 WHERE id = 11")
        ended = ChangeJob.objects.get(pk=job["id"])
        if not rest:
            assert (ended.state, ended.error_code) == ("failed", "changed_since")
            numbers[9] = "0.125"
            assert values("price") == numbers
            sql("UPDATE userdata.sold SET price = 10.50 WHERE id = 10")
        nothing_is_left(job["id"])
    assert ended.state == "completed", ended.error
    before[9] = "0.125"
    assert values("price") == before
    assert AuditEvent.objects.filter(undoes=event).count() == 1


def test_cancelled_it_leaves_everything_as_it_is(
    client: APIClient, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = retyped(client)
    numbers = values("price")
    job = undo(client, event).json()
    with meanwhile(monkeypatch, job["id"], "take_the_place"):
        assert client.post(f"{job['url']}cancel/").status_code == 200
    assert ChangeJob.objects.get(pk=job["id"]).state == "cancelled"
    assert values("price") == numbers
    assert client.get(PRICE).json()["column_type"] == "NUMERIC"
    nothing_is_left(job["id"])
    taken_back(client, event)
    change_runs.run(job["id"])
    assert values("price")[0] == "1,50"


def test_rules_of_before_hold_again(client: APIClient, table: Table) -> None:
    assert client.patch(PRICE, {"unique": True, "required": True}).status_code == 200
    event = retyped(client, unique=False, required=False)
    taken_back(client, event)
    shown = client.get(PRICE).json()
    assert (shown["unique"], shown["required"]) == (True, True)
    twice = client.post("/api/tables/sold/records/", {"name": "x", "price": "1,50", "n": 1})
    assert (twice.status_code, list(twice.json()["error"]["fields"])) == (400, ["price"])
    assert client.post("/api/tables/sold/records/", {"name": "x", "n": 1}).status_code == 400
