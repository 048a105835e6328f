"""The payload of ``create-table``: its published JSON Schema, and how it becomes ColumnSpecs. Pure.

``fields`` maps a column's name to an SQL-style type or to an object; ``json_schema`` (``json_schema.py``) is the
alternative. The payload is checked against ``PAYLOAD_SCHEMA`` before anything else looks at it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from dataengine.columns import displays
from dataengine.columns.displays import DISPLAY_SCHEMA
from dataengine.columns.identifiers import MAX_COLUMNS
from dataengine.columns.json_schema import columns_of, literal
from dataengine.columns.sql_types import parse_sql_type
from dataengine.columns.types import EXACT, IGNORE_CASE, ColumnSpec
from dataengine.exceptions import DataEngineError, InvalidInput, shown

CONSTRAINTS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "minimum": {"type": "number"},
        "maximum": {"type": "number"},
        "exclusiveMinimum": {"type": "number"},
        "exclusiveMaximum": {"type": "number"},
        "minLength": {"type": "integer", "minimum": 0, "maximum": 10_485_760},
        "maxLength": {"type": "integer", "minimum": 0, "maximum": 10_485_760},
        "pattern": {"type": "string", "minLength": 1, "maxLength": 1_000},
    },
}
COLUMN_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "minLength": 1, "maxLength": 20_000, "examples": ["TEXT UNIQUE", "NUMERIC(10,2) NOT NULL"]},
        {
            "type": "object",
            "required": ["type"],
            "additionalProperties": False,
            "properties": {
                "type": {"type": "string", "minLength": 1, "maxLength": 20_000},
                "unique": {"enum": [True, False, IGNORE_CASE, EXACT]},
                "required": {"type": "boolean"},
                "default": {},
                "label": {"type": "string", "maxLength": 200},
                "description": {"type": "string", "maxLength": 2_000},
                "constraints": CONSTRAINTS_SCHEMA,
                "display": DISPLAY_SCHEMA,
            },
        },
    ]
}
PAYLOAD_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A table to create",
    "type": "object",
    "required": ["table_name"],
    "additionalProperties": False,
    "properties": {
        "table_name": {"type": "string", "minLength": 1, "maxLength": 200},
        "label": {"type": "string", "maxLength": 200},
        "description": {"type": "string", "maxLength": 2_000},
        "fields": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": MAX_COLUMNS,
            "additionalProperties": COLUMN_SCHEMA,
        },
        "json_schema": {
            "type": "object",
            "description": "A draft 2020-12 schema of type object; its properties become columns.",
        },
    },
    "oneOf": [{"required": ["fields"]}, {"required": ["json_schema"]}],
}
_VALIDATOR = Draft202012Validator(PAYLOAD_SCHEMA)
_COLUMN_VALIDATOR = Draft202012Validator(COLUMN_SCHEMA)
_CONSTRAINTS_VALIDATOR = Draft202012Validator(CONSTRAINTS_SCHEMA)
_ARTICLES = {
    "object": "a JSON object", "string": "a text", "boolean": "true or false", "number": "a number",
    "integer": "a whole number",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A table to be created."""

    name: str
    label: str
    description: str
    columns: list[ColumnSpec]


def parse_payload(payload: object) -> TableSpec:
    """The table that a payload describes. Raises InvalidInput that names each column or key at fault."""
    if not isinstance(payload, Mapping):
        raise InvalidInput("The body must be a JSON object.", fields={"body": "Give a JSON object."})
    problems = _problems(payload)
    if problems:
        raise _refused(problems, "invalid_input")
    described = payload.get("fields")
    columns = columns_of(payload["json_schema"]) if described is None else _collected(described.items())
    return TableSpec(payload["table_name"], payload.get("label", ""), payload.get("description", ""), columns)


def parse_column(name: str, described: object) -> ColumnSpec:
    """The column that an SQL-style text or an object describes. Raises InvalidInput filed under ``name``."""
    error = best_match(_COLUMN_VALIDATOR.iter_errors(described))
    if error is not None:
        raise InvalidInput(f"Column “{name}”: {_sentence(error)}", code="invalid_type", fields={name: _sentence(error)})
    if not isinstance(described, Mapping):
        return parse_sql_type(name, described)
    spec = parse_sql_type(name, described["type"])
    constraints = check_constraints(spec, described.get("constraints", {}))
    return replace(
        spec.made_unique(described.get("unique") or spec.unique),
        required=spec.required or described.get("required", False),
        default=literal(described["default"]) if "default" in described else spec.default,
        label=described.get("label", ""),
        description=described.get("description", ""),
        constraints=constraints,
        display=displays.checked(spec.kind, name, described.get("display")),
    )


