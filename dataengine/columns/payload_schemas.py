"""The published JSON Schemas of what the API takes for tables and columns, and the check by them. Pure.

Everything is checked before anything is touched, and all errors are told at once. Keys that answers have but nobody can
change are allowed, so that clients may send back what they read; ``api/views_tables.py`` sees to it that it is the
same.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from dataengine.columns.displays import DISPLAY_SCHEMA
from dataengine.columns.identifiers import MAX_COLUMNS
from dataengine.columns.schema_faults import DRAFT, Fault, faults_of, plain, validator
from dataengine.columns.types import EXACT, IGNORE_CASE
from dataengine.exceptions import InvalidInput, Path, shown

type Schema = dict[str, Any]

_LIMIT: Schema = {
    "type": ["number", "string"],
    "maxLength": 100,
    "description": "Of numbers a number; of dates, times and lengths of time a value as a text.",
}
_LENGTH: Schema = {"type": "integer", "minimum": 0, "maximum": 10_485_760}
CONSTRAINTS: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _LIMIT),
        **dict.fromkeys(("minLength", "maxLength"), _LENGTH),
        "pattern": {"type": "string", "minLength": 1, "maxLength": 1_000},
        "json_schema": {
            "type": "object",
            "description": "Of JSON columns: the JSON Schema (draft 2020-12) that each value must meet.",
        },
    },
}
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 500}
_LABEL: Schema = {"type": "string", "maxLength": 200}
_DESCRIPTION: Schema = {"type": "string", "maxLength": 2_000}
_SQL_TYPE: Schema = {
    "type": "string", "minLength": 1, "maxLength": 20_000, "examples": ["TEXT UNIQUE", "NUMERIC(10,2) NOT NULL"],
}  # fmt: skip
_SAME: Schema = {"readOnly": True, "description": "May be sent back as it was read, and not changed."}
# What may be said of a column besides its name and type.
_WORDS: dict[str, Schema] = {
    "unique": {"enum": [True, False, IGNORE_CASE, EXACT]},
    "required": {"type": "boolean"},
    "default": {"description": "A value of the column's type, or its text; null for none."},
    "label": _LABEL,
    "description": _DESCRIPTION,
    "constraints": CONSTRAINTS,
    "display": DISPLAY_SCHEMA,
}
COLUMN: Schema = {
    "anyOf": [
        _SQL_TYPE,
        {
            "type": "object",
            "required": ["type"],
            "additionalProperties": False,
            "properties": {"type": _SQL_TYPE, **_WORDS},
        },
    ]
}
_TABLE_CHANGES: dict[str, Schema] = {
    "label": _LABEL,
    "description": _DESCRIPTION,
    "search_index": {
        "type": ["boolean", "string", "null"],
        "description": "Whether there is to be one; its state may be sent back as it was read.",
    },
    "named_by": {
        "type": ["string", "null"],
        "maxLength": 200,
        "description": "The column that names records where others refer to them; null: the first text column.",
    },
    **dict.fromkeys(
        ("id", "columns", "record_count", "record_count_exact", "search_index_reason", "created_at", "url"), _SAME
    ),
}
_PLAN: Schema = {"type": "string", "maxLength": 2_000_000, "description": "Of a rehearsal: do exactly that."}
_COLUMN_CHANGES: dict[str, Schema] = {
    **_WORDS,
    "position": {"type": "integer", "minimum": 0, "maximum": MAX_COLUMNS},
    "indexed": {"type": "boolean"},
    "display": {"anyOf": [DISPLAY_SCHEMA, {"type": "null"}]},
    "column_type": _SQL_TYPE,
    "choices": {
        "type": "array",
        "minItems": 1,
        "maxItems": 10_000,
        "items": {"type": "string", "maxLength": 20_000},
        "description": "Of CHOICE and CHOICES: all that are offered.",
    },
    "on_failure": {
        "enum": ["stop", "null", "default", "keep"],
        "description": "What becomes of values that do not fit; keep: they go to a new text column <name>_before.",
    },
    **dict.fromkeys(("type", "unique_ignores_case", "index_state", "index_reason"), _SAME),
}


def _schema(title: str, properties: Mapping[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    made: Schema = {"$schema": DRAFT, "title": title, "type": "object", "additionalProperties": False}
    return made | {"properties": dict(properties)} | ({"required": list(required)} if required else {})


PUBLISHED: dict[str, Schema] = {
    "create-table": _schema(
        "A table to create",
        {
            "table_name": {"type": "string", "minLength": 1, "maxLength": 200},
            "label": _LABEL,
            "description": _DESCRIPTION,
            "fields": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": MAX_COLUMNS,
                "additionalProperties": COLUMN,
            },
            "json_schema": {
                "type": "object",
                "description": "A draft 2020-12 schema of type object; its properties become columns.",
            },
        },
        ("table_name",),
    )
    | {"oneOf": [{"required": ["fields"]}, {"required": ["json_schema"]}]},
    "add-column": _schema(
        "A column to add to a table",
        {"table_name": _NAME, "column_name": _NAME, "column_type": _SQL_TYPE, **_WORDS},
        ("table_name", "column_name", "column_type"),
    ),
    "new-column": _schema(
        "A column to add",
        {"column_name": _NAME, "column_type": _SQL_TYPE, **_WORDS},
        ("column_name", "column_type"),
    ),
    "update-table": _schema(
        "What is to change of a table", {"table_name": _NAME, "new_name": _NAME, **_TABLE_CHANGES}, ("table_name",)
    ),
    "change-table": _schema("What is to change", {"table_name": _NAME, **_TABLE_CHANGES}),
    "update-column": _schema(
        "What is to change of a column of a table",
        {"table_name": _NAME, "column_name": _NAME, "new_name": _NAME, **_COLUMN_CHANGES, "plan": _PLAN},
        ("table_name", "column_name"),
    ),
    "change-column": _schema("What is to change", {"column_name": _NAME, **_COLUMN_CHANGES, "plan": _PLAN}),
    "rehearse-column": _schema("What would change", {"column_name": _NAME, **_COLUMN_CHANGES}),
}
"""By the name of the verb; those of the resources, whose table or column is in the address, have names of their own."""


def check_payload(name: str, payload: object) -> None:
    """Raise InvalidInput with every error of a payload, each with its pointer and filed under the input at fault."""
    if not isinstance(payload, Mapping):
        raise InvalidInput("The body must be a JSON object.", fields={"body": "Give a JSON object."})
    faults = faults_of(_checks(name), plain(payload))
    if faults:
        raise refused([_worded(fault) for fault in faults])


def check_column(described: object) -> list[Fault]:
    """What is wrong with one column of create-table's ``fields``."""
    return faults_of(_checks("column"), plain(described))


