"""Records as JSON, both ways: one builder of input serializers and one of outputs, for API and console.

In: ``clean_record`` checks data against the record model. Uniqueness and references are PostgreSQL's to judge
(``database_errors.py`` translates its answer): asking beforehand costs a query each and proves nothing.
Out: numbers of ``numeric`` columns are strings, exactly as stored; moments are ISO 8601.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from rest_framework import serializers

from dataengine.columns import values
from dataengine.exceptions import InvalidInput, shown
from dataengine.models import Column
from dataengine.records.model import Record, bound_field

_REQUIRED = "This field is required."

# Input ---------------------------------------------------------------------------------------------------------------


_FINER_THAN_MICROSECONDS = re.compile(r"[.,][0-9]{6}[0-9]*[1-9]")
_ZONE = re.compile(r"[-+zZ]")
# Python would read underscores and the digits of other scripts, too.
_WHOLE = re.compile(r"[+-]?[0-9]+(?:\.0*)?")


class WholeNumberField(serializers.IntegerField):
    """A whole number in plain digits, ``"5"`` and ``"5.0"`` among them."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and not _WHOLE.fullmatch(data.strip()):
            self.fail("invalid")
        return super().to_internal_value(data)


class _FloatField(serializers.FloatField):
    """A float that is refused, not turned to infinity, where it exceeds its type."""

    def __init__(self, *, real: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.real = real

    def to_internal_value(self, data: Any) -> float:
        return values.parse_float(data, real=self.real)


class _DecimalField(serializers.DecimalField):
    """A decimal within what PostgreSQL's ``numeric`` holds; never rounded."""

    MAX_STRING_LENGTH = 3 + values.NUMERIC_DIGITS_BEFORE + values.NUMERIC_DIGITS_AFTER

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        """An empty text is no number; the framework takes it for null."""
        return serializers.Field.validate_empty_values(self, data)

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not values.is_number(str(data).strip()):
            self.fail("invalid")
        number: Decimal = super().to_internal_value(data)
        values.check_decimal(number)
        return number


class _BooleanField(serializers.BooleanField):
    """True or false; an empty text is neither, nor null."""

    NULL_VALUES = {None}


class _Exactly:
    """For dates and times: refuses what reading would lose, and digits that PostgreSQL does not know."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and (not data.isascii() or _FINER_THAN_MICROSECONDS.search(data)):
            raise serializers.ValidationError("Give plain digits, and fractions of a second to microseconds at most.")
        return super().to_internal_value(data)  # type: ignore[misc]


class _DateField(_Exactly, serializers.DateField):
    pass


class _DateTimeField(_Exactly, serializers.DateTimeField):
    pass


class _TimeField(_Exactly, serializers.TimeField):
    def to_internal_value(self, data: Any) -> time:
        if isinstance(data, str) and _ZONE.search(data):
            raise serializers.ValidationError("A time of day has no time zone.")
        value: time = super().to_internal_value(data)
        return value


class _UUIDField(serializers.UUIDField):
    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str | UUID):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class _TextField(serializers.CharField):
    """Text, as it came: no trimming."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "trim_whitespace": False})


class RecordSerializer(serializers.ModelSerializer[Record]):
    """Checks the values of one record; its fields bear the columns' names."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.SmallIntegerField: WholeNumberField,
        models.IntegerField: WholeNumberField,
        models.BigIntegerField: WholeNumberField,
        models.FloatField: _FloatField,
        models.DecimalField: _DecimalField,
        models.BooleanField: _BooleanField,
        models.DateField: _DateField,
        models.DateTimeField: _DateTimeField,
        models.TimeField: _TimeField,
        models.UUIDField: _UUIDField,
        models.TextField: _TextField,
        models.CharField: _TextField,
    }

    class Meta:
        model: type[Record]
        fields: Sequence[str] = ()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """One field a column."""
        return {column.name: self._field(column) for column in self.Meta.model.columns}

    def _field(self, column: Column) -> serializers.Field[Any, Any, Any, Any]:
        made = bound_field(self.Meta.model, column.attribute)
        field_class, kwargs = self.build_standard_field(column.attribute, made)
        for name in ("model_field", "allow_unicode", "default", "read_only", "help_text", "style", "decoder"):
            kwargs.pop(name, None)
        kwargs["validators"] = [v for v in kwargs.get("validators", ()) if not hasattr(v, "queryset")]
        kwargs["required"] = column.required and column.default is None
        kwargs["allow_null"] = not column.required
        if column.name != column.attribute:
            kwargs["source"] = column.attribute
        match column.type:
            case "real":
                kwargs["real"] = True
            case "numeric":
                kwargs.setdefault("max_digits", None)
                kwargs.setdefault("decimal_places", None)
            case "timestamp":
                kwargs["default_timezone"] = None
            case "choice":
                kwargs.pop("allow_blank", None)
        return field_class(**kwargs)


def record_serializer(model: type[Record]) -> type[RecordSerializer]:
    """The input serializer of a record model. ``validated_data`` is keyed by the model's attributes."""
    meta = type("Meta", (), {"model": model, "fields": ()})
    return type(f"{model.__name__}Serializer", (RecordSerializer,), {"Meta": meta})


class RecordCleaner:
    """Checks one record after another against one model."""

    def __init__(self, model: type[Record], *, partial: bool = False) -> None:
        fields = record_serializer(model)().fields
        self.readers = {
            column.name: (column.attribute, _quick(column), fields[column.name].run_validation)
            for column in model.columns
        }
        self.required = set() if partial else {name for name, field in fields.items() if field.required}

    def clean(self, data: object, *, pk: int | None = None) -> dict[str, Any]:
        """``{column name: value}`` as ``{attribute: Python value}``. Raises InvalidInput, filed under the columns.

        ``pk`` is the record's id, if it has one: ``id`` may then stand among the data, if it is the same.
        """
        if not isinstance(data, Mapping):
            raise InvalidInput("A record is a JSON object.", fields={"data": "Give an object: column name to value."})
        cleaned: dict[str, Any] = {}
        fields: dict[str, list[str]] = {}
        for name, value in data.items():
            reader = self.readers.get(name)
            if reader is None:
                if name != "id" or pk is None or value != pk:
                    fields[shown(name)] = [_unknown(name, pk)]
                continue
            attribute, quick, read = reader
            if quick is not None and quick(value):
                cleaned[attribute] = value
                continue
            try:
                cleaned[attribute] = read(value)
            except serializers.ValidationError as error:
                fields[name] = _flat(error.detail)
            except ValidationError as error:
                fields[name] = list(error.messages)
        for name in self.required - data.keys():
            fields[name] = [_REQUIRED]
        if fields:
            name, messages = next(iter(fields.items()))
            message = f"{name}: {messages[0]}" if len(fields) == 1 else "Some values are not valid."
            raise InvalidInput(message, code="invalid_record", fields=fields)
        return cleaned


def clean_record(model: type[Record], data: object, *, partial: bool = False, pk: int | None = None) -> dict[str, Any]:
    """Check one record's data (see ``RecordCleaner``). ``partial``: only what is named is looked at."""
    return RecordCleaner(model, partial=partial).clean(data, pk=pk)


def _quick(column: Column) -> Callable[[Any], bool] | None:
    """Whether a value is for certain one of the column's as it stands; None where that is not so easily said.

    Ten thousand records of a bulk call hold a hundred thousand values: asking the framework about each takes most of
    the time of such a call (measured), and most are plain numbers and texts.
    """
    kind = column.kind
    if column.constraints:
        return None
    match kind.kernel:
        case "boolean":
            return lambda value: value is True or value is False
        case "integer" if kind.minimum is not None and kind.maximum is not None:
            low, high = kind.minimum, kind.maximum
            return lambda value: type(value) is int and low <= value <= high
        case "text":
            longest = column.parameters.get("length") or math.inf
            return lambda value: type(value) is str and len(value) <= longest and value.isascii() and "\0" not in value
        case "choice":
            offered = frozenset(column.parameters["choices"])
            return lambda value: type(value) is str and value in offered
        case _:
            return None


def _unknown(name: object, pk: int | None) -> str:
    if name != "id":
        return "There is no such column."
    return "The id is given by the system." if pk is None else "The id of a record cannot be changed."


def _flat(messages: Any) -> list[str]:
    if isinstance(messages, Mapping):
        return [text for entry in messages.values() for text in _flat(entry)]
    if isinstance(messages, list | tuple):
        return [text for entry in messages for text in _flat(entry)]
    return [str(messages)]


# Output --------------------------------------------------------------------------------------------------------------

type Represent = Callable[[Any], Any]


def representers(columns: Iterable[Column]) -> list[Represent | None]:
    """For each column, the function that makes a value JSON; None where it is already."""
    return [_REPRESENT.get(column.kind.kernel) for column in columns]


def record_data(record: Record) -> dict[str, Any]:
    """A record as the API shows it: flat, ``{"id": 1, "name": "John Doe"}``."""
    return next(iter(records_data([record])))


def records_data(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Records of one model as the API shows them."""
    found = list(records)
    if not found:
        return []
    columns = found[0].columns
    plan = list(zip((c.name for c in columns), (c.attribute for c in columns), representers(columns), strict=True))
    return [
        {
            "id": record.pk,
            **{
                name: value if represent is None or value is None else represent(value)
                for name, attribute, represent in plan
                for value in (getattr(record, attribute),)
            },
        }
        for record in found
    ]


def _number(value: float) -> float | str:
    """JSON knows no NaN and no infinities."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _iso(value: date | datetime | time) -> str:
    return value.isoformat()


def _decimal(value: Decimal) -> str:
    return format(value, "f")


def _uuid(value: UUID) -> str:
    return str(value)


_REPRESENT: dict[str, Represent] = {
    "numeric": _decimal,
    "float32": _number,
    "float64": _number,
    "date": _iso,
    "time": _iso,
    "timestamp": _iso,
    "timestamptz": _moment,
    "uuid": _uuid,
}
