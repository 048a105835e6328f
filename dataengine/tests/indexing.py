"""Shared by tests that need indexes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from dataengine.models import Index
from dataengine.services import index_builds
from dataengine.tests.waiting import until


def build_waiting() -> list[str]:
    """Build the waiting indexes in this process, without a broker. Returns their states afterwards."""
    states = []
    for pk in list(Index.objects.filter(state=Index.State.QUEUED).values_list("pk", flat=True)):
        until(lambda: not _is_building())  # the last one's session has its lock until PostgreSQL has ended it
        built = index_builds.run(pk)
        if built is not None:
            states.append(built.state)
    return states


def _is_building() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()",
            [index_builds._NAME],
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