def check_constraints(spec: ColumnSpec, constraints: Mapping[str, Any]) -> dict[str, Any]:
    """The constraints as plain numbers and texts, if they suit the column's type. Raises InvalidInput."""
    kind = spec.kind
    checked: dict[str, Any] = {}
    for name, value in constraints.items():
        if name not in kind.constraints:
            raise _column_error(spec.name, f"{name} does not apply to a {kind.label.lower()} column.")
        # Numbers with a fraction arrive as a subclass of float that remembers its text.
        checked[name] = int(value) if name.endswith("Length") else float(value) if isinstance(value, float) else value
    for low, high in (("minimum", "maximum"), ("exclusiveMinimum", "exclusiveMaximum"), ("minLength", "maxLength")):
        if low in checked and high in checked and checked[low] > checked[high]:
            raise _column_error(spec.name, f"{low} is greater than {high}.")
    return checked


def parse_constraints(spec: ColumnSpec, given: object) -> dict[str, Any]:
    """New constraints of a column that is there. Raises InvalidInput filed under ``constraints``."""
    fault = best_match(_CONSTRAINTS_VALIDATOR.iter_errors(given))
    if fault is not None:
        raise InvalidInput(_sentence(fault), code="invalid_constraint", fields={"constraints": _sentence(fault)})
    assert isinstance(given, Mapping)  # the schema says so
    try:
        return check_constraints(spec, given)
    except InvalidInput as error:
        reasons = [text for texts in error.fields.values() for text in texts]
        raise InvalidInput(error.message, code=error.error_code, fields={"constraints": reasons}) from error


def _collected(described: Iterable[tuple[str, Any]]) -> list[ColumnSpec]:
    """All columns; raises all errors at once."""
    columns: list[ColumnSpec] = []
    problems: dict[str, list[str]] = {}
    code = "invalid_input"
    for name, entry in described:
        try:
            columns.append(parse_column(name, entry))
        except DataEngineError as error:
            problems.update(error.fields)
            code = error.error_code
    if problems:
        raise _refused(problems, code)
    return columns


def _problems(payload: object) -> dict[str, list[str]]:
    problems: dict[str, list[str]] = {}
    for error in _VALIDATOR.iter_errors(payload):
        path = [str(part) for part in error.absolute_path]
        if not path and error.validator == "oneOf":
            problems["fields"] = ["Give either fields or json_schema."]
        elif not path and error.validator == "required":
            problems["table_name"] = ["This field is required."]
        elif not path and error.validator == "additionalProperties":
            unknown = set(error.instance) - set(PAYLOAD_SCHEMA["properties"])
            problems.update({shown(name): ["There is no such key."] for name in unknown})
        elif path[:1] == ["fields"] and len(path) > 1:
            problems.setdefault(shown(path[1]), []).append(_sentence(error))
        else:
            # The first part of the path is the key under which the sentence is filed.
            problems.setdefault(path[0] if path else "table_name", []).append(_sentence(error, below=1))
    return problems


def _sentence(error: ValidationError, below: int = 0) -> str:
    """The most helpful part of a schema error, without a copy of the whole input.

    ``below`` is the number of parts of the path that the reader already knows.
    """
    if error.validator == "anyOf":
        wanted = "object" if isinstance(error.instance, Mapping) else "string"
        nested = [e for e in error.context or () if (e.schema_path[0] == 1) == (wanted == "object")]
        inner = best_match(iter(nested))
        if not isinstance(error.instance, Mapping | str):
            return "Give a type as text, or an object with type."
        return _sentence(inner) if inner is not None else "This is not a column."
    instance: Any = error.instance
    where = ".".join(str(part) for part in list(error.relative_path)[below:])
    rule: Any = error.validator_value
    match error.validator:
        case "type":
            text = f"Give {_ARTICLES.get(rule, rule)}."
        case "required":
            text = f"Give {' and '.join(name for name in rule if name not in instance)} as well."
        case "additionalProperties":
            known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
            unknown = [str(name) for name in instance if name not in known]
            text = f"There is no such key: {', '.join(shown(name) for name in unknown[:5])}."
        case "enum":
            text = f"Give {', '.join(_word(choice) for choice in rule[:-1])} or {_word(rule[-1])}."
        case "minLength" | "minProperties":
            text = "This cannot be empty."
        case _:
            text = f"This violates the rule {error.validator}: {json.dumps(rule)}."
    return f"{where}: {text}" if where else text


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"“{value}”"


def _refused(problems: Mapping[str, list[str]], code: str) -> InvalidInput:
    name, texts = next(iter(problems.items()))
    message = f"{name}: {texts[0]}" if len(problems) == 1 else "The table cannot be created as described."
    return InvalidInput(message, code=code, fields=problems)


def _column_error(name: str, reason: str) -> InvalidInput:
    return InvalidInput(f"Column “{name}”: {reason}", code="invalid_constraint", fields={name: reason})
