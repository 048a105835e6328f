"""Shapes of the API: sources of a table."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers

from dataengine import outgoing
from dataengine.api.serializers import Arguments, ListShape, ObjectField
from dataengine.models import ImportJob, Source

_URL = "Where the file is: https://…, or s3://bucket/key"
_CRON = "When: minute, hour, day, month, day of the week, such as `0 6 * * 1-5`; at most every five minutes"
_ZONE = "In which time zone that is meant, such as Europe/Berlin"
_OPTIONS = "Those of an import, for example a recipe"


class NewSource(Arguments):
    """A source to add."""

    url = serializers.CharField(max_length=2000, help_text=_URL)
    cron = serializers.CharField(max_length=100, help_text=_CRON)
    time_zone = serializers.CharField(required=False, max_length=60, help_text=_ZONE)
    options = ObjectField(required=False, help_text=_OPTIONS)


class ChangeSource(Arguments):
    """What changes of a source. To resume one is `{"paused": false}`."""

    fixed = frozenset(
        {"id", "created_at", "created_by", "next_run_at", "paused_because", "paused_reason", "running", "failures",
         "last_run_at", "last_result", "last_message", "last_import", "import_url"}
    )  # fmt: skip

    url = serializers.CharField(required=False, max_length=2000, help_text=_URL)
    cron = serializers.CharField(required=False, max_length=100, help_text=_CRON)
    time_zone = serializers.CharField(required=False, max_length=60, help_text=_ZONE)
    options = ObjectField(required=False, help_text=_OPTIONS)
    paused = serializers.BooleanField(required=False, source="is_paused")


class SourceSerializer(serializers.Serializer[Source]):
    """A file at an address that is imported by a schedule, with the rights of ``created_by``."""

    id = serializers.IntegerField()
    url = serializers.SerializerMethodField()
    cron = serializers.CharField()
    time_zone = serializers.CharField()
    options = serializers.DictField()
    next_run_at = serializers.DateTimeField(allow_null=True, help_text="Null while it is paused")
    paused = serializers.SerializerMethodField()
    paused_because = serializers.ChoiceField(source="paused", choices=Source.Paused.values)
    paused_reason = serializers.CharField()
    running = serializers.SerializerMethodField()
    failures = serializers.IntegerField(help_text="In a row; after five it is paused")
    last_run_at = serializers.DateTimeField(allow_null=True)
    last_result = serializers.ChoiceField(choices=Source.Result.values)
    last_message = serializers.CharField()
    last_import = serializers.IntegerField(source="last_import_id", allow_null=True)
    import_url = serializers.SerializerMethodField()
    created_by = serializers.CharField(source="user.username")
    created_at = serializers.DateTimeField()

    def get_url(self, source: Source) -> str:
        """Without its query, which is often secret."""
        return outgoing.masked(source.url)

    def get_paused(self, source: Source) -> bool:
        return bool(source.paused)

    def get_running(self, source: Source) -> bool:
        """Whether its file is being fetched or imported."""
        return source.is_running

    def get_import_url(self, source: Source) -> str | None:
        """The import that is under way, or the last one."""
        job: ImportJob | None = source.importing or source.last_import
        base = str(self.context.get("base_url", ""))
        return base + reverse("api-import", kwargs={"pk": job.pk}) if job is not None else None


class SourceList(ListShape):
    """One page of a table's sources."""

    results: Any = SourceSerializer(many=True)
