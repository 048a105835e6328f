"""How long the audit trail keeps what: events for ``AUDIT_DAYS``, what records were before and after for ``UNDO_DAYS``.

The trail is append-only: a trigger refuses to delete or change events, except in a transaction of this module, which
says that it sweeps, and for what their writer adds in the transaction that wrote them (migration ``append_only``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from dataengine.models import AuditEvent, RecordChange

_EVENTS_AT_ONCE = 1_000


def sweep() -> tuple[int, int]:
    """Delete what is old enough, a thousand events at a time. Returns how many images and how many events."""
    # Changes of columns are taken back with the help of images, as long as the column's old values are in the trash.
    images = _sweep_images(max(settings.UNDO_DAYS, settings.TRASH_DAYS))
    return images, _sweep_events(settings.AUDIT_DAYS) if settings.AUDIT_DAYS else 0


def _sweep_images(days: int) -> int:
    last, count = _last_before(days), 0
    while last is not None:
        first = RecordChange.objects.order_by("event_id").values_list("event_id", flat=True).first()
        if first is None or first > last:
            break
        until = min(first + _EVENTS_AT_ONCE, last)
        count += RecordChange.objects.filter(event_id__gte=first, event_id__lte=until).delete()[0]
    return count


def _sweep_events(days: int) -> int:
    last, count = _last_before(days), 0
    while last is not None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('tablekeep.sweeping', 'on', true)")
            old = list(
                AuditEvent.objects.filter(pk__lte=last).order_by("pk").values_list("pk", flat=True)[:_EVENTS_AT_ONCE]
            )
            if not old:
                break
            AuditEvent.objects.filter(pk__in=old).delete()  # with what is left of their images
            count += len(old)
    return count


def _last_before(days: int) -> int | None:
    """The newest event that is so old."""
    old = AuditEvent.objects.filter(created_at__lt=timezone.now() - timedelta(days=days))
    return old.order_by("-pk").values_list("pk", flat=True).first()


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the trail holds: about how many events and images, since when, in how many bytes."""

    since: datetime | None
    events: int
    images: int
    bytes: int


def holdings() -> Holdings:
    """What the trail of the whole installation holds now."""
    since = AuditEvent.objects.order_by("pk").values_list("created_at", flat=True).first()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT greatest(c.reltuples, 0)::bigint, pg_total_relation_size(c.oid) FROM pg_class c"
            " JOIN unnest(%s::text[]) WITH ORDINALITY AS t(name, n) ON c.oid = t.name::regclass ORDER BY n",
            [[AuditEvent._meta.db_table, RecordChange._meta.db_table]],
        )
        (events, event_bytes), (images, image_bytes) = cursor.fetchall()
    # A table that was never analysed is small, and estimated to hold nothing.
    events = events or AuditEvent.objects.count()
    images = images or RecordChange.objects.count()
    return Holdings(since, events, images, event_bytes + image_bytes)
