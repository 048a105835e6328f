"""A list sorted by a text with few values and no index is the same as if every record were sorted, on every page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from dataengine.models import Index, Table
from dataengine.postgres import usage
from dataengine.queries import few_values, index_walks
from dataengine.services import indexes
from dataengine.tests.importing import make_table
from dataengine.tests.indexing import build_waiting, plans_of_selects

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def test_pages_are_as_without_it(client: APIClient, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(owner)
    assert usage.different_values("t", "word") == 6
    assert usage.different_values("t", "nope") is None
    # Pages that end within the ten records of a value.
    asked = [*((order, 16) for order in ("word", "-word", "word,-n", "-word,-id")), ("word", 50), ("-word", 9)]
    monkeypatch.setattr(few_values, "_LARGE", 10**9)
    expected = [(pages(client, *one), pages(client, *one, "&page=9")) for one in asked]
    monkeypatch.setattr(few_values, "_LARGE", 1)
    with plans_of_selects("HAVING") as plans, plans_of_selects(" IN (%s") as narrowed:
        assert [(pages(client, *one), pages(client, *one, "&page=9")) for one in asked] == expected
    assert plans
    assert narrowed


def test_then_by_another_column_with_an_index(
    client: APIClient, owner: User, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    table = fill(owner)
    for name in ("word", "n"):
        indexes.set_indexed(user=owner, table=table, column=table.columns.get(name=name), indexed=True)
    assert build_waiting() == ["completed", "completed"]
    orders = ("word,n", "-word,n", "word,-n,-ok", "-word,-n&nulls=first", "n,-word,ok", "-n,word&nulls=first")
    asked = [(order, 9) for order in orders]
    monkeypatch.setattr(index_walks, "_MANY", 10**9)
    expected = [(pages(client, *one), pages(client, *one, "&page=9")) for one in asked]
    monkeypatch.setattr(index_walks, "_MANY", 1)
    with plans_of_selects(") = (") as plans:
        assert [(pages(client, *one), pages(client, *one, "&page=9")) for one in asked] == expected
    assert plans
    # Without it, the index on the second column is what the list needs.
    settings.AUTO_INDEX, settings.AUTO_INDEX_AFTER_RECORDS = True, 50
    client.get("/api/tables/t/records/?order_by=word,ok")
    assert Index.objects.get(automatic=True).column == table.columns.get(name="ok")


def fill(owner: User) -> Table:
    """A table of 70 records with few different values."""
    table = make_table(owner, "t", word="TEXT", n="INTEGER", ok="BOOLEAN")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO userdata.t (word, n, ok)"
            " SELECT (ARRAY['b', 'A9', 'a10', NULL, 'Ä', '', %s])[1 + i %% 7], nullif(i %% 4, 3), i %% 5 = 0"
            " FROM generate_series(1, 70) i",
            ["x" * 400],
        )
        cursor.execute("ANALYZE userdata.t")
    return table


def pages(client: APIClient, order: str, limit: int, start: str = "") -> list[list[int]]:
    """The pages from the first on, or from the last back."""
    url, found = f"/api/tables/t/records/?order_by={order}&limit={limit}{start}", []
    while url:
        page = client.get(url).json()
        found.append([record["id"] for record in page["results"]])
        url = page["previous" if start else "next"]
    return found
