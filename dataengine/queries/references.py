"""References between records: labels in place of ids, finding a record to refer to, and which records refer to others.

A record's label is its value in the column that names the records of its table (``Table.named_by``; the first 200
characters); without one, it is ``#<id>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError
from django.db.models import TextField, Value
from django.db.models.functions import Left

from dataengine import access
from dataengine.columns import values
from dataengine.exceptions import Conflict, InvalidInput
from dataengine.models import Column, Table
from dataengine.postgres.backend.reader import reading
from dataengine.postgres.text_expressions import equals, holds, ordered_by
from dataengine.postgres.time_limits import time_limit, timed_out
from dataengine.queries.counts import Count, count_records
from dataengine.records.model import Record, record_model

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_FOUND = 50
LONGEST_LABEL = 200
# Suggestions that take longer are of no use to somebody who is typing.
_FIND_SECONDS = 1.5
_ENDS_IN_ID = re.compile(r"(?:.* )?#([0-9]{1,19})", re.DOTALL)

type Labels = Mapping[str, Mapping[int, str]]
"""Labels by attribute of the reference column and by id, without columns whose tables the user may not see."""


class Suggestion(TypedDict):
    """A record to refer to."""

    id: int
    label: str


class ReferredBy(TypedDict):
    """How many records of a column refer to the records that were to be deleted."""

    table_name: str
    column_name: str
    count: int


def readable(user: User | AnonymousUser, columns: Iterable[Column]) -> dict[str, Table]:
    """By attribute of the reference column: the table that it refers to, if ``user`` may see it."""
    wanted = {column.attribute: column.references_id for column in columns if column.references_id is not None}
    if not wanted:
        return {}
    visible = {table.pk: table for table in access.tables_for(user).filter(pk__in=set(wanted.values()))}
    return {attribute: visible[pk] for attribute, pk in wanted.items() if pk in visible}


def find(table: Table, text: str, *, limit: int = 20) -> list[Suggestion]:
    """Find records to refer to: those whose label contains ``text`` (first those whose label
    begins with it) or whose id it is; for an empty text the first records. In a large table some may not be found.
    """
    model, named = _labelled(table)
    text = text.replace("\0", "")
    limit = max(1, min(limit, MAX_FOUND))
    found: list[Record] = []
    try:
        with reading(), time_limit(_FIND_SECONDS):
            if _is_id(text):
                found += model.objects.filter(pk=int(text))
            if not text:
                found += model.objects.order_by("id")[:limit]
            elif named is not None:
                for lookup in ("istartswith", "icontains"):
                    if len(found) < limit:
                        known = [record.pk for record in found]
                        matching = model.objects.filter(holds(named, lookup, text)).exclude(pk__in=known)
                        found += matching.order_by(ordered_by(named, named.attribute), "id")[: limit - len(known)]
    except OperationalError as error:
        if not timed_out(error):
            raise
    return [{"id": record.pk, "label": _label(record, named)} for record in found[:limit]]


def labels(user: User | AnonymousUser, records: Sequence[Record]) -> Labels:
    """The labels of all records that ``records`` refer to: one query for each reference column."""
    columns = [column for column in records[0].columns if column.references_id is not None] if records else []
    return labels_of(user, {c: [getattr(record, c.attribute) for record in records] for c in columns})


def labels_of(user: User | AnonymousUser, wanted: Mapping[Column, Iterable[int | None]]) -> Labels:
    """The labels of the records with these ids, by reference column; ids that no record has are left out."""
    tables = readable(user, wanted)
    found: dict[str, dict[int, str]] = {}
    for column, values_of in wanted.items():
        ids = {value for value in values_of if value is not None}
        if column.attribute in tables and ids:
            model, named = _labelled(tables[column.attribute])
            text = Left(named.attribute, LONGEST_LABEL) if named else Value(None, TextField())
            called = model.objects.filter(pk__in=ids).values_list("pk", text)
            with reading():
                found[column.attribute] = {pk: label or f"#{pk}" for pk, label in called}
    return found


def written(pk: int, label: str) -> str:
    """A reference as a form shows it: the record's label and its id."""
    return label if label == f"#{pk}" else f"{label} #{pk}"