def check_rules(constraints: object) -> list[Fault]:
    """What is wrong with the constraints of a column, whatever its type."""
    return faults_of(_checks("constraints"), plain(constraints))


def refused(faults: list[Fault], column: str | None = None) -> InvalidInput:
    """The error that tells of all these faults, of a body or of what describes a ``column``."""
    fields: dict[str, list[str]] = {}
    for fault in faults:
        name, rest = _filed(fault.path) if column is None else (column, fault.path)
        inner = ".".join(map(str, rest))
        fields.setdefault(name, []).append(shown(f"{inner}: {fault.message}" if inner else fault.message, 1_000))
    name, texts = next(iter(fields.items()))
    message = f"{name}: {texts[0]}" if len(fields) == 1 else "Some of the input is not valid."
    return InvalidInput(message, fields=fields, pointers=[(fault.path, fault.message) for fault in faults])


def _filed(path: Path) -> tuple[str, Path]:
    """The input that a place belongs to, and the rest of the way. Columns of a new table are inputs themselves."""
    place = 1 if path[:1] == ("fields",) and len(path) > 1 else 0
    return (shown(path[place]), path[place + 1 :]) if path else ("body", ())


def _worded(fault: Fault) -> Fault:
    if fault.keyword == "oneOf" and not fault.path:
        return Fault(("fields",), "oneOf", "Give either fields or json_schema.")
    return fault


@cache
def _checks(name: str) -> Any:
    return validator((PUBLISHED | {"column": COLUMN, "constraints": CONSTRAINTS})[name])
