"""Waiting for what must come, never for a time: whoever waits in vain hangs, and is found by where."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.utils import timezone
from psycopg import sql

from dataengine.models import Job


def until(condition: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.01)


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
