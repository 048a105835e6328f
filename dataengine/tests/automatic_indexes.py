"""What tests of automatic indexes share: a table of which a thousand records are very many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from dataengine.models import Index, Table
from dataengine.postgres import ddl
from dataengine.tests.importing import make_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ROWS = 3_000
MANY = 1_000
COLUMNS = {"name": "TEXT", "kind": "VARCHAR(9)", "price": "NUMERIC(10,2)", "n": "INTEGER", "ok": "BOOLEAN",
           "day": "DATE", "seen": "TIMESTAMPTZ", "ratio": "DOUBLE PRECISION", "extra": "JSON"}  # fmt: skip


@pytest.fixture(autouse=True)
def many_is_few(settings: Settings) -> None:
    settings.AUTO_INDEX = True
    settings.AUTO_INDEX_AFTER_RECORDS = MANY


@pytest.fixture
def goods(owner: User) -> Table:
    table = make_table(owner, "goods", **COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO userdata.goods (name, kind, price, n, ok, day, seen, ratio)"
            " SELECT 'name ' || i, 'k' || i %% 9, i / 3.0, i, i %% 2 = 0, '2020-01-01'::date + i, now(), i"
            " FROM generate_series(1, %s) i",
            [ROWS],
        )
    settle("goods")
    return table


def settle(table: str) -> None:
    """Let PostgreSQL know how much there is, and what was written and read."""
    with connection.cursor() as cursor:
        for statement in ("SELECT pg_stat_force_next_flush()", f"ANALYZE userdata.{table}"):
            cursor.execute(statement)
        cursor.execute("SELECT pg_stat_force_next_flush()")


def ask(client: APIClient, **parameters: Any) -> Any:
    return client.get("/api/tables/goods/records/", parameters)


def made() -> list[tuple[str | None, str, int]]:
    """Of which columns there are automatic indexes, what for, and how many records were read without them."""
    found = Index.objects.filter(automatic=True).order_by("pk").select_related("column")
    return [(index.column.name if index.column else None, index.purpose, index.records_read) for index in found]


def exists(table: Table, column: str) -> bool:
    with connection.cursor() as cursor:
        name = f"tk:{table.columns.get(name=column).pk}:index"
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [ddl.quoted(name)])
        return bool(cursor.fetchone()[0])
