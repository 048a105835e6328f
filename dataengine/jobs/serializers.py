"""Jobs as JSON: the same shape in the API, on the WebSocket and in mails."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from dataengine.models import ChangeJob, ImportJob
from dataengine.models.shapes import Cause, Caution


class ImportErrorSerializer(serializers.Serializer[Cause]):
    """One cause of rejected rows. ``column`` is ``*`` for errors of whole rows."""

    code = serializers.CharField()
    column = serializers.CharField()
    count = serializers.IntegerField()
    example_line = serializers.IntegerField()
    message = serializers.CharField()


class CautionSerializer(serializers.Serializer[Caution]):
    """What to look at before relying on what was imported."""

    code = serializers.CharField()
    message = serializers.CharField()


class JobSerializer[Job: ImportJob | ChangeJob](serializers.Serializer[Job]):
    """What both kinds of jobs share. Context: ``base_url`` for absolute URLs."""

    def absolute(self, name: str, job: Job) -> str:
        """The URL named ``name`` for the job."""
        return self.under_base(name, pk=job.pk)

    def under_base(self, name: str, **values: Any) -> str:
        """The URL named ``name`` with ``values`` in it."""
        return str(self.context.get("base_url", "")).rstrip("/") + reverse(name, kwargs=values)

    def to_representation(self, instance: Job) -> dict[str, Any]:
        """The job, with null in place of an empty text if nothing failed."""
        data: dict[str, Any] = super().to_representation(instance)
        data["error"] = data["error"] or None
        data["error_code"] = data["error_code"] or None
        return data


class ImportJobSerializer(JobSerializer[ImportJob]):
    """An import job. ``rejected_url`` is null while no row was rejected. Context: ``base_url`` for absolute URLs."""

    id = serializers.IntegerField()
    table_name = serializers.CharField()
    state = serializers.ChoiceField(choices=ImportJob.State.choices)
    phase = serializers.CharField()
    attempt = serializers.IntegerField(help_text="Counters start again with each: 2 and 3 after a worker died.")
    progress = serializers.FloatField(help_text="The share of the work that is done, 0 to 1.")
    filename = serializers.CharField()
    source_url = serializers.SerializerMethodField()
    bytes_total = serializers.IntegerField()
    bytes_read = serializers.IntegerField()
    rows_read = serializers.IntegerField()
    rows_imported = serializers.IntegerField()
    rows_updated = serializers.IntegerField()
    rows_unchanged = serializers.IntegerField(help_text="Rows whose records had all of their values already.")
    rows_skipped = serializers.IntegerField()
    rows_rejected = serializers.IntegerField(
        help_text="Imported, updated, unchanged, skipped and rejected rows together are all rows read."
    )
    rows_removed = serializers.IntegerField(help_text="Records that gave way or were marked, which the file lacks.")
    rows_retried = serializers.IntegerField(help_text="Of the accepted rows, those that were rejected at first.")
    rows_per_second = serializers.FloatField(allow_null=True)
    eta_seconds = serializers.FloatField(allow_null=True)
    errors = ImportErrorSerializer(many=True)  # type: ignore[assignment]
    error = serializers.CharField(allow_null=True, help_text="Why the whole import failed; null unless it did.")
    error_code = serializers.CharField(allow_null=True)
    rejected_url = serializers.SerializerMethodField()
    warnings = serializers.SerializerMethodField()
    sha256 = serializers.CharField(help_text="Of the file as it was uploaded; empty for old imports.")
    undo_url = serializers.SerializerMethodField()
    redo_url = serializers.SerializerMethodField()
    changes_url = serializers.SerializerMethodField()
    receipt_url = serializers.SerializerMethodField()
    findings = serializers.DictField(
        help_text="What was found in the file: dialect, mapping, types, formats, notes; after a dry run also a sample."
    )
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    url = serializers.SerializerMethodField()

    def get_rejected_url(self, job: ImportJob) -> str | None:
        return self.absolute("api-import-rejected-csv", job) if job.rows_rejected else None

    @extend_schema_field(CautionSerializer(many=True))
    def get_warnings(self, job: ImportJob) -> list[Caution]:
        warnings: list[Caution] = job.findings.get("warnings", [])
        return warnings

    def get_source_url(self, job: ImportJob) -> str | None:
        """Where the file was fetched from, without its query; null for an upload."""
        return job.came_from or None

    def get_url(self, job: ImportJob) -> str:
        return self.absolute("api-import", job)

    def get_undo_url(self, job: ImportJob) -> str | None:
        """POST here takes the import back; null where it cannot be undone."""
        is_done = job.state == ImportJob.State.COMPLETED and job.event_id is not None
        return self.absolute("api-import-undo", job) if is_done else None

    def get_redo_url(self, job: ImportJob) -> str | None:
        """POST here undoes the undoing; null unless the import is undone."""
        return self.absolute("api-import-redo", job) if job.state == ImportJob.State.UNDONE else None

    def get_changes_url(self, job: ImportJob) -> str:
        """What the import did, record by record."""
        return self.absolute("api-import-changes", job)

    def get_receipt_url(self, job: ImportJob) -> str:
        return self.absolute("api-import-receipt", job)


def import_job_data(job: ImportJob, *, base_url: str = "") -> dict[str, Any]:
    """The job as shown by API, WebSocket and mail. URLs are paths, or absolute under ``base_url``."""
    return ImportJobSerializer(job, context={"base_url": base_url}).data


class ChangeJobSerializer(JobSerializer[ChangeJob]):
    """A change job. Context: ``base_url`` for absolute URLs."""

    id = serializers.IntegerField()
    table_name = serializers.CharField(source="table.name")
    state = serializers.ChoiceField(choices=[one for one in ChangeJob.State.choices if one[0] != "undone"])
    action = serializers.ChoiceField(choices=ChangeJob.Action.choices)
    attempt = serializers.IntegerField(help_text="2 and 3 after a worker died.")
    count = serializers.IntegerField(help_text="How many records; an estimate until it is completed.")
    count_exact = serializers.BooleanField()
    phase = serializers.CharField(help_text="What it is doing; empty unless it has several phases.")
    progress = serializers.FloatField(
        allow_null=True, help_text="The share of the work that is done, 0 to 1; null where that is not known."
    )
    event = serializers.IntegerField(
        source="event_id", allow_null=True, help_text="The event to post to the table's undo/ once it is completed."
    )
    undo = serializers.SerializerMethodField()
    error = serializers.CharField(allow_null=True, help_text="Why it failed; nothing was changed then.")
    error_code = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    url = serializers.SerializerMethodField()

    def get_undo(self, job: ChangeJob) -> str | None:
        """POST here takes the change back; null until it is completed."""
        if job.event_id is None:
            return None
        if "imported" in job.parameters:
            again = "undo" if job.parameters["verb"] == "redone" else "redo"
            return self.under_base(f"api-import-{again}", pk=job.parameters["imported"])
        return self.under_base("api-undo-event", table_name=job.table.name, event=job.event_id)

    def get_url(self, job: ChangeJob) -> str:
        return self.absolute("api-change", job)


def change_job_data(job: ChangeJob, *, base_url: str = "") -> dict[str, Any]:
    """The job as the API shows it. URLs are paths, or absolute under ``base_url``."""
    return ChangeJobSerializer(job, context={"base_url": base_url}).data
