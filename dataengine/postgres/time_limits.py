"""One time limit for several statements together, so that nobody who looks at records waits longer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings
from django.db import OperationalError, connection
from psycopg import errors, sql
from psycopg.pq import TransactionStatus

from dataengine.postgres.statements import savepoint

LIST_SECONDS = 4.0
"""How long a list of records may take. Including its count and the request, that is below 5 seconds."""

_SET = sql.SQL("SELECT current_setting('statement_timeout'), set_config('statement_timeout', {}, true); ")


class _Limits(threading.local):
    """Per thread: when its time limits end, and the setting before them in its transaction."""

    ends: tuple[float, ...] = ()
    before: str | None = None


_limits = _Limits()


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limit the total time of all statements in the block. A shorter enclosing limit stays in force.

    Within a transaction this is a savepoint. Outside, each statement is a transaction of its own, and its limit is sent
    with it in one exchange. If time runs out, raises OperationalError caused by QueryCanceled (``timed_out``).
    """
    around = _limits.ends
    _limits.ends = (*around, time.monotonic() + seconds)
    if around:
        with savepoint(), _inside(around):
            yield
        return
    _limits.before = None
    with savepoint(), _inside(around):
        with connection.execute_wrapper(_limited):
            yield
        _put_back()


@contextmanager
def _inside(around: tuple[float, ...]) -> Iterator[None]:
    try:
        yield
    finally:
        _limits.ends = around


def _limited(execute: Callable[..., Any], statement: Any, parameters: Any, many: bool, context: Any) -> Any:
    raw = connection.connection
    # After an error only a rollback to a savepoint is possible.
    if raw is None or raw.info.transaction_status == TransactionStatus.INERROR:
        return execute(statement, parameters, many, context)
    left = max(1, int(1000 * (min(_limits.ends) - time.monotonic())))
    setting = _SET.format(sql.Literal(f"{min(left, settings.STATEMENT_TIMEOUT_MS or left)}ms"))
    cursor = context["cursor"].cursor
    if many or isinstance(cursor, psycopg.ServerCursor):
        _keep_before(raw.execute(setting))
        return execute(statement, parameters, many, context)
    if isinstance(statement, sql.Composable):
        execute(setting + statement, parameters, many, context)
    else:
        execute(setting.as_string(raw) + statement, parameters, many, context)
    _keep_before(cursor)
    cursor.nextset()
    return None


def _put_back() -> None:
    if _limits.before is not None and connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [_limits.before])


def _keep_before(cursor: psycopg.Cursor[Any]) -> None:
    if _limits.before is None:
        row = cursor.fetchone()
        _limits.before = str(row[0]) if row else None


def timed_out(error: BaseException) -> bool:
    """Whether ``error`` means that a statement took too long."""
    return isinstance(error, OperationalError) and isinstance(error.__cause__, errors.QueryCanceled)
