"""Changes in the catalog: what was done to which table and record, and what a worker is to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from dataengine.models.jobs import Job


class AuditEvent(models.Model):
    """Who did what, by what and from where; written in the transaction that did it.

    Most events are about a table; those of accounts (sign-ins, tokens) have none.
    """

    # Without a constraint: the trail outlives the table.
    table = models.ForeignKey(
        "dataengine.Table", on_delete=models.DO_NOTHING, null=True, db_constraint=False, related_name="audit_events"
    )
    table_name = models.CharField(max_length=63, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    # The user's name at that time, which outlives the user.
    user_name = models.CharField(max_length=150, blank=True, default="")
    # dataengine.origin.Origin.
    via = models.CharField(max_length=20, blank=True, default="")
    via_name = models.CharField(max_length=100, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")
    action = models.CharField(max_length=40)
    details = models.JSONField(default=dict, blank=True)
    # The event that this one undoes; unique, so nothing is undone twice.
    undoes = models.OneToOneField("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="undone_by")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        indexes = [models.Index(fields=["table", "-id"], name="auditevent_by_table")]

    def __str__(self) -> str:
        return f"{self.action} {self.table_name}"


class RecordChange(models.Model):
    """What an event did to one record: images (see ``records/before_after.py``) before and after.

    No image before: inserted. None after: deleted, or ``event.details["after"]`` is the image of all. Written and read
    by PostgreSQL, never as objects: an event may have millions.
    """

    # Without a constraint: with millions of rows in one transaction, checking each at its end would take as long as
    # everything before it (measured: 70 s for 10,000,000). ``recordchange_once`` has the index.
    event = models.ForeignKey(
        AuditEvent, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="changes"
    )
    record_id = models.BigIntegerField()
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    # The line of the source file that said so, in an import.
    line = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["event_id", "record_id"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["event", "record_id"], name="recordchange_once")]
        # The history of one record.
        indexes = [models.Index(fields=["record_id"], name="recordchange_by_record")]

    def __str__(self) -> str:
        return f"record {self.record_id}"


class ChangeJob(Job):
    """A change of so many records that a worker makes it (``services/changes.py``).

    It is completed in the transaction that changes the records and writes their ``event``.
    """

    class Action(models.TextChoices):
        UPDATE = "update"
        DELETE = "delete"
        UNDO = "undo"
        COPY = "copy"
        RETYPE = "retype"
        RETRY = "retry"

    AT_THE_START: ClassVar[Mapping[str, Any]] = {"phase": "", "progress": None}

    table = models.ForeignKey("dataengine.Table", on_delete=models.CASCADE, related_name="change_jobs")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    action = models.CharField(max_length=10, choices=Action.choices)
    # shapes.ChangeParameters.
    parameters = models.JSONField(default=dict)
    # How many records: an estimate until the change is done, unless ``count_exact``.
    count = models.BigIntegerField(default=0)
    count_exact = models.BooleanField(default=False)

    # What it is doing, and the share of the work that is done, 0 to 1; of most changes only the number is known.
    phase = models.CharField(max_length=20, blank=True)
    progress = models.FloatField(null=True, blank=True)
    event = models.ForeignKey(AuditEvent, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # Whether the console has told the user how it ended.
    told = models.BooleanField(default=False)

    class Meta(Job.Meta):
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.action} in {self.table}"
