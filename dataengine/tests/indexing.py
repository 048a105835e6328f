"""Shared by tests that need indexes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from dataengine.models import Index
from dataengine.postgres import locks
from dataengine.services import index_builds
from dataengine.tests.waiting import until


def build_waiting() -> list[str]:
    """Build the waiting indexes in this process, without a broker. Returns their states afterwards."""
    states = []
    for pk in list(Index.objects.filter(state=Index.State.QUEUED).values_list("pk", flat=True)):
        until(lambda: not _is_building())  # the last one's session may not have ended yet
        built = index_builds.run(pk)
        if built is not None:
            states.append(built.state)
    return states


def _is_building() -> bool:
    """Whether another session has one of the locks of a build: its own two, and the table's, which it shares."""
    # The locks themselves, not pg_stat_activity: what a session shows and what it holds do not end at one moment.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_locks"
            " WHERE locktype = 'advisory' AND pid <> pg_backend_pid() AND (classid, mode) IN"
            " ((%s, 'ExclusiveLock'), (%s, 'ExclusiveLock'), (%s, 'ShareLock'))"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [locks.INDEX_NAMESPACE, locks.BUILDS_NAMESPACE, locks.NAMESPACE],
        )
        return cursor.fetchone() is not None


@contextmanager
def plans_of_selects(word: str) -> Iterator[list[str]]:
    """The plans that PostgreSQL makes for the SELECTs with ``word`` in them, while they are sent.

    Counters of scans would say less: they count late, and what others do.
    """
    plans: list[str] = []

    def note(execute: Any, statement: Any, parameters: Any, many: bool, context: Any) -> Any:
        if isinstance(statement, str) and statement.startswith("SELECT") and word in statement:
            plan = connection.connection.execute(f"EXPLAIN {statement}", parameters)
            plans.append("\n".join(line for (line,) in plan))
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(note):
        yield plans
