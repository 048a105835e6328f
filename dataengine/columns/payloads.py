"""How the payload of ``create-table`` becomes ColumnSpecs. Pure.

``fields`` maps a column's name to an SQL-style type or to an object; ``json_schema`` (``json_schema.py``) is the
alternative. The payload is checked against its published schema (``payload_schemas.py``) before anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from dataengine.columns import displays, value_schemas
from dataengine.columns.bounds import contradiction
from dataengine.columns.json_schema import columns_of, literal
from dataengine.columns.limits import read_limit
from dataengine.columns.payload_schemas import check_column, check_payload, check_rules, refused
from dataengine.columns.sql_types import parse_sql_type
from dataengine.columns.types import ColumnSpec
from dataengine.columns.types.aspects import LIMITS
from dataengine.exceptions import InvalidInput, Path, together


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A table to be created."""

    name: str
    label: str
    description: str
    columns: list[ColumnSpec]


def parse_payload(payload: object) -> TableSpec:
    """The table that a payload describes. Raises InvalidInput that names each column or key at fault."""
    check_payload("create-table", payload)
    assert isinstance(payload, Mapping)  # or that would have been refused
    described = payload.get("fields")
    if described is None:
        with located("json_schema"):
            columns = columns_of(payload["json_schema"])
    else:
        columns = _collected(described.items())
    return TableSpec(payload["table_name"], payload.get("label", ""), payload.get("description", ""), columns)


def parse_column(name: str, described: object) -> ColumnSpec:
    """The column that an SQL-style text or an object describes.

    Raises InvalidInput filed under ``name``, with pointers into ``described``.
    """
    faults = check_column(described)
    if faults:
        error = refused(faults, name)
        raise InvalidInput(
            f"Column “{name}”: {error.fields[name][0]}",
            code="invalid_type",
            fields=error.fields,
            pointers=error.pointers,
        )
    if not isinstance(described, Mapping):
        return parse_sql_type(name, described)
    with located("type"):
        spec = parse_sql_type(name, described["type"])
    with located("unique"):
        spec = spec.made_unique(described.get("unique") or spec.unique)
    with located("constraints"):
        constraints = check_constraints(spec, described.get("constraints", {}))
    with located("display"):
        display = displays.checked(spec.kind, name, described.get("display"))
    return replace(
        spec,
        required=spec.required or described.get("required", False),
        default=literal(described["default"]) if "default" in described else spec.default,
        label=described.get("label", ""),
        description=described.get("description", ""),
        constraints=constraints,
        display=display,
    )


def check_constraints(spec: ColumnSpec, constraints: Mapping[str, Any]) -> dict[str, Any]:
    """The constraints as plain numbers and texts, if they suit the column's type. Raises InvalidInput."""
    kind = spec.kind
    checked: dict[str, Any] = {}
    for name, value in constraints.items():
        if name not in kind.constraints:
            raise _column_error(spec.name, f"{name} does not apply to {kind.label.lower()} columns.", (name,))
        checked[name] = _schema(spec.name, value) if name == "json_schema" else _plain(spec, name, value)
    if (found := contradiction(checked, kind.limit)) is not None:
        bound, reason = found
        raise _column_error(spec.name, reason, (bound,))
    return checked


def parse_constraints(spec: ColumnSpec, given: object) -> dict[str, Any]:
    """New constraints of a column that is there. Raises InvalidInput filed under ``constraints``."""
    if faults := check_rules(given):
        raise _about_constraints(refused(faults, "constraints"))
    assert isinstance(given, Mapping)  # the schema says so
    try:
        return check_constraints(spec, given)
    except InvalidInput as error:
        raise _about_constraints(error) from error


def _about_constraints(error: InvalidInput) -> InvalidInput:
    reasons = [text for texts in error.fields.values() for text in texts]
    return InvalidInput(
        error.message,
        code="invalid_constraint",
        fields={"constraints": reasons},
        pointers=error.within("constraints").pointers,
    )


def _plain(spec: ColumnSpec, name: str, value: Any) -> Any:
    if name not in LIMITS:
        return int(value) if name.endswith("Length") else value
    try:
        return read_limit(spec.kind, value)
    except ValueError as error:
        raise _column_error(spec.name, f"{name}: {error}", (name,)) from error


def _schema(column: str, value: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return value_schemas.checked(value)
    except value_schemas.SchemaRefused as error:
        raise _column_error(column, f"json_schema: {error}", ("json_schema", *error.path)) from error


def _collected(described: Iterable[tuple[str, Any]]) -> list[ColumnSpec]:
    """All columns; raises all errors at once."""
    columns: list[ColumnSpec] = []
    errors: dict[str, InvalidInput] = {}
    for name, entry in described:
        try:
            columns.append(parse_column(name, entry))
        except InvalidInput as error:
            errors[name] = error.within("fields", name)
    if errors:
        raise together(errors.values(), "The table cannot be created as described.")
    return columns


@contextmanager
def located(*path: str) -> Iterator[None]:
    """Point the errors of a part of the input to that part."""
    try:
        yield
    except InvalidInput as error:
        raise error.within(*path) from error


def _column_error(name: str, reason: str, path: Path) -> InvalidInput:
    return InvalidInput(
        f"Column “{name}”: {reason}", code="invalid_constraint", fields={name: reason}, pointers=[(path, reason)]
    )
