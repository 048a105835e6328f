"""Reads a table from a JSON Schema (draft 2020-12, type object): properties become columns. Pure.

A keyword that constrains values and that no column can express is refused: silently enforcing less than was asked for
would be worse.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from dataengine.columns import displays, value_schemas
from dataengine.columns.bounds import contradiction
from dataengine.columns.limits import read_limit
from dataengine.columns.schema_faults import Fault, faults_of_schema, plain, pointer
from dataengine.columns.sql_types import parse_sql_type
from dataengine.columns.types import EXACT, IGNORE_CASE, REGISTRY, ColumnSpec, ColumnType
from dataengine.exceptions import InvalidInput, shown, together

KEYWORD = "x-tablekeep"
"""What a property says of its column that JSON Schema has no words for: ``_OWN_WORDS``."""
_OWN_WORDS = frozenset({"column_type", "unique", "required", "display", "json_schema", "bounds"})
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
}
_DOCUMENTS = frozenset({"object", "array"})
"""Columns for these are JSON: what the property says of its values becomes the column's own schema."""


def columns_of(schema: object) -> list[ColumnSpec]:
    """The columns that an object schema describes. Raises InvalidInput that names each property at fault."""
    if not isinstance(schema, Mapping):
        raise _invalid("Give a JSON object.")
    faults = faults_of_schema(plain(schema))
    if faults:
        raise together([_no_schema(fault) for fault in faults], "This is not a JSON Schema (draft 2020-12).")
    properties = schema.get("properties", {})
    if schema.get("type", "object") != "object" or not properties:
        raise _invalid("Give a schema of type object with at least one property.")
    unknown = set(schema) - _ANNOTATIONS - {"type", "properties", "required", "additionalProperties", "$defs"}
    if unknown:
        raise _invalid(f"A table cannot express {', '.join(sorted(unknown))}.")
    required = set(schema.get("required", ()))
    errors = [
        _invalid("This is required but is no property.", name).within("required") for name in required - set(properties)
    ]
    columns: list[ColumnSpec] = []
    for name, described in properties.items():
        try:
            columns.append(_column(name, described, required=name in required, shared=schema.get("$defs", {})))
        except InvalidInput as error:
            errors.append(error.within("properties", name))
    if errors:
        raise together(errors, "Some properties cannot become columns.", code="invalid_json_schema")
    return columns


def _no_schema(fault: Fault) -> InvalidInput:
    name = str(fault.path[1]) if fault.path[:1] == ("properties",) and len(fault.path) > 1 else "json_schema"
    return _invalid(f"This is not a JSON Schema (draft 2020-12): {fault}", name).within(*fault.path)


def _column(name: str, described: object, *, required: bool, shared: Mapping[str, Any]) -> ColumnSpec:
    """The column for a property; ``shared`` are the schemas that all properties may refer to."""
    if not isinstance(described, Mapping):
        raise _invalid("Give a schema with a type.", name)
    if KEYWORD in described:
        return _column_in_our_words(name, described, required=required)
    json_type, nullable = _json_type(name, described)
    listed = _list_of(name, described) if json_type == "array" else None
    if json_type in _DOCUMENTS and listed is None:
        own = {key: value for key, value in described.items() if key not in _ANNOTATIONS and key != "default"}
        schema = _own_schema(name, _by_itself(name, own | {"type": json_type}, shared))
        return _document(name, described, json_type, schema, required=required and not nullable)
    unknown = set(described) - _ANNOTATIONS - _KNOWN.get(json_type, frozenset()) - {"type", "default", "enum"}
    if listed is None and (unknown or ("enum" in described and json_type != "string")):
        raise _invalid(f"A column for {json_type} cannot express {', '.join(sorted(unknown)) or 'enum'}.", name)
    parameters: dict[str, Any] = {}
    constraints = {key: described[key] for key in (*_LIMITS, *_LENGTHS) if key in described}
    if listed is not None:
        kind, parameters = listed
    elif "enum" in described:
        kind, parameters = _kind(name, "enum", None), {"choices": _choices(name, described["enum"])}
        nullable = nullable or None in described["enum"]
        if constraints:
            raise _invalid("A list of choices cannot have other constraints.", name)
    else:
        kind = _kind(name, json_type, described.get("format"))
    if (found := contradiction(constraints)) is not None:
        raise _invalid(found[1], name)
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


