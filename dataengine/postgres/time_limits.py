"""One time limit for several statements together: nobody who looks at records waits longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection, transaction
from psycopg import errors
from psycopg.pq import TransactionStatus

LIST_SECONDS = 4.0
"""What a list of records may take. With its count, and the request around it, that stays below 5 seconds."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Run what is inside in a transaction (or savepoint) whose statements get so much time altogether.

    Raises OperationalError caused by QueryCanceled beyond (``ran_out``). A shorter limit around it stays in force.
    """
    end = time.monotonic() + seconds

    def limited(execute: Callable[..., Any], statement: Any, parameters: Any, many: bool, context: Any) -> Any:
        raw = connection.connection
        # After an error only the way back to a savepoint is open.
        if raw.info.transaction_status != TransactionStatus.INERROR:
            left = max(1, int(1000 * (end - time.monotonic())))
            # A cursor of psycopg's own: Django's would come back here.
            raw.execute("SELECT set_config('statement_timeout', %s, true)", [f"{min(left, before or left)}ms"])
        return execute(statement, parameters, many, context)

    with transaction.atomic():
        before = _milliseconds()
        with connection.execute_wrapper(limited):
            yield
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{before}ms"])


def ran_out(error: BaseException) -> bool:
    """Whether ``error`` says that a statement took too long."""
    return isinstance(error, OperationalError) and isinstance(error.__cause__, errors.QueryCanceled)


def _milliseconds() -> int:
    """The limit in force; 0 for none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setting::integer FROM pg_settings WHERE name = 'statement_timeout'")
        row = cursor.fetchone()
    return int(row[0]) if row else 0
