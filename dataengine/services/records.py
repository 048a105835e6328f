"""Every write of single records. Each service owns one transaction: the record and its audit event together.

Rows are locked before they change (``FOR UPDATE``), so two writers of one record follow one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from dataengine.database_errors import translated
from dataengine.exceptions import NotFound
from dataengine.models import Table
from dataengine.record_serializers import clean_record, record_data
from dataengine.records import Record, record_model
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def insert_record(*, user: User, table: Table, data: object) -> Record:
    """Insert one record, ``data`` being ``{column name: value}``, and return it as stored.

    Raises InvalidInput, filed under the columns at fault.
    """
    model = record_model(table)
    attributes = clean_record(model, data)
    with translated(model), transaction.atomic():
        record = model(**attributes)
        record.save(force_insert=True)
        record.refresh_from_db()  # as stored: 1.5 in a numeric(5, 2) is 1.50
        record_event(
            user=user, table=table, action="record.inserted", details={"id": record.pk, "after": record_data(record)}
        )
    return record


def update_record(*, user: User, table: Table, pk: int, data: object) -> Record:
    """Change the columns that ``data`` names, no others, and return the record. Raises NotFound, InvalidInput."""
    model = record_model(table)
    attributes = clean_record(model, data, partial=True)
    with translated(model), transaction.atomic():
        record = locked_record(model, pk)
        before = record_data(record)
        for attribute, value in attributes.items():
            setattr(record, attribute, value)
        if attributes:
            record.save(update_fields=list(attributes))
            record.refresh_from_db()
            after = record_data(record)
            changed = {name for name in after if after[name] != before[name]}
            record_event(
                user=user,
                table=table,
                action="record.updated",
                details={
                    "id": pk,
                    "before": {name: before[name] for name in changed},
                    "after": {name: after[name] for name in changed},
                },
            )
    return record


def delete_record(*, user: User, table: Table, pk: int) -> None:
    """Delete one record. Raises NotFound, or Conflict while other records refer to it."""
    model = record_model(table)
    with translated(model, deleting=True), transaction.atomic():
        record = locked_record(model, pk)
        before = record_data(record)
        model.objects.filter(pk=pk).delete()
        record_event(user=user, table=table, action="record.deleted", details={"id": pk, "before": before})


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
