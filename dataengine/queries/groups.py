"""The records of a list grouped by the values of one column: the values in order, and how many records each has.

PostgreSQL reads all records of the list for it, within the time of a list. Only where the list is a whole very large
table, and its column has an index, the values of the first pages are found by walking from one to the next in it, and
the records of common ones are estimated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count as Counted
from django.db.models import F, Min, Q, QuerySet
from django.db.models.lookups import Exact

from dataengine.columns.identifiers import composed
from dataengine.exceptions import InvalidInput, shown
from dataengine.models import Column, Index
from dataengine.postgres import text_expressions, usage
from dataengine.postgres.text_expressions import SortKey
from dataengine.postgres.text_functions import SORTED_CHARACTERS
from dataengine.queries import paging
from dataengine.queries.counts import Count, count_records, planned_rows
from dataengine.queries.listing import Selection
from dataengine.queries.ordering import Term, stretches_after, whole
from dataengine.queries.table_sizes import EXACT_BELOW
from dataengine.records.model import Record, bound_field

MOST = 100
"""The most groups on a page."""
LAST_PAGE = 1_000
_LARGE = 40 * EXACT_BELOW
_PER_VALUE = EXACT_BELOW // 4
"""In the time that a walk needs for a value, with its statements of a millisecond or two, about so many are read."""
_COUNTED_BELOW = EXACT_BELOW // 5
"""If there are more with one value, no index is walked to count them: the planner knows how common values are."""


@dataclass(frozen=True, slots=True)
class Group:
    """The records with one value, as the model has it; None: those without one."""

    value: Any
    count: Count


@dataclass(frozen=True, slots=True)
class Groups:
    """A page of groups. ``is_more``: there are others after it."""

    column: Column
    groups: Sequence[Group]
    number: int
    is_more: bool


def column_named(model: type[Record], name: str) -> Column:
    """The column to group by. Raises InvalidInput filed under ``group``."""
    column = next((column for column in model.columns if column.name == composed(name)), None)
    if column is None:
        reason = f"There is no column “{shown(name)}”."
    elif not column.kind.can_be_sorted:
        reason = f"“{shown(name)}” cannot be grouped by: its values have no order."
    else:
        return column
    raise InvalidInput(f"group: {reason}", fields={"group": reason})


def grouped(selection: Selection, column: Column, *, number: int = 1) -> Groups:
    """Page ``number`` (from 1) of the groups, in the order of their values, those without a value last.

    The order is descending if the list is sorted by the column so. Raises TooSlow.
    """
    term = _term(selection, column)
    known = selection.records.model.table.known
    skip = (number - 1) * MOST
    is_walked = (
        column.sort_state == Index.ShownState.READY
        and not selection.is_filtered
        and known is not None
        and known.records > _LARGE
        and known.records > _PER_VALUE * _values_until(selection.records.model, column, skip + MOST + 1)
    )
    with selection.in_time():
        found = (_walked if is_walked else _counted)(selection, term, skip, MOST + 1)
        return Groups(column, found[:MOST], number, len(found) > MOST)


def records_of(selection: Selection, column: Column, value: Any, *, limit: int) -> list[Record]:
    """The first records of a group, in the list's order. Raises TooSlow."""
    with selection.in_time():
        return paging.page_by_number(
            selection.records.filter(having(selection.records.model, column, value)),
            selection.terms,
            number=1,
            limit=limit,
        ).records


def having(model: type[Record], column: Column, value: Any) -> Q:
    """The records with exactly this value, or without one (None)."""
    if value is None:
        return text_expressions.is_null(column, column.attribute, True)
    if column.kind.is_text:
        return text_expressions.equals(column, [value])
    return Q(Exact(F(column.attribute), column.kind.operand(bound_field(model, column.attribute), value)))


def _values_until(model: type[Record], column: Column, most: int) -> float:
    """About how many values a walk passes; infinitely many if PostgreSQL knows nothing of how common they are."""
    different = usage.different_values(model.table.name, column.name)
    return math.inf if different is None else min(different, most)


def _term(selection: Selection, column: Column) -> Term:
    first = selection.terms[0]
    return Term(column, first.column == column and first.descending, nullable=not column.required)


def _counted(selection: Selection, term: Term, skip: int, most: int) -> list[Group]:
    """All records are read. What texts are sorted by is made once for each group."""
    assert term.column is not None
    name = term.attribute
    rows = selection.records.order_by().values(name).annotate(how_many=Counted("*"))
    place = F(name)
    if term.column.kind.is_text:
        rows, place = rows.annotate(place=SortKey(Min(place))), F("place")
    down = term.descending
    rows = rows.order_by(*(by.desc(nulls_last=True) if down else by.asc(nulls_last=True) for by in (place, F(name))))
    return [
        Group(value, Count(count, is_exact=True))
        for value, count in rows.values_list(name, "how_many")[skip : skip + most]
    ]


def _walked(selection: Selection, term: Term, skip: int, most: int) -> list[Group]:
    records, model = selection.records, selection.records.model
    found: list[Group] = []
    stretches = whole([term])
    passed = 0
    while len(found) < most:
        value = next((row[0] for s in stretches for row in s.of(records).values_list(term.attribute)[:1]), _END)
        if value is _END:
            break
        assert term.column is not None
        if isinstance(value, str) and len(value) >= SORTED_CHARACTERS:
            return _counted(selection, term, skip, most)  # others may differ only beyond what the index has
        if passed >= skip:
            found.append(Group(value, _about(records.filter(having(model, term.column, value)))))
        passed += 1
        if value is None:
            break  # those are last
        stretches = list(stretches_after(model, [term], [value]))
    return found


def _about(records: QuerySet[Record]) -> Count:
    planned = planned_rows(records.order_by())
    if planned > _COUNTED_BELOW:
        return Count(planned, is_exact=False)
    return count_records(records, is_helped=True, planned=planned)


_END = object()
