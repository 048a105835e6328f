"""Records that give way to a file: those that no row has the key of, or all of them.

They are found once the rows are staged and before any row is judged, so that a rejected row, too, keeps its record.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import psycopg
from django.db import IntegrityError, transaction
from psycopg import errors, sql

from dataengine.exceptions import Conflict
from dataengine.imports.counts import Counts, FoundChange
from dataengine.imports.planning.modes import Mode
from dataengine.imports.planning.removal import Removal
from dataengine.models import Column, Table
from dataengine.postgres import ddl, statements
from dataengine.postgres.images import image
from dataengine.postgres.statements import run, value

from .change_set import ChangeSet
from .examples import examples
from .keys import Key
from .staging import temporary

_NAMED = 10_000


def refusal(mode: Mode, counts: Counts, *, scope_size: int, is_cut: bool) -> str | None:
    """Why nothing is imported: so much would be removed, or by such a file, that it may be a mistake."""
    if counts.rows_read == counts.rows_rejected:
        return "The file has no row that is good, so it does not say what may stay."
    if mode.replace:
        return None
    if is_cut:
        return "The file ends within a row, so the rest of it may be missing."
    if counts.rows_rejected and not mode.allow_rejected:
        rows = f"{counts.rows_rejected:,} row{'s are' if counts.rows_rejected > 1 else ' is'}"
        return f"{rows} rejected, so what the file lacks is not sure. Mend the file, or allow it (“allow_rejected”)."
    if counts.rows_removed > Decimal(str(mode.max_delete_share)) * scope_size:
        share, most = counts.rows_removed / scope_size, mode.max_delete_share
        return (
            f"{counts.rows_removed:,} of {scope_size:,} records ({100 * share:.3g} %) are missing from the file,"
            f" and at most {100 * most:.3g} % may be (“max_delete_share” is {most:g})."
        )
    return None


class Removing:
    """The records of ``table`` that give way in one import."""

    def __init__(self, job_id: int, table: Table, removal: Removal) -> None:
        self._removal = removal
        self._of = table
        self._table = ddl.qualified(table.name)
        self.relation: sql.Composable = temporary(job_id, "missing")
        """Their ids, once they were found."""
        self.scope_size = 0
        """How many records could be among them."""

    @property
    def deletes(self) -> bool:
        return self._removal.image is None

    def find(self, key: Key | None, rows: Sequence[sql.Composable]) -> int:
        """Find the records whose ``key`` no row of the relations ``rows`` has; without one, all. Returns how many."""
        conditions = [self.may_go]
        for relation in rows if key is not None else ():
            assert key is not None
            conditions.append(sql.SQL("NOT EXISTS (SELECT FROM {} s WHERE {})").format(relation, key.same()))
        query = sql.SQL("SELECT t.id FROM {} t WHERE {}").format(self._table, sql.SQL(" AND ").join(conditions))
        return self.take(query)

    def take(self, query: sql.Composable) -> int:
        """Take the records whose ids a query gives: they may go, and no row has their key. Returns how many."""
        run(sql.SQL("DROP TABLE IF EXISTS {}").format(self.relation))
        found = run(sql.SQL("CREATE TEMP TABLE {} (id) ON COMMIT DROP AS {}").format(self.relation, query))
        run(statements.analyze(self.relation))
        every = sql.SQL("SELECT count(*) FROM {} t WHERE {}").format(self._table, self._within)
        self.scope_size = int(value(every))
        return found

    @property
    def may_go(self) -> sql.Composable:
        """Whether a record ``t`` gives way if no row has its key."""
        return sql.SQL("{} AND {}").format(self._within, self._differs)

    @property
    def _within(self) -> sql.Composable:
        if self._removal.scope is None:
            return sql.SQL("true")
        query = psycopg.ClientCursor(statements.raw_connection()).mogrify(*self._removal.scope)
        return sql.SQL("t.id IN ({})").format(sql.SQL(query))

    def perform(self, changes: ChangeSet) -> int:
        """Delete the records, or give them their values, and keep what they said. Returns how many there were."""
        records = sql.SQL("{} t JOIN {} m ON m.id = t.id").format(self._table, self.relation)
        if not self.deletes:
            return self._mark(changes, records)
        count = changes.removed(self._removal.columns, records)
        self._delete()
        return count

    def begin(self, changes: ChangeSet) -> int:
        """Like ``perform``, for records that others refer to until these are updated; ``end`` deletes them.

        Their unique values may already go to others meanwhile.
        """
        if not self.deletes:
            return self.perform(changes)
        count = changes.removed(
            self._removal.columns, sql.SQL("{} t JOIN {} m ON m.id = t.id").format(self._table, self.relation)
        )
        ddl.suspend_required(self._of, self._unique, suspended=True)
        for column in self._unique:
            run(
                sql.SQL("UPDATE {} t SET {} = NULL FROM {} m WHERE m.id = t.id").format(
                    self._table, sql.Identifier(column.name), self.relation
                )
            )
        return count

    def end(self) -> None:
        """Delete the records that ``begin`` was for."""
        if self.deletes:
            self._delete()
            ddl.suspend_required(self._of, self._unique, suspended=False)

    @property
    def _unique(self) -> list[Column]:
        return [column for column in self._removal.columns if column.unique]

    def _delete(self) -> None:
        try:
            with transaction.atomic():
                run(sql.SQL("DELETE FROM {} t USING {} m WHERE m.id = t.id").format(self._table, self.relation))
        except IntegrityError as error:
            if not isinstance(error.__cause__, errors.ForeignKeyViolation):
                raise
            reason = "Nothing was imported: other records refer to some that the file lacks."
            raise Conflict(reason, code="referenced") from error

    def some_examples(self) -> list[FoundChange]:
        """The first of them, as they are and as they would be."""
        columns = [column for column in self._removal.columns if column.trashed_at is None]
        return examples(
            sql.SQL("{} t JOIN {} m ON m.id = t.id").format(self._table, self.relation),
            ids=sql.Identifier("t", "id"),
            rows=sql.SQL("NULL::bigint"),
            before=[(column.name, sql.Identifier("t", column.name)) for column in columns],
            after=None if self.deletes else [(column.name, made) for column, made in self._values()],
            line_of=int,
        )

    def some_ids(self) -> list[int]:
        """The ids of the records, at most 10,000 of them."""
        listed = value(
            sql.SQL("SELECT array_agg(id) FROM (SELECT id FROM {} ORDER BY id LIMIT {}) AS first").format(
                self.relation, sql.Literal(_NAMED)
            )
        )
        return list(listed or ())

    def _mark(self, changes: ChangeSet, records: sql.Composable) -> int:
        after = sql.SQL("(SELECT {} FROM (SELECT {}) AS made)").format(
            image(self._removal.columns, "made"),
            sql.SQL(", ").join(
                sql.SQL("{} AS {}").format(made, sql.Identifier(column.name)) for column, made in self._values()
            ),
        )
        count = changes.updated(
            self._removal.columns, sql.SQL("{} WHERE {}").format(records, self._differs), after=after
        )
        settings = [sql.SQL("{} = {}").format(sql.Identifier(column.name), made) for column, made in self._values()]
        run(
            sql.SQL("UPDATE {} t SET {} FROM {} m WHERE m.id = t.id AND {}").format(
                self._table, sql.SQL(", ").join(settings), self.relation, self._differs
            )
        )
        return count

    def _values(self) -> list[tuple[Column, sql.Composable]]:
        """The columns that are set, each with its value."""
        values = self._removal.image or {}
        return [
            (
                column,
                sql.SQL("{}::{}::{}").format(
                    sql.Literal(values[column.attribute]), ddl.cast_type(column), ddl.type_of(column)
                ),
            )
            for column in (self._removal.columns if not self.deletes else ())
        ]

    @property
    def _differs(self) -> sql.Composable:
        """Whether a record has not got the values yet."""
        if self.deletes:
            return sql.SQL("true")
        pairs = self._values()
        return sql.SQL("ROW({})::record *<> ROW({})::record").format(
            sql.SQL(", ").join(sql.Identifier("t", column.name) for column, _ in pairs),
            sql.SQL(", ").join(made for _, made in pairs),
        )
