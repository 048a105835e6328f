"""Webhooks in the catalog: where messages about a table's imports go, and each message on its way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models

from dataengine.models.imports import ImportJob
from dataengine.models.jobs import Job
from dataengine.models.tables import Table


class Webhook(models.Model):
    """An address that gets a signed message at the end of imports into a table."""

    class Event(models.TextChoices):
        COMPLETED = "import.completed", "An import is done"
        FAILED = "import.failed", "An import failed"

    class Stopped(models.TextChoices):
        """Why it is off, if nobody switched it off."""

        NOT = "", "—"
        GONE = "gone", "Its address is gone"
        RIGHT = "right", "Its maker lost the right"

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="webhooks")
    # Who made it, or last changed it or switched it on: it goes on as long as that user may design the table.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    url = models.CharField(max_length=2000)
    events = models.JSONField(default=list)
    # As it is: messages are signed with it, and their receiver has the same. Shown when it is made, never again.
    secret = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True)
    stopped = models.CharField(max_length=10, choices=Stopped, default=Stopped.NOT, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.url

    @property
    def event_labels(self) -> list[str]:
        return [self.Event(event).label for event in self.events]

    @property
    def stopped_for(self) -> str | None:
        """``stopped``, or None."""
        return self.stopped or None

    @property
    def why_stopped(self) -> str:
        """A sentence for users; empty if it is on, or somebody switched it off."""
        match self.stopped:
            case self.Stopped.GONE:
                return "The address said that it is gone (410)."
            case self.Stopped.RIGHT:
                who = "Who made it" if self.user is None else f"“{self.user.get_username()}”, who made it,"
                return f"{who} may not design this table any more. Whoever may can switch it on again."
        return ""


class Delivery(Job):
    """One message to one webhook: a job of its own, tried again with growing pauses until it is taken."""

    # Those that Standard Webhooks recommends: seven pauses, 32 hours in all.
    MAX_ATTEMPTS = 8
    PAUSES: ClassVar[tuple[timedelta, ...]] = (
        timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=5),
        timedelta(hours=10), timedelta(hours=14),
    )  # fmt: skip

    # It changes nothing in the table, and so needs no lock of it.
    table_id: int | None = None

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    # Null once the import is forgotten.
    import_job = models.ForeignKey(ImportJob, on_delete=models.SET_NULL, null=True, related_name="deliveries")
    event_type = models.CharField(max_length=30, choices=Webhook.Event)
    # The message's id, the same at each attempt: receivers know by it what they have already.
    message_id = models.CharField(max_length=60)
    payload = models.JSONField()
    # What became of each attempt: {"at", "status", "error"}.
    tries = models.JSONField(default=list)

    class Meta(Job.Meta):
        ordering = ["-id"]
        verbose_name = "delivery"

    @property
    def next_try_at(self) -> datetime | None:
        """When it is tried again; None unless that is to come."""
        return self.try_again_at if self.state == self.State.QUEUED else None

    def __str__(self) -> str:
        return f"{self.event_type} to {self.webhook}"
