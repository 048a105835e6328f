"""Translates PostgreSQL's errors. Constraint failures are recognised by the constraint's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError
from psycopg import errors

from dataengine.exceptions import Conflict, DataEngineError, InvalidInput, Unavailable
from dataengine.models import Column
from dataengine.postgres import names
from dataengine.records.model import Record

CHECKS = {
    "choice": "This is not one of the choices.",
    "pattern": "This does not match the column's pattern.",
    "minimum": "This is below the column's minimum.",
    "maximum": "This is above the column's maximum.",
    "exclusiveMinimum": "This is not above the column's lower bound.",
    "exclusiveMaximum": "This is not below the column's upper bound.",
    "minLength": "This is too short.",
    "maxLength": "This is too long.",
}


def as_engine_error(error: Exception) -> DataEngineError | None:
    """A database error not caused by a particular input, as one that users can act on; None for a fault."""
    match error.__cause__:
        case errors.QueryCanceled():
            return Unavailable("This takes too long. Narrow it down, or try again later.", code="query_timeout")
        case errors.LockNotAvailable() | errors.DeadlockDetected() | errors.SerializationFailure():
            return _in_a_moment("The table is busy. Try again in a moment.", "table_busy")
        # Of a column whose type has changed since it was looked up, PostgreSQL says the latter two.
        case (
            errors.UndefinedTable() | errors.UndefinedColumn() | errors.DatatypeMismatch() | errors.UndefinedFunction()
        ):
            return Conflict("The table was changed meanwhile. Load it again.", code="table_changed")
        case errors.NumericValueOutOfRange() | errors.DatetimeFieldOverflow():
            return InvalidInput("A value is beyond what its type can hold.", code="out_of_range")
        case errors.ProgramLimitExceeded():
            return InvalidInput("A value is too long for its column's index.", code="value_too_long")
        case errors.StringDataRightTruncation():
            return InvalidInput("A text is too long for its column.", code="value_too_long")
        case errors.DataError():
            return InvalidInput("A value does not fit its type.", code="invalid_type")
        case errors.OperationalError() if isinstance(error, DatabaseError | InterfaceError):
            # Away, or all of its connections are in use: who waits for one cannot tell.
            return _in_a_moment(
                "The database does not answer, or is busy. Try again in a moment.", "database_unavailable"
            )
        case _:
            return None


def _in_a_moment(message: str, code: str) -> Unavailable:
    error = Unavailable(message, code=code)
    error.retry_seconds = 1  # programs that keep to it do so by themselves
    return error


@contextmanager
def translated(model: type[Record], *, deleting: bool = False) -> Iterator[None]:
    """Turn PostgreSQL's errors about records of ``model`` into DataEngineErrors that name the column.

    ``deleting``: a broken reference is then one of other records to these.
    """
    try:
        yield
    except DatabaseError as error:
        found = _about_record(error, model, deleting=deleting) or as_engine_error(error)
        if found is None:
            raise
        raise found from error


def _about_record(error: DatabaseError, model: type[Record], *, deleting: bool) -> DataEngineError | None:
    cause = error.__cause__
    if not isinstance(cause, errors.IntegrityError):
        return None
    if isinstance(cause, errors.NotNullViolation):
        return _refusal(cause.diag.column_name or "*", "missing_value", "This field is required.")
    column = _column(model, cause.diag.constraint_name)
    match cause:
        case errors.ForeignKeyViolation() if deleting:
            referring = Column.objects.filter(pk=names.column_id_of_constraint(cause.diag.constraint_name) or 0).first()
            where = " (in this table too)" if referring is not None and referring.table_id == model.table.pk else ""
            return Conflict(f"This cannot be deleted: other records refer to it{where}.", code="referenced")
        case errors.UniqueViolation():
            return _refusal(column, "duplicate_in_table", "Another record already has this value.")
        case errors.ForeignKeyViolation():
            return _refusal(column, "unknown_reference", "There is no record with this id.")
        case errors.CheckViolation():
            kind = names.kind_of_constraint(cause.diag.constraint_name)
            return _refusal(column, "constraint_failed", CHECKS.get(kind, "The column does not allow this value."))
        case _:
            return None


def _column(model: type[Record], constraint: str | None) -> str:
    pk = names.column_id_of_constraint(constraint)
    return next((column.name for column in model.columns if column.pk == pk), "id")


def _refusal(column: str, code: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{column}: {reason}", code=code, fields={column: reason})
