"""Every write of single records. Each service owns one transaction: the record and its audit event together.

Records are locked before they change (``FOR UPDATE``), so that two writers of one record take turns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from django.db import transaction

from dataengine.exceptions import Conflict, InvalidInput, NotFound
from dataengine.models import Table
from dataengine.postgres import trash
from dataengine.postgres.statements import savepoint
from dataengine.queries.references import named_references
from dataengine.records import before_after, single_writes
from dataengine.records.database_errors import translated
from dataengine.records.model import Record, record_model
from dataengine.records.serializers import clean_record, record_data, records_data
from dataengine.services.audit import Trail, change_details, complete, new_event, record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def insert_record(*, user: User, table: Table, data: object, trail: Trail | None = None) -> Record:
    """Insert one record, ``data`` being ``{column name: value}``, and return it as stored.

    Raises InvalidInput, filed under the columns at fault.
    """
    model = record_model(table)
    attributes = clean_record(model, data)
    record = model(**attributes)
    with translated(model), savepoint():
        _insert(user, record, trail)
    return record


def duplicate_record(*, user: User, table: Table, pk: int, data: object = None, trail: Trail | None = None) -> Record:
    """Insert a copy of a record, with the values of ``data`` instead of its own, and return it.

    Unique columns get their default or stay empty. Raises NotFound, or InvalidInput if such a column is required
    and ``data`` has nothing for it.
    """
    model = record_model(table)
    given = clean_record(model, data or {}, partial=True)
    original = get_record(table, pk)
    missing = {
        column.name: "This column is unique and required: give the copy a value of its own."
        for column in model.columns
        if column.unique and column.required and column.default is None and column.attribute not in given
    }
    if missing:
        raise InvalidInput("The copy needs its own values in some columns.", code="missing_value", fields=missing)
    copied = {column.attribute: getattr(original, column.attribute) for column in model.columns if not column.unique}
    record = model(**(copied | given))
    with translated(model), savepoint():
        _insert(user, record, trail)
    return record


def _insert(user: User, record: Record, trail: Trail | None) -> None:
    details = change_details(record.columns, 1)
    event = new_event(user=user, table=record.table, action="record.inserted", details=details)
    single_writes.insert(record, event)
    complete(event, trail)


def update_record(
    *,
    user: User,
    table: Table,
    pk: int,
    data: object,
    version: str | None = None,
    is_as_seen: Callable[[Record], bool] = lambda record: False,
    trail: Trail | None = None,
) -> Record:
    """Change only the columns that ``data`` names, and return the record.

    With ``version`` (``record_version`` of what the user saw) only if nobody has changed it since, or only other
    columns; for a record of another version, ``is_as_seen`` tells whether what is to be changed is still as the user
    saw it. Raises NotFound, InvalidInput, or Conflict with ``theirs`` and ``yours`` in its details.
    """
    model = record_model(table)
    attributes = clean_record(model, data, partial=True, pk=pk)
    with translated(model), transaction.atomic():
        record = locked_record(model, pk)
        _check_version(record, version, yours=data, is_as_seen=is_as_seen)
        if attributes:
            columns = [column for column in model.columns if column.attribute in attributes]
            event = new_event(user=user, table=table, action="record.updated", details=change_details(columns, 1))
            for attribute, value in attributes.items():
                setattr(record, attribute, value)
            single_writes.update(record, event, columns)
            complete(event, trail)
    return record


def delete_record(*, user: User, table: Table, pk: int, version: str | None = None, trail: Trail | None = None) -> None:
    """Delete one record.

    Raises NotFound, or Conflict while other records refer to it (its details say which), or if it no longer has the
    ``version`` that the user saw.
    """
    model = record_model(table)
    with named_references(user, table, [pk]), translated(model, deleting=True), transaction.atomic():
        record = locked_record(model, pk)
        _check_version(record, version)
        columns = [*model.columns, *trash.hidden_columns(table)]
        details = change_details(columns, 1, id=pk)
        event = record_event(user=user, table=table, action="record.deleted", details=details)
        before_after.keep_before(event, model.objects.filter(pk=pk), columns)
        model.objects.filter(pk=pk).delete()
        complete(event, trail)


def record_version(record: Record) -> str:
    """A short text that changes whenever any value of the record changes."""
    return record_versions([record])[0]


def record_versions(records: Sequence[Record]) -> list[str]:
    """``record_version`` of each record of one model."""
    # Values of another type: the column's was changed between looking at the table and writing into it.
    shown = (json.dumps(data, sort_keys=True, separators=(",", ":"), default=str) for data in records_data(records))
    return [hashlib.blake2b(text.encode(), digest_size=12).hexdigest() for text in shown]


def _check_version(
    record: Record,
    version: str | None,
    *,
    yours: object = None,
    is_as_seen: Callable[[Record], bool] = lambda record: False,
) -> None:
    if version is None or version == record_version(record) or is_as_seen(record):
        return
    details = {"theirs": record_data(record), "yours": yours, "version": record_version(record)}
    raise Conflict("Somebody else changed this record meanwhile.", code="changed_meanwhile", details=details)


def get_record(table: Table, pk: int) -> Record:
    """The record with that id. Raises NotFound."""
    return _found(record_model(table).objects.filter(pk=pk).first(), pk)


def locked_record(model: type[Record], pk: int) -> Record:
    """The record with that id, locked until the end of the transaction. Raises NotFound."""
    return _found(model.objects.select_for_update().filter(pk=pk).first(), pk)


def _found(record: Record | None, pk: int) -> Record:
    if record is None:
        raise NotFound(f"There is no record {pk}.", code="record_not_found")
    return record
