"""The JSON Schema that each value of a JSON column has to meet: which may be used, and what breaks it. Pure.

Whoever designs a table writes one, and it then runs over millions of values. So a schema is bounded in every respect
that costs time or memory, and what cannot be bounded is refused: docs/decisions/0025-one-validator-of-json-schemas.md.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

import orjson

from dataengine.columns.bounds import contradiction
from dataengine.columns.json_texts import is_deeper
from dataengine.columns.schema_faults import DRAFT, Fault, faults_of, faults_of_schema, pointer, validator
from dataengine.exceptions import Path, shown

MAX_CHARACTERS = 65_536
MAX_PATTERNS = 40
MAX_STEPS = 2_000
"""How many subschemas may come to be applied to one place in a value, with all that leads there."""
MAX_DEPTH = 64
"""How deep values may be nested, and so to which depth steps are counted."""
_SCHEMA_DEPTH = 2 * MAX_DEPTH
"""How deep schemas may be: a value's level takes two of theirs."""
_LONG = 300
"""Digits of a whole number that Python reads as a decimal."""
_CHILD = ("additionalProperties", "propertyNames", "items", "contains", "unevaluatedItems", "unevaluatedProperties")
_IN_PLACE = ("not", "if", "then", "else")
_LISTS = ("allOf", "anyOf", "oneOf")
_ELSEWHERE = ("$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$recursiveAnchor", "$vocabulary")


class SchemaRefused(ValueError):
    """A schema that no column can have; ``path`` leads to what is wrong in it."""

    def __init__(self, reason: str, path: Path = ()) -> None:
        super().__init__(f"{shown(pointer(path))}: {reason}" if path else reason)
        self.path = path


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the schema in plain JSON. Raises SchemaRefused."""
    try:
        text = json.dumps(given, ensure_ascii=False)
        schema: dict[str, Any] = json.loads(text)
    except RecursionError as error:
        raise SchemaRefused("It is nested too deeply.") from error
    if len(text) > MAX_CHARACTERS:
        raise SchemaRefused(f"It has {len(text):,} characters; at most {MAX_CHARACTERS:,} are allowed.")
    if is_deeper(schema, text, _SCHEMA_DEPTH):
        raise SchemaRefused(f"It is nested deeper than {_SCHEMA_DEPTH} levels.")
    if str(schema.get("$schema", DRAFT)).removesuffix("#") != DRAFT:
        raise SchemaRefused(f"Give a schema of draft 2020-12 ({DRAFT}).", ("$schema",))
    if (fault := next(iter(faults_of_schema(schema)), None)) is not None:
        raise SchemaRefused(fault.message, fault.path)
    try:
        _Walk(schema).check()
    except RecursionError as error:
        raise SchemaRefused("It is nested too deeply.") from error
    value_schema(schema)
    return schema


def moved(schema: Mapping[str, Any], to: Path) -> dict[str, Any]:
    """The schema as a part of another one, at ``to``: its references lead there."""
    part: dict[str, Any] = json.loads(json.dumps(schema))
    prefix = "#" + quote(pointer(to), safe="/~!$&'()*+,;=:@")
    for node in subschemas(part):
        if "$ref" in node:
            node["$ref"] = prefix + node["$ref"].removeprefix("#")
    return {word: value for word, value in part.items() if word not in ("$schema", "$id")}


def subschemas(schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema itself and all schemas in it that are objects."""
    return (node for _, node in _subschemas(schema, ()))