def _document(
    name: str, described: Mapping[str, Any], json_type: str, schema: dict[str, Any], *, required: bool
) -> ColumnSpec:
    """A JSON column, whose values are as ``schema`` says."""
    return ColumnSpec(
        name=name,
        type=_kind(name, json_type, None).name,
        required=required,
        default=literal(described.get("default")),
        label=str(described.get("title", "")),
        description=str(described.get("description", "")),
        constraints={"json_schema": schema},
    )


def _by_itself(name: str, schema: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """A property's schema as one of its own: what it refers to in the table's comes along, or is where it was."""
    part: dict[str, Any] = json.loads(json.dumps(schema))
    here, uses_shared = pointer(("properties", name)), False
    for node in value_schemas.subschemas(part):
        target = unquote(str(node.get("$ref", "#/$defs/")).removeprefix("#"))
        if f"{target}/".startswith(f"{here}/"):
            node["$ref"] = "#" + quote(target.removeprefix(here), safe="/~")
        elif target.startswith("/$defs/"):
            uses_shared |= "$ref" in node
        else:
            raise _invalid("A property can only refer to its own parts and to $defs.", name)
    if not uses_shared:
        return part
    if "$defs" in part:
        raise _invalid("Put all $defs that a property refers to in one place.", name)
    return part | {"$defs": json.loads(json.dumps(shared))}


def _own_schema(name: str, schema: object) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        raise _invalid(f"{KEYWORD}: json_schema is an object.", name)
    try:
        return value_schemas.checked(schema)
    except value_schemas.SchemaRefused as error:
        refused = _invalid(str(error), name)
        refused.pointers = [(error.path, str(error))]
        raise refused from error


def _column_in_our_words(name: str, described: Mapping[str, Any], *, required: bool) -> ColumnSpec:
    """A column as ``table_schemas`` writes it: the type stands under our own keyword, in SQL's style."""
    own = described[KEYWORD]
    if not isinstance(own, Mapping) or set(own) - _OWN_WORDS or "column_type" not in own:
        raise _invalid(f"{KEYWORD} takes {', '.join(sorted(_OWN_WORDS))}.", name)
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
    if "json_schema" in own:
        constraints["json_schema"] = _own_schema(name, own["json_schema"])
    constraints |= _own_bounds(name, own.get("bounds", {}))
    unsuited = set(constraints) - spec.kind.constraints
    if unsuited:
        raise _invalid(f"No {own['column_type']} column can express {', '.join(sorted(unsuited))}.", name)
    for bound in set(_LIMITS) & set(constraints):
        try:
            constraints[bound] = read_limit(spec.kind, constraints[bound])
        except ValueError as error:
            raise _invalid(f"{bound}: {error}", name) from error
    if (found := contradiction(constraints, spec.kind.limit)) is not None:
        raise _invalid(found[1], name)
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


def _own_bounds(name: str, said: object) -> dict[str, Any]:
    """Bounds for which JSON Schema has no words: those of values that are texts there."""
    if not isinstance(said, Mapping) or not set(said) <= set(_LIMITS):
        raise _invalid(f"{KEYWORD}: bounds is an object of {', '.join(_LIMITS)}.", name)
    return dict(said)


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


def _list_of(name: str, described: Mapping[str, Any]) -> tuple[ColumnType, dict[str, Any]] | None:
    """The type for an array of texts, or of choices, which has none twice; None for any other array, which is JSON."""
    items = described.get("items")
    said = set(described) - _ANNOTATIONS - {"type", "default"}
    if not isinstance(items, Mapping) or items.get("type", "string") != "string":
        return None
    said_of_items = set(items) - _ANNOTATIONS - {"type"}
    if said <= {"items", "uniqueItems"} and said_of_items == {"enum"} and _are_texts(items["enum"]):
        return REGISTRY["choices"], {"choices": _choices(name, items["enum"])}
    if said == {"items"} and not said_of_items and "type" in items:
        return REGISTRY["texts"], {}
    return None


def _are_texts(enum: object) -> bool:
    return isinstance(enum, list) and all(isinstance(choice, str) for choice in enum)


def _kind(name: str, json_type: str, wanted: str | None) -> ColumnType:
    found = next((kind for kind in REGISTRY.values() if (json_type, wanted) in kind.json_forms), None)
    if found is None:
        raise _invalid(f"There is no column type for the format “{shown(wanted or json_type)}”.", name)
    return found


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, float) else value


def _invalid(reason: str, name: str = "json_schema") -> InvalidInput:
    return InvalidInput(reason, code="invalid_json_schema", fields={shown(name): reason}, pointers=[((), reason)])
