"""The bounds among the rules of a column, or in a JSON Schema: whether any value can keep them all. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_AT_LEAST = {
    "minimum": "maximum", "exclusiveMinimum": "exclusiveMaximum", "minLength": "maxLength", "minItems": "maxItems",
    "minProperties": "maxProperties",
}  # fmt: skip
_BETWEEN = (
    ("minimum", "exclusiveMaximum"), ("exclusiveMinimum", "maximum"), ("exclusiveMinimum", "exclusiveMaximum"),
)  # fmt: skip


def contradiction(rules: Mapping[str, Any]) -> tuple[str, str] | None:
    """The name of a bound that no value can keep because of another one, and what is wrong with it."""
    for low, high in _AT_LEAST.items():
        if low in rules and high in rules and rules[low] > rules[high]:
            return low, f"{low} is greater than {high}."
    for low, high in _BETWEEN:
        if low in rules and high in rules and rules[low] >= rules[high]:
            return low, f"No number is between {low} and {high}."
    return None
