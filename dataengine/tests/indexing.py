"""Shared by tests that need indexes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from dataengine.models import Index
from dataengine.services import index_builds


def build_waiting() -> list[str]:
    """Build the waiting indexes in this process, without a broker. Returns their states afterwards."""
    waiting = Index.objects.filter(state=Index.State.QUEUED).values_list("pk", flat=True)
    return [built.state for pk in list(waiting) if (built := index_builds.run(pk)) is not None]


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
