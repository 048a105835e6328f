"""Undoing a change of a column gives every value back that nobody has changed since, and names the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from dataengine.models import Column, Table, TrashItem
from dataengine.services import trash

from .changing import change, fill, undo, values
from .conftest import MakeTable

HELD = ["1.234,56", "7", None, "N/A", "-0,50"]


@pytest.fixture
def table(make_table: MakeTable) -> Table:
    return make_table("t", a="TEXT", other="INTEGER")


@pytest.fixture
def changed(client: APIClient, table: Table) -> str:
    """The address to undo the change of ``a`` to numbers."""
    fill(client, "t", "a", HELD)
    done = change(client, {"column_type": "NUMERIC(10,2)"})
    assert done.status_code == 200, done.content
    assert values(client) == ["1234.56", "7.00", None, None, "-0.50"]
    url: str = done.json()["undo"]
    return url


def columns_in_postgres(name: str = "t") -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
            [f"userdata.{name}"],
        )
        return {row[0] for row in cursor.fetchall()}


def test_later_changes_of_other_columns_do_not_matter(client: APIClient, changed: str) -> None:
    client.patch("/api/tables/t/records/bulk/", {"filter": {"id__gt": 0}, "data": {"other": 5}})
    assert change(client, {"column_name": "o2", "column_type": "TEXT"}, "other").status_code == 200
    client.delete("/api/tables/t/records/2/")
    assert change(client, {"label": "Amount", "column_name": "amount"}).status_code == 200
    back = undo(client, changed)
    assert back.status_code == 200, back.content
    column = client.get("/api/tables/t/columns/amount/").json()
    assert (column["column_type"], column["label"]) == ("TEXT", "Amount")
    assert values(client, "amount") == [HELD[0], *HELD[2:]]
    assert values(client, "o2") == ["5"] * 4


def test_records_changed_since_are_named_and_the_rest_goes_back(client: APIClient, changed: str) -> None:
    client.patch("/api/tables/t/records/2/", {"a": "8"})
    client.patch("/api/tables/t/records/4/", {"a": "0"})
    added = client.post("/api/tables/t/records/", {"a": "99"}).json()["id"]
    empty = client.post("/api/tables/t/records/", {"other": 1}).json()["id"]
    refused = undo(client, changed)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["count"]) == (409, "changed_since", 3)
    assert error["ids"] == [2, 4, added]
    assert values(client)[:2] == ["1234.56", "8.00"]
    back = undo(client, changed, {"rest": True})
    assert back.status_code == 200, back.content
    assert values(client) == [HELD[0], "8.00", None, "0.00", HELD[4], "99.00", None]
    assert empty == added + 1


def test_a_value_that_was_changed_and_changed_back_counts_as_unchanged(client: APIClient, changed: str) -> None:
    client.patch("/api/tables/t/records/2/", {"a": "8"})
    client.patch("/api/tables/t/records/2/", {"a": "7"})
    assert undo(client, changed).status_code == 200
    assert values(client) == HELD


def test_what_cannot_go_back_is_named(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="INTEGER NOT NULL", other="INTEGER")
    fill(client, "t", "a", [1, 2])
    done = change(client, {"column_type": "TEXT", "required": False}).json()
    client.patch("/api/tables/t/records/2/", {"a": "two"})
    added = client.post("/api/tables/t/records/", {"other": 1}).json()["id"]
    refused = undo(client, done["undo"]).json()["error"]
    assert (refused["code"], refused["ids"]) == ("changed_since", [2, added])
    refused = undo(client, done["undo"], {"rest": True}).json()["error"]
    assert (refused["code"], refused["ids"]) == ("undo_refused", [2, added])
    client.patch("/api/tables/t/records/2/", {"a": "22"})
    client.patch(f"/api/tables/t/records/{added}/", {"a": "3"})
    assert undo(client, done["undo"], {"rest": True}).status_code == 200
    assert values(client) == [1, 22, 3]


def test_it_is_undone_once(client: APIClient, changed: str) -> None:
    back = undo(client, changed).json()
    assert undo(client, changed).json()["error"]["code"] == "already_undone"
    assert undo(client, back["undo"]).status_code == 200
    assert values(client) == ["1234.56", "7.00", None, None, "-0.50"]


def test_the_last_change_is_undone_first(client: APIClient, changed: str) -> None:
    second = change(client, {"column_type": "TEXT"}).json()["undo"]
    refused = undo(client, changed).json()["error"]
    assert refused["code"] == "changed_again"
    assert undo(client, second).status_code == 200
    assert undo(client, changed).status_code == 200
    assert values(client) == HELD


def test_only_who_may_design_may_undo(
    client: APIClient, changed: str, api: Callable[[User], APIClient], colleague: User, stranger: User, share: Any,
    table: Table,
) -> None:  # fmt: skip
    assert undo(api(stranger), changed).status_code == 404
    share(table, colleague, "edit")
    assert undo(api(colleague), changed).status_code == 403
    share(table, colleague, "design")
    assert undo(api(colleague), changed).status_code == 200


def test_rules_come_back(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="VARCHAR(3) UNIQUE NOT NULL DEFAULT 'x'")
    fill(client, "t", "a", ["a", "b"])
    before = client.get("/api/tables/t/columns/a/").json()
    body = {"column_type": "VARCHAR(9)", "unique": False, "required": False, "default": None}
    done = change(client, {**body, "constraints": {"minLength": 1}}).json()
    added = fill(client, "t", "a", ["abcdef", "a", None])
    refused = undo(client, done["undo"]).json()["error"]
    assert (refused["code"], refused["ids"]) == ("changed_since", added)
    assert undo(client, done["undo"], {"rest": True}).json()["error"]["code"] == "undo_refused"
    client.delete("/api/tables/t/records/bulk/", {"ids": added})
    assert undo(client, done["undo"]).status_code == 200
    assert client.get("/api/tables/t/columns/a/").json() == before
    assert client.post("/api/tables/t/records/", {"a": "abcd"}).status_code == 400
    assert client.post("/api/tables/t/records/", {"a": "a"}).status_code == 400


def test_words_and_places_come_back(client: APIClient, table: Table) -> None:
    body = {"column_name": "z", "label": "Z", "description": "What it is", "position": 1}
    done = change(client, body).json()
    names = [column["column_name"] for column in client.get("/api/tables/t/").json()["columns"]]
    assert names == ["other", "z"]
    assert undo(client, done["undo"]).status_code == 200
    columns = client.get("/api/tables/t/").json()["columns"]
    assert [(c["column_name"], c["label"], c["description"]) for c in columns] == [("a", "", ""), ("other", "", "")]


def test_old_values_are_kept_out_of_sight_until_they_are_purged(client: APIClient, changed: str, table: Table) -> None:
    assert client.get("/api/trash/").json()["results"] == []
    item = TrashItem.objects.get()
    assert client.get(f"/api/trash/{item.pk}/").status_code == 404
    assert client.get("/api/tables/t/records/1/").json() == {"id": 1, "a": "1234.56", "other": None}
    assert len(columns_in_postgres()) == 4
    TrashItem.objects.update(deleted_at=timezone.now() - timedelta(days=31))
    assert trash.sweep() == 1
    assert columns_in_postgres() == {"id", "a", "other"}
    assert list(Column.everything.filter(table=table).values_list("name", flat=True)) == ["a", "other"]
    refused = undo(client, changed)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "undo_refused")


def test_a_column_that_is_purged_takes_its_old_values_with_it(client: APIClient, changed: str) -> None:
    client.delete("/api/tables/t/columns/a/")
    assert undo(client, changed).json()["error"]["code"] == "undo_refused"
    [item] = client.get("/api/trash/").json()["results"]
    assert client.post(f"/api/trash/{item['id']}/restore/").status_code == 200
    assert undo(client, changed).status_code == 200
    assert values(client) == HELD
    client.delete("/api/tables/t/columns/a/")
    [item] = client.get("/api/trash/").json()["results"]
    assert client.delete(f"/api/trash/{item['id']}/").status_code == 204
    assert columns_in_postgres() == {"id", "other"}
    assert not TrashItem.objects.exists()


def test_changes_of_records_are_undone_over_it(client: APIClient, changed: str) -> None:
    deleted = client.delete("/api/tables/t/records/1/")
    assert undo(client, changed).status_code == 200
    event = int(deleted.headers["X-Undo"])
    assert client.post("/api/tables/t/undo/", {"event": event}).status_code == 200
    assert values(client) == ["1234.56", *HELD[1:]]


def test_records_deleted_before_it_come_back_after_it_or_not_at_all(client: APIClient, table: Table) -> None:
    fill(client, "t", "a", HELD)
    events = [int(client.delete(f"/api/tables/t/records/{key}/").headers["X-Undo"]) for key in (1, 2)]
    done = change(client, {"column_type": "NUMERIC"}).json()
    answers = [client.post("/api/tables/t/undo/", {"event": event}) for event in events]
    assert [answer.status_code for answer in answers] == [409, 200]
    assert answers[0].json()["error"]["code"] == "undo_refused"
    assert undo(client, done["undo"], {"rest": True}).status_code == 200
    assert client.post("/api/tables/t/undo/", {"event": events[0]}).status_code == 200
    assert values(client) == HELD
