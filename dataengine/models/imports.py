"""Imports in the catalog: a job for each source file, and its rejected rows."""

from __future__ import annotations

import sys
import zlib
from array import array
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from dataengine.models.jobs import Job
from dataengine.models.tables import Table

SOURCE_FOLDER = "imports"
"""The folder of source files in the storage."""


class ImportJob(Job):
    """The loading of one source file. Completed in the transaction that writes the records."""

    class Phase(models.TextChoices):
        NONE = ""
        FETCHING = "fetching"
        READING = "reading"
        CHECKING = "checking"
        LOADING = "loading"
        INDEXING = "indexing"
        FINISHING = "finishing"

    WITHOUT_RESULT: ClassVar[dict[str, Any]] = {
        "phase": Phase.NONE, "rows_imported": 0, "rows_updated": 0, "rows_unchanged": 0, "rows_skipped": 0,
        "rows_rejected": 0, "rows_removed": 0, "eta_seconds": None, "errors": [],
    }  # fmt: skip
    AT_THE_START: ClassVar[dict[str, Any]] = {
        **WITHOUT_RESULT, "phase": Phase.READING, "progress": 0.0, "bytes_read": 0, "rows_read": 0,
        "rows_per_second": None,
    }  # fmt: skip

    # Null until a table made from the file exists, and again once the table is deleted.
    table = models.ForeignKey(Table, on_delete=models.SET_NULL, null=True, blank=True, related_name="imports")
    table_name = models.CharField(max_length=63)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="imports")
    email = models.EmailField(blank=True)
    filename = models.CharField(max_length=255)
    source = models.CharField(max_length=500)  # key in the storage; empty before it is there, and once it is gone
    # Where the file is still to be fetched from, with whatever is secret in that.
    url = models.CharField(max_length=2000, blank=True, default="", editable=False)
    # Where it came from, as it may be shown.
    came_from = models.CharField(max_length=2000, blank=True, default="")
    sha256 = models.CharField(max_length=64, blank=True)  # of the file as it was uploaded
    options = models.JSONField(default=dict, blank=True)
    # shapes.Findings.
    findings = models.JSONField(default=dict, blank=True)
    # shapes.ReadAgain.
    read_again = models.JSONField(default=dict, blank=True)

    phase = models.CharField(max_length=10, choices=Phase.choices, default=Phase.NONE, blank=True)
    progress = models.FloatField(default=0)  # the share of the work that is done, 0 to 1
    bytes_total = models.BigIntegerField(default=0)
    bytes_read = models.BigIntegerField(default=0)
    rows_read = models.BigIntegerField(default=0)
    rows_imported = models.BigIntegerField(default=0)
    rows_updated = models.BigIntegerField(default=0)
    rows_unchanged = models.BigIntegerField(default=0)
    rows_skipped = models.BigIntegerField(default=0)
    rows_rejected = models.BigIntegerField(default=0)
    rows_removed = models.BigIntegerField(default=0)  # records that gave way or were marked, no rows of the file
    # Of the accepted ones, those that were rejected at first.
    rows_retried = models.BigIntegerField(default=0)
    rows_per_second = models.FloatField(null=True, blank=True)
    eta_seconds = models.FloatField(null=True, blank=True)
    # How long each phase of the last attempt took, for metrics.
    phase_seconds = models.JSONField(default=dict, blank=True, editable=False)
    # A list of Cause, most frequent first.
    errors = models.JSONField(default=list, blank=True)
    # The import that this one does over, in whose table's place it puts its own.
    replaces = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="done_over_by")
    # With the images of what it updated and removed; null: not completed, or completed before those were kept.
    event = models.ForeignKey("AuditEvent", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # The latest undoing. While ``state`` is not ``undone``, that has been undone itself.
    undo_event = models.ForeignKey("AuditEvent", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    mailed_at = models.DateTimeField(null=True, blank=True)
    # When the messages of its table's webhooks were made; null where there were none.
    announced_at = models.DateTimeField(null=True, blank=True)

    class Meta(Job.Meta):
        ordering = ["-id"]
        indexes = [*Job.Meta.indexes, models.Index(fields=["table", "-id"], name="importjob_by_table")]

    def __str__(self) -> str:
        return f"{self.filename} into {self.table_name}"

    @property
    def was_rehearsed(self) -> bool:
        """Whether it was a dry run, which has told what the import would do."""
        return self.state == self.State.COMPLETED and bool(self.options.get("dry_run"))

    @property
    def makes_its_table(self) -> bool:
        """Whether the import is one that makes a table of its file, and no trial run of that."""
        return bool(self.options.get("create_table")) and not self.options.get("dry_run")

    @property
    def came_to_nothing(self) -> bool:
        """Whether it was completed although nothing is as the file says, since rows were rejected."""
        went_in = self.rows_imported + self.rows_updated + self.rows_unchanged + self.rows_removed
        return self.state == self.State.COMPLETED and not went_in and self.rows_rejected > 0


class ImportedSpan(models.Model):
    """Consecutive ids of records that an import made, and the line of the file that each came from.

    Some of the ids may be of rows that were rejected: they are of this import, and no record has them. An import has
    a few spans for each million records, and adds more of them when it makes more records later.
    """

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="spans")
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    first_line = models.BigIntegerField()
    # From the line of one id to that of the next, compressed int32, lowest byte first; null: always 1.
    steps = models.BinaryField(null=True)
    # Who wrote these records (``postgres/writers.py``): the file that they are in, the transaction's number, and by how
    # much the numbers of its savepoints are higher. Null: not noted.
    file = models.BigIntegerField(null=True)
    writer = models.BigIntegerField(null=True)
    savepoints = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["job_id", "first_id"]
        default_permissions = ()
        indexes = [models.Index(fields=["job", "first_id"], name="importedspan_by_id")]

    def __str__(self) -> str:
        return f"records {self.first_id} to {self.last_id}"

    def line_of(self, record_id: int) -> int:
        """The line of the file on which the row of this record began."""
        place = record_id - self.first_id
        if self.steps is None:
            return self.first_line + place
        steps = array("i", zlib.decompress(self.steps)[: 4 * place])
        if sys.byteorder == "big":
            steps.byteswap()
        return self.first_line + sum(steps)


class RejectedRow(models.Model):
    """A row of a source file that did not become a record: its physical line, its raw text, every error in it.

    ``errors`` is empty once the row has been mended: it waits to be tried again. Written by COPY, which knows none of
    the columns that have a default in the database.
    """

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="rejected_rows")
    line = models.BigIntegerField()
    raw = models.TextField()
    # A list of RowError.
    errors = models.JSONField()
    # What people wrote into its cells, by the column's key; null means no value.
    cells = models.JSONField(null=True)
    # What was wrong with the whole row before anybody wrote into it: the code of its error.
    damage = models.CharField(max_length=30, blank=True, db_default="")
    # How often the row was changed, for two people who mend it at once.
    version = models.PositiveIntegerField(db_default=0)

    class Meta:
        ordering = ["job_id", "line"]
        default_permissions = ()
        indexes = [models.Index(fields=["job", "line"], name="rejectedrow_by_line")]

    def __str__(self) -> str:
        return f"line {self.line}"
