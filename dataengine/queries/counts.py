"""How many records a list has: exact where that is cheap, else estimated and marked so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError
from django.db.models import QuerySet
from django.db.models.sql.where import OR, WhereNode

from dataengine.postgres import statements
from dataengine.postgres.time_limits import time_limit, timed_out
from dataengine.queries.table_sizes import EXACT_BELOW
from dataengine.records.model import Record

# How long a list waits for its exact count before asking for an estimate; and how long if that is not very large.
_DOUBT_SECONDS = 0.1
_PATIENCE_SECONDS = 0.4
# The same if an index would find a small number at once, and the estimate is very large.
_LITTLE_DOUBT_SECONDS = 0.025
_VERY_MANY = 10 * EXACT_BELOW
# Where the planner expects so many times what is counted exactly, it is believed after a tenth of the counting, which
# is for estimates that are far off: that is the most of what a list of a common word takes (measured).
_CLEARLY_MORE, _PROOF = 2, 0.1


@dataclass(frozen=True, slots=True)
class Count:
    """``value`` records, counted if ``is_exact``, else estimated by PostgreSQL's planner.

    ``is_met`` tells whether counting stopped because there are very many, and not because it took too long.
    """

    value: int
    is_exact: bool
    is_met: bool = True


def count_records(
    records: QuerySet[Record], *, exact: bool = False, is_helped: bool = False, planned: int | None = None
) -> Count:
    """Count the records that ``records`` selects.

    Up to 50,000 are counted; beyond that, or if it takes too long, the number is estimated. ``exact`` always counts.
    ``is_helped`` tells that no index is missing, so that the records are few or soon counted. ``planned`` are the
    planner's ``planned_rows``, if they are known.
    """
    plain = records.order_by()
    if exact:
        return Count(plain.count(), is_exact=True)
    patience, most = _DOUBT_SECONDS, EXACT_BELOW
    known = records.model.table.known
    if known is not None and known.records > _CLEARLY_MORE * EXACT_BELOW:
        planned = planned_rows(plain) if planned is None else planned
        if planned > _CLEARLY_MORE * EXACT_BELOW and _is_known_to_be_common(plain.query.where):
            return Count(planned, is_exact=False)
        if planned > _CLEARLY_MORE * EXACT_BELOW:
            most = int(EXACT_BELOW * _PROOF)
        if is_helped and planned > _VERY_MANY:
            patience = _LITTLE_DOUBT_SECONDS
    counted = _count_some(plain, most, patience=patience)
    if counted is not None and counted <= most:
        return Count(counted, is_exact=True)
    planned = planned_rows(plain) if planned is None else planned
    if counted is None and planned <= _CLEARLY_MORE * EXACT_BELOW:
        counted = _count_some(plain, EXACT_BELOW, patience=_PATIENCE_SECONDS)
        if counted is not None and counted <= EXACT_BELOW:
            return Count(counted, is_exact=True)
    return Count(max(planned, counted or 0), is_exact=False, is_met=counted is not None)


def planned_rows(records: QuerySet[Record]) -> int:
    """The planner's estimate: ``reltuples`` scaled to the table's present size, times its estimate for the filters."""
    plan = records.explain(format="json")
    return int(json.loads(plan)[0]["Plan"]["Plan Rows"]) if plan else 0  # no plan if nothing can match


def _is_known_to_be_common(condition: Any) -> bool:
    """Whether all is selected that has words of which PostgreSQL knows how common they are.

    An index of words lists all of their records before it counts one (measured with 680,000: 60 to 270 ms).
    """
    if isinstance(condition, WhereNode):
        held = map(_is_known_to_be_common, condition.children)
        return bool(condition.children) and not condition.negated and (any if condition.connector == OR else all)(held)
    return bool(getattr(getattr(condition, "lhs", condition), "is_common", False))  # as ``lhs``: it is to be true


def _count_some(records: QuerySet[Record], most: int, *, patience: float) -> int | None:
    """Count up to ``most`` + 1; None if that takes longer than ``patience`` seconds."""
    try:
        with time_limit(patience):
            return statements.count(records.values("pk")[: most + 1])
    except OperationalError as error:
        if not timed_out(error):
            raise
        return None
