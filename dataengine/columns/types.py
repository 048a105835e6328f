"""THE registry of column types. Adding a type touches this file (and, if it needs a new kernel, imports/conversion.py).

A type says: its SQL-style names, its PostgreSQL type, its model field, the conversion kernel that CSV cells go
through, and which lookups make sense for it. Pure: nothing here asks the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinLengthValidator, MinValueValidator, RegexValidator
from django.db import models

from dataengine.columns.fields import JSONDecoder, PlainDateTimeField, RealField

# One pattern for each of these, written so that Python's re, RE2 (CSV cells) and people agree on its meaning.
EMAIL_PATTERN = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+$"  # noqa: E501
URL_PATTERN = r"^(?:https?|ftp)://[^\s/?#@]+(?:@[^\s/?#@]+)?(?:[/?#]\S*)?$"

EQUALITY = ("exact", "ne", "in", "isnull")
ORDERED = (*EQUALITY, "lt", "lte", "gt", "gte", "range")
TEXTUAL = (*ORDERED, "contains", "icontains", "startswith", "istartswith", "endswith", "iregex")
CALENDAR = (*ORDERED, "year", "month", "day")

type Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ColumnType:
    """One entry of the registry.

    ``name`` is stored in the catalog. ``label`` is what people read. ``sql_names`` are the SQL-style spellings, the
    first one is written back. ``postgres`` is the type in DDL, with ``{name}`` for its parameters. ``kernel`` names
    the conversion of CSV cells (``imports/conversion.py``) and ``minimum``/``maximum`` bound it. ``make_field`` builds
    the Django model field from keyword arguments. ``arguments`` says which parameters may stand in parentheses.
    """

    name: str
    label: str
    sql_names: tuple[str, ...]
    postgres: str
    kernel: str
    make_field: Callable[..., models.Field[Any, Any]]
    lookups: tuple[str, ...]
    group: str
    arguments: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    pattern: str | None = None
    can_be_unique: bool = True
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column as asked for: validated, not yet in the catalog.

    ``default`` is the literal's text, ``None`` for no default. ``parameters`` holds ``length``; ``precision`` and
    ``scale``; ``choices`` (list of str); or ``references`` (name of a table). ``constraints`` holds ``minimum``,
    ``maximum``, ``minLength``, ``maxLength``, ``pattern``.
    """

    name: str
    type: str
    parameters: dict[str, Any] = field(default_factory=dict)
    unique: bool = False
    required: bool = False
    default: str | None = None
    label: str = ""
    constraints: dict[str, Any] = field(default_factory=dict)


def _text(**kwargs: Any) -> models.Field[Any, Any]:
    return models.TextField(**kwargs)


def _varchar(*, length: int | None = None, **kwargs: Any) -> models.Field[Any, Any]:
    return models.CharField(max_length=length, **kwargs)


def _numeric(*, precision: int | None = None, scale: int | None = None, **kwargs: Any) -> models.Field[Any, Any]:
    return models.DecimalField(max_digits=precision, decimal_places=scale, **kwargs)


def _email(*, validators: list[Any] | None = None, **kwargs: Any) -> models.Field[Any, Any]:
    check = RegexValidator(EMAIL_PATTERN.removesuffix("$") + r"\Z", "Enter a valid email address.")
    return models.TextField(validators=[check, *(validators or [])], **kwargs)


def _url(*, validators: list[Any] | None = None, **kwargs: Any) -> models.Field[Any, Any]:
    check = RegexValidator(URL_PATTERN.removesuffix("$") + r"\Z", "Enter a valid URL, with http:// or https://.")
    return models.TextField(validators=[check, *(validators or [])], **kwargs)


def _choice(*, choices: list[str], **kwargs: Any) -> models.Field[Any, Any]:
    return models.TextField(choices=[(choice, choice) for choice in choices], **kwargs)


def _json(**kwargs: Any) -> models.Field[Any, Any]:
    return models.JSONField(decoder=JSONDecoder, **kwargs)


def _reference(*, references: str = "", **kwargs: Any) -> models.Field[Any, Any]:
    # A plain id: no ForeignKey stands between record models, the constraint is in DDL (see design.md).
    return models.BigIntegerField(**kwargs)


