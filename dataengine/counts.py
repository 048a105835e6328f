"""How many records a list has: exact where that is cheap, else estimated and said so."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from psycopg import errors

from dataengine.records import Record
from dataengine.statistics import EXACT_BELOW

# Milliseconds that a list waits for its count before it takes an estimate.
_PATIENCE_MS = 400


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
    counted = _count_some(plain)
    if counted is not None and counted <= EXACT_BELOW:
        return Count(counted, is_exact=True)
    return Count(max(_planned_rows(plain), counted or 0), is_exact=False)


def _count_some(records: QuerySet[Record]) -> int | None:
    """Up to ``EXACT_BELOW`` + 1, or None if that takes too long."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                # Until the end of this transaction or savepoint's parent; put back below.
                cursor.execute("SELECT current_setting('statement_timeout')")
                [before] = cursor.fetchone() or ["0"]
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{_PATIENCE_MS}ms"])
            counted = records.values("pk")[: EXACT_BELOW + 1].count()
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
            return counted
    except OperationalError as error:
        if not isinstance(error.__cause__, errors.QueryCanceled):
            raise
        return None


def _planned_rows(records: QuerySet[Record]) -> int:
    """The planner's estimate: ``reltuples`` scaled to the table's present size, times its idea of the filters."""
    plan = json.loads(records.explain(format="json"))
    return int(plan[0]["Plan"]["Plan Rows"])
