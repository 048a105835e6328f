"""Writes a table as a JSON Schema (draft 2020-12): what its records look like. Pure.

``json_schema.columns_of`` reads it back as the very same columns: what JSON Schema has no words for stands under
``KEYWORD``, which other readers pass over.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dataengine.columns.json_schema import KEYWORD
from dataengine.columns.limits import are_numbers
from dataengine.columns.types import ColumnSpec
from dataengine.columns.types.aspects import LIMITS
from dataengine.columns.value_schemas import moved


def table_schema(name: str, label: str, description: str, columns: Sequence[ColumnSpec]) -> dict[str, Any]:
    """The schema of a table's records, without their ``id``, which is the system's."""
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": label or name}
    if description:
        schema["description"] = description
    required = [column.name for column in columns if column.required and column.default is None]
    schema |= {"type": "object", "properties": {column.name: _property(column) for column in columns}}
    return schema | ({"required": required} if required else {})


def _property(column: ColumnSpec) -> dict[str, Any]:
    words = {"title": column.label, "description": column.description}
    bounds = {} if are_numbers(column.kind) else {n: b for n, b in column.constraints.items() if n in LIMITS}
    limits = {name: rule for name, rule in column.constraints.items() if name not in {"json_schema", *bounds}}
    shape = column.kind.json_schema(column.parameters) | limits
    schema = column.constraints.get("json_schema")
    if schema is not None:
        shape = _embedded(schema, column)
    elif not column.required:
        shape = _or_null(shape)
    if column.default is not None:
        shape["default"] = _json_default(column)
    own: dict[str, Any] = {"column_type": column.kind.sql_text(column.parameters)}
    # What JSON Schema's list of required properties cannot say of one that has a default.
    said = {"unique": column.how_unique, "required": column.required, "display": column.display, "bounds": bounds}
    own |= {name: value for name, value in said.items() if value}
    if schema is not None:
        own["json_schema"] = schema
    return {name: text for name, text in words.items() if text} | shape | {KEYWORD: own}


def _embedded(schema: dict[str, Any], column: ColumnSpec) -> dict[str, Any]:
    """A column's own schema as a part of the table's."""
    inner = moved(schema, ("properties", column.name, "anyOf", 0))
    return {"anyOf": [inner] if column.required else [inner, {"type": "null"}]}


def _or_null(shape: dict[str, Any]) -> dict[str, Any]:
    shape = dict(shape)
    if "type" in shape:
        types = shape["type"] if isinstance(shape["type"], list) else [shape["type"]]
        shape["type"] = [*types, "null"]
    if "anyOf" in shape:
        shape["anyOf"] = [*shape["anyOf"], {"type": "null"}]
    if "enum" in shape:
        shape["enum"] = [*shape["enum"], None]
    return shape


def _json_default(column: ColumnSpec) -> Any:
    """A default's literal as JSON, in the way that reading it back gives the same literal."""
    text = column.default
    if text is None or column.kind.is_text:
        return text
    try:
        value = json.loads(text)
        is_same = json.dumps(value, allow_nan=False) == text
    except ValueError:  # not JSON, or NaN and the infinities, which Python reads all the same
        return text
    return value if is_same and not isinstance(value, str) else text
