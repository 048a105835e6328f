"""Runs a change of schema: catalog and DDL in one transaction, short locks, and retries outside of it.

ALTER TABLE waits for everybody who uses the table, and everybody who comes later waits behind it. So it never waits
long (``lock_timeout``), gives up its place in the queue, sleeps, and tries again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import DataError, IntegrityError, OperationalError, ProgrammingError, connection, transaction
from psycopg import errors

from dataengine.exceptions import Conflict, InvalidInput, Unavailable
from dataengine.models import ChangeJob, ImportJob, Index, Table
from dataengine.postgres import locks, names

_LOCK_TIMEOUT_MS = 500
# Building a unique index over millions of records takes a while, and the user waits for it.
_STATEMENT_TIMEOUT_MS = 120_000
_PAUSES_SECONDS = (0.1, 0.3, 0.7, 1.5)


class _ImportHoldsTable(Exception):
    """The table's lock is taken by an import."""


def change_schema[T](change: Callable[[], T], *, table: Table | None = None) -> T:
    """Call ``change`` in a transaction of its own and return what it returns.

    Raises Conflict while an import into ``table`` or a change of very many of its records is running: both rely on the
    present columns. Raises Unavailable if the table stays busy, and Conflict or InvalidInput if its data forbids the
    change.
    """
    for pause in (*_PAUSES_SECONDS, None):
        try:
            with transaction.atomic():
                _set_timeouts()
                if table is not None:
                    table.known = None
                    if not locks.shares_table(table.pk):
                        raise _ImportHoldsTable
                    _refuse_during_change(table)
                return change()
        except _ImportHoldsTable:
            # An import releases the lock a moment after the commit that ends it, so wait that long.
            if table is not None:
                _refuse_during_change(table)
            runs = ImportJob.objects.filter(table=table, state=ImportJob.State.RUNNING).exists()
            if runs or pause is None or connection.in_atomic_block:
                assert table is not None
                raise _import_runs(table) from None
            time.sleep(pause)
        except OperationalError as error:
            if isinstance(error.__cause__, errors.TooManyColumns):  # which psycopg counts among those
                raise _translated(error) from error
            if not isinstance(error.__cause__, errors.LockNotAvailable | errors.DeadlockDetected):
                raise
            if table is not None:
                locks.cancel_build(table.pk)  # nobody waits for an index, but people wait for this
            # Within a transaction, who holds a table would be waited for with all that the transaction holds itself.
            # The catalog alone is only held for a moment, by a vacuum, say.
            if pause is None or (connection.in_atomic_block and table is not None):
                raise Unavailable("The table is busy; try again in a moment.", code="table_busy") from error
            time.sleep(pause)
        except (IntegrityError, DataError, ProgrammingError) as error:
            raise _translated(error) from error
    raise AssertionError("unreachable")


def refuse_while_busy(table: Table) -> None:
    """Raise Conflict, which says what it is, while a worker works on the table."""
    if ImportJob.objects.filter(table=table, state=ImportJob.State.RUNNING).exists():
        raise _import_runs(table)
    _refuse_during_change(table)
    if Index.objects.filter(table=table, state=Index.State.RUNNING).exists():
        raise Conflict(f"An index of “{table}” is being built; wait until that is done.", code="index_running")


def _import_runs(table: Table) -> Conflict:
    reason = f"An import into “{table}” is running; its columns cannot be changed until it has ended."
    return Conflict(reason, code="import_running")


def _refuse_during_change(table: Table) -> None:
    if ChangeJob.objects.filter(table=table, state__in=ChangeJob.ACTIVE).exists():
        raise Conflict(
            f"Many records of “{table}” are being changed; its columns cannot be changed until that is done.",
            code="change_running",
        )


def _set_timeouts() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)",
            [f"{_LOCK_TIMEOUT_MS}ms", f"{_STATEMENT_TIMEOUT_MS}ms"],
        )


def _translated(error: Exception) -> Exception:
    """PostgreSQL's error in our words; errors that no input causes are returned unchanged."""
    cause = error.__cause__
    match cause:
        case errors.DuplicateTable():
            return Conflict("That table name is taken.", code="name_taken", fields={"table_name": "is taken"})
        case errors.DuplicateColumn():
            return Conflict("That column exists already.", code="name_taken", fields={"column_name": "is taken"})
        case errors.NotNullViolation():
            column = cause.diag.column_name or "column"
            reason = "Some records have no value in this column. Give a default, or fill them in first."
            return InvalidInput(reason, code="missing_value", fields={column: reason})
        case errors.UniqueViolation() if names.is_ours(cause.diag.constraint_name):
            reason = "Some records have the same value in this column, so it cannot be unique."
            return InvalidInput(reason, code="duplicate_in_table", fields={"unique": reason})
        case errors.UniqueViolation():
            # The catalog's own uniqueness: somebody else was faster.
            return Conflict("That name is taken.", code="name_taken")
        case errors.CheckViolation() | errors.ForeignKeyViolation():
            reason = "Some records have values that this rule does not allow."
            return InvalidInput(reason, code="constraint_failed", fields={"constraints": reason})
        case errors.InvalidRegularExpression():
            reason = "PostgreSQL does not understand this pattern."
            return InvalidInput(reason, code="invalid_pattern", fields={"pattern": reason})
        case errors.TooManyColumns():
            reason = (
                "PostgreSQL allows 1,600 columns in a table, including deleted ones. A duplicate has none of those."
            )
            return InvalidInput(reason, code="too_many_columns", fields={"column_name": reason})
        case errors.DependentObjectsStillExist():
            return Conflict("Other tables refer to this one.", code="referenced")
        case _:
            return error
