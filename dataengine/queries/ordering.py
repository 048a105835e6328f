"""The order of a list of records: its terms, and the stretches of an index that hold the records in that order.

NULLs come last in either direction, as people expect from a list of the largest delays; ``nulls="first"`` reverses
that. PostgreSQL's own order has them first in a descending list, and an index can only be walked in its own order. So a
list is read in stretches, each of which is one walk: the records that have a value, then those that have none.

Texts are sorted by a key of our own (``postgres/text_functions.py``), which is the same on every server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_
from typing import Any

from django.db import models
from django.db.models import Expression, F, Func, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.lookups import Exact, GreaterThan, LessThan

from dataengine.columns.identifiers import composed
from dataengine.columns.types import ID
from dataengine.exceptions import InvalidInput, shown
from dataengine.models import Column, Index
from dataengine.postgres import text_expressions
from dataengine.postgres.text_expressions import SortKey
from dataengine.records.model import Record, bound_field


@dataclass(frozen=True, slots=True)
class Term:
    """One column of an ordering, None for ``id``. ``nullable`` is whether it may be NULL.

    ``ranges``: where the sort keys of all records of the list are, each from the first up to, not with, the second; ()
    if that is not known.
    """

    column: Column | None
    descending: bool = False
    nullable: bool = False
    nulls_first: bool = False
    ranges: tuple[tuple[str, str], ...] = ()

    @property
    def attribute(self) -> str:
        """The model's."""
        return self.column.attribute if self.column is not None else "id"

    @property
    def compared(self) -> F | SortKey:
        """What is sorted and compared."""
        return text_expressions.ordered_by(self.column, self.attribute)

    def place_of(self, model: type[Record], value: Any) -> Any:
        """``value``, prepared to be compared with that; None is no value."""
        if value is None:
            return None
        kind = self.column.kind if self.column is not None else ID
        return text_expressions.place(self.column, kind.operand(bound_field(model, self.attribute), value))

    def reversed(self) -> Term:
        return replace(self, descending=not self.descending, nulls_first=not self.nulls_first)

    @property
    def is_indexed(self) -> bool:
        """Whether there is an index in the order of the column, and then of ids."""
        return self.column is None or self.column.sort_state == Index.ShownState.READY

    @property
    def is_as_indexed(self) -> bool:
        """Whether an index on the column alone has this order from end to end."""
        return not self.nullable or self.nulls_first == self.descending

    @property
    def expression(self) -> OrderBy:
        column = self.compared
        if self.is_as_indexed:
            return column.desc() if self.descending else column.asc()
        return column.desc(nulls_last=True) if self.descending else column.asc(nulls_first=True)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a list's records, selected by ``condition`` (None: all), in the order of ``terms``.

    A column that the condition fixes is not among the terms, since PostgreSQL would sort by it; but one that is NULL
    and has an index is, since otherwise PostgreSQL would sort what the index holds in order.
    """

    condition: Q | Expression | None
    terms: list[Term]

    def of(self, records: QuerySet[Record]) -> QuerySet[Record]:
        """The records of this stretch, in order."""
        return ordered(records if self.condition is None else records.filter(self.condition), self.terms)


def parse_ordering(model: type[Record], order_by: str = "", direction: str = "", nulls: str = "") -> list[Term]:
    """Read ``"name"`` or ``"-price,name"``; ``direction`` is for columns without a minus. Always ends with ``id``.

    Raises InvalidInput filed under ``order_by``, ``order_direction`` or ``nulls``.
    """
    if direction.upper() not in {"", "ASC", "DESC"}:
        raise InvalidInput("order_direction must be ASC or DESC.", fields={"order_direction": "Choose ASC or DESC."})
    if nulls.lower() not in {"", "first", "last"}:
        raise InvalidInput("nulls must be first or last.", fields={"nulls": "Choose first or last."})
    columns = {column.name: column for column in model.columns}
    down = direction.upper() == "DESC"
    terms: list[Term] = []
    for word in [word.strip() for word in order_by.split(",") if word.strip()] or ["id"]:
        name = composed(word.removeprefix("-"))
        column = columns.get(name)
        if name != "id" and (column is None or not column.kind.can_be_sorted):
            reason = f"There is no column “{shown(name)}”."
            if column is not None:
                reason = f"{column.kind.noun} column “{name}” has no order."
            raise InvalidInput(reason, code="invalid_order", fields={"order_by": reason})
        if column in [term.column for term in terms]:
            continue
        nullable = column is not None and not column.required
        descending = word.startswith("-") or down
        terms.append(Term(column, descending, nullable, nulls_first=nulls.lower() == "first"))
        if column is None:
            return terms  # nothing after a unique key changes the order
    return [*terms, Term(None, descending=terms[-1].descending)]


def ordered(queryset: QuerySet[Record], terms: Sequence[Term]) -> QuerySet[Record]:
    return queryset.order_by(*(term.expression for term in terms))


def whole(terms: Sequence[Term]) -> list[Stretch]:
    """All records of a list, in stretches that an index on the first column holds in order."""
    first = terms[0]
    if first.is_as_indexed:
        return [Stretch(None, [*terms])]
    with_value = Stretch(_is_null(first, False), _with_value(terms))
    without = Stretch(_is_null(first, True), _without_value(terms))
    return [without, with_value] if first.nulls_first else [with_value, without]


def stretches_after(
    model: type[Record], terms: Sequence[Term], boundary: Sequence[Any], *, inclusive: bool = False
) -> Iterator[Stretch]:
    """The records after ``boundary`` (with ``inclusive``: from it on), in order.

    Each is one stretch of an index; a single condition for all of them, joined by OR, could use no index.
    """
    compared = [term.place_of(model, value) for term, value in zip(terms, boundary, strict=True)]
    one_way = len({term.descending for term in terms}) == 1
    if one_way and not any(term.nullable for term in terms[1:]):
        yield from _one_way(terms, boundary, compared, inclusive=inclusive)
        return
    same = [same_value(model, term, value) for term, value in zip(terms, boundary, strict=True)]
    if inclusive:
        yield Stretch(reduce(and_, same), [terms[-1]])
    for place in reversed(range(len(terms))):
        for condition, is_null in _after(terms[place], boundary[place], compared[place]):
            rest = terms[place:]
            without = rest[1:] if place else _without_value(rest)
            yield Stretch(reduce(and_, [*same[:place], condition]), [*without] if is_null else _with_value(rest))


def same_value(model: type[Record], term: Term, value: Any) -> Q:
    """The records with one value (None: without one) in the term's column."""
    return _is_null(term, True) if value is None else Q(Exact(term.compared, term.place_of(model, value)))