def resolve(table: Table, text: str) -> int:
    """The id of the record that ``text`` means: an id, a label that only one record has, or both (``written``).

    Raises InvalidInput if that is no record, or more than one.
    """
    text = text.strip()
    model, named = _labelled(table)
    if _is_id(text):
        if not model.objects.filter(pk=int(text)).exists():
            raise _unresolved(f"There is no record {int(text)} in “{table.name}”.")
        return int(text)
    called = list(model.objects.filter(equals(named, [text])).order_by("id")[:3]) if named and "\0" not in text else []
    end = _ENDS_IN_ID.fullmatch(text)
    numbered = model.objects.filter(pk=int(end[1])).first() if end and _is_id(end[1]) else None
    meant: set[int] = {record.pk for record in called}
    if numbered is not None and (not meant or written(numbered.pk, _label(numbered, named)) == text):
        meant.add(numbered.pk)  # its label may have changed since the form was shown
    if len(meant) == 1:
        return meant.pop()
    if meant:
        raise _unresolved(f"More than one record of “{table.name}” has this label. Choose one, or enter its id.")
    raise _unresolved(f"No record of “{table.name}” has this label. Choose one, or enter an id.")


@dataclass(frozen=True, slots=True)
class Referrer:
    """A column that refers to records, and how many of its records do."""

    column: Column
    count: Count

    @property
    def table(self) -> Table:
        return self.column.table


def referrers(
    user: User, table: Table, ids: Sequence[int] | None = None, *, exact: bool = False
) -> tuple[list[Referrer], bool]:
    """The columns that refer to records of ``table`` and that ``user`` may see, not counting the records ``ids``; and
    whether there are others. Without ``ids``: the columns of other tables, whether or not any of their records do.
    """
    columns = Column.objects.filter(references=table).select_related("table").order_by("table__name", "position", "id")
    visible = set(access.tables_for(user).values_list("pk", flat=True))
    known: list[Referrer] = []
    hidden = False
    for column in columns if ids is not None else columns.exclude(table=table):
        records = record_model(column.table, [column]).objects.order_by()
        if ids is None:
            records = records.filter((f"{column.attribute}__isnull", False))
        else:
            records = records.filter((f"{column.attribute}__in", list(ids)))
            if column.table_id == table.pk:
                records = records.exclude(pk__in=ids)
        if column.table_id not in visible:
            hidden = hidden or ids is None or records.exists()
            continue
        count = count_records(records, exact=exact)
        if count.value or ids is None:
            known.append(Referrer(column, count))
    return known, hidden


@contextmanager
def named_references(user: User, table: Table, ids: Sequence[int]) -> Iterator[None]:
    """Add to the Conflict for records that cannot be deleted which records refer to them (``referenced_by``)."""
    try:
        yield
    except Conflict as error:
        if error.error_code != "referenced":
            raise
        found, hidden = referrers(user, table, ids, exact=True)
        known: list[ReferredBy] = [
            {"table_name": who.table.name, "column_name": who.column.name, "count": who.count.value} for who in found
        ]
        listed = [f"{entry['count']:,} in “{entry['table_name']}” ({entry['column_name']})" for entry in known]
        listed += ["some in a table that you cannot see"] if hidden else []
        what = "this one" if len(ids) == 1 else "these"
        raise Conflict(
            f"Other records refer to {what}: {', '.join(listed)}." if listed else error.message,
            code=error.error_code,
            fields=error.fields,
            details={"referenced_by": known},
        ) from error


def _labelled(table: Table) -> tuple[type[Record], Column | None]:
    """The model of a table's records with only the column that labels them."""
    named = table.named_by()
    return record_model(table, [named] if named else []), named


def _label(record: Record, named: Column | None) -> str:
    value = None if named is None else getattr(record, named.attribute)
    return str(value)[:LONGEST_LABEL] if value else f"#{record.pk}"


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20 and int(text) in values.BIGINT


def _unresolved(reason: str) -> InvalidInput:
    return InvalidInput(reason, code="unknown_reference")
