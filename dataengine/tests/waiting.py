"""Waits for events, however slow the machine; if one never comes, the test fails and names it."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from django.utils import timezone
from psycopg import sql

if TYPE_CHECKING:
    from dataengine.models import Job

PATIENCE_SECONDS = 180
"""Far more than anything here takes. It measures nothing, it only tells a hanging test from a slow one.

A test that waited so long in vain, and then again while it was taken down, still ends before pytest-timeout ends it.
"""
_PAUSE_SECONDS = 0.01


def _turns(condition: Callable[[], object]) -> Iterator[None]:
    """Yields as long as ``condition`` does not hold. Raises AssertionError after waiting in vain."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"Waited {PATIENCE_SECONDS} s in vain for: {_words(condition)}")
        yield


def until(condition: Callable[[], object], *, pause: Callable[[], object] | None = None) -> None:
    """Wait until ``condition`` holds. ``pause`` lets some time pass if others need the thread meanwhile.

    Raises AssertionError with the condition's text where that never happens.
    """
    for _ in _turns(condition):
        if pause is None:
            time.sleep(_PAUSE_SECONDS)
        else:
            pause()


async def until_async(condition: Callable[[], object]) -> None:
    """``until`` in a coroutine."""
    for _ in _turns(condition):
        await asyncio.sleep(_PAUSE_SECONDS)


def _words(condition: Callable[[], object]) -> str:
    try:
        return inspect.getsource(condition).strip()
    except (OSError, TypeError):  # not a function, or one from a shell
        return repr(condition)


def is_waited_for(session: psycopg.Connection[Any]) -> bool:
    """Whether another session is waiting for a lock of this one."""
    # Not pg_stat_activity, of which a transaction sees one snapshot only.
    waiting = session.execute(
        "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)) LIMIT 1"
    )
    return waiting.fetchone() is not None


def end_pause(job: Job) -> None:
    """End the pause before the next attempt at the job."""
    type(job)._default_manager.filter(pk=job.pk).update(try_again_at=timezone.now())


@contextmanager
def kept_from_writing(session: psycopg.Connection[Any], table: str) -> Iterator[None]:
    """Keep others from writing to a table: an import into it begins but cannot end."""
    session.execute("BEGIN")
    session.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier("userdata", table)))
    try:
        yield
    finally:
        session.execute("ROLLBACK")
