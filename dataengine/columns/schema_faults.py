"""What a JSON value breaks of a JSON Schema (draft 2020-12): each fault with its JSON Pointer and a sentence. Pure.

A pointer (RFC 6901) leads to the value at fault; of a missing one, to where it should be, of an unknown key, to that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from dataengine.columns.json_texts import is_deeper
from dataengine.exceptions import InvalidInput, Path, shown

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError, Validator

DRAFT = "https://json-schema.org/draft/2020-12/schema"
MAX_DEPTH = 200
"""Validators go down to 255 levels."""
MOST_FAULTS = 50
"""One answer names at most so many; the others come up once these are corrected."""
_PATTERN_BYTES = 512 * 1024
_NOUNS = {
    "object": "a JSON object", "string": "a text", "boolean": "true or false", "number": "a number",
    "integer": "a whole number", "array": "a list", "null": "null",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, by which keyword of the schema, and what to give instead."""

    path: Path
    keyword: str
    message: str

    @property
    def pointer(self) -> str:
        return pointer(self.path)

    def __str__(self) -> str:
        return f"{shown(self.pointer)}: {self.message}" if self.path else self.message


def pointer(path: Iterable[str | int]) -> str:
    """A path as a JSON Pointer; the value as a whole is ''."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def listed(faults: Iterable[tuple[Path, str]]) -> list[dict[str, str]]:
    """Faults as the API's errors have them, under ``pointers``."""
    return [{"pointer": shown(pointer(path), 1_000), "message": message} for path, message in faults]


def faults_of_schema(schema: Any) -> list[Fault]:
    """What keeps a JSON value from being a JSON Schema; whether its patterns and formats are any is not looked at."""
    return faults_of(_metaschema(), schema)


@cache
def _metaschema() -> Validator:
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator({"$ref": DRAFT}, offline=True)


def plain(value: Any) -> Any:
    """JSON without what only our parser knows of numbers. Raises InvalidInput for what no validator goes through."""
    text = json.dumps(value)
    copy = json.loads(text)
    if is_deeper(copy, text, MAX_DEPTH):
        raise InvalidInput("This is nested too deeply.", code="bad_request")
    return copy


def validator(schema: Mapping[str, Any]) -> Validator:
    """What checks values against ``schema``. Raises jsonschema_rs.ValidationError for what is no such schema.

    Nothing is ever fetched, and regular expressions take a time that is linear in the text: they know neither
    look-around nor references back.
    """
    from jsonschema_rs import Draft202012Validator, RegexOptions  # web processes rarely need it

    return Draft202012Validator(
        dict(schema),
        validate_formats=True,
        ignore_unknown_formats=False,
        offline=True,
        pattern_options=RegexOptions(size_limit=_PATTERN_BYTES, dfa_size_limit=_PATTERN_BYTES),
    )


def faults_of(check: Validator, value: Any) -> list[Fault]:
    """All faults of a value, in the order of its parts; at most ``MOST_FAULTS``."""
    found = (fault for error in check.iter_errors(value) for fault in _faults(error))
    return list(islice(dict.fromkeys(found), MOST_FAULTS))


def _faults(error: ValidationError) -> Iterator[Fault]:
    kind: Any = error.kind
    path = tuple(error.instance_path)
    match kind.name:
        case "required":
            yield Fault((*path, kind.property), "required", "This is missing.")
        case "additionalProperties" | "unevaluatedProperties":
            for name in kind.unexpected[:MOST_FAULTS]:
                yield Fault((*path, name), kind.name, "There is no such key.")
        case "oneOf" if type(kind).__name__ == "OneOfMultipleValid":
            yield Fault(path, "oneOf", "This has several of the forms of which one is allowed.")
        case "anyOf" | "oneOf":
            yield from _of_branches(path, kind)
        case _:
            yield Fault(path, kind.name, _sentence(kind))


def _of_branches(path: Path, kind: Any) -> Iterator[Fault]:
    """Of several forms that are allowed: what is wrong with the one that was meant, if that can be told."""
    branches: Sequence[Sequence[ValidationError]] = kind.context
    meant = [branch for branch in branches if not any(_is_of_type(error, path) for error in branch)]
    if len(meant) == 1 and meant[0]:
        for error in meant[0]:
            yield from _faults(error)
        return
    wanted = [name for branch in branches for error in branch if _is_of_type(error, path) for name in _types(error)]
    is_about_type = bool(branches) and not meant
    words = f"Give {_either(dict.fromkeys(_noun(name) for name in wanted))}." if is_about_type else _NO_FORM
    yield Fault(path, kind.name, words)


_NO_FORM = "This has none of the forms that are allowed."


def _is_of_type(error: ValidationError, path: Path) -> bool:
    return error.kind.name == "type" and tuple(error.instance_path) == path


def _types(error: ValidationError) -> list[str]:
    kind: Any = error.kind
    return list(kind.types)


def _noun(json_type: str) -> str:
    return _NOUNS.get(json_type, json_type)


def _sentence(kind: Any) -> str:
    written = _SENTENCES.get(kind.name)
    return written(kind) if written is not None else f"This violates the rule {kind.name}."


def _least(what: str) -> Callable[[Any], str]:
    return lambda kind: "This cannot be empty." if kind.limit == 1 else f"Give at least {kind.limit:,} {what}."


def _most(what: str) -> Callable[[Any], str]:
    return lambda kind: f"Give at most {kind.limit:,} {what}."


_SENTENCES: dict[str, Callable[[Any], str]] = {
    "type": lambda kind: f"Give {_either(_noun(name) for name in sorted(kind.types, key=list(_NOUNS).index))}.",
    "enum": lambda kind: f"Give {_either(_word(option) for option in kind.options)}.",
    "const": lambda kind: f"Give {_word(kind.expected_value)}.",
    "minimum": lambda kind: f"Give at least {kind.limit}.",
    "maximum": lambda kind: f"Give at most {kind.limit}.",
    "exclusiveMinimum": lambda kind: f"Give more than {kind.limit}.",
    "exclusiveMaximum": lambda kind: f"Give less than {kind.limit}.",
    "multipleOf": lambda kind: f"Give a multiple of {kind.multiple_of}.",
    "minLength": _least("characters"),
    "maxLength": _most("characters"),
    "pattern": lambda kind: f"This does not match the pattern {shown(kind.pattern)}.",
    "format": lambda kind: f"This is no {shown(kind.format)}.",
    "minItems": _least("entries"),
    "maxItems": _most("entries"),
    "minProperties": _least("keys"),
    "maxProperties": _most("keys"),
    "uniqueItems": lambda kind: "No entry may occur twice.",
    "unevaluatedItems": lambda kind: "Some of the entries are not allowed.",
    "contains": lambda kind: "An entry that is needed is missing.",
    "propertyNames": lambda kind: f"A key is not allowed. {next(_faults(kind.error)).message}",
    "falseSchema": lambda kind: "This is not allowed.",
    "not": lambda kind: "This is not allowed.",
}


def _word(value: Any) -> str:
    return f"“{shown(value)}”" if isinstance(value, str) else shown(json.dumps(value, ensure_ascii=False))


def _either(words: Iterable[str]) -> str:
    known = list(words)
    if len(known) > 12:
        known = [*known[:11], "another of the values that are allowed"]
    return " or ".join([", ".join(known[:-1]), known[-1]]) if len(known) > 1 else "".join(known)
