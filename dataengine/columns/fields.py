"""Model fields that Django does not have."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from dataengine.columns import durations
from dataengine.columns.exact_numbers import read_number

if TYPE_CHECKING:
    _DateTimeField = models.DateTimeField[Any, Any]
    _DurationField = models.DurationField[Any, Any]
    _FloatField = models.FloatField[Any, Any]
else:
    # generic for type checkers only
    _DateTimeField = models.DateTimeField
    _DurationField = models.DurationField
    _FloatField = models.FloatField


class PlainDateTimeField(_DateTimeField):
    """PostgreSQL's ``timestamp``: a date and a time of day, in no zone.

    Django's own DateTimeField takes every value for a moment and would shift it or warn. A value that does have a zone
    is stored as its wall time in UTC.
    """

    def to_python(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return _plain(value)
        if value is None or value == "":
            return None
        parsed = super().to_python(value)
        return _plain(parsed)

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(value)


class RealField(_FloatField):
    """PostgreSQL's ``real``, 32 bits wide.

    0.1 as a ``real`` is not 0.1 as a ``double precision``: whoever compares such a column has to cast the value first
    (``types.numbers.Real.comparable``).
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "real"

    def rel_db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "real"

    def cast_db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "real"


class DurationField(_DurationField):
    """PostgreSQL's ``interval`` with neither days nor months, so that equal lengths of time have equal texts.

    Django would read other texts than we do, and psycopg would send 25 hours as a day and an hour.
    """

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, timedelta):
            return value
        try:
            return durations.read(str(value))
        except durations.NotADuration as error:
            raise ValidationError(str(error), code="invalid") from error

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        return durations.written(value) if isinstance(value, timedelta) else value

    def get_placeholder(self, value: Any, compiler: Any, connection: BaseDatabaseWrapper) -> str:
        return "%s::interval"


class JSONDecoder(json.JSONDecoder):
    """Reads what PostgreSQL's ``jsonb`` holds. Its numbers are unlimited; those beyond a float stay text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(parse_float=_float_or_text, **kwargs)


def _float_or_text(text: str) -> float | str:
    number = float(text)
    return read_number(text) if math.isfinite(number) else text


def _plain(value: datetime) -> datetime:
    return value if timezone.is_naive(value) else value.astimezone(UTC).replace(tzinfo=None)
