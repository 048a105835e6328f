"""Model fields that Django does not have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    _DateTimeField = models.DateTimeField[Any, Any]
else:
    _DateTimeField = models.DateTimeField  # generic for type checkers only


class PlainDateTimeField(_DateTimeField):
    """PostgreSQL's ``timestamp``: a date and a time of day, in no zone.

    Django's own DateTimeField takes every value for a moment and would shift or warn about these. A value that does
    come with a zone is stored as its UTC wall time.
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


def _plain(value: datetime) -> datetime:
    return value if timezone.is_naive(value) else value.astimezone(UTC).replace(tzinfo=None)
