"""Dates and times of day, with and without a time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.utils import timezone

from dataengine.columns.fields import PlainDateTimeField
from dataengine.columns.types.aspects import CALENDAR, LIMITS, ApiField, Parameters, Recognition
from dataengine.columns.types.base import ColumnType

if TYPE_CHECKING:
    import pyarrow as pa


class Moment(ColumnType):
    """What dates and times share."""

    group = "Date and time"
    condition_words = {"gt": "is after", "gte": "is on or after", "lt": "is before", "lte": "is on or before"}
    look = "figures"
    constraints = LIMITS

    def limit(self, value: Any) -> Any:
        return self.parse_value(self.make_field({}), value)

    @staticmethod
    def represent(value: Any) -> str:
        text: str = value.isoformat()
        return text


class Date(Moment):
    """A day."""

    name, label = "date", "Date"
    word, icon = "date", "calendar"
    sample = "2024-12-31"
    sql_names = ("DATE",)
    postgres = "date"
    json_forms = (("string", "date"),)
    lookups = CALENDAR
    kernel = "date"
    expected = "a date like 2024-01-31"
    has_date = True
    recognition = Recognition("dates", 50, "a date")
    chart = "days"
    finite = "moments"
    input_attributes = {"placeholder": "2024-12-31", "data-picker": "date"}
    lossless = frozenset({"timestamp", "timestamptz"})

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return models.DateField(**options)

    def api_field(self, field: models.Field[Any, Any], options: dict[str, Any]) -> ApiField:
        from dataengine.columns.api_fields import DateField

        return DateField(**options)

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        import pyarrow as pa

        return pa.date32()


class Time(Moment):
    """A time of day."""

    name, label = "time", "Time"
    word, icon = "time", "clock"
    sample = "23:59:00"
    sql_names = ("TIME", "TIME WITHOUT TIME ZONE")
    postgres = "time"
    json_forms = (("string", "time"),)
    kernel = "time"
    expected = "a time of day like 12:34:56"
    has_clock = True
    recognition = Recognition("times", 60, "a time of day")
    chart = "times"
    lossless = frozenset({"duration"})
    input_attributes = {"placeholder": "23:59:00", "data-picker": "time"}

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return models.TimeField(**options)

    def api_field(self, field: models.Field[Any, Any], options: dict[str, Any]) -> ApiField:
        from dataengine.columns.api_fields import TimeField

        return TimeField(**options)

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        import pyarrow as pa

        return pa.time64("us")


class Timestamp(Moment):
    """A date and a time of day, in no zone."""

    name, label = "timestamp", "Date and time"
    word, icon = "date, time", "calendar-time"
    sample = "2024-12-31 23:59:00"
    sql_names: ClassVar[tuple[str, ...]] = ("TIMESTAMP", "DATETIME", "TIMESTAMP WITHOUT TIME ZONE")
    postgres = "timestamp"
    lookups = CALENDAR
    kernel = "timestamp"
    expected = "a date and time like 2024-01-31 12:34:56"
    has_date = has_clock = True
    recognition = Recognition("dates", 51, "a date")
    chart = "moments"
    finite = "moments"
    input_attributes = {"placeholder": "2024-12-31 23:59:00", "data-picker": "datetime-local"}
    lossless = frozenset({"timestamptz"})
    checked = frozenset({"date"})

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return PlainDateTimeField(**options)

    def comparable(self, field: models.Field[Any, Any], value: Any) -> Any:
        return field.to_python(value)

    def api_field(self, field: models.Field[Any, Any], options: dict[str, Any]) -> ApiField:
        from dataengine.columns.api_fields import DateTimeField

        return DateTimeField(default_timezone=None, **options)

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        import pyarrow as pa

        return pa.timestamp("us")

    @staticmethod
    def cell_text(value: datetime) -> str:
        """With a zone: in UTC, marked by a Z."""
        if value.tzinfo is None:
            return value.isoformat(sep=" ")
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ") + "Z"

    editor_text = cell_text


class TimestampTz(Timestamp):
    """A moment: a date and a time of day in a zone. PostgreSQL stores it in UTC."""

    name, label = "timestamptz", "Date and time with zone"
    word, icon = "date, time", "calendar-time"
    sample = "2024-12-31 23:59:00Z"
    sql_names = ("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE")
    postgres = "timestamptz"
    json_forms = (("string", "date-time"),)
    expected = "a date and time like 2024-01-31 12:34:56+00:00"
    has_zone = True
    recognition = Recognition("dates", 52, "a date")
    input_attributes = {"placeholder": "2024-12-31 23:59:00Z", "data-picker": "datetime-local"}
    json_sql = "(to_json({} AT TIME ZONE 'UTC') #>> '{{}}') || 'Z'"
    lossless = frozenset()
    checked = frozenset({"date", "timestamp"})

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return models.DateTimeField(**options)

    def default_value(self, field: models.Field[Any, Any], literal: str) -> Any:
        return _aware(super().default_value(field, literal))

    def parse(self, field: models.Field[Any, Any], value: object) -> Any:
        return _aware(field.to_python(str(value).strip()))

    def comparable(self, field: models.Field[Any, Any], value: Any) -> Any:
        return value

    def api_field(self, field: models.Field[Any, Any], options: dict[str, Any]) -> ApiField:
        from dataengine.columns.api_fields import DateTimeField

        return DateTimeField(**options)

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        import pyarrow as pa

        return pa.timestamp("us", "UTC")

    @staticmethod
    def represent(value: datetime) -> str:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _aware(moment: datetime) -> datetime:
    return timezone.make_aware(moment, timezone.get_default_timezone()) if timezone.is_naive(moment) else moment
