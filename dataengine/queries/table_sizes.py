"""How many records a table has and how much space it takes: exact where that is cheap, else estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import ProgrammingError, connection, transaction
from django.db.models import BigIntegerField, Subquery
from psycopg import errors

from dataengine.models import Table
from dataengine.postgres import ddl
from dataengine.records.model import record_model

# Counting 10 million records takes 0.7 s, reading PostgreSQL's estimate 9 ms (measured); nobody reads the last digits.
EXACT_BELOW = 50_000
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class TableSize:
    """``records`` is a count if ``is_exact``, else PostgreSQL's estimate. ``bytes`` includes indexes."""

    records: int
    is_exact: bool
    bytes: int


def size_of(table: Table) -> TableSize:
    """The size of one table."""
    return sizes_of([table])[table.pk]


def sizes_of(tables: Sequence[Table]) -> dict[int, TableSize]:
    """The sizes of ``tables`` by their primary keys: two queries, however many tables there are."""
    known, counted = _known(tables)
    sizes: dict[int, TableSize] = {}
    for table in tables:
        estimate, room = known.get(table.name, (0, 0))
        records = counted.get(table.pk)
        if records is not None and records > EXACT_BELOW:  # loaded a moment ago and not analysed yet
            records = record_model(table, []).objects.order_by().count()
        sizes[table.pk] = TableSize(estimate if records is None else records, records is not None, room)
    return sizes


def _known(tables: Sequence[Table]) -> tuple[dict[str, tuple[int, int]], dict[int, int]]:
    """``_from_catalog`` and ``_counted``; without tables that are dropped or renamed meanwhile."""
    for _ in range(_ATTEMPTS):
        known = _from_catalog([table.name for table in tables])
        small = [table for table in tables if table.name in known and known[table.name][0] < EXACT_BELOW]
        try:
            with transaction.atomic():
                return known, _counted(small)
        except ProgrammingError as error:
            if not isinstance(error.__cause__, errors.UndefinedTable):
                raise
    return known, {}


class _CountOf(Subquery):
    """The number of rows of a subquery."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = BigIntegerField()


def _counted(tables: Sequence[Table]) -> dict[int, int]:
    """The number of records by the table's key, counted up to one more than ``EXACT_BELOW``."""
    parts = [
        Table.objects.order_by()
        .filter(pk=table.pk)
        .values_list("pk", _CountOf(record_model(table, []).objects.order_by().values("id")[: EXACT_BELOW + 1]))
        for table in tables
    ]
    if not parts:
        return {}
    return dict(parts[0].union(*parts[1:], all=True))


def _from_catalog(names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """By name: PostgreSQL's estimate of the records (0 if there is none yet) and the bytes on disk."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, greatest(c.reltuples, 0)::bigint, pg_total_relation_size(c.oid)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = %s AND c.relkind = 'r' AND c.relname = ANY(%s)
            """,
            [ddl.SCHEMA, list(names)],
        )
        return {name: (estimate, room) for name, estimate, room in cursor.fetchall()}
