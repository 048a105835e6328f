"""Examples of what an import would do to records, for a dry run: some of each kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import connection
from psycopg import sql

from dataengine.imports.counts import FoundChange

MOST = 20

type Cells = Sequence[tuple[str, sql.Composable]]
"""Names of columns, each with the expression of its value."""


def examples(
    records: sql.Composable,
    *,
    ids: sql.Composable,
    rows: sql.Composable,
    before: Cells | None,
    after: Cells | None,
    line_of: Callable[[int], int],
) -> list[FoundChange]:
    """The first of what ``records`` (what follows FROM) gives, in the order of the file's ``rows``, then of ids."""
    cells = [sql.SQL("({})::text").format(cell) for _, cell in (*(before or ()), *(after or ()))]
    statement = sql.SQL("SELECT {} FROM {} ORDER BY 2, 1 LIMIT {}").format(
        sql.SQL(", ").join([ids, rows, *cells]), records, sql.Literal(MOST)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found = cursor.fetchall()
    middle = 2 + len(before or ())
    return [
        {
            "id": values[0],
            "line": None if values[1] is None else line_of(values[1]),
            "before": _named(before, values[2:middle]),
            "after": _named(after, values[middle:]),
        }
        for values in found
    ]


def _named(cells: Cells | None, values: Sequence[str | None]) -> dict[str, str | None] | None:
    return None if cells is None else {name: value for (name, _), value in zip(cells, values, strict=True)}
