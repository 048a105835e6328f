"""How the API reads values: the framework's fields, made as exact as PostgreSQL. Column types choose from them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time
from decimal import Decimal
from typing import Any
from uuid import UUID

from rest_framework import serializers

from dataengine.columns import values

_FINER_THAN_MICROSECONDS = re.compile(r"[.,][0-9]{6}[0-9]*[1-9]")
_ZONE = re.compile(r"[-+zZ]")
# Python would also accept underscores and the digits of other scripts.
_WHOLE = re.compile(r"[+-]?[0-9]+(?:\.0*)?")


class ParsedField(serializers.Field[Any, Any, Any, Any]):
    """A value that a function reads; it raises Django's ValidationError."""

    def __init__(self, *, parse: Callable[[Any], Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.parse = parse

    def to_internal_value(self, data: Any) -> Any:
        return self.parse(data)


def parsed_field(parse: Callable[[Any], Any], options: dict[str, Any]) -> ParsedField:
    """The field with those of the framework's ``options`` for a model field that it takes."""
    taken = {name: options[name] for name in ("required", "allow_null", "source", "validators") if name in options}
    return ParsedField(parse=parse, **taken)


class WholeNumberField(serializers.IntegerField):
    """A whole number in plain digits; ``"5"`` and ``"5.0"`` are accepted."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and not _WHOLE.fullmatch(data.strip()):
            self.fail("invalid")
        return super().to_internal_value(data)


class FloatField(serializers.FloatField):
    """A float. A number too large for the type is refused and does not become infinity."""

    def __init__(self, *, real: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.real = real

    def to_internal_value(self, data: Any) -> float:
        return values.parse_float(data, real=self.real)


class DecimalField(serializers.DecimalField):
    """A decimal within the limits of PostgreSQL's ``numeric``; never rounded."""

    MAX_STRING_LENGTH = 3 + values.NUMERIC_DIGITS_BEFORE + values.NUMERIC_DIGITS_AFTER

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        """Refuse an empty text, which the framework would take for null."""
        return serializers.Field.validate_empty_values(self, data)

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not values.is_number(str(data).strip()):
            self.fail("invalid")
        number: Decimal = super().to_internal_value(data)
        values.check_decimal(number)
        return number


class BooleanField(serializers.BooleanField):
    """True or false; an empty text is neither of them, and not null."""

    NULL_VALUES = {None}


class _Exactly:
    """For dates and times: refuses precision that would be lost, and digits that PostgreSQL does not know."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and (not data.isascii() or _FINER_THAN_MICROSECONDS.search(data)):
            raise serializers.ValidationError("Give plain digits, with at most six decimals of a second.")
        return super().to_internal_value(data)  # type: ignore[misc]


class DateField(_Exactly, serializers.DateField):
    """A day."""


class DateTimeField(_Exactly, serializers.DateTimeField):
    """A day and a time of day."""


class TimeField(_Exactly, serializers.TimeField):
    """A time of day; it has no zone."""

    def to_internal_value(self, data: Any) -> time:
        if isinstance(data, str) and _ZONE.search(data):
            raise serializers.ValidationError("A time of day has no time zone.")
        value: time = super().to_internal_value(data)
        return value


class UUIDField(serializers.UUIDField):
    """A UUID as text; the framework would also accept numbers."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str | UUID):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class TextField(serializers.CharField):
    """Text, unchanged: no trimming."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "trim_whitespace": False})