def _one_way(
    terms: Sequence[Term], boundary: Sequence[Any], compared: Sequence[Any], *, inclusive: bool
) -> Iterator[Stretch]:
    """The stretches if all terms have one direction and only the first may be NULL: row comparison is enough."""
    first = terms[0]
    comparison = ("<" if first.descending else ">") + ("=" if inclusive else "")
    if boundary[0] is not None:
        row = _RowComparison(*(term.compared for term in terms), *compared, comparison=comparison)
        yield Stretch(row, _with_value(terms))
        if first.nullable and not first.nulls_first:
            yield Stretch(_is_null(first, True), _without_value(terms))
        return
    rest = _RowComparison(*(term.compared for term in terms[1:]), *compared[1:], comparison=comparison)
    yield Stretch(_is_null(first, True) & Q(rest), _without_value(terms))
    if first.nulls_first:
        yield Stretch(_is_null(first, False), _with_value(terms))


def _with_value(terms: Sequence[Term]) -> list[Term]:
    """``terms`` for records with a value in the first, which an index holds in either direction."""
    return [replace(terms[0], nullable=False), *terms[1:]]


def _without_value(terms: Sequence[Term]) -> list[Term]:
    """``terms`` for records without a value in the first."""
    first, *rest = terms
    is_in_index = first.column is not None and first.is_indexed and [term.column for term in rest] == [None]
    if is_in_index and rest[0].descending == first.descending:
        return [replace(first, nulls_first=first.descending), *rest]
    return rest


def _is_null(term: Term, yes: bool) -> Q:
    return text_expressions.is_null(term.column, term.attribute, yes)


def _after(term: Term, value: Any, right: Any) -> Iterator[tuple[Q, bool]]:
    """The conditions for values of one column that come after ``value``, each with whether it is NULL."""
    if value is None:
        if term.nulls_first:
            yield _is_null(term, False), False
        return
    comparison = LessThan if term.descending else GreaterThan
    yield Q(comparison(term.compared, right)), False
    if term.nullable and not term.nulls_first:
        yield _is_null(term, True), True


class _RowComparison(Func):
    """``(a, b) > (x, y)``: the only form for which PostgreSQL walks an index on several columns from a given point."""

    output_field = models.BooleanField()
    conditional = True

    def __init__(self, *expressions: Any, comparison: str = ">") -> None:
        super().__init__(*expressions)
        half = len(expressions) // 2
        side = ", ".join(["{}"] * half)
        self.comparison = comparison
        self.pattern = f"({side}) {comparison} ({side})"

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> tuple[str, tuple[Any, ...]]:
        parts: list[str] = []
        parameters: list[Any] = []
        for expression in self.source_expressions:
            text, more = compiler.compile(expression)
            parts.append(text)
            parameters += more
        return self.pattern.format(*parts), tuple(parameters)
