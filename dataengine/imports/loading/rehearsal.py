"""What a dry run says beyond its counts: which rows would change records, and the first records as they would be."""

from __future__ import annotations

from django.db import connection
from psycopg import sql

from dataengine.models import Table
from dataengine.postgres import ddl
from dataengine.postgres.statements import value

from .staging import Staging

_SAMPLE = 10


def rehearse(staging: Staging, table: Table | None, key: str | None) -> tuple[int, list[dict[str, str | None]]]:
    """How many staged rows would change records of ``table`` by ``key``, and a sample of the staged rows."""
    updates = _count_updates(staging, table, key) if table is not None and key is not None else 0
    return updates, _sample(staging)


def _count_updates(staging: Staging, table: Table, key: str) -> int:
    """How many staged rows have their ``key`` in the table."""
    statement = sql.SQL("SELECT count(*) FROM {staging} s JOIN {table} t ON t.{key} = s.{key}").format(
        staging=staging.relation, table=ddl.qualified(table.name), key=sql.Identifier(key)
    )
    return int(value(statement) or 0)


def _sample(staging: Staging) -> list[dict[str, str | None]]:
    """The first staged rows, each value as PostgreSQL writes it."""
    names = [spec.name for spec in staging.specs]
    texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
    statement = sql.SQL("SELECT {} FROM {} ORDER BY id LIMIT {}").format(texts, staging.relation, sql.Literal(_SAMPLE))
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
