"""Records without a value in a column that has an index are read from it in their order, whatever the direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from rest_framework.test import APIClient

from dataengine.services import indexes
from dataengine.tests.importing import make_table
from dataengine.tests.indexing import build_waiting, plans_of_selects

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def test_nothing_is_sorted_and_every_page_is_there(client: APIClient, owner: User) -> None:
    table = make_table(owner, "t", a="TEXT", n="INTEGER")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO userdata.t (a, n) SELECT CASE WHEN i % 7 > 0 THEN 'a' || i END, nullif(i % 5, 0)"
            " FROM generate_series(1, 7000) i"
        )
    for column in table.columns.all():
        indexes.set_indexed(user=owner, table=table, column=column, indexed=True)
    assert build_waiting() == ["completed", "completed"]
    for name, every, down in (("a", 7, False), ("a", 7, True), ("n", 5, True)):
        ids = [i for i in range(1, 7001) if i % every == 0]
        query = f"{name}__isnull=true&limit=400&order_by={'-' if down else ''}id"
        url, found = f"/api/tables/t/records/?{query}", []
        with plans_of_selects("LIMIT") as plans:
            while url:
                page = client.get(url).json()
                found += [record["id"] for record in page["results"]]
                url = page["next"]
        assert found == sorted(ids, reverse=down)
        # To sort the few that an integer leaves here costs PostgreSQL as little.
        assert name == "n" or not [plan for plan in plans if "Sort" in plan]
        # The last page, reached by its number.
        last = client.get(f"/api/tables/t/records/?{query}&page={-(-len(ids) // 400)}").json()
        assert [record["id"] for record in last["results"]] == found[-(len(ids) % 400 or 400) :]
