"""The values that a column's schema allows are those that an independent validator allows, at the same places."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.columns.value_schemas import SchemaRefused, checked, value_schema

SCHEMAS: list[dict[str, Any]] = [
    {"type": ["object", "null"], "required": ["a"], "properties": {"a": {"type": "integer"}, "b": {"minimum": 2}}},
    {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "number"}, "minItems": 1},
    {"properties": {"a": {"$ref": "#/$defs/leaf"}}, "$defs": {"leaf": {"enum": ["x", 1, None, [1]]}}},
    {"anyOf": [{"type": "string", "maxLength": 2}, {"type": "array", "items": {"$ref": "#"}}]},
    {"if": {"type": "object"}, "then": {"additionalProperties": {"$ref": "#"}}, "else": {"type": "boolean"}},
    {"oneOf": [{"type": "integer", "multipleOf": 3}, {"type": "integer", "multipleOf": 2}]},
    {"patternProperties": {"^a": {"type": "null"}}, "unevaluatedProperties": {"type": "string"}, "uniqueItems": True},
    {"not": {"required": ["b"]}, "dependentRequired": {"a": ["c"]}, "propertyNames": {"maxLength": 1}},
    {"contains": {"const": 0}, "maxContains": 1},
]
RULES = [(value_schema(checked(schema)), jsonschema.Draft202012Validator(schema)) for schema in SCHEMAS]
LEAVES = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "ab", "abc", 1.5, 2.0])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4)
)


# Values are dear to make and cheap to judge, so each is judged by every schema.
@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_both_say_the_same(value: object) -> None:
    for rule, other in RULES:
        faults = rule.faults(value)
        assert bool(faults) == (not other.is_valid(value)), other.schema
        places = {tuple(error.absolute_path) for error in other.iter_errors(value)}
        for fault in faults:  # in a part of what the other names, or of a key that is missing or too many
            assert any(fault.path[: len(place)] == place for place in places), other.schema


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.com/x", "items": True},
        {
            "anyOf": [
                {"items": {"$ref": "#"}, "type": "array"},
                {"additionalProperties": {"$ref": "#"}, "type": "object"},
            ]
        },
        {"$defs": {"a b/": {"type": "string"}}, "items": {"$ref": "#/$defs/a%20b~1"}},
        {"properties": {"$ref": {"type": "string"}, "enum": {"const": {"$ref": "#/no/reference"}}}},
        {"allOf": [{"$ref": f"#/$defs/{letter}"} for letter in "abc"], "$defs": {key: {"minimum": 1} for key in "abc"}},
    ],
)
def test_schemas_that_people_write_are_taken(schema: dict[str, Any]) -> None:
    assert checked(schema) == schema


@pytest.mark.parametrize("levels", [2, 5, 20])
def test_growth_without_a_bound_is_seen_however_slow(levels: int) -> None:
    inner: dict[str, Any] = {"$ref": "#"}
    for _ in range(levels):
        inner = {"items": inner}
    schema = {"allOf": [inner, inner]}
    value: Any = 0
    for _ in range(64):
        value = [value]
    if levels < 20:
        with pytest.raises(SchemaRefused):
            checked(schema)
    else:  # 2 to the power of 3 at the depth that values may have
        assert value_schema(checked(schema)).faults(value) == []


def test_numbers_of_any_size_are_compared() -> None:
    rule = value_schema(checked({"items": {"type": "number", "maximum": 5}}))
    for text, broken in (("1e400", True), ("-1e400", False), ("9" * 5_000, True), ("-" + "9" * 5_000, False)):
        assert bool(rule.faults_in(f"[{text}]")) is broken
        assert rule.allows(f"[{text}]") is not broken
