"""Estimates where a far page of a large table begins, from PostgreSQL's statistics, without walking there.

For every column, ANALYZE keeps the commonest values with their shares, and some hundred bounds between which equally
many of the other values lie. Together they tell after which value the record with a given number of records before it
comes, to about one bound; from there an index is walked, over at most a hundredth of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import DataError, connection, transaction
from django.db.models import Max, Min

from dataengine.models import Column
from dataengine.postgres import ddl
from dataengine.postgres.backend.reader import owning
from dataengine.records.model import Record

LOWEST_ID, HIGHEST_ID = -(2**63), 2**63 - 1
# A sample says to a few hundredths how many records come before a bound.
_SURELY = 0.95


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order of a column and ``id``: at or after (``value``, ``id``), and ``skip`` records further."""

    value: Any
    id: int
    skip: int = 0


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Records with one value (``is_point``), or from ``value`` on; ``start`` and ``end`` are shares of the table."""

    start: float
    end: float
    value: Any
    is_point: bool


def place_of(
    model: type[Record], column: Column | None, *, descending: bool, nulls_first: bool, offset: int, count: int
) -> Place | None:
    """About where the record after ``offset`` of ``count`` records is, in the order of a column (None: ``id``).

    None if PostgreSQL knows too little about the column.
    """
    target = min(offset / count, 1.0) if count else 0.0
    stretches = _stretches(model, column, descending=descending, nulls_first=nulls_first)
    reached = [stretch for stretch in stretches if stretch.start <= target]
    if not reached:
        return _place_by_id(model, target, None, descending=descending) if column is None else None
    last = reached[-1]
    if last.is_point and target < last.end:
        within = (target - last.start) / (last.end - last.start)
        return _place_by_id(model, within, last.value, descending=descending)
    first_id = HIGHEST_ID if descending else LOWEST_ID
    if last.is_point:  # directly after a common value, where its stretch ends
        return Place(last.value, LOWEST_ID if descending else HIGHEST_ID, max(0, int((target - last.end) * count)))
    return Place(last.value, first_id, max(0, int((target - last.start) * count)))


def place_before(
    model: type[Record], column: Column | None, *, descending: bool, nulls_first: bool, offset: int, count: int
) -> Place | None:
    """A place that probably is not far before the record after ``offset`` others, and not behind it.

    It is where a stretch begins, or among the ids of a common value. None if PostgreSQL knows too little about the
    column, or if that is where the list begins.
    """
    target = _SURELY * offset / count if count else 0.0
    stretches = _stretches(model, column, descending=descending, nulls_first=nulls_first)
    earlier = [stretch for stretch in stretches if stretch.start <= target and stretch.value is not None]
    if not earlier:
        return None
    last = earlier[-1]
    if last.is_point and target < last.end:
        return _place_by_id(model, (target - last.start) / (last.end - last.start), last.value, descending=descending)
    return Place(last.value, HIGHEST_ID if descending else LOWEST_ID) if last.start else None


def _place_by_id(model: type[Record], share: float, value: Any, *, descending: bool) -> Place | None:
    """Among records with one value, the place at ``share``, as if their ids were spread evenly."""
    ends = model.objects.order_by().aggregate(low=Min("id"), high=Max("id"))
    if ends["low"] is None:
        return None
    low, high = int(ends["low"]), int(ends["high"])
    way = int(share * (high - low))
    found = high - way if descending else low + way
    return Place(value, found)


def _stretches(model: type[Record], column: Column | None, *, descending: bool, nulls_first: bool) -> list[_Stretch]:
    """The statistics as stretches in the order of the walk; [] if there are none."""
    statement = ddl.statistics_of(model.table, column)
    try:
        with owning(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
            rows: Sequence[tuple[float, Any, float | None]] = cursor.fetchall()
    except (DataError, psycopg.DataError):  # a value that Python cannot hold, like a date after the year 9999
        return []
    if not rows:
        return []
    nulls = rows[0][0]
    values = [(value, share) for _, value, share in rows if value is not None]
    if descending:
        values.reverse()
    bounds = sum(share is None for _, share in values)
    bucket = max(0.0, 1 - nulls - sum(share or 0 for _, share in values)) / (bounds - 1) if bounds > 1 else 0.0
    found: list[_Stretch] = []
    done = nulls if nulls_first and nulls else 0.0
    if done:
        found.append(_Stretch(0.0, done, None, is_point=True))
    seen = 0
    for value, share in values:
        if share is None:
            seen += 1
            if seen > 1:
                done += bucket
            if seen < bounds:
                found.append(_Stretch(done, done, value, is_point=False))
        else:
            # Somewhere between two bounds; records of this stretch before it are counted with those after it.
            found.append(_Stretch(done, done + share, value, is_point=True))
            done += share
    if nulls and not nulls_first:
        found.append(_Stretch(1 - nulls, 1.0, None, is_point=True))
    return found
