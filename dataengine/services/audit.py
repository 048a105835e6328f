"""Writes the trail of who did what. Called inside the transaction that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataengine.models import AuditEvent, Table

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def record_event(*, user: User | None, table: Table, action: str, details: dict[str, Any] | None = None) -> AuditEvent:
    """Append one event. ``action`` is ``<thing>.<verb in the past>``, for example ``column.added``."""
    return AuditEvent.objects.create(
        table=table, table_name=table.name, user=user, action=action, details=details or {}
    )
