"""Filters for users: conditions in words, and chips that show the filters.

``dataengine.queries.filters`` interprets them; here they are only parameters of the URL.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple
from urllib.parse import quote

from django.http import QueryDict

from dataengine.columns.types import ID, ColumnType
from dataengine.models import Column
from dataengine.queries.filters import EMPTY_TEXTS, IMPORT, MATCH, RESERVED
from dataengine.queries.references import Labels
from webui.numbers import is_number
from webui.sorting import PAGE_PARAMETERS

WORDS = {
    "icontains": "contains",
    "contains": "contains (case matters)",
    "exact": "is",
    "ne": "is not",
    "istartswith": "begins with",
    "startswith": "begins with (case matters)",
    "endswith": "ends with",
    "gt": "is greater than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "range": "is between",
    "gte,lt": "is from … to below",
    "in": "is any of",
    "year": "is in the year",
    "month": "is in the month",
    "day": "is on the day of the month",
    "iregex": "matches the pattern",
}
GROUPING = ("group", "unfold", "unfold_null")
"""What the grid's URL says of groups (``grouping.py``), which lists know nothing of."""
_NO_FILTERS = RESERVED.union(GROUPING)
HALF_OPEN = "gte,lt"
"""A condition of two parameters, as a bar of a chart has them."""
# One lookup gives two conditions without a value.
NULL = {"isnull=true": "is null", "isnull=false": "is not null"}


class Chip(NamedTuple):
    """One filter in words, and the query without it.

    ``names`` are its parameters in the URL; ``key`` is that of its column, None for the id.
    """

    column: str
    condition: str
    value: str
    query: str
    names: Sequence[str] = ()
    key: int | None = None

    @property
    def changing(self) -> str:
        """What the query of the column's menu also has, for it to change this filter."""
        return "".join(f"&change={quote(name)}" for name in self.names)


def conditions(kind: ColumnType) -> list[tuple[str, str]]:
    """The conditions for a column of this type, as choices, the most useful first."""
    words = {**WORDS, **kind.condition_words}
    chosen = [(lookup, text) for lookup, text in words.items() if {*lookup.split(",")} <= {*kind.lookups}]
    return chosen + (list(NULL.items()) if "isnull" in kind.lookups else [])


def referred(params: QueryDict, columns: Iterable[Column]) -> dict[Column, list[int]]:
    """The ids that filters of reference columns name."""
    known = {column.name: column for column in columns}
    found: dict[Column, list[int]] = {}
    for name in params:
        column = known.get(taken_apart(name, known)[0])
        if column is not None and column.references_id is not None and name not in _NO_FILTERS:
            found.setdefault(column, []).extend(
                int(part) for value in params.getlist(name) for part in parts(value) if _is_id(part)
            )
    return found


def chips(params: QueryDict, columns: Iterable[Column], labels: Labels) -> list[Chip]:
    """The filters among ``params``, except the search, which is in its box. ``labels`` are those of records.

    A lower and an upper limit of one column are one filter.
    """
    titles = {column.name: column for column in columns}
    by_column = dict[str, list[tuple[str, str]]]()
    for name in params:
        if name not in _NO_FILTERS:
            column_name, lookup = taken_apart(name, titles)
            by_column.setdefault(column_name, []).append((lookup, name))
    found: list[Chip] = []
    for column_name, taken in by_column.items():
        column = titles.get(column_name)
        limits = _limits(params, taken, column)
        if limits is not None:
            from_, to = (params[name] for name in limits)
            words = f"{from_} to {'' if limits[1].endswith('__lte') else 'below '}{to}"
            title, key = (column.title, column.pk) if column else (column_name, None)
            found.append(Chip(title, "is from", words, _without(params, *limits), limits, key))
        for lookup, name in taken:
            if limits is None or name not in limits:
                found += _chip(params, name, lookup, column, column_name, labels)
    return found


def _limits(params: QueryDict, taken: Sequence[tuple[str, str]], column: Column | None) -> tuple[str, str] | None:
    """The parameters of a lower and an upper limit among those of one column, as a bar of a chart has them."""
    named = {lookup: name for lookup, name in taken if params[name]}
    upper = named.get("lt") or named.get("lte")
    if not upper or "gte" not in named:
        return None
    # Where one filter is enough, “below 5” and “from 10” are two.
    is_text = column is not None and column.kind.is_text
    if is_any(params) and (is_text or not _ascend(str(params[named["gte"]]), str(params[upper]))):
        return None
    return named["gte"], upper


