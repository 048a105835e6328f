"""References between records: what people read in place of an id, finding a record to refer to, who refers to whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser

from dataengine import access, values
from dataengine.exceptions import Conflict
from dataengine.models import Column, Table
from dataengine.records import Record, record_model

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_FOUND = 50


def label_column(columns: Sequence[Column]) -> Column | None:
    """The column that names a record: the first text column, if there is one."""
    return next((column for column in columns if column.kind.is_text and column.type != "choice"), None)


def find(table: Table, text: str, *, limit: int = 20) -> list[dict[str, Any]]:
    """Records to refer to, as ``{"id", "label"}``: whose label holds ``text`` (those that begin with it first), or
    whose id it is. With an empty text, the first ones.
    """
    model = record_model(table)
    named = label_column(model.columns)
    limit = max(1, min(limit, MAX_FOUND))
    found: list[Record] = []
    if text.isascii() and text.isdecimal() and int(text) in values.BIGINT:
        found += model.objects.filter(pk=int(text))
    if not text:
        found += model.objects.order_by("id")[:limit]
    elif named is not None:
        for lookup in ("istartswith", "icontains"):
            if len(found) < limit:
                known = [record.pk for record in found]
                matching = model.objects.filter((f"{named.attribute}__{lookup}", text)).exclude(pk__in=known)
                found += matching.order_by(named.attribute, "id")[: limit - len(known)]
    return [{"id": record.pk, "label": _label(record, named)} for record in found[:limit]]


def labels(user: User | AnonymousUser, records: Sequence[Record]) -> dict[str, dict[int, str]]:
    """For each reference column (by its attribute) the labels of the records referred to, by id: one query a column.

    Columns that refer to a table that the user may not see are left out.
    """
    found: dict[str, dict[int, str]] = {}
    columns = [column for column in records[0].columns if column.references_id is not None] if records else []
    visible = {
        table.pk: table
        for table in access.tables_for(user).filter(pk__in=[column.references_id for column in columns])
    } if columns else {}  # fmt: skip
    for column in columns:
        table = visible.get(column.references_id or 0)
        ids = {value for record in records if (value := getattr(record, column.attribute)) is not None}
        if table is not None and ids:
            model = record_model(table)
            named = label_column(model.columns)
            wanted = model.objects.filter(pk__in=ids)
            found[column.attribute] = {record.pk: _label(record, named) for record in wanted}
    return found


@contextmanager
def named_references(user: User, table: Table, ids: Sequence[int]) -> Iterator[None]:
    """Complete the Conflict of records that cannot be deleted by who refers to them (``referenced_by``)."""
    try:
        yield
    except Conflict as error:
        if error.error_code != "referenced":
            raise
        known, hidden = _referring(user, table, ids)
        listed = [f"{entry['count']:,} in “{entry['table_name']}” ({entry['column_name']})" for entry in known]
        listed += ["some in a table that you cannot see"] if hidden else []
        what = "this one" if len(ids) == 1 else "these"
        raise Conflict(
            f"Other records refer to {what}: {', '.join(listed)}." if listed else error.message,
            code=error.error_code,
            fields=error.fields,
            details={"referenced_by": known},
        ) from error


def _referring(user: User, table: Table, ids: Sequence[int]) -> tuple[list[dict[str, Any]], bool]:
    """``{"table_name", "column_name", "count"}`` of the referring columns that the user may see; whether there are
    others.
    """
    columns = list(Column.objects.filter(references=table).select_related("table"))
    visible = set(access.tables_for(user).values_list("pk", flat=True))
    known: list[dict[str, Any]] = []
    hidden = False
    for column in columns:
        model = record_model(column.table)
        referring = model.objects.filter((f"{column.attribute}__in", list(ids)))
        if column.table_id == table.pk:
            referring = referring.exclude(pk__in=ids)
        count = referring.count()
        if count and column.table_id in visible:
            known.append({"table_name": column.table.name, "column_name": column.name, "count": count})
        hidden = hidden or bool(count and column.table_id not in visible)
    return known, hidden


def _label(record: Record, named: Column | None) -> str:
    value = None if named is None else getattr(record, named.attribute)
    return str(value) if value else f"#{record.pk}"
