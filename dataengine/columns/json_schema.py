"""Reads a table from a JSON Schema (draft 2020-12, type object): properties become columns. Pure.

A keyword that constrains values and that no column can express is refused: silently enforcing less than was asked for
would be worse.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from dataengine.columns import displays
from dataengine.columns.sql_types import parse_sql_type
from dataengine.columns.types import EXACT, IGNORE_CASE, REGISTRY, ColumnSpec, ColumnType
from dataengine.exceptions import InvalidInput, shown

KEYWORD = "x-tablekeep"
"""What a property says of its column that JSON Schema has no words for: ``_OWN_WORDS``."""
_OWN_WORDS = frozenset({"column_type", "unique", "required", "display"})
_ANNOTATIONS = frozenset(
    {"$schema", "$id", "$comment", "title", "description", "examples", "deprecated", "readOnly", "writeOnly"}
)
_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_LENGTHS = ("minLength", "maxLength", "pattern")
# By JSON type: the keywords that a column for it can express.
_KNOWN: dict[str, frozenset[str]] = {
    "string": frozenset({"enum", "format", *_LENGTHS}),
    "integer": frozenset({"format", *_LIMITS}),
    "number": frozenset({"format", *_LIMITS}),
    "boolean": frozenset(),
    "object": frozenset(),
    "array": frozenset({"items", "uniqueItems"}),
}


def columns_of(schema: object) -> list[ColumnSpec]:
    """The columns that an object schema describes. Raises InvalidInput that names each property at fault."""
    if not isinstance(schema, Mapping):
        raise _invalid("Give a JSON object.")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        path = [str(part) for part in error.absolute_path]
        name = path[1] if path[:1] == ["properties"] and len(path) > 1 else "json_schema"
        reason = f"This is not a JSON Schema (draft 2020-12): {'.'.join(path) or 'it'} violates {error.validator}."
        raise _invalid(reason, shown(name)) from error
    properties = schema.get("properties", {})
    if schema.get("type", "object") != "object" or not properties:
        raise _invalid("Give a schema of type object with at least one property.")
    unknown = set(schema) - _ANNOTATIONS - {"type", "properties", "required", "additionalProperties"}
    if unknown:
        raise _invalid(f"A table cannot express {', '.join(sorted(unknown))}.")
    required = set(schema.get("required", ()))
    problems = {shown(name): ["This is required but is no property."] for name in required - set(properties)}
    columns: list[ColumnSpec] = []
    for name, described in properties.items():
        try:
            columns.append(_column(name, described, required=name in required))
        except InvalidInput as error:
            problems.update(error.fields)
    if problems:
        first = next(iter(problems.items()))
        raise InvalidInput(f"{first[0]}: {first[1][0]}", code="invalid_json_schema", fields=problems)
    return columns


def _column(name: str, described: object, *, required: bool) -> ColumnSpec:
    if not isinstance(described, Mapping):
        raise _invalid("Give a schema with a type.", name)
    if KEYWORD in described:
        return _column_in_our_words(name, described, required=required)
    json_type, nullable = _json_type(name, described)
    unknown = set(described) - _ANNOTATIONS - _KNOWN[json_type] - {"type", "default", "enum"}
    if unknown or ("enum" in described and json_type != "string"):
        raise _invalid(f"A column for {json_type} cannot express {', '.join(sorted(unknown)) or 'enum'}.", name)
    parameters: dict[str, Any] = {}
    constraints = {key: described[key] for key in (*_LIMITS, *_LENGTHS) if key in described}
    if "items" in described or "uniqueItems" in described:
        kind, parameters = _list_of(name, described)
    elif "enum" in described:
        kind, parameters = _kind(name, "enum", None), {"choices": _choices(name, described["enum"])}
        nullable = nullable or None in described["enum"]
        if constraints:
            raise _invalid("A list of choices cannot have other constraints.", name)
    else:
        kind = _kind(name, json_type, described.get("format"))
    column_type, narrowed = kind.narrowed(constraints)
    if any(key in constraints and key not in kind.constraints for key in _LENGTHS):
        raise _invalid(f"A {column_type} column cannot have a length or pattern.", name)
    default = described.get("default")
    return ColumnSpec(
        name=name,
        type=column_type,
        parameters=parameters | narrowed,
        required=required and not nullable,
        default=literal(default),
        label=str(described.get("title", "")),
        description=str(described.get("description", "")),
        constraints={key: _plain(value) for key, value in constraints.items()},
    )


def _column_in_our_words(name: str, described: Mapping[str, Any], *, required: bool) -> ColumnSpec:
    """A column as ``table_schemas`` writes it: the type stands under our own keyword, in SQL's style."""
    own = described[KEYWORD]
    if not isinstance(own, Mapping) or set(own) - _OWN_WORDS or "column_type" not in own:
        raise _invalid(f"{KEYWORD} takes column_type, unique, required and display.", name)
    unique, own_required = own.get("unique", False), own.get("required", False)
    if not isinstance(own_required, bool) or not (isinstance(unique, bool) or unique in (IGNORE_CASE, EXACT)):
        reason = f"{KEYWORD}: unique is true, false, “{IGNORE_CASE}” or “{EXACT}”; required is true or false."
        raise _invalid(reason, name)
    display = own.get("display")
    if display is not None and not isinstance(display, Mapping):
        raise _invalid(f"{KEYWORD}: display is an object.", name)
    spec = parse_sql_type(name, own["column_type"])
    said_by_type = spec.kind.json_schema(spec.parameters)
    constraints = {
        key: _plain(described[key])
        for key in (*_LIMITS, *_LENGTHS)
        if key in described and described[key] != said_by_type.get(key)
    }
    unsuited = set(constraints) - spec.kind.constraints
    if unsuited:
        raise _invalid(f"No {own['column_type']} column can express {', '.join(sorted(unsuited))}.", name)
    default = described.get("default")
    return replace(
        spec.made_unique(unique or spec.unique),
        required=spec.required or own_required or required,
        default=literal(default) if "default" in described else spec.default,
        label=str(described.get("title", "")),
        description=str(described.get("description", "")),
        constraints=constraints,
        display=displays.checked(spec.kind, name, display),
    )


