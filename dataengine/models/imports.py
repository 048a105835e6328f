"""Imports in the catalog: a job for each source file, and the rows that it did not take."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from dataengine.models.changes import AuditEvent as AuditEvent
from dataengine.models.changes import ChangeJob as ChangeJob
from dataengine.models.changes import RecordChange as RecordChange
from dataengine.models.tables import Table

SOURCE_FOLDER = "imports"
"""Where source files stand in the storage."""


class ImportJob(models.Model):
    """One attempt to load one source file. The row is the truth; messages about it are hints.

    ::

        queued ──claim──> running ──commit──> completed ──undo──> undone
          ^  │               │ ├──cause──> failed
          │  └──cancel──┐    │ └──cancel──> cancelled
          │             v    │
          │         cancelled│
          └──worker gone─────┘   (at most MAX_ATTEMPTS claims, then failed)

    ``queued -> running`` is a conditional UPDATE that also raises ``attempt``; ``running -> completed`` happens in the
    transaction that writes the records.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"
        UNDONE = "undone"

    class Phase(models.TextChoices):
        NONE = ""
        READING = "reading"
        CHECKING = "checking"
        LOADING = "loading"
        INDEXING = "indexing"
        FINISHING = "finishing"

    MAX_ATTEMPTS = 3

    # Null until a table made from the file exists, and again once the table is deleted.
    table = models.ForeignKey(Table, on_delete=models.SET_NULL, null=True, blank=True, related_name="imports")
    table_name = models.CharField(max_length=63)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="imports")
    email = models.EmailField(blank=True)
    filename = models.CharField(max_length=255)
    source = models.CharField(max_length=500)  # key in the storage
    options = models.JSONField(default=dict, blank=True)
    # Findings, as models.shapes has it.
    findings = models.JSONField(default=dict, blank=True)

    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    phase = models.CharField(max_length=10, choices=Phase.choices, default=Phase.NONE, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)

    progress = models.FloatField(default=0)  # the share of the work that is done, 0 to 1
    bytes_total = models.BigIntegerField(default=0)
    bytes_read = models.BigIntegerField(default=0)
    rows_read = models.BigIntegerField(default=0)
    rows_imported = models.BigIntegerField(default=0)
    rows_updated = models.BigIntegerField(default=0)
    rows_skipped = models.BigIntegerField(default=0)
    rows_rejected = models.BigIntegerField(default=0)
    rows_per_second = models.FloatField(null=True, blank=True)
    eta_seconds = models.FloatField(null=True, blank=True)
    # A list of Cause, the commonest first.
    errors = models.JSONField(default=list, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error = models.TextField(blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["state", "heartbeat_at"], name="importjob_sweep"),
            models.Index(fields=["table", "-id"], name="importjob_by_table"),
        ]

    def __str__(self) -> str:
        return f"{self.filename} into {self.table_name}"

    @property
    def is_over(self) -> bool:
        return self.state not in {self.State.QUEUED, self.State.RUNNING}


class RejectedRow(models.Model):
    """A row of a source file that did not become a record: its physical line, its raw text, every error in it."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="rejected_rows")
    line = models.BigIntegerField()
    raw = models.TextField()
    # A list of RowError.
    errors = models.JSONField()

    class Meta:
        ordering = ["job_id", "line"]
        default_permissions = ()
        indexes = [models.Index(fields=["job", "line"], name="rejectedrow_by_line")]

    def __str__(self) -> str:
        return f"line {self.line}"
