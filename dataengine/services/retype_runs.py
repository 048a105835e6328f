"""Changes the type of a column of very many records: a worker does it, and nobody has to wait meanwhile.

The request finds out what the change would do (``rehearsals``); the job has that as its plan. The worker copies the
table with the column converted (``table_copying``); catalog, event and the job's end are one transaction with the last
step of that. So a change that was rung for twice, or whose worker died, has happened once or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from copy import copy
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any, cast

import psycopg
from django.db import transaction

from dataengine import access
from dataengine.exceptions import NotFound
from dataengine.imports.readings import Reading
from dataengine.jobs.doorbell import RUN_CHANGE, ring
from dataengine.jobs.stage_watch import StageWatch
from dataengine.models import AuditEvent, ChangeJob, Column, Index, Table
from dataengine.models.shapes import RetypeParameters, UndoRetypeParameters
from dataengine.postgres import column_swap, names
from dataengine.postgres.column_values import Relation, has_other_than_canonical
from dataengine.postgres.ddl import Statement
from dataengine.postgres.statements import copy_into
from dataengine.postgres.successor import Successor
from dataengine.postgres.swap import Swap
from dataengine.services.column_plans import Plan
from dataengine.services.column_records import Recorded, kept_column, record_change
from dataengine.services.rehearsals import Proposal, propose
from dataengine.services.rehearsed import Numbers
from dataengine.services.schema_changes import refuse_while_busy
from dataengine.services.table_copying import TableCopying, Values, outdated, refuse_if_in_the_way
from dataengine.services.tables import catalog_fields, current_column, locked_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from dataengine.imports.stored_columns import ColumnConversion

_PIECE_BYTES = 1 << 20


def request(*, user: User, table: Table, column: Column, plan: Plan, numbers: Numbers) -> ChangeJob:
    """Leave a change that was rehearsed to a worker. Raises Conflict if something is in the way."""
    parameters: RetypeParameters = {"plan": asdict(plan), "missing": numbers.missing}
    return _queued(user, table, column, dict(parameters), numbers.records, is_exact=True)


def request_undo(*, user: User, table: Table, column: Column, event: AuditEvent, rest: bool, records: int) -> ChangeJob:
    """Leave the undoing of such a change to a worker; see ``undo_runs``."""
    parameters: UndoRetypeParameters = {"undoes": event.pk, "column": column.pk, "rest": rest}
    return _queued(user, table, column, dict(parameters), records, is_exact=False)


def _queued(
    user: User, table: Table, column: Column, parameters: dict[str, Any], count: int, *, is_exact: bool
) -> ChangeJob:
    refuse_if_in_the_way(table, column)
    table.known = None
    with transaction.atomic():
        locked_table(table)
        refuse_while_busy(table)
        job = ChangeJob.objects.create(
            table=table, user=user, action=ChangeJob.Action.RETYPE, parameters=parameters,
            count=count, count_exact=is_exact,
        )  # fmt: skip
        transaction.on_commit(lambda: ring(RUN_CHANGE, job.pk))
    return job


def perform(job: ChangeJob, watch: StageWatch) -> None:
    """Make the change. What was allowed when it was requested may not be allowed any more."""
    parameters = cast("RetypeParameters", job.parameters)
    plan = Plan.of_json(parameters["plan"])
    table = access.get_table(job.user, job.table.name, "design")
    column = table.columns.filter(pk=plan.column).first()
    if column is None:
        raise NotFound("The column is gone.", code="column_not_found")
    retyping = _Retyping(job, watch, table, column, plan, parameters["missing"])
    TableCopying(job.pk, table, retyping.swap, retyping.values, watch).run(retyping)


class _Retyping:
    """One attempt: what becomes of the column, and what the catalog says of it in the end."""

    def __init__(
        self, job: ChangeJob, watch: StageWatch, table: Table, column: Column, plan: Plan, missing: int
    ) -> None:
        self._job, self._watch, self._plan = job, watch, plan
        self._numbers = Numbers(*plan.numbers, missing=missing)
        self._reading = None if plan.reading is None else Reading.of_json(plan.reading)
        self._recorded: Recorded | None = None
        proposal = self._proposed(table, column)
        index = column.index_or_none
        self._is_indexed = (
            index is not None and index.state == Index.State.COMPLETED and proposal.new.kind.can_be_indexed
        )
        self.swap = Swap(
            old=column,
            new=Column(pk=column.pk, table=table, **catalog_fields(proposal.new, proposal.refers_to)),
            kept=kept_column(table, column) if self._keeps else None,
            filling=proposal.filling,
            broken=[rule.broken for rule in proposal.rules],
            indexed=self._is_indexed,
        )
        # Web processes ask for such changes, and load nothing that converts columns.
        from dataengine.imports.stored_columns import ColumnConversion

        conversion = ColumnConversion(proposal.old, proposal.new, self._reading) if proposal.converts else None
        self.values = ConvertedValues(conversion, may_fail=self._numbers.failing)

    @property
    def _keeps(self) -> bool:
        return self._plan.on_failure == "keep" and self._numbers.failing > self._numbers.missing

    def _proposed(self, table: Table, column: Column) -> Proposal:
        plan = self._plan
        return propose(user=self._job.user, table=table, column=column, changes=plan.wanted, on_failure=plan.on_failure)

    def write_catalog(self) -> Column:
        """Change the catalog; returns the column of the old values, with its name in PostgreSQL."""
        table = locked_table(self._job.table)
        proposal = self._proposed(table, current_column(table, self.swap.old))
        self._recorded = record_change(
            user=self._job.user,
            proposal=proposal,
            numbers=self._numbers,
            reading=self._reading,
            rewritten=True,
            is_indexed=self._is_indexed,
            plan=self._plan,
        )
        assert self._recorded.predecessor is not None  # since all values are written anew
        hidden = copy(self._recorded.predecessor)
        hidden.name = names.trashed_column(hidden.pk)
        return hidden

    def complete(self, successor: Successor) -> None:
        """Keep what failed with the event, and end the job."""
        assert self._recorded is not None
        event, column = self._recorded.event, self._recorded.column
        assert self._recorded.predecessor is not None
        hidden = names.trashed_column(self._recorded.predecessor.pk)
        failing = column_swap.keep_before(event, successor.table, column, successor.failed, hidden)
        if failing:
            column_swap.keep_after(event, successor.table, column)
        if failing != event.details["change"]["count"]:
            event.details["change"]["count"] = failing
            event.save(update_fields=["details"])
        access.check_still(self._job.user, successor.table, "design")
        self._watch.complete(event=event, count=self._numbers.records, progress=1.0, phase="")


class ConvertedValues(Values):
    """The values of the column itself, converted; by PostgreSQL's cast without a ``conversion``."""

    def __init__(self, conversion: ColumnConversion | None, *, may_fail: int) -> None:
        self._conversion, self._may_fail = conversion, may_fail
        self._may_be_plain = conversion is not None and conversion.takes_canonical_texts

    def read(self, session: psycopg.Connection[Any], records: Statement, into: IO[bytes]) -> bool:
        conversion = self._conversion
        if conversion is None or self._are_plain(conversion, session, records):
            return True
        return write_copy(conversion, session, records, into)

    def _are_plain(self, conversion: ColumnConversion, session: psycopg.Connection[Any], records: Statement) -> bool:
        """Whether all texts are what PostgreSQL itself would write, which it finds out faster than it gives them out.

        Where it is so for some records it mostly is for all; once it is not, nobody asks again.
        """
        if self._may_be_plain:
            self._may_be_plain = not has_other_than_canonical(session, records, conversion.old.name, conversion.wanted)
        return self._may_be_plain

    def put(self, successor: Successor, records: Statement, read: IO[bytes]) -> bool:
        if self._conversion is None:
            successor.cast(records)
        else:
            copy_into(successor.converted, successor.columns_converted, pieces_of(read))
        return False

    def check(self, successor: Successor) -> None:
        failing = successor.count_failing()
        if failing > self._may_fail:
            than = f", {failing - self._may_fail:,} more than in the rehearsal" if self._may_fail else ""
            count = "1 value does" if failing == 1 else f"{failing:,} values do"
            raise outdated(f"By now {count} not fit{than}.")


def pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    """The content of a file, in pieces."""
    return iter(lambda: file.read(_PIECE_BYTES), b"")


def write_copy(
    conversion: ColumnConversion, session: psycopg.Connection[Any], records: Relation, into: IO[bytes]
) -> bool:
    """Write converted values as one binary COPY; returns whether PostgreSQL's cast would do as well."""
    from dataengine.imports.converting.binary_copy import HEADER, TRAILER, without_ends

    is_cast = True
    into.write(HEADER)
    with closing(conversion.batches(session, records)) as batches:
        for batch in batches:
            if len(batch):
                is_cast = is_cast and conversion.is_postgres_cast(batch)
                into.write(without_ends(conversion.encoded(batch)))
    into.write(TRAILER)
    return is_cast
