"""Finds the staged rows that repeat a value, or several, of an earlier row that goes in.

The order of the file decides between duplicates: the first row that is otherwise valid wins. With several unique
columns that takes a greedy walk; PostgreSQL does it as ``INSERT … SELECT … ORDER BY id ON CONFLICT DO NOTHING``. Where
reading has held back what may repeat earlier rows (``converting/repeats.py``), only rows with their values are
compared: the others share no value with any earlier row, so they go in whatever becomes of the held rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg import sql

from dataengine.postgres.statements import run

from .keys import Key
from .staging import Staging, staged, temporary


@contextmanager
def repeating(staging: Staging, keys: Sequence[Key], held: Staging | None) -> Iterator[sql.Composable | None]:
    """The condition for rows ``s`` that repeat one of the ``keys`` of an earlier one; None if there are none.

    ``held``: only rows with the values of these can.
    """
    if not keys or (held is not None and not held.has_rows()):
        yield None
    elif len(keys) == 1:
        yield _of_one(staging, keys[0], held)
    else:
        winners, clashing = temporary(staging.job_id, "winners"), temporary(staging.job_id, "clashing")
        _walk(staging, keys, held, winners, clashing)
        yield sql.SQL("s.id IN (SELECT id FROM {} EXCEPT SELECT id FROM {})").format(clashing, winners)
        run(sql.SQL("DROP TABLE {}, {}").format(winners, clashing))


def _of_one(staging: Staging, key: Key, held: Staging | None) -> sql.Composable:
    return sql.SQL(
        "s.id IN (SELECT d.id FROM {rows} d JOIN (SELECT {named}, min(id) AS first FROM {rows} f "
        "WHERE {some} GROUP BY {key} HAVING count(*) > 1) r ON {same} WHERE d.id > r.first)"
    ).format(
        rows=staging.relation,
        named=key.named("f"),
        some=_some(key, held),
        key=key.of_rows("f"),
        same=key.as_named("d", "r"),
    )


def _walk(
    staging: Staging, keys: Sequence[Key], held: Staging | None, winners: sql.Composable, clashing: sql.Composable
) -> None:
    """Put the rows that have a value of another into ``clashing``, and those of them that go in into ``winners``."""
    names = {column.name: staged(column.name) for key in keys for column in key.columns}
    listed = sql.SQL(", ").join(names.values())
    clashes = sql.SQL(" OR ").join(
        sql.SQL("({0}) IN (SELECT {1} FROM {2} f WHERE {3} GROUP BY {1} HAVING count(*) > 1)").format(
            key.of_rows("s"), key.of_rows("f"), staging.relation, _some(key, held)
        )
        for key in keys
    )
    run(
        sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT id, {} FROM {} WITH NO DATA").format(
            winners, listed, staging.relation
        )
    )
    for key in keys:
        run(sql.SQL("CREATE UNIQUE INDEX ON {} ({})").format(winners, key.of_rows()))
    run(
        sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT id, {} FROM {} s WHERE {}").format(
            clashing, listed, staging.relation, clashes
        )
    )
    run(
        sql.SQL("INSERT INTO {} SELECT id, {} FROM {} ORDER BY id ON CONFLICT DO NOTHING").format(
            winners, listed, clashing
        )
    )


def _some(key: Key, held: Staging | None) -> sql.Composable:
    """Which rows ``f`` are to be compared with one another."""
    if held is None:
        return key.filled("f")
    return sql.SQL("{} AND ({}) IN (SELECT {} FROM {} h)").format(
        key.filled("f"), key.of_rows("f"), key.of_rows("h"), held.relation
    )
