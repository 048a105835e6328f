"""Reads and writes JSON without loss: numbers keep their text, and text that PostgreSQL cannot store is an error."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder

from dataengine.columns.exact_numbers import ExactEncoder, ExactFloat
from dataengine.exceptions import InvalidInput, TooLarge, shown

# Escapes that may hide a NUL or a lone surrogate; only if there are any is the whole body searched.
_SUSPICIOUS = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class _AnswerEncoder(ExactEncoder, JSONEncoder):
    """What the framework writes, and numbers of JSON columns with all their digits."""

    def encode(self, o: Any) -> str:
        # To look through an answer takes time, and hardly any holds such a number.
        return super().encode(o) if ExactFloat.is_read else JSONEncoder.encode(self, o)


class ExactJSONRenderer(JSONRenderer):
    """Answers without loss."""

    encoder_class = _AnswerEncoder


class ExactJSONParser(BaseParser):
    """``application/json`` in UTF-8. Refuses NaN and infinities, which are not JSON."""

    media_type = "application/json"
    renderer_class = ExactJSONRenderer

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """The body as Python values. Raises ParseError, or InvalidInput naming the key at fault."""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw: bytes = stream.read(-1 if limit is None else limit + 1)
        if limit is not None and len(raw) > limit:
            raise TooLarge(f"The body is larger than {limit:,} bytes.")
        try:
            parsed = json.loads(
                raw.decode("utf-8-sig"),
                parse_float=_number,
                parse_constant=_refuse_constant,
                parse_int=_integer,
                object_pairs_hook=_object,
            )
        except UnicodeDecodeError as error:
            raise ParseError("The body is not UTF-8.") from error
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}") from error
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error
        if _SUSPICIOUS.search(raw):
            _refuse_unstorable(parsed, "body")
        return parsed


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different: of two equal keys nobody could tell which one is meant."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in made if names.count(name) > 1)
        name = shown(twice)
        raise InvalidInput(f"{name}: This key occurs twice in one object.", fields={name: "This key occurs twice."})
    return made


def _number(text: str) -> float:
    number = ExactFloat(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is too large; send it as a string")
    return number


def _integer(text: str) -> int:
    if len(text) > 1_000:
        raise ValueError("a number is too long; send it as a string")
    return int(text)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _refuse_unstorable(value: Any, name: str, *path: str | int) -> None:
    """Raise InvalidInput for a NUL or a lone surrogate in any text, filed under its key and pointing to its place."""
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            reason = "Null characters and unpaired surrogates are not allowed."
            pointers = [(path, reason)] if path else []
            raise InvalidInput(f"{name}: {reason}", code="invalid_text", fields={name: reason}, pointers=pointers)
    elif isinstance(value, dict):
        for key, entry in value.items():
            _refuse_unstorable(key, name, *path)
            _refuse_unstorable(entry, key, *path, key)
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            _refuse_unstorable(entry, name, *path, index)
