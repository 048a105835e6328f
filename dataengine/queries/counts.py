"""How many records a list has: exact where that is cheap, else estimated and marked so."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.db import OperationalError
from django.db.models import QuerySet

from dataengine.postgres import statements
from dataengine.postgres.time_limits import time_limit, timed_out
from dataengine.queries.table_sizes import EXACT_BELOW
from dataengine.records.model import Record

# How long a list waits for its exact count before asking for an estimate; and how long if that is not very large.
_DOUBT_SECONDS = 0.1
_PATIENCE_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class Count:
    """``value`` records, counted if ``is_exact``, else estimated by PostgreSQL's planner."""

    value: int
    is_exact: bool


def count_records(records: QuerySet[Record], *, exact: bool = False) -> Count:
    """Count the records that ``records`` selects.

    Up to 50,000 are counted; beyond that, or if it takes too long, the number is estimated. ``exact`` always counts.
    """
    plain = records.order_by()
    if exact:
        return Count(plain.count(), is_exact=True)
    counted = _count_some(plain, patience=_DOUBT_SECONDS)
    if counted is not None and counted <= EXACT_BELOW:
        return Count(counted, is_exact=True)
    planned = planned_rows(plain)
    if counted is None and planned <= 2 * EXACT_BELOW:
        counted = _count_some(plain, patience=_PATIENCE_SECONDS)
        if counted is not None and counted <= EXACT_BELOW:
            return Count(counted, is_exact=True)
    return Count(max(planned, counted or 0), is_exact=False)


def planned_rows(records: QuerySet[Record]) -> int:
    """The planner's estimate: ``reltuples`` scaled to the table's present size, times its estimate for the filters."""
    plan = records.explain(format="json")
    return int(json.loads(plan)[0]["Plan"]["Plan Rows"]) if plan else 0  # no plan if nothing can match


def _count_some(records: QuerySet[Record], *, patience: float) -> int | None:
    """Count up to ``EXACT_BELOW`` + 1; None if that takes longer than ``patience`` seconds."""
    try:
        with time_limit(patience):
            return statements.count(records.values("pk")[: EXACT_BELOW + 1])
    except OperationalError as error:
        if not timed_out(error):
            raise
        return None
