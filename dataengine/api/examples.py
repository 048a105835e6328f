"""Requests as somebody would send them to a table: with its own columns, and values of their types."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from dataengine.models import Column, Table

_MOST_COLUMNS = 8


class Example(NamedTuple):
    """A table's addresses, and the record that is sent to them, as JSON."""

    name: str
    title: str
    records: str
    body: str


def example_of(table: Table, columns: Sequence[Column]) -> Example:
    """The example of one table: its required columns first, and not very many."""
    few = sorted(columns, key=lambda column: not column.required)[:_MOST_COLUMNS]
    body = {column.name: value_of(column) for column in few}
    return Example(
        table.name, table.title, f"/api/tables/{table.name}/records/", json.dumps(body, indent=2, ensure_ascii=False)
    )


def value_of(column: Column) -> Any:
    """A value that the column's type accepts, as JSON has it."""
    kind = column.kind
    if choices := kind.choices(column.parameters):
        return [choices[0]] if kind.is_list else choices[0]
    if kind.is_reference:
        return 1
    if kind.is_list:
        return ["new", "on sale"]
    if "true" in kind.value_words:
        return True
    if kind.look == "number":
        return 12
    if kind.look == "json":
        return {"a": [1, 2]}
    return "9f1b4c0e-2f7a-4b57-9d1e-3a5c6b7d8e9f" if "…" in kind.sample else kind.sample
