"""Takes the change of a column of very many records back: a worker does it, and nobody has to wait meanwhile.

Works like the change itself (``retype_runs``). The values come from the hidden column with the old ones; which records
were changed since is found as in ``column_undo``, for those that are written meanwhile, too.
"""

from __future__ import annotations

from contextlib import closing
from copy import copy
from typing import IO, Any, cast

import psycopg
from django.db import transaction

from dataengine import access
from dataengine.jobs.stage_watch import StageWatch
from dataengine.models import AuditEvent, ChangeJob, Column, Index, Table
from dataengine.models.shapes import UndoRetypeParameters
from dataengine.postgres import names
from dataengine.postgres.column_past import Since
from dataengine.postgres.column_values import ColumnValues
from dataengine.postgres.ddl import Statement
from dataengine.postgres.statements import copy_into
from dataengine.postgres.successor import Successor
from dataengine.postgres.swap import Swap
from dataengine.services import kept_columns
from dataengine.services.column_records import hide_in_catalog, renew_indexes
from dataengine.services.column_undo import (
    Comparison,
    Past,
    changed_since,
    comparison_of,
    converted_back,
    past_of,
    predecessor_of,
    record_undo,
)
from dataengine.services.retype_runs import pieces_of, write_copy
from dataengine.services.table_copying import TableCopying, Values
from dataengine.services.tables import catalog_fields


def perform(job: ChangeJob, watch: StageWatch) -> None:
    """Take it back. What was allowed when it was requested may not be allowed any more."""
    table = access.get_table(job.user, job.table.name, "design")
    undoing = _Undoing(job, watch, table)
    TableCopying(job.pk, table, undoing.swap, undoing.values, watch).run(undoing)


class _Undoing:
    """One attempt: what becomes of the column, and what the catalog says of it in the end."""

    def __init__(self, job: ChangeJob, watch: StageWatch, table: Table) -> None:
        self._job, self._watch = job, watch
        self._asked = cast("UndoRetypeParameters", job.parameters)
        self._event: AuditEvent | None = None
        self._done: Past | None = None
        with transaction.atomic():
            past, target = self._past(table)
            hidden, _ = predecessor_of(past)
        index = past.before.index_or_none
        kind = past.new.kind
        self._is_indexed = index is not None and index.state == Index.State.COMPLETED and kind.can_be_indexed
        self.swap = Swap(
            old=past.before,
            new=Column(pk=past.column.pk, table=table, **catalog_fields(past.new, target)),
            kept=None,
            filling=None,
            broken=[],
            indexed=self._is_indexed,
            dropped=hidden,
        )
        self.values = _ValuesOfBefore(past, comparison_of(past, hidden))

    def _past(self, table: Table) -> tuple[Past, Table | None]:
        return past_of(self._job.user, table, self._asked["undoes"], rest=self._asked["rest"])

    def write_catalog(self) -> Column:
        """Change the catalog; returns the column of the values that are taken back, with its name in PostgreSQL."""
        past, target = self._past(self._job.table)
        _, item = predecessor_of(past)
        successor = hide_in_catalog(past.user, past.table, past.column, past.old, item.records)
        self._event = record_undo(past, target, successor=successor)
        assert item.column is not None  # it was found by that
        item.column.delete()
        renew_indexes(past.table, past.column, past.old, rewritten=True, is_indexed=self._is_indexed)
        self._done = past
        hidden = copy(successor)
        hidden.name = names.trashed_column(hidden.pk)
        return hidden

    def complete(self, successor: Successor) -> None:
        """Settle the column with what failed, and end the job."""
        assert self._done is not None  # the catalog was written
        kept_columns.settle(self._job.user, successor.table, self._done.column, self._done.facts)
        access.check_still(self._job.user, successor.table, "design")
        self._watch.complete(event=self._event, progress=1.0, phase="")


class _ValuesOfBefore(Values):
    """The hidden values or, where the record was changed since, what it says now."""

    def __init__(self, past: Past, comparison: Comparison) -> None:
        self._past, self._comparison = past, comparison

    def read(self, session: psycopg.Connection[Any], records: Statement, into: IO[bytes]) -> bool:
        if self._comparison.conversion is not None:
            write_copy(self._comparison.conversion, session, self._comparison.in_doubt(records), into)
        return False

    def put(self, successor: Successor, records: Statement, read: IO[bytes]) -> bool:
        past, comparison = self._past, self._comparison
        values = ColumnValues(past.table, comparison.source, comparison.bare, says_the_same=False, among=records)
        if comparison.conversion is not None:
            values.stage(pieces_of(read), indexed=False)
        since = Since(past.table, records)
        comparison.find(since, values)
        if not since.count():
            return True
        successor.give_back(records, since.query)
        if past.rest:
            with closing(converted_back(past, since.records(past.old.name))) as spill:
                copy_into(successor.converted, successor.columns_converted, spill.copy())
        return False

    def check(self, successor: Successor) -> None:
        if self._past.rest:
            return
        count = successor.count_failing()
        if count:
            raise changed_since(count, successor.some_failing())
