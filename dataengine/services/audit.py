"""Writes the audit trail: who did what. Called in the transaction that does it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Unpack

from dataengine.models import AuditEvent, Column, Table
from dataengine.models.shapes import ChangeDetails, ChangeFacts, EventDetails, LateFacts
from dataengine.origin import current

if TYPE_CHECKING:
    from django.contrib.auth.models import User

type Trail = list[AuditEvent]
"""A service appends its event here for callers that want to offer undoing it."""

CHANGE_NOTHING = (
    "records.exported", "sharing.changed", "import.failed", "import.cancelled", "link.created", "link.revoked",
    "recipe.made", "recipe.changed", "recipe.deleted", "source.added", "source.changed", "source.deleted",
    "source.paused", "source.resumed", "source.run", "webhook.stopped",
)  # fmt: skip
"""Actions of a table that leave it, its columns and its records as they are."""


def record_event(
    *,
    user: User | None,
    action: str,
    table: Table | None = None,
    table_name: str = "",
    details: EventDetails | None = None,
    undoes: AuditEvent | None = None,
) -> AuditEvent:
    """Append one event. ``action`` is ``<thing>.<past participle>``, for example ``column.added``.

    By what and from where is what ``dataengine.origin`` says. Events of accounts have no table; ``table_name`` is for
    those about a table that is not there (yet, or any more).
    """
    event = new_event(user=user, table=table, table_name=table_name, action=action, details=details, undoes=undoes)
    event.save(force_insert=True)
    return event


def new_event(
    *,
    user: User | None,
    action: str,
    table: Table | None = None,
    table_name: str = "",
    details: EventDetails | None = None,
    undoes: AuditEvent | None = None,
) -> AuditEvent:
    """An event that is not stored yet, for writing it together with something else."""
    origin = current()
    return AuditEvent(
        table=table,
        table_name=table.name if table is not None else table_name,
        user=user,
        user_name="" if user is None else user.get_username(),
        via=origin.via,
        via_name=origin.name[:100],
        address=origin.address[:45],
        request_id=origin.request_id[:64],
        action=action,
        details=details or {},
        undoes=undoes,
    )


def change_details(columns: Iterable[Column], count: int, **more: Unpack[ChangeFacts]) -> ChangeDetails:
    """The details of an event with images of records: how many, and which columns the images have."""
    return {**more, "count": count, "columns": [column.attribute for column in columns]}


def complete(event: AuditEvent, trail: Trail | None, **details: Unpack[LateFacts]) -> None:
    """Add to an event's details what is only known afterwards, and pass the event to the caller."""
    if details:
        event.details |= details
        event.save(update_fields=["details"])
    if trail is not None:
        trail.append(event)
