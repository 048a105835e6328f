"""The bounds of a column's values, by its type. Pure.

Those of numbers are numbers. Those of dates, times and lengths of time are texts, in the form in which the API writes
such values.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.core.exceptions import ValidationError

from dataengine.columns.types import ColumnType
from dataengine.columns.types.aspects import LIMITS, NUMBER_KERNELS

_HOW_MUCH = {
    "minimum": "at least {}", "maximum": "at most {}", "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
}  # fmt: skip
_WHEN = {
    "minimum": "{} or later", "maximum": "{} or earlier", "exclusiveMinimum": "after {}",
    "exclusiveMaximum": "before {}",
}  # fmt: skip


def are_numbers(kind: ColumnType) -> bool:
    """Whether the bounds of columns of this type are numbers."""
    return kind.kernel in NUMBER_KERNELS


def read_limit(kind: ColumnType, said: object) -> Any:
    """A bound of a column as it is kept. Raises ValueError, with a sentence."""
    if are_numbers(kind):
        if isinstance(said, bool) or not isinstance(said, int | float):
            raise ValueError("Give a number.")
        # Numbers with a fraction arrive as a subclass of float that remembers its text.
        return float(said) if isinstance(said, float) else said
    if isinstance(said, str):
        with suppress(ValidationError, ValueError):
            value = kind.limit(said)
            return value if kind.represent is None else kind.represent(value)
    raise ValueError(f"Give {kind.expected}, as a text.")


def possible_rules(kind: ColumnType, rules: Mapping[str, Any]) -> dict[str, Any] | None:
    """Rules with their bounds as they are kept; None unless a column of this type can have all of them."""
    with suppress(ValueError):
        if rules.keys() <= kind.constraints:
            return {name: read_limit(kind, said) if name in LIMITS else said for name, said in rules.items()}
    return None


def shown_limit(kind: ColumnType, limit: Any) -> str:
    """A bound as people write it."""
    return kind.editor_text(kind.limit(limit)) if isinstance(limit, str) else str(limit)


def limit_in_words(kind: ColumnType, name: str, limit: Any) -> str:
    """What a bound demands: completes "expected …"."""
    return (_WHEN if kind.has_date or kind.has_clock else _HOW_MUCH)[name].format(shown_limit(kind, limit))


def limits_in_words(kind: ColumnType, rules: Mapping[str, Any]) -> list[str]:
    """The same for all bounds among rules, the lower ones first."""
    found = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
    return [limit_in_words(kind, name, rules[name]) for name in found if name in rules]
