"""Which transaction wrote the records of an import, so that whoever wrote them since is noticed, by whatever way.

PostgreSQL keeps with each record the number of the transaction that wrote it (`xmin`), which costs an import nothing. A
transaction's savepoints have numbers of their own, which are higher; those of others may lie between. So records are
taken for unchanged that a transaction wrote which had its number during the import, and waited for its end.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from psycopg import sql

from dataengine.models import ImportedSpan, Table
from dataengine.postgres import ddl
from dataengine.postgres.statements import run

_SPANS = sql.Identifier(ImportedSpan._meta.db_table)
_NUMBERS = sql.Literal(1 << 32)
"""Numbers of transactions go round."""


def note(table: Table, spans: Sequence[int]) -> None:
    """Note in these spans (by key) that the present transaction wrote their records, and in which file they are."""
    chosen = sql.SQL("id = ANY ({}::bigint[])").format(sql.Literal(list(spans)))
    # This savepoint has the highest number so far, which the spans then bear themselves.
    with transaction.atomic():
        run(sql.SQL("UPDATE {} SET file = {} WHERE {}").format(_SPANS, _file_of(table), chosen))
    first = sql.SQL("(pg_current_xact_id()::text::numeric % {})::bigint").format(_NUMBERS)
    run(
        sql.SQL("UPDATE {} SET writer = {}, savepoints = {} WHERE {}").format(
            _SPANS, first, _distance(sql.SQL("xmin"), first), chosen
        )
    )


def written_since(job_id: int, table: Table) -> sql.Composable:
    """A query of the ids of records ``r`` in the spans of an import that others wrote.

    Nothing is found of spans from before this was noted, nor in a table that was written anew as a whole.
    """
    return sql.SQL(
        "SELECT r.id FROM {} s JOIN {} r ON r.id BETWEEN s.first_id AND s.last_id"
        " WHERE s.job_id = {} AND s.file = {} AND {} > s.savepoints"
    ).format(
        _SPANS, ddl.qualified(table.name), sql.Literal(job_id), _file_of(table),
        _distance(sql.SQL("r.xmin"), sql.SQL("s.writer")),
    )  # fmt: skip


def _file_of(table: Table) -> sql.Composable:
    """The number of the file that the table's records are in: another one once it is written anew."""
    return sql.SQL("pg_relation_filenode({}::regclass)::bigint").format(sql.Literal(ddl.quoted(table.name)))


def _distance(number: sql.Composable, first: sql.Composable) -> sql.Composable:
    return sql.SQL("(({0}::text::bigint - {1} + {2}) % {2})").format(number, first, _NUMBERS)
