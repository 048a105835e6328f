"""What fails goes to a column of its own: that goes to the trash with an undoing, and comes back with the next."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from dataengine.models import TrashItem
from dataengine.services import trash

from .changing import change, fill, undo, values
from .conftest import MakeTable

pytestmark = pytest.mark.django_db


def columns(client: APIClient) -> list[str]:
    return [column["column_name"] for column in client.get("/api/tables/t/").json()["columns"]]


@pytest.fixture
def undone(client: APIClient, make_table: MakeTable) -> str:
    """The address that does it again, after a change was undone."""
    make_table("t", a="TEXT", b="TEXT")
    fill(client, "t", "a", ["1", "x"])
    done = change(client, {"column_type": "INTEGER", "on_failure": "keep"}).json()
    assert (columns(client), values(client, "a_before")) == (["a", "a_before", "b"], [None, "x"])
    back = undo(client, done["undo"])
    assert (back.status_code, columns(client)) == (200, ["a", "b"])
    url: str = back.json()["undo"]
    return url


def test_it_comes_back_with_what_it_held(client: APIClient, undone: str) -> None:
    for _ in range(2):
        again = undo(client, undone)
        assert again.status_code == 200, again.content
        assert columns(client) == ["a", "a_before", "b"]
        assert (values(client), values(client, "a_before")) == ([1, None], [None, "x"])
        back = undo(client, again.json()["undo"])
        assert (values(client), columns(client)) == (["1", "x"], ["a", "b"])
        undone = back.json()["undo"]


def test_a_change_in_place_gives_it_back_too(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT")
    fill(client, "t", "a", ["1", "x"])
    done = change(client, {"constraints": {"pattern": "^[0-9]$"}, "on_failure": "keep"}).json()
    again = undo(client, undo(client, done["undo"]).json()["undo"])
    assert again.status_code == 200, again.content
    assert (values(client), values(client, "a_before")) == (["1", None], [None, "x"])


def test_its_name_may_be_taken_meanwhile(client: APIClient, undone: str) -> None:
    assert client.post("/api/tables/t/columns/", {"column_name": "a_before", "column_type": "DATE"}).status_code == 201
    assert undo(client, undone).status_code == 200
    assert columns(client) == ["a", "a_before_2", "b", "a_before"]
    assert values(client, "a_before_2") == [None, "x"]


def test_it_may_be_restored_by_hand_meanwhile(client: APIClient, undone: str) -> None:
    item = TrashItem.objects.get(successor=None)
    assert client.post(f"/api/trash/{item.pk}/restore/", {"name": "mine"}).status_code == 200
    again = undo(client, undone)
    assert again.status_code == 200, again.content
    assert columns(client) == ["a", "b", "mine"]


def test_it_may_be_deleted_for_good_meanwhile(client: APIClient, owner: User, undone: str) -> None:
    trash.purge(user=owner, item=TrashItem.objects.get(successor=None))
    again = undo(client, undone)
    assert again.status_code == 200, again.content
    assert (columns(client), values(client)) == (["a", "b"], [1, None])


def test_one_that_its_user_deleted_stays_deleted(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT")
    fill(client, "t", "a", ["x"])
    done = change(client, {"column_type": "INTEGER", "on_failure": "keep"}).json()
    assert client.delete("/api/tables/t/columns/a_before/").status_code == 204
    undone = undo(client, done["undo"]).json()["undo"]
    assert undo(client, undone).status_code == 200
    assert columns(client) == ["a"]
