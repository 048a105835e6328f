"""The bounds among the rules of a column, or in a JSON Schema: whether any value can keep them all. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_AT_LEAST = {
    "minimum": "maximum", "exclusiveMinimum": "exclusiveMaximum", "minLength": "maxLength", "minItems": "maxItems",
    "minProperties": "maxProperties",
}  # fmt: skip
_BETWEEN = (
    ("minimum", "exclusiveMaximum"), ("exclusiveMinimum", "maximum"), ("exclusiveMinimum", "exclusiveMaximum"),
)  # fmt: skip


def contradiction(rules: Mapping[str, Any], read: Callable[[Any], Any] = lambda bound: bound) -> tuple[str, str] | None:
    """The name of a bound that no value can keep because of another one, and what is wrong with it.

    ``read`` turns a bound into what can be compared.
    """
    for low, high in _AT_LEAST.items():
        if low in rules and high in rules and read(rules[low]) > read(rules[high]):
            return low, f"{low} is greater than {high}."
    for low, high in _BETWEEN:
        if low in rules and high in rules and read(rules[low]) >= read(rules[high]):
            noun = "Nothing" if isinstance(rules[low], str) else "No number"
            return low, f"{noun} is between {low} and {high}."
    return None