class ValueSchema:
    """A schema ready for use."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        from jsonschema_rs import ValidationError

        try:
            self._check = validator(schema)
        except ValidationError as error:
            path = tuple(error.instance_path)
            raise SchemaRefused(_not_made(path) or error.message, path) from error

    def allows(self, text: str) -> bool:
        """Whether a value, as JSON text, meets the schema."""
        value = read(text)
        return not is_deeper(value, text, MAX_DEPTH) and self._check.is_valid(value)

    def faults(self, value: Any) -> list[Fault]:
        """What breaks the schema in a value."""
        return self.faults_in(json.dumps(value))

    def faults_in(self, text: str) -> list[Fault]:
        """The same for JSON text."""
        value = read(text)
        if is_deeper(value, text, MAX_DEPTH):
            return [Fault((), "depth", f"This is nested deeper than {MAX_DEPTH} levels.")]
        try:
            return faults_of(self._check, value)
        except ValueError:  # a number of thousands of digits cannot be shown
            return [Fault((), "number", "A number in this is too long, which makes it hard to say where it is wrong.")]


def value_schema(schema: Mapping[str, Any]) -> ValueSchema:
    """The same schema is made ready but once a process."""
    return _ready(json.dumps(schema))


@lru_cache(maxsize=16)
def _ready(text: str) -> ValueSchema:
    return ValueSchema(json.loads(text))


def _not_made(path: Path) -> str:
    """Why a schema that is one all the same cannot be used, for the two reasons there are."""
    if path[-1:] == ("pattern",) or path[-2:-1] == ("patternProperties",):
        return "This is no regular expression, is too large, or looks around or refers back, which is not possible."
    return "There is no such format." if path[-1:] == ("format",) else ""


def read(text: str) -> Any:
    """JSON text as the validator takes it: numbers beyond a float are decimals."""
    # orjson is many times as quick, but rounds long whole numbers, makes nothing of tiny ones, and refuses huge ones.
    if not ("e-" in text or "E-" in text or "\\u" in text or _LONG_NUMBER.search(text)):
        try:
            return orjson.loads(text)
        except ValueError:
            pass
    return _DECODER.decode(text)


def _float(text: str) -> float | Decimal:
    number = float(text)
    return number if math.isfinite(number) and number else Decimal(text)


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= _LONG else Decimal(text)


_LONG_NUMBER = re.compile("[0-9]{19}")
_DECODER = json.JSONDecoder(parse_float=_float, parse_int=_integer)


class _Walk:
    """Goes through the subschemas of a schema, by their paths."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        self.found = dict(_subschemas(schema, ()))
        self.patterns = 0

    def check(self) -> None:
        for path, node in self.found.items():
            self._check_words(path, node)
        if self.patterns > MAX_PATTERNS:
            raise SchemaRefused(f"It has {self.patterns:,} patterns; at most {MAX_PATTERNS} are allowed.")
        known: dict[Path, int] = {}
        for _ in range(MAX_DEPTH + 1):
            steps = {path: found.total for path, found in self._steps(known).items()}
            if steps[()] > MAX_STEPS:
                reason = f"Checking one value could take very long: more than {MAX_STEPS:,} rules meet in one place"
                raise SchemaRefused(f"{reason} (as where a schema contains itself twice).")
            if steps == known:
                break
            known = steps

    def _check_words(self, path: Path, node: Mapping[str, Any]) -> None:
        for word in _ELSEWHERE:
            if word in node:
                raise SchemaRefused(f"{word} is not possible here.", (*path, word))
        if (found := contradiction(node)) is not None:
            bound, reason = found
            raise SchemaRefused(reason, (*path, bound))
        if path and "$id" in node:
            raise SchemaRefused("Only the schema as a whole may have an $id.", (*path, "$id"))
        if "$ref" in node:
            self._referred(path, node["$ref"])
        self.patterns += ("pattern" in node) + len(node.get("patternProperties", ()))

    def _referred(self, path: Path, reference: str) -> Path:
        """Where a reference leads."""
        at = (*path, "$ref")
        if reference != "#" and not reference.startswith("#/"):
            reason = "Only references within the schema are possible (#/$defs/…); nothing is fetched from elsewhere."
            raise SchemaRefused(reason, at)
        parts = [part.replace("~1", "/").replace("~0", "~") for part in unquote(reference).split("/")[1:]]
        value, target = _at(self.schema, parts)
        if target in self.found or isinstance(value, bool):
            return target
        raise SchemaRefused(f"There is no subschema at {shown(reference)}.", at)

    def _steps(self, below: Mapping[Path, int]) -> dict[Path, _Steps]:
        """For each subschema: how many are applied in one place, if ``below`` is so for what values contain."""
        known: dict[Path, _Steps] = {}
        under: set[Path] = set()

        def steps(path: Path) -> _Steps:
            if path in known or path not in self.found:  # true and false are no work
                return known.get(path, _Steps())
            if path in under:
                raise SchemaRefused("It refers to itself without a step into the value.", path)
            under.add(path)
            node = self.found[path]
            inner = [steps(other) for other in self._in_place(path, node)]
            # These are evaluated once more to find out what is left.
            times = 1 + ("unevaluatedProperties" in node or "unevaluatedItems" in node)
            in_object, in_list = _deeper(path, node, below)
            known[path] = _Steps(
                1 + times * sum(each.here for each in inner),
                in_object + times * sum(each.in_object for each in inner),
                in_list + times * sum(each.in_list for each in inner),
            )
            under.discard(path)
            return known[path]

        for path in self.found:
            steps(path)
        return known

    def _in_place(self, path: Path, node: Mapping[str, Any]) -> Iterator[Path]:
        if "$ref" in node:
            yield self._referred(path, node["$ref"])
        yield from ((*path, word) for word in _IN_PLACE if word in node)
        yield from ((*path, word, place) for word in _LISTS for place in range(len(node.get(word, ()))))
        yield from ((*path, "dependentSchemas", name) for name in node.get("dependentSchemas", ()))


