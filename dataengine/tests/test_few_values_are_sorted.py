"""A list sorted by a text with few values and no index is the same as if every record were sorted, on every page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from rest_framework.test import APIClient

from dataengine.postgres import usage
from dataengine.queries import few_values
from dataengine.tests.importing import make_table
from dataengine.tests.indexing import plans_of_selects

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def test_pages_are_as_without_it(client: APIClient, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    make_table(owner, "t", word="TEXT", n="INTEGER")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO userdata.t (word, n) SELECT (ARRAY['b', 'A9', 'a10', NULL, 'Ä', '', %s])[1 + i %% 7], i %% 3"
            " FROM generate_series(1, 140) i",
            ["x" * 400],
        )
        cursor.execute("ANALYZE userdata.t")
    assert usage.different_values("t", "word") == 6
    assert usage.different_values("t", "nope") is None

    def pages(order: str, limit: int, start: str = "") -> list[list[int]]:
        """The pages from the first on, or from the last back."""
        url, found = f"/api/tables/t/records/?order_by={order}&limit={limit}{start}", []
        while url:
            page = client.get(url).json()
            found.append([record["id"] for record in page["results"]])
            url = page["previous" if start else "next"]
        return found

    asked = [(order, limit) for order in ("word", "-word", "word,-n", "-word,-id") for limit in (3, 50)]
    monkeypatch.setattr(few_values, "_LARGE", 10**9)
    expected = [(pages(*one), pages(*one, "&page=9")) for one in asked]
    monkeypatch.setattr(few_values, "_LARGE", 1)
    with plans_of_selects("HAVING") as plans, plans_of_selects(" IN (%s") as narrowed:
        assert [(pages(*one), pages(*one, "&page=9")) for one in asked] == expected
    assert plans
    assert narrowed
