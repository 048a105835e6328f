"""What an error makes of a job: why it failed, in one sentence, and whether another attempt may fare better."""

from __future__ import annotations

from typing import NamedTuple

import django.db
import psycopg
from psycopg import errors

from dataengine.exceptions import DataEngineError, Unavailable


class PutOff(Exception):
    """An attempt had to give way to what matters more. It is made again later, and does not count."""


class Failure(NamedTuple):
    """``code`` is for programs. What ``is_final`` would fail again."""

    reason: str
    code: str = ""
    is_final: bool = False


def failure_of(error: BaseException) -> Failure:
    """What is known to fail again is said to; anything else is tried again, nobody foresaw it."""
    if isinstance(error, DataEngineError) and not isinstance(error, Unavailable):
        return Failure(error.message, error.error_code, is_final=True)
    match cause := cause_of(error):
        case errors.ProgramLimitExceeded():
            return Failure(f"PostgreSQL cannot hold this: {cause.diag.message_primary}.", "too_large", is_final=True)
        case errors.DiskFull():
            return Failure("The database has no room left.")
        case errors.LockNotAvailable() | errors.DeadlockDetected():
            return Failure("Somebody else holds some of the records.")
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return Failure("The connection to the database was lost.")
        case django.db.OperationalError() | django.db.InterfaceError():
            return Failure("The connection to the database was lost.")
        case OSError():
            return Failure(f"A file could not be read or written: {cause.strerror or cause}.")
        case Unavailable():
            return Failure(cause.message)
        case _:
            return Failure(f"An unexpected error stopped it ({type(cause).__name__}).")


def cause_of(error: BaseException) -> BaseException:
    """What PostgreSQL said, if anything; otherwise where it all began."""
    said, cause = None, error
    while True:
        said = cause if isinstance(cause, psycopg.Error) else said
        if cause.__cause__ is None:
            return said or cause
        cause = cause.__cause__