@dataclass(frozen=True, slots=True)
class _Steps:
    """How many subschemas are applied to a value itself, and to one part of it if it is an object or a list."""

    here: int = 0
    in_object: int = 0
    in_list: int = 0

    @property
    def total(self) -> int:
        return min(self.here + max(self.in_object, self.in_list), 10 * MAX_STEPS)


def _deeper(path: Path, node: Mapping[str, Any], below: Mapping[Path, int]) -> tuple[int, int]:
    """The steps for the one part for which there are most, of an object and of a list."""

    def of(*parts: str | int) -> int:
        return below.get((*path, *parts), 0)

    named = [of("properties", name) for name in node.get("properties", ())]
    in_object = max([*named, of("additionalProperties")]) + of("unevaluatedProperties") + of("propertyNames")
    in_object += sum(of("patternProperties", name) for name in node.get("patternProperties", ()))
    first = [of("prefixItems", place) for place in range(len(node.get("prefixItems", ())))]
    return in_object, max([*first, of("items")]) + of("contains") + of("unevaluatedItems")


def _subschemas(node: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A schema and all in it that are objects, by their paths."""
    if not isinstance(node, dict):
        return
    yield path, node
    for word in (*_CHILD, *_IN_PLACE, "contentSchema"):
        yield from _subschemas(node.get(word), (*path, word))
    for word in (*_LISTS, "prefixItems"):
        for place, inner in enumerate(node.get(word, ())):
            yield from _subschemas(inner, (*path, word, place))
    for word in ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions"):
        inner_schemas = node.get(word, {})
        for name, inner in inner_schemas.items() if isinstance(inner_schemas, dict) else ():
            yield from _subschemas(inner, (*path, word, name))


def _at(value: Any, parts: Sequence[str]) -> tuple[Any, Path]:
    """What is in a value where parts of a pointer lead, and the path there; None if there is nothing."""
    path: list[str | int] = []
    for part in parts:
        key: Any = int(part) if isinstance(value, list) and part.isdecimal() else part
        try:
            value = value[key]
        except (LookupError, TypeError):
            return None, (*path, part)
        path.append(key)
    return value, tuple(path)
