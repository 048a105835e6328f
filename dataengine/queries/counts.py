"""How many records a list has: exact where that is cheap, else estimated and said so."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.db import OperationalError
from django.db.models import QuerySet

from dataengine.postgres.time_limits import ran_out, time_limit
from dataengine.queries.table_sizes import EXACT_BELOW
from dataengine.records.model import Record

# So long a list waits for its count before it asks how many there may be; and so long if these are not very many.
_DOUBT_SECONDS = 0.1
_PATIENCE_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class Count:
    """``value`` records, counted if ``is_exact``, else estimated by PostgreSQL's planner."""

    value: int
    is_exact: bool


def count_records(records: QuerySet[Record], *, exact: bool = False) -> Count:
    """Count what ``records`` selects.

    Up to 50,000 it is counted, above (or where counting takes too long) estimated; ``exact`` counts in any case.
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
    """The planner's estimate: ``reltuples`` scaled to the table's present size, times its idea of the filters."""
    plan = records.explain(format="json")
    return int(json.loads(plan)[0]["Plan"]["Plan Rows"]) if plan else 0  # no plan where nothing can match


def _count_some(records: QuerySet[Record], *, patience: float) -> int | None:
    """Up to ``EXACT_BELOW`` + 1, or None if that takes longer than ``patience`` seconds."""
    try:
        with time_limit(patience):
            return records.values("pk")[: EXACT_BELOW + 1].count()
    except OperationalError as error:
        if not ran_out(error):
            raise
        return None
