"""Fills a new table with the records of another: one statement, with the ids that they have there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from dataengine import access
from dataengine.exceptions import Conflict
from dataengine.models import AuditEvent, Table
from dataengine.models.shapes import CopyParameters
from dataengine.postgres import ddl
from dataengine.records.database_errors import translated
from dataengine.records.model import record_model
from dataengine.services.audit import change_details, record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def fill(*, user: User, table: Table, wanted: CopyParameters) -> AuditEvent:
    """Copy the records. Raises Conflict if the source is gone or its columns are not what they were."""
    source = access.tables_for(user).filter(pk=wanted["source"]).first()
    if source is None:
        raise Conflict("The table that was to be copied is gone.", code="table_not_found")
    theirs = {column.pk: column for column in source.all_columns()}
    ours = {column.pk: column for column in table.all_columns()}
    pairs = [(theirs.get(there), ours.get(here)) for there, here in wanted["columns"]]
    names = [(there.name, here.name) for there, here in pairs if there is not None and here is not None]
    if len(names) < len(pairs):
        raise Conflict("Columns were deleted before the records had been copied.", code="columns_changed")
    model = record_model(table)
    with translated(model), transaction.atomic():
        count = ddl.copy_records(source, table, names)
        return record_event(
            user=user, table=table, action="records.copied", details=change_details(ours.values(), count)
        )
