"""Errors in a job's row, and whether another attempt may help."""

from __future__ import annotations

import socket

import django.db
import psycopg
import pytest
from psycopg import errors

from dataengine.exceptions import AccessDenied, Unavailable
from dataengine.jobs.failures import Failure, failure_of

LOST = Failure("The connection to the database was lost.")
HELD = Failure("Somebody else has locked some of the records.")


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AccessDenied("You may not."), Failure("You may not.", "permission_denied", is_final=True)),
        (Unavailable("It is busy."), Failure("It is busy.")),
        (caused(Unavailable("The address did not answer."), OSError(5, "x")), Failure("The address did not answer.")),
        (caused(Unavailable("It is busy."), caused(django.db.OperationalError(), errors.LockNotAvailable())), HELD),
        (caused(django.db.OperationalError(), errors.DeadlockDetected()), HELD),
        (caused(django.db.OperationalError(), errors.DiskFull()), Failure("The database has no space left.")),
        (errors.DiskFull(), Failure("The database has no space left.")),
        (caused(django.db.OperationalError(), psycopg.OperationalError()), LOST),
        (caused(django.db.OperationalError(), caused(psycopg.OperationalError(), socket.gaierror("unknown"))), LOST),
        (django.db.InterfaceError("connection already closed"), LOST),
        (FileNotFoundError(2, "No such file"), Failure("A file could not be read or written: No such file.")),
        (ZeroDivisionError(), Failure("An unexpected error occurred (ZeroDivisionError).")),
    ],
)  # fmt: skip
def test_errors_in_words(error: Exception, expected: Failure) -> None:
    assert failure_of(error) == expected


def test_values_too_large_stay_too_large() -> None:
    failure = failure_of(caused(django.db.OperationalError(), errors.ProgramLimitExceeded()))
    assert (failure.code, failure.is_final) == ("too_large", True)
