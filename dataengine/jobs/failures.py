"""What an error means for a job: why it failed, in one sentence, and whether another attempt may help."""

from __future__ import annotations

from typing import NamedTuple

import django.db
import psycopg
from psycopg import errors

from dataengine.exceptions import DataEngineError, Unavailable


class PutOff(Exception):
    """An attempt had to make way for something more important. It is repeated later and does not count."""


class Failure(NamedTuple):
    """``code`` is for programs. If it ``is_final``, another attempt would fail again."""

    reason: str
    code: str = ""
    is_final: bool = False


def failure_of(error: BaseException) -> Failure:
    """What is known to fail again is final; anything else is tried again."""
    if isinstance(error, DataEngineError) and not isinstance(error, Unavailable):
        return Failure(error.message, error.error_code, is_final=True)
    cause = cause_of(error)
    if isinstance(error, Unavailable) and not isinstance(cause, psycopg.Error):
        return Failure(error.message)  # it says what failed, and the system's own error only how
    match cause:
        case errors.ProgramLimitExceeded():
            return Failure(f"PostgreSQL cannot hold this: {cause.diag.message_primary}.", "too_large", is_final=True)
        case errors.DiskFull():
            return Failure("The database has no space left.")
        case errors.LockNotAvailable() | errors.DeadlockDetected():
            return Failure("Somebody else has locked some of the records.")
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return Failure("The connection to the database was lost.")
        case django.db.OperationalError() | django.db.InterfaceError():
            return Failure("The connection to the database was lost.")
        case OSError():
            return Failure(f"A file could not be read or written: {cause.strerror or cause}.")
        case _:
            return Failure(f"An unexpected error occurred ({type(cause).__name__}).")


def cause_of(error: BaseException) -> BaseException:
    """PostgreSQL's error if there is one, otherwise the first cause."""
    said, cause = None, error
    while True:
        said = cause if isinstance(cause, psycopg.Error) else said
        if cause.__cause__ is None:
            return said or cause
        cause = cause.__cause__
