"""A change of very many records as JSON, while a worker makes it and afterwards."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers

from dataengine.models import ChangeJob


class ChangeJobSerializer(serializers.Serializer[ChangeJob]):
    """A change job. Context: ``base_url`` for absolute URLs."""

    id = serializers.IntegerField()
    table_name = serializers.CharField(source="table.name")
    state = serializers.ChoiceField(choices=ChangeJob.State.choices)
    action = serializers.ChoiceField(choices=ChangeJob.Action.choices)
    attempt = serializers.IntegerField(help_text="2 and 3 after a worker died.")
    count = serializers.IntegerField(help_text="How many records; an estimate until it is completed.")
    count_exact = serializers.BooleanField()
    event = serializers.IntegerField(
        source="event_id", allow_null=True, help_text="What to post to the table's undo/, once it is completed."
    )
    error = serializers.CharField(allow_null=True, help_text="Why it failed; nothing was changed then.")
    error_code = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    url = serializers.SerializerMethodField()

    def get_url(self, job: ChangeJob) -> str:
        return str(self.context.get("base_url", "")).rstrip("/") + reverse("api-change", kwargs={"pk": job.pk})

    def to_representation(self, instance: ChangeJob) -> dict[str, Any]:
        """The job with null, not an empty text, where nothing failed."""
        data: dict[str, Any] = super().to_representation(instance)
        data["error"] = data["error"] or None
        data["error_code"] = data["error_code"] or None
        return data


def change_job_data(job: ChangeJob, *, base_url: str = "") -> dict[str, Any]:
    """The job as the API shows it. URLs are paths, or absolute under ``base_url``."""
    return ChangeJobSerializer(job, context={"base_url": base_url}).data