def literal(value: Any) -> str | None:
    """A JSON value as the text of a default; None if there is none."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case dict() | list():
            return json.dumps(value)
        case _:
            return str(value)


def _json_type(name: str, described: Mapping[str, Any]) -> tuple[str, bool]:
    """The only JSON type besides null, and whether null is allowed."""
    given = described.get("type", "string" if "enum" in described else None)
    types = [given] if isinstance(given, str) else list(given or ())
    others = [json_type for json_type in types if json_type != "null"]
    if len(others) != 1:
        raise _invalid("Give one type, or one type and null.", name)
    return others[0], "null" in types


def _choices(name: str, enum: list[Any]) -> list[str]:
    choices = [value for value in enum if value is not None]
    if not choices or not all(isinstance(value, str) and value and value.isprintable() for value in choices):
        raise _invalid("Choices must be texts that are not empty and contain no control characters.", name)
    if len(set(choices)) != len(choices):
        raise _invalid("A choice is listed twice.", name)
    return choices


def _list_of(name: str, described: Mapping[str, Any]) -> tuple[ColumnType, dict[str, Any]]:
    """The type for an array of texts, or of choices; columns of choices hold none twice."""
    items = described.get("items")
    if isinstance(items, Mapping) and set(items) - _ANNOTATIONS <= {"type", "enum"}:
        if "enum" in items and items.get("type", "string") == "string":
            return REGISTRY["choices"], {"choices": _choices(name, items["enum"])}
        if items.get("type") == "string" and not described.get("uniqueItems"):
            return REGISTRY["texts"], {}
    raise _invalid("A column can hold an array of any texts, or of choices (items with enum), and no other.", name)


def _kind(name: str, json_type: str, wanted: str | None) -> ColumnType:
    found = next((kind for kind in REGISTRY.values() if (json_type, wanted) in kind.json_forms), None)
    if found is None:
        raise _invalid(f"There is no column type for the format “{shown(wanted or json_type)}”.", name)
    return found


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, float) else value


def _invalid(reason: str, name: str = "json_schema") -> InvalidInput:
    return InvalidInput(reason, code="invalid_json_schema", fields={shown(name): reason})