_ENTRIES = (
    ColumnType("text", "Text", ("TEXT",), "text", "text", _text, TEXTUAL, "Text", is_text=True),
    ColumnType(
        "varchar", "Short text", ("VARCHAR", "CHARACTER VARYING"), "varchar{length}", "text", _varchar, TEXTUAL, "Text",
        arguments=("length",), is_text=True,
    ),
    ColumnType(
        "smallint", "Small integer", ("SMALLINT", "INT2"), "smallint", "integer", models.SmallIntegerField, ORDERED,
        "Number", minimum=-(2**15), maximum=2**15 - 1,
    ),
    ColumnType(
        "integer", "Integer", ("INTEGER", "INT", "INT4"), "integer", "integer", models.IntegerField, ORDERED, "Number",
        minimum=-(2**31), maximum=2**31 - 1,
    ),
    ColumnType(
        "bigint", "Big integer", ("BIGINT", "INT8"), "bigint", "integer", models.BigIntegerField, ORDERED, "Number",
        minimum=-(2**63), maximum=2**63 - 1,
    ),
    ColumnType(
        "numeric", "Decimal number", ("NUMERIC", "DECIMAL"), "numeric{precision}", "numeric", _numeric, ORDERED,
        "Number", arguments=("precision", "scale"),
    ),
    ColumnType("real", "Real (32 bit)", ("REAL", "FLOAT4"), "real", "float32", RealField, ORDERED, "Number"),
    ColumnType(
        "double", "Real (64 bit)", ("DOUBLE PRECISION", "FLOAT", "FLOAT8", "DOUBLE"), "double precision", "float64",
        models.FloatField, ORDERED, "Number",
    ),
    ColumnType(
        "boolean", "Yes / no", ("BOOLEAN", "BOOL"), "boolean", "boolean", models.BooleanField, EQUALITY, "Other"
    ),
    ColumnType("date", "Date", ("DATE",), "date", "date", models.DateField, CALENDAR, "Date and time"),
    ColumnType(
        "time", "Time", ("TIME", "TIME WITHOUT TIME ZONE"), "time", "time", models.TimeField, ORDERED, "Date and time"
    ),
    ColumnType(
        "timestamp", "Date and time", ("TIMESTAMP", "DATETIME", "TIMESTAMP WITHOUT TIME ZONE"), "timestamp",
        "timestamp", PlainDateTimeField, CALENDAR, "Date and time",
    ),
    ColumnType(
        "timestamptz", "Date and time with zone", ("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"), "timestamptz",
        "timestamptz", models.DateTimeField, CALENDAR, "Date and time",
    ),
    ColumnType("uuid", "UUID", ("UUID",), "uuid", "uuid", models.UUIDField, EQUALITY, "Other"),
    ColumnType(
        "json", "JSON", ("JSON",), "jsonb", "json", _json, ("isnull",), "Other", can_be_unique=False
    ),
    ColumnType(
        "jsonb", "JSON (binary)", ("JSONB",), "jsonb", "json", _json, ("isnull",), "Other",
        can_be_unique=False,
    ),
    ColumnType(
        "email", "Email", ("EMAIL",), "text", "pattern", _email, TEXTUAL, "Text", pattern=EMAIL_PATTERN, is_text=True
    ),
    ColumnType(
        "url", "Web address", ("URL",), "text", "pattern", _url, TEXTUAL, "Text", pattern=URL_PATTERN, is_text=True
    ),
    ColumnType(
        "choice", "Choice", ("CHOICE",), "text", "choice", _choice, EQUALITY, "Other", arguments=("choices",),
        is_text=True,
    ),
    ColumnType(
        "reference", "Reference", ("REFERENCES",), "bigint", "integer", _reference, EQUALITY, "Other",
        arguments=("references",), minimum=1, maximum=2**63 - 1,
    ),
)  # fmt: skip

REGISTRY: dict[str, ColumnType] = {entry.name: entry for entry in _ENTRIES}
BY_SQL_NAME: dict[str, ColumnType] = {name: entry for entry in _ENTRIES for name in entry.sql_names}


def sql_text(type_name: str, parameters: Parameters) -> str:
    """The SQL-style text of a type, without modifiers: ``VARCHAR(20)``, ``CHOICE('a','b')``, ``REFERENCES "T"``."""
    entry = REGISTRY[type_name]
    spelling = entry.sql_names[0]
    if type_name == "choice":
        return f"{spelling}({','.join(_quoted(choice) for choice in parameters['choices'])})"
    if type_name == "reference":
        name = parameters["references"]
        return f"{spelling} {name}" if name.isidentifier() else f'{spelling} "{name}"'
    values = [str(parameters[name]) for name in entry.arguments if parameters.get(name) is not None]
    return f"{spelling}({','.join(values)})" if values else spelling


def postgres_type(type_name: str, parameters: Parameters) -> str:
    """The type as DDL writes it. Holds only registry text and integers, so it is safe as SQL."""
    length = parameters.get("length")
    precision, scale = parameters.get("precision"), parameters.get("scale")
    return REGISTRY[type_name].postgres.format(
        length=f"({int(length)})" if length else "",
        precision=f"({int(precision)},{int(scale or 0)})" if precision else "",
    )


def model_field(
    type_name: str,
    parameters: Parameters,
    *,
    name: str,
    label: str,
    required: bool,
    unique: bool,
    constraints: Parameters,
) -> models.Field[Any, Any]:
    """A Django field for a column named ``name``; the attribute it is bound to is the caller's affair."""
    entry = REGISTRY[type_name]
    known = {key: parameters[key] for key in entry.arguments if key in parameters}
    kwargs: dict[str, Any] = {
        "db_column": name,
        "verbose_name": label or name,
        "null": not required,
        # '' is a value in text columns and stays one; a missing value is NULL.
        "blank": not required or entry.is_text,
        "unique": unique,
    }
    validators = _constraint_validators(entry, constraints)
    if validators:
        kwargs["validators"] = validators
    return entry.make_field(**known, **kwargs)


def _constraint_validators(entry: ColumnType, constraints: Parameters) -> list[Any]:
    """Validators for what Python can decide; ``pattern`` is PostgreSQL's and RE2's affair (no backtracking)."""

    def limit(name: str) -> Any:
        # As PostgreSQL sees it: the decimal 0.1 is not below the limit 0.1, whose nearest float is a little above it.
        return Decimal(str(constraints[name])) if entry.kernel == "numeric" else constraints[name]

    validators: list[Any] = []
    if "minimum" in constraints:
        validators.append(MinValueValidator(limit("minimum")))
    if "maximum" in constraints:
        validators.append(MaxValueValidator(limit("maximum")))
    if "minLength" in constraints:
        validators.append(MinLengthValidator(constraints["minLength"]))
    return validators


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
