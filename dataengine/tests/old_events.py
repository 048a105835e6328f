"""Makes events of the audit trail older, which the trail itself refuses."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from dataengine.models import AuditEvent


def age(events: QuerySet[AuditEvent], *, days: int) -> None:
    """Have ``events`` be ``days`` days old."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tablekeep.sweeping', 'on', true)")
        events.update(created_at=timezone.now() - timedelta(days=days))
        cursor.execute("SELECT set_config('tablekeep.sweeping', '', true)")  # a test's own transaction goes on
