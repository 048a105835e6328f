"""Lists of very many records that are read in more stretches than their order needs.

*Sorted by a column with few values, and then by another.* The index on the first column finds the records with a
value, but there are so many of them that it takes too long to sort them by the second. So each value gets a stretch of
its own, for which PostgreSQL walks the index on the second column and skips the records with other values.

*Sorted by a text that begins with a number that may go on.* What begins with “C12” is in several ranges of the index,
between which all others are; each is a stretch of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.lookups import GreaterThan, LessThan

from dataengine.models import Column
from dataengine.postgres import text_expressions, usage
from dataengine.queries.ordering import Stretch, Term, ordered, same_value, stretches_after, whole
from dataengine.records.model import Record

_LARGE = 1_000_000
_MANY = 20_000
"""So many records with the same value are sorted as they are."""


def of_list(
    queryset: QuerySet[Record], terms: Sequence[Term], boundary: Sequence[Any] | None = None, *, inclusive: bool = False
) -> Iterable[Stretch]:
    """The records of a list, or those after ``boundary`` (with ``inclusive``: from it on), in order."""
    model: type[Record] = queryset.model
    if terms[0].ranges:
        found = whole(terms) if boundary is None else stretches_after(model, terms, boundary, inclusive=inclusive)
        return _by_range(terms[0], found)
    is_by_value = len(terms) > 2 and terms[1].is_indexed and _is_of_few(queryset, terms[0])
    if is_by_value:
        return _by_value(model, terms, boundary, inclusive=inclusive)
    if boundary is None:
        return whole(terms)
    return stretches_after(model, terms, boundary, inclusive=inclusive)


def slow_column(queryset: QuerySet[Record], terms: Sequence[Term]) -> Column | None:
    """The column (None: ``id``) whose index a list needs: the second, if the first has an index but few values."""
    if len(terms) < 2 or terms[1].is_indexed or not _is_of_few(queryset, terms[0]):
        return terms[0].column
    return terms[1].column


def with_ranges(model: type[Record], terms: Sequence[Term], beginnings: Mapping[Column, str]) -> list[Term]:
    """``terms`` of a list whose texts begin with ``beginnings``: if it is sorted by one, with where those are."""
    first, known = terms[0], model.table.known
    begun = beginnings.get(first.column) if first.column is not None else None
    if begun is None or not first.is_indexed or known is None or known.records < _LARGE:
        return [*terms]
    ranges = text_expressions.beginnings(begun)
    return [replace(first, ranges=tuple(ranges) if len(ranges) > 1 else ()), *terms[1:]]


def _by_range(first: Term, parts: Iterable[Stretch]) -> Iterator[Stretch]:
    """The same records, where they are in the index: PostgreSQL would walk over all that is between."""
    ranges = reversed(first.ranges) if first.descending else first.ranges
    conditions = [text_expressions.within(first.column, *ends) for ends in ranges if first.column is not None]
    for part in parts:
        if part.terms[0].column != first.column:
            yield part
            continue
        for condition in conditions:
            yield Stretch(condition if part.condition is None else condition & Q(part.condition), part.terms)


def _is_of_few(queryset: QuerySet[Record], term: Term) -> bool:
    """Whether it is a list of a whole table with very many records of each value, which an index finds."""
    known, column = queryset.model.table.known, term.column
    if column is None or known is None or known.records < _MANY or queryset.query.where or not term.is_indexed:
        return False
    different = usage.different_values(queryset.model.table.name, column.name)
    return different is not None and different * _MANY <= known.records


def _by_value(
    model: type[Record], terms: Sequence[Term], boundary: Sequence[Any] | None, *, inclusive: bool
) -> Iterator[Stretch]:
    first, rest = terms[0], terms[1:]
    after = None if boundary is None else boundary[0]
    if boundary is not None:
        yield from _within(model, first, after, stretches_after(model, rest, boundary[1:], inclusive=inclusive))
    elif first.nullable and first.nulls_first:
        yield from _within(model, first, None, whole(rest))
    if boundary is not None and after is None and not first.nulls_first:
        return
    for value in _values_after(model, first, after):
        yield from _within(model, first, value, whole(rest))
    if first.nullable and not first.nulls_first:
        yield from _within(model, first, None, whole(rest))


def _within(model: type[Record], term: Term, value: Any, parts: Iterable[Stretch]) -> Iterator[Stretch]:
    """Of these stretches, the records with one value."""
    same = same_value(model, term, value)
    for part in parts:
        yield Stretch(same if part.condition is None else same & Q(part.condition), part.terms)


def _values_after(model: type[Record], term: Term, value: Any) -> Iterator[Any]:
    """The different values of a column in their order, each looked up in its index when it is asked for."""
    term = replace(term, nullable=False)
    comparison = LessThan if term.descending else GreaterThan
    records = model.objects.filter(text_expressions.is_null(term.column, term.attribute, False))
    while True:
        following = records if value is None else records.filter(comparison(term.compared, term.place_of(model, value)))
        row = ordered(following, [term, Term(None, term.descending)]).values_list(term.attribute)[:1].first()
        if row is None:
            return
        [value] = row
        yield value
