"""Pages of records by key: as fast a million records in as at the start, and steady while records come and go.

A cursor holds the ordering and the values of a page's first or last record, signed, so that nobody can ask for an
ordering or a comparison that was not offered. NULLs stand where PostgreSQL puts them (last ascending, first
descending), and ``id`` breaks ties.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.core import signing
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Expression, F, Func, Q, QuerySet, Value

from dataengine import values
from dataengine.exceptions import InvalidInput
from dataengine.fields import RealField
from dataengine.records import Record, bound_field

_SALT = "tablekeep.cursor"
_MAX_OFFSET = 2**62


@dataclass(frozen=True, slots=True)
class Term:
    """One column of an ordering. ``attribute`` is the model's, ``nullable`` whether it may be NULL."""

    attribute: str
    descending: bool = False
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Records in order. ``next`` and ``previous`` are cursors, None where nothing lies beyond.

    ``number`` is the page's number as far as it can be known: exact for pages reached from the first one.
    """

    records: list[Record]
    next: str | None
    previous: str | None
    number: int


def parse_ordering(model: type[Record], order_by: str = "", direction: str = "") -> list[Term]:
    """``"name"``, ``"-price,name"`` with ``ASC`` or ``DESC`` for columns without a minus. Always ends with ``id``.

    Raises InvalidInput filed under ``order_by`` or ``order_direction``.
    """
    if direction.upper() not in {"", "ASC", "DESC"}:
        raise InvalidInput("order_direction is ASC or DESC.", fields={"order_direction": "Choose ASC or DESC."})
    columns = {column.name: column for column in model.columns}
    down = direction.upper() == "DESC"
    terms: list[Term] = []
    for word in [word.strip() for word in order_by.split(",") if word.strip()] or ["id"]:
        name = word.removeprefix("-")
        column = columns.get(name)
        if name != "id" and (column is None or column.kind.kernel == "json"):
            shown = "".join(c if c.isprintable() else "\ufffd" for c in name[:120])
            reason = f"There is no column “{shown}”." if column is None else f"JSON column “{name}” has no order."
            raise InvalidInput(reason, code="invalid_order", fields={"order_by": reason})
        attribute, nullable = (column.attribute, not column.required) if column else ("id", False)
        if attribute in {term.attribute for term in terms}:
            continue
        terms.append(Term(attribute, descending=word.startswith("-") or down, nullable=nullable))
        if attribute == "id":
            return terms  # nothing after a unique key changes the order
    return [*terms, Term("id", descending=terms[-1].descending)]


def ordered(queryset: QuerySet[Record], terms: Sequence[Term]) -> QuerySet[Record]:
    return queryset.order_by(*(f"-{term.attribute}" if term.descending else term.attribute for term in terms))


def page_by_number(queryset: QuerySet[Record], terms: Sequence[Term], *, number: int, limit: int) -> Page:
    """Page ``number`` (from 1). Beyond the end it is empty, and ``previous`` leads to the last page."""
    offset = (number - 1) * limit
    if offset > _MAX_OFFSET:
        found: list[Record] = []
    else:
        found = list(ordered(queryset, terms)[offset : offset + limit + 1])
    records = found[:limit]
    before = _cursor(queryset.model, terms, records[0] if records else None, number - 1, backwards=True)
    after = _cursor(queryset.model, terms, records[-1], number + 1) if len(found) > limit else None
    return Page(records, after, before if number > 1 else None, number)


def page_by_cursor(queryset: QuerySet[Record], terms: Sequence[Term], *, cursor: str, limit: int) -> Page:
    """The page that a cursor of this table and ordering leads to. Raises InvalidInput filed under ``cursor``."""
    model: type[Record] = queryset.model
    boundary, number, backwards = _read(model, terms, cursor)
    direction = [replace(term, descending=term.descending ^ backwards) for term in terms]
    if boundary is not None:
        queryset = queryset.filter(_beyond(model, direction, boundary))
    found = list(ordered(queryset, direction)[: limit + 1])
    records, more = found[:limit], len(found) > limit
    if backwards:
        records.reverse()
        before = _cursor(model, terms, records[0], max(number - 1, 1), backwards=True) if more else None
        after = _cursor(model, terms, records[-1], number + 1) if records and boundary is not None else None
        return Page(records, after, before, number if more else 1)
    before = _cursor(model, terms, records[0] if records else None, max(number - 1, 1), backwards=True)
    after = _cursor(model, terms, records[-1], number + 1) if more else None
    return Page(records, after, before, number)


class _RowComparison(Func):
    """``(a, b) > (x, y)``: the one form in which PostgreSQL walks an index of several columns from a point on."""

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


def _beyond(model: type[Record], terms: Sequence[Term], boundary: Sequence[Any]) -> Q | Expression:
    """The records that come after ``boundary``."""
    compared = [_compared(model, term, value) for term, value in zip(terms, boundary, strict=True)]
    if len({term.descending for term in terms}) == 1 and not any(term.nullable for term in terms):
        sides = [F(term.attribute) for term in terms] + compared
        return _RowComparison(*sides, comparison="<" if terms[0].descending else ">")
    condition = Q()
    same = Q()
    for term, value, right in zip(terms, boundary, compared, strict=True):
        after = _after(term, value, right)
        if after is not None:
            condition |= same & after
        same &= Q((f"{term.attribute}__isnull", True)) if value is None else Q((f"{term.attribute}__exact", right))
    return condition


def _after(term: Term, value: Any, right: Any) -> Q | None:
    """The records whose value in one column comes after ``value``; None where there can be none."""
    if value is None:
        return Q((f"{term.attribute}__isnull", False)) if term.descending else None
    later = Q((f"{term.attribute}__{'lt' if term.descending else 'gt'}", right))
    return later | Q((f"{term.attribute}__isnull", True)) if term.nullable and not term.descending else later


def _compared(model: type[Record], term: Term, value: Any) -> Any:
    made = bound_field(model, term.attribute)
    if value is None:
        return None
    return values.comparable(made, value) if isinstance(made, RealField) else Value(value, made)


def _cursor(
    model: type[Record], terms: Sequence[Term], record: Record | None, number: int, *, backwards: bool = False
) -> str:
    boundary = None if record is None else [_packed(getattr(record, term.attribute)) for term in terms]
    content = [model.table.pk, _signature(terms), boundary, max(number, 1), backwards]
    return signing.dumps(content, salt=_SALT, compress=True)


def _signature(terms: Sequence[Term]) -> str:
    return ",".join(f"{'-' if term.descending else ''}{term.attribute}" for term in terms)


def _packed(value: Any) -> Any:
    """A value as JSON that gives back exactly the same value."""
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, Decimal | uuid.UUID):
        return str(value)
    return repr(value) if isinstance(value, float) else value


def _read(model: type[Record], terms: Sequence[Term], cursor: str) -> tuple[list[Any] | None, int, bool]:
    reason = "This cursor does not belong to this list."
    wrong = InvalidInput(reason, code="invalid_cursor", fields={"cursor": reason})
    try:
        table_id, signature, boundary, number, backwards = signing.loads(cursor, salt=_SALT)
        if table_id != model.table.pk or signature != _signature(terms):
            raise wrong
        if boundary is not None:
            pairs = zip(terms, boundary, strict=True)
            boundary = [bound_field(model, term.attribute).to_python(value) for term, value in pairs]
    except (signing.BadSignature, ValidationError, ValueError, TypeError) as error:
        raise wrong from error
    return boundary, int(number), bool(backwards)
