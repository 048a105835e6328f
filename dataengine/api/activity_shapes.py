"""Shapes of the API: who did what."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime
from rest_framework import serializers

from dataengine.api.serializers import ListShape, PageQuery
from dataengine.queries.activity import begin_of, end_of


class MomentField(serializers.CharField):
    """A moment, or a day; with ``ends`` the end of the day."""

    def __init__(self, *, ends: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.ends = ends

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data).strip()
        try:
            day = parse_date(text) if len(text) <= 10 else None
            # In a query + is a space.
            moment = None if day else parse_datetime(text.replace(" ", "+") if "T" in text else text)
        except ValueError:
            day = moment = None
        if day is not None:
            moment = end_of(day) if self.ends else begin_of(day)
        if moment is None or not 1 < moment.year < 9_999:
            raise serializers.ValidationError("Give a day or a moment, as in 2026-03-01 or 2026-03-01T12:00:00Z.")
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        # An empty input of a form is none.
        return None if data == "" else super().run_validation(data)


class ActivityFilters(serializers.Serializer[Any]):
    """Which events."""

    user = serializers.CharField(default="", allow_blank=True, max_length=150, help_text="A user's name")
    action = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=300,
        help_text="`record.updated`, or `record` for all of records; several separated by commas",
    )
    since = MomentField(default=None, help_text="A day or a moment")
    until = MomentField(ends=True, default=None, help_text="A day (with all of it) or a moment")


class ActivityQuery(ActivityFilters, PageQuery):
    """Which events, and how."""

    format = serializers.ChoiceField(choices=["json", "csv"], default="json", help_text="`csv`: all of them, as a file")


class _WithImport(serializers.Serializer[Any]):
    """Has a field ``import_`` for the key ``import``, which is no name in Python."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name.rstrip("_"): made for name, made in super().get_fields().items()}


class EventShape(_WithImport):
    """An event of the audit trail.

    `via` is how it was done: `session`, `jwt`, `token` (`via_name` is the token's name), `command` or `system`.
    `address` and `request_id` are only told to the table's owners and to administrators. `before` and `after` are what
    was changed: of one record, its columns. `undo` is the address to post to, where it can be undone.
    """

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    user = serializers.CharField(allow_null=True)
    via = serializers.CharField(allow_blank=True)
    via_name = serializers.CharField(allow_blank=True)
    address = serializers.CharField(allow_null=True)
    request_id = serializers.CharField(allow_null=True)
    action = serializers.CharField()
    table_name = serializers.CharField(allow_null=True)
    record = serializers.IntegerField(allow_null=True)
    import_ = serializers.IntegerField(allow_null=True)
    details = serializers.DictField()
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField(allow_null=True)
    undo = serializers.URLField(allow_null=True)


class ActivityList(ListShape):
    """One page of the audit trail, newest first."""

    results = EventShape(many=True)


class ChangeOfRecord(_WithImport):
    """What an event did to a record. No `before`: inserted; no `after`: deleted.

    `line` is that of the import's file; `state` the whole record afterwards.
    """

    event = serializers.IntegerField()
    at = serializers.DateTimeField()
    user = serializers.CharField(allow_null=True)
    via = serializers.CharField(allow_blank=True)
    via_name = serializers.CharField(allow_blank=True)
    action = serializers.CharField()
    import_ = serializers.IntegerField(allow_null=True)
    line = serializers.IntegerField(allow_null=True)
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField(allow_null=True)
    state = serializers.DictField(allow_null=True)
    undo = serializers.URLField(allow_null=True)


class RecordHistory(ListShape):
    """One page of the history of a record, newest first."""

    results = ChangeOfRecord(many=True)
