"""Turns staged rows into new records whose ids are known: consecutive ones, in the order of the file."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from dataengine.imports.rejecting.spill import LineIndex
from dataengine.models import Table
from dataengine.postgres import ddl
from dataengine.postgres.record_ids import reserve_ids
from dataengine.postgres.statements import run

from .change_set import ChangeSet, Lines, numbers
from .staging import Staging

_DRAWN_AT_ONCE = 1 << 16
"""Ids that are drawn before somebody else is likely to draw one."""


def insert_staged(staging: Staging, table: Table, changes: ChangeSet, lines: LineIndex) -> int:
    """Insert all staged rows, and note in ``changes`` which records they became. Returns how many.

    ``lines`` has the line of every row of the file; a staged row's id is its number, from 1.
    """
    rows = numbers(sql.SQL("SELECT id FROM {} ORDER BY id").format(staging.relation))
    every = lines.some(0, lines.count)
    made: list[tuple[int, Lines]] = []
    inserted = 0
    for first_id, count in _drawn(table, len(rows)):
        some = rows[inserted : inserted + count]
        _insert(staging, table, first_id, some)
        made.append((first_id, every[some - 1]))
        inserted += count
    for first_id, some_lines in made:  # all or none: after a clash the caller tries again
        changes.added_from(first_id, some_lines)
    return inserted


def _insert(staging: Staging, table: Table, first_id: int, rows: Lines) -> None:
    listed = sql.SQL(", ").join(sql.Identifier(spec.name) for spec in staging.specs)
    run(
        sql.SQL(
            "INSERT INTO {} (id, {}) SELECT {} + row_number() OVER (ORDER BY id), {} FROM {}"
            " WHERE id BETWEEN {} AND {} ORDER BY id"
        ).format(
            ddl.qualified(table.name),
            listed,
            sql.Literal(first_id - 1),
            listed,
            staging.relation,
            sql.Literal(int(rows[0])),
            sql.Literal(int(rows[-1])),
        )
    )


def _drawn(table: Table, count: int) -> Iterator[tuple[int, int]]:
    """So many ids, as ranges (first, how many): a single one, unless others draw ids at the same time."""
    ranges: list[list[int]] = []
    while count:
        some = min(count, _DRAWN_AT_ONCE)
        first = reserve_ids(table.pk, some)
        if ranges and sum(ranges[-1]) == first:
            ranges[-1][1] += some
        else:
            ranges.append([first, some])
        count -= some
    for first, some in ranges:
        yield first, some