def _ascend(low: str, high: str) -> bool:
    """Whether there may be values from ``low`` to ``high``: numbers, or days and times, which are written in order."""
    try:
        return Decimal(low) <= Decimal(high)
    except InvalidOperation:
        return low <= high


def _chip(
    params: QueryDict, name: str, lookup: str, column: Column | None, column_name: str, labels: Labels
) -> list[Chip]:
    """The chip of one parameter; none if it has no value and filters nothing."""
    kind = column.kind if column else ID
    value = ", ".join(params.getlist(name))
    words = NULL.get(f"{lookup}={value.lower()}") or dict(conditions(kind)).get(lookup, lookup)
    is_empty_text = not value and kind.is_text and lookup in EMPTY_TEXTS
    shown = "" if lookup == "isnull" else "empty text" if is_empty_text else value
    if not shown and lookup != "isnull":
        return []
    called = labels.get(column.attribute, {}) if column else {}
    if lookup == "in" and not called:
        shown = ", ".join(parts(value))
    if called and shown:
        shown = ", ".join(called.get(int(part), part) if _is_id(part) else part for part in parts(value))
    title, key = (column.title, column.pk) if column else ("Import" if column_name == IMPORT else column_name, None)
    return [Chip(title, words, shown, _without(params, name), [name], key)]


def filtering(params: QueryDict, column: Column) -> dict[str, str]:
    """The parameters that filter ``column``, by their full names (``<column>__<lookup>``)."""
    found = {}
    for name in params:
        taken = taken_apart(name, {column.name: column})
        if taken[0] == column.name and name not in _NO_FILTERS:
            found["__".join(taken)] = ",".join(params.getlist(name))
    return found


def query_for(params: QueryDict, column: Column) -> list[tuple[str, str]]:
    """``params`` without the filters of ``column`` and without the page: the base for another filter of it."""
    return [
        (name, value)
        for name in params
        for value in params.getlist(name)
        if name not in PAGE_PARAMETERS
        and (name in _NO_FILTERS or taken_apart(name, {column.name: column})[0] != column.name)
    ]


def of_list(params: QueryDict) -> QueryDict:
    """What of the grid's ``params`` concerns the list of records."""
    if not any(name in params for name in GROUPING):
        return params
    query = params.copy()
    for gone in GROUPING:
        query.pop(gone, None)
    return query


def is_any(params: QueryDict) -> bool:
    """Whether one of the filters is enough for a record."""
    return params.get(MATCH) == "any"


def joined_otherwise(params: QueryDict) -> str:
    """The query in which one filter is enough if all have to be met now, or the other way round."""
    query = params.copy()
    for gone in (MATCH, *PAGE_PARAMETERS):
        query.pop(gone, None)
    if not is_any(params):
        query[MATCH] = "any"
    return f"?{query.urlencode()}"


def selecting(params: QueryDict) -> dict[str, Any]:
    """Everything in ``params`` that selects records, including the search, for the bulk services."""
    found: dict[str, Any] = {}
    for name in params:
        values = [value for value in params.getlist(name) if value or name != "search"]
        if values and (name == "search" or name not in _NO_FILTERS):
            found[name] = values[0] if len(values) == 1 else values
    if found and params.get(MATCH):
        found[MATCH] = params[MATCH]
    return found


def taken_apart(name: str, known: Mapping[str, Any]) -> tuple[str, str]:
    if name in known:
        return name, "exact"
    column, separator, lookup = name.rpartition("__")
    return (column, lookup) if separator else (name, "exact")


def parts(text: str) -> list[str]:
    """The values of a list in one text: separated by commas, in double quotes if they contain one."""
    return next(csv.reader([text], skipinitialspace=True), [])


def _is_id(text: str) -> bool:
    return is_number(text, digits=19)


def _without(params: QueryDict, *names: str) -> str:
    query = params.copy()
    for gone in (*names, *PAGE_PARAMETERS):
        query.pop(gone, None)
    return f"?{query.urlencode()}"
