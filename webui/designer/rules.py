"""What a column's rules are, in a few words each."""

from __future__ import annotations

from collections.abc import Iterator

from dataengine.columns import displays
from dataengine.columns.limits import shown_limit
from dataengine.models import Column

_LONGEST = 40


def rules_of(column: Column) -> list[str]:
    """The rules for a column's values, and what else is special about it."""
    return list(_rules(column))


def _rules(column: Column) -> Iterator[str]:
    if column.unique:
        yield "unique, whatever the case" if column.unique_ignores_case else "unique"
    if column.required:
        yield "required"
    yield from _limits(column)
    pattern = column.constraints.get("pattern")
    if pattern:
        yield f"like {pattern if len(pattern) <= _LONGEST else pattern[: _LONGEST - 1] + '…'}"
    if "json_schema" in column.constraints:
        yield "meets a JSON Schema"
    if column.display:
        code = column.display.get("currency", "")
        yield f"shown in {displays.SIGNS.get(code, code)}" if code else "shown in per cent"
    index = column.index_or_none
    if index is not None:
        yield "indexed automatically" if index.automatic else "indexed"


def _limits(column: Column) -> Iterator[str]:
    limits = column.constraints
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    yield from (f"{sign} {shown_limit(column.kind, limits[name])}" for name, sign in signs.items() if name in limits)
    shortest, longest = limits.get("minLength"), limits.get("maxLength")
    if shortest is not None and longest is not None:
        yield f"{shortest} to {longest} characters"
    elif shortest is not None:
        yield f"at least {shortest} characters"
    elif longest is not None:
        yield f"at most {longest} characters"
