"""Writes the trail of who did what. Called inside the transaction that does it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Unpack

from dataengine.models import AuditEvent, Column, Table
from dataengine.models.shapes import ChangeDetails, ChangeFacts, EventDetails, LateFacts

if TYPE_CHECKING:
    from django.contrib.auth.models import User

type Trail = list[AuditEvent]
"""Where a service leaves its event for callers who want to offer undoing it."""


def record_event(
    *,
    user: User | None,
    table: Table,
    action: str,
    details: EventDetails | None = None,
    undoes: AuditEvent | None = None,
) -> AuditEvent:
    """Append one event. ``action`` is ``<thing>.<verb in the past>``, for example ``column.added``."""
    event = new_event(user=user, table=table, action=action, details=details, undoes=undoes)
    event.save(force_insert=True)
    return event


def new_event(
    *, user: User | None, table: Table, action: str, details: EventDetails | None, undoes: AuditEvent | None = None
) -> AuditEvent:
    """The same, not yet stored: for what is written together with it."""
    return AuditEvent(
        table=table, table_name=table.name, user=user, action=action, details=details or {}, undoes=undoes
    )


def change_details(columns: Iterable[Column], count: int, **more: Unpack[ChangeFacts]) -> ChangeDetails:
    """The details of an event whose records' images are kept: how many, and which columns the images have."""
    return {**more, "count": count, "columns": [column.attribute for column in columns]}


def complete(event: AuditEvent, trail: Trail | None, **details: Unpack[LateFacts]) -> None:
    """Add to an event's details what is known only after the deed, and tell the caller of the event."""
    if details:
        event.details |= details
        event.save(update_fields=["details"])
    if trail is not None:
        trail.append(event)
