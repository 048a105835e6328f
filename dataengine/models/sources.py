"""Files at addresses in the catalog: sources, which are imported by a schedule, and downloads of single files."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from dataengine.models.imports import ImportJob
from dataengine.models.jobs import Job
from dataengine.models.tables import Table


class Source(models.Model):
    """A file at an address that is imported into a table again and again, with the rights of who added it.

    It is under way while it has a ``download``, and then, if that brought anything new, an unsettled ``importing``.
    """

    class Result(models.TextChoices):
        NONE = "", "Not run yet"
        IMPORTED = "imported", "Imported"
        UNCHANGED = "unchanged", "Unchanged"
        FAILED = "failed", "Failed"
        DRIFTED = "drifted", "The header has changed"
        CANCELLED = "cancelled", "Cancelled"

    class Paused(models.TextChoices):
        NOT = ""
        BY_USER = "by_user"
        DRIFT = "drift"
        FAILURES = "failures"
        NO_RIGHT = "no_right"
        TRASHED = "trashed"

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="sources")
    # Whose rights it has.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # With whatever is secret in it, since it is asked again and again; shown only by ``outgoing.masked``.
    url = models.CharField(max_length=2000)
    options = models.JSONField(default=dict, blank=True)
    cron = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=60, default="UTC")
    # Null while it is paused.
    next_run_at = models.DateTimeField(null=True, blank=True, db_index=True)
    paused = models.CharField(max_length=10, choices=Paused.choices, default=Paused.NOT, blank=True)
    paused_reason = models.TextField(blank=True)
    # Whether nobody has to be mailed any more that it was paused.
    is_told = models.BooleanField(default=True)

    # What the last file was that was imported: as the address says, and what it is.
    etag = models.CharField(max_length=500, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    # The header that files have to have, in its order; empty until there was one. And another one that was found.
    headers = models.JSONField(default=list, blank=True)
    other_headers = models.JSONField(default=list, blank=True)

    download = models.OneToOneField("Download", on_delete=models.SET_NULL, null=True, related_name="+")
    importing = models.ForeignKey(ImportJob, on_delete=models.SET_NULL, null=True, related_name="+")
    # Of those that were imported.
    last_import = models.ForeignKey(ImportJob, on_delete=models.SET_NULL, null=True, related_name="+")
    last_run_at = models.DateTimeField(null=True, blank=True)
    last_result = models.CharField(max_length=10, choices=Result.choices, default=Result.NONE, blank=True)
    last_message = models.TextField(blank=True)
    failures = models.PositiveSmallIntegerField(default=0)  # in a row
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"source {self.pk} of {self.table}"

    @property
    def is_running(self) -> bool:
        """Whether its file is being fetched or imported."""
        return self.download_id is not None or self.importing_id is not None


class Download(Job):
    """One file on its way from an address into the storage.

    For a source, or for somebody who looks at it before it is imported: then it is completed with a ``key``, which is
    theirs for a day.
    """

    # It changes nothing in the table, and so needs no lock of it.
    table_id: int | None = None

    AT_THE_START: ClassVar[dict[str, Any]] = {"bytes_read": 0}

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, null=True, related_name="downloads")
    # For whom it is meant; null for a file that becomes a table.
    target = models.ForeignKey(Table, on_delete=models.CASCADE, null=True, related_name="+")
    # With whatever is secret in it, until the download is over.
    url = models.CharField(max_length=2000, blank=True)
    came_from = models.CharField(max_length=2000)
    filename = models.CharField(max_length=255, blank=True)
    key = models.CharField(max_length=500, blank=True)
    # 0: the address does not say.
    bytes_total = models.BigIntegerField(default=0)
    bytes_read = models.BigIntegerField(default=0)

    class Meta(Job.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.came_from
