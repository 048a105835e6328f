"""What PostgreSQL says, in our words. Constraint failures are recognised by the constraint's name."""

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
    """An error of the database that no particular input causes, as one that people can act on; None for a fault."""
    match error.__cause__:
        case errors.QueryCanceled():
            return Unavailable("This takes too long; narrow it down, or try again later.", code="query_timeout")
        case errors.LockNotAvailable() | errors.DeadlockDetected() | errors.SerializationFailure():
            return Unavailable("The table is busy; try again in a moment.", code="table_busy")
        case errors.UndefinedTable() | errors.UndefinedColumn():
            return Conflict("The table changed meanwhile; load it again.", code="table_changed")
        case errors.NumericValueOutOfRange() | errors.DatetimeFieldOverflow():
            return InvalidInput("A value lies beyond what its type can hold.", code="out_of_range")
        case errors.ProgramLimitExceeded():
            return InvalidInput("A value is too long for its column's index.", code="value_too_long")
        case errors.StringDataRightTruncation():
            return InvalidInput("A text is too long for its column.", code="value_too_long")
        case errors.DataError():
            return InvalidInput("A value does not fit its type.", code="invalid_type")
        case errors.OperationalError() if isinstance(error, DatabaseError | InterfaceError):
            return Unavailable("The database does not answer; try again in a moment.", code="database_unavailable")
        case _:
            return None


@contextmanager
def translated(model: type[Record], *, deleting: bool = False) -> Iterator[None]:
    """Turn what PostgreSQL refuses about records of ``model`` into DataEngineErrors that name the column.

    ``deleting``: a broken reference is then somebody else's reference to these records.
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
            where = " by the same table" if referring is not None and referring.table_id == model.table.pk else ""
            return Conflict(f"Other records refer to this one{where}; it cannot be deleted.", code="referenced")
        case errors.UniqueViolation():
            return _refusal(column, "duplicate_in_table", "Another record has this value already.")
        case errors.ForeignKeyViolation():
            return _refusal(column, "unknown_reference", "There is no such record to refer to.")
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
