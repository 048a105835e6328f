"""Undoes a change of records exactly: values, records and ids, in one transaction with its own audit event.

Undoing is a change like any other, with its own images, so it can be undone too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from dataengine.exceptions import Conflict, InvalidInput, NotFound, some_of
from dataengine.models import AuditEvent, Table
from dataengine.models.shapes import Verb
from dataengine.postgres import trash
from dataengine.records import before_after
from dataengine.records.database_errors import translated
from dataengine.records.model import record_model
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User

OPPOSITE: dict[str, Verb] = {"inserted": "deleted", "deleted": "inserted", "updated": "updated"}


def undoable(events: QuerySet[AuditEvent], table: Table, event_id: int) -> AuditEvent:
    """The change of records of this table with that id.

    Raises NotFound, or Conflict if it has already been undone or what was before is not kept any more.
    """
    event = events.filter(pk=event_id, table=table).first()
    if event is None or event.action.rpartition(".")[2] not in OPPOSITE or "columns" not in event.details:
        raise NotFound(f"There is no change {event_id} that can be undone.", code="event_not_found")
    if AuditEvent.objects.filter(undoes=event).exists():
        raise Conflict("This has already been undone.", code="already_undone")
    if event.created_at < forgotten_before():
        raise Conflict(f"Changes can be undone for {settings.UNDO_DAYS} days.", code="undo_expired")
    return event


def forgotten_before() -> datetime:
    """The moment before which what records were before a change is not kept any more (``services/retention.py``)."""
    return timezone.now() - timedelta(days=settings.UNDO_DAYS)


def can_be_undone(events: Iterable[AuditEvent]) -> set[int]:
    """Those of the events that can be undone, as far as can be told without looking at the records."""
    able = [
        event.pk
        for event in events
        if event.created_at >= forgotten_before() and event.table_id is not None and _is_kept(event)
    ]
    return set(able) - set(AuditEvent.objects.filter(undoes__in=able).values_list("undoes", flat=True))


def _is_kept(event: AuditEvent) -> bool:
    """Whether it was written with all that is needed to undo it."""
    thing, _, verb = event.action.partition(".")
    if thing == "column":
        return verb == "changed" and "change" in event.details
    return thing in ("record", "records") and verb in OPPOSITE and "columns" in event.details


def undo(*, user: User, table: Table, event_id: int) -> AuditEvent:
    """Undo an event of this table, and return the event of the undoing.

    Raises NotFound, or Conflict if records have changed since (``details["ids"]`` names the first of them), if it has
    already been undone, or if the table no longer allows the old values.
    """
    model = record_model(table)
    try:
        with translated(model, deleting=True), transaction.atomic():
            event = undoable(AuditEvent.objects.select_for_update(), table, event_id)
            verb = event.action.rpartition(".")[2]
            then = set(event.details["columns"])
            # Values of a column that is in the trash are put back there, so that it is whole when it is restored.
            present = [*model.columns, *trash.hidden_columns(table)]
            columns = [column for column in present if column.attribute in then]
            dropped = sorted(then - {column.attribute for column in columns})
            common = event.details.get("after")
            if verb != "deleted":
                before_after.lock(event, model)
                changed = before_after.changed_since(event, model, columns, common=common, dropped=dropped)
                if changed:
                    raise Conflict(
                        f"This cannot be undone, because these records have changed since: {some_of(changed)}.",
                        code="changed_since",
                        details={"ids": changed},
                    )
            match verb:
                case "inserted":
                    before_after.delete(event, model)
                case "deleted":
                    before_after.put_records_back(event, model, columns)
                case _:
                    before_after.put_values_back(event, model, columns)
            undone = record_event(
                user=user,
                table=table,
                action=f"records.{OPPOSITE[verb]}",
                details={
                    "count": event.details["count"],
                    "columns": event.details["columns"],
                    "undoes": event.pk,
                    # Undoing an undo is to do it again.
                    "redo": event.undoes_id is not None and not event.details.get("redo", False),
                },
                undoes=event,
            )
            before_after.copy_reversed(undone, event, common=common)
            return undone
    except InvalidInput as error:
        raise Conflict(f"This cannot be undone: {error.message}", code="undo_refused", fields=error.fields) from error
