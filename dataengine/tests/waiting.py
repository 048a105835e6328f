"""Waiting for what must come, however slow the machine; what never comes fails the test, and the message says what."""

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

PATIENCE_SECONDS = 240
"""Far more than anything here takes. It measures nothing: it only tells a test that hangs from one that is slow."""
_PAUSE_SECONDS = 0.01


def _turns(condition: Callable[[], object]) -> Iterator[None]:
    """A turn for each time that ``condition`` does not hold. Raises AssertionError once it is waited for in vain."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"Waited {PATIENCE_SECONDS} s in vain for: {_words(condition)}")
        yield


def until(condition: Callable[[], object], *, pause: Callable[[], object] | None = None) -> None:
    """Wait until ``condition`` holds. ``pause`` is how to let some time go by, where others need the thread meanwhile.

    Raises AssertionError with the condition's text where that never happens.
    """
    for _ in _turns(condition):
        if pause is None:
            time.sleep(_PAUSE_SECONDS)
        else:
            pause()


async def until_async(condition: Callable[[], object]) -> None:
    """The same in a coroutine."""
    for _ in _turns(condition):
        await asyncio.sleep(_PAUSE_SECONDS)


def _words(condition: Callable[[], object]) -> str:
    try:
        return inspect.getsource(condition).strip()
    except (OSError, TypeError):  # not a function, or one from a shell
        return repr(condition)


def is_waited_for(session: psycopg.Connection[Any]) -> bool:
    """Whether another session waits for a lock of this one."""
    # Not pg_stat_activity, of which a transaction sees one snapshot only.
    waiting = session.execute(
        "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)) LIMIT 1"
    )
    return waiting.fetchone() is not None


def end_pause(job: Job) -> None:
    """Let the pause before the next attempt at the job be over."""
    type(job)._default_manager.filter(pk=job.pk).update(try_again_at=timezone.now())


@contextmanager
def kept_from_writing(session: psycopg.Connection[Any], table: str) -> Iterator[None]:
    """Nobody writes to a table: an import into it begins, and cannot come to its end."""
    session.execute("BEGIN")
    session.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier("userdata", table)))
    try:
        yield
    finally:
        session.execute("ROLLBACK")
