"""Records that an import makes in other tables, because rows refer to them by a value that no record has.

What conversion found new waits in temporary tables. A record is made only once a row that goes in refers to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypedDict

from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg import errors, sql

from dataengine.imports.converting.binary_copy import whole_copy
from dataengine.imports.references.known import Known
from dataengine.imports.references.lookup import Lookup, Lookups
from dataengine.postgres import ddl
from dataengine.postgres.statements import copy_into, run, value

from .staging import Staging, temporary

_IS_MADE = sql.Identifier("is.made")
"""No name of a user's holds a dot."""


class TargetsChanged(Exception):
    """Somebody else has made one of the records meanwhile: what rows refer to has to be looked up anew."""


class MadeRecords(TypedDict):
    """Records that were made in one table: which, as ranges of ids from the first to the last."""

    table_id: int
    column: str
    count: int
    ids: list[list[int]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The records of one table that may be made, and the columns that refer to them."""

    relation: sql.Composable
    known: Known
    columns: list[Lookup]


class NewRecords:
    """The records that one import may make. Everything happens in the caller's transaction."""

    def __init__(self, job_id: int, lookups: Lookups) -> None:
        self._waiting = [
            _Waiting(temporary(job_id, f"new:{number}"), known, columns)
            for number, known in enumerate(lookups.known.values())
            if (columns := [one for one in lookups.columns.values() if one.known is known and one.promises])
        ]

    @property
    def of_columns(self) -> dict[str, sql.Composable]:
        """By reference column: the relation of the records that may be made."""
        return {lookup.name: waiting.relation for waiting in self._waiting for lookup in waiting.columns}

    def create(self) -> None:
        """Make the temporary tables."""
        for waiting in self._waiting:
            run(
                sql.SQL(
                    "CREATE TEMP TABLE {} (id bigint PRIMARY KEY, {} {}, {} bool NOT NULL DEFAULT false) ON COMMIT DROP"
                ).format(
                    waiting.relation,
                    sql.Identifier(waiting.known.match.name),
                    ddl.type_of(waiting.known.match),
                    _IS_MADE,
                )
            )

    def take_in(self) -> None:
        """Store what conversion has found new since the last time."""
        for waiting in self._waiting:
            known = waiting.known
            for ids, values in known.taken():
                copy_into(waiting.relation, ["id", known.match.name], [whole_copy([known.target], ids, [values])])

    def make(self, wanted: Mapping[str, Collection[int]]) -> None:
        """Make the records with these ids, by column, unless they are made already. Raises TargetsChanged."""
        for waiting in self._waiting:
            ids = sorted({number for one in waiting.columns for number in wanted.get(one.name, ())})
            if ids:
                self._make(waiting, sql.SQL("id = ANY({})").format(sql.Literal(ids)))

    def make_for(self, staging: Staging) -> None:
        """Make the records that staged rows refer to. Raises TargetsChanged."""
        for waiting in self._waiting:
            made = [one for one in waiting.columns if one.creates]
            if made:
                self._make(waiting, sql.SQL(" OR ").join(self._is_needed(one.name, staging) for one in made))

    def count_for(self, staging: Staging) -> dict[str, int]:
        """By column: how many of the records staged rows refer to."""
        return {
            one.name: int(
                value(
                    sql.SQL("SELECT count(*) FROM {} n WHERE {}").format(
                        waiting.relation, self._is_needed(one.name, staging)
                    )
                )
            )
            for waiting in self._waiting
            for one in waiting.columns
        }

    def count_made(self) -> dict[str, int]:
        """By column: how many records it found new were made."""
        return {
            one.name: int(value(sql.SQL("SELECT count(*) FROM {} WHERE {}").format(waiting.relation, _IS_MADE)))
            for waiting in self._waiting
            for one in waiting.columns
        }

    def made(self) -> list[MadeRecords]:
        """What was made."""
        found: list[MadeRecords] = []
        for waiting in self._waiting:
            with connection.cursor() as cursor:
                cursor.execute(
                    sql.SQL(
                        "SELECT lower(r), upper(r) - 1 FROM (SELECT unnest(range_agg(int8range(id, id, '[]'))) AS r"
                        " FROM {} WHERE {}) AS ranges"
                    ).format(waiting.relation, _IS_MADE)
                )
                ids = [[int(first), int(last)] for first, last in cursor]
            if ids:
                count = sum(last - first + 1 for first, last in ids)
                known = waiting.known
                found.append({"table_id": known.table_id, "column": known.match.name, "count": count, "ids": ids})
        return found

    def made_for(self, staging: Staging, table_id: int) -> list[tuple[int, int]]:
        """The records made in that table, each with the first staged row that refers to it."""
        found: dict[int, int] = {}
        for waiting in self._waiting:
            for one in waiting.columns if waiting.known.table_id == table_id else ():
                with connection.cursor() as cursor:
                    cursor.execute(
                        sql.SQL(
                            "SELECT n.id, min(s.id) FROM {} n JOIN {} s ON s.{} = n.id WHERE n.{} GROUP BY n.id"
                        ).format(waiting.relation, staging.relation, sql.Identifier(one.name), _IS_MADE)
                    )
                    for number, row in cursor:
                        found[number] = min(row, found.get(number, row))
        return sorted(found.items())

    def _is_needed(self, column: str, staging: Staging) -> sql.Composable:
        return sql.SQL("EXISTS (SELECT FROM {} s WHERE s.{} = n.id)").format(staging.relation, sql.Identifier(column))

    def _make(self, waiting: _Waiting, condition: sql.Composable) -> None:
        match = sql.Identifier(waiting.known.match.name)
        # In the order of the values, so that two imports that make the same ones wait for each other once.
        statement = sql.SQL(
            "WITH made AS (UPDATE {} n SET {} = true WHERE NOT {} AND ({}) RETURNING id, {}) "
            "INSERT INTO {} (id, {}) SELECT id, {} FROM made ORDER BY {}"
        ).format(
            waiting.relation,
            _IS_MADE,
            _IS_MADE,
            condition,
            match,
            ddl.qualified(waiting.known.table),
            match,
            match,
            match,
        )
        try:
            with transaction.atomic():
                run(statement)
        except IntegrityError as error:
            raise TargetsChanged from error
        except OperationalError as error:
            if not isinstance(error.__cause__, errors.DeadlockDetected):
                raise
            raise TargetsChanged from error
