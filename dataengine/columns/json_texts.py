"""Tells which JSON texts PostgreSQL's jsonb cannot store: invalid ones, and ones with too large numbers. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

import orjson

MAX_DEPTH = 500
"""PostgreSQL's parser is recursive and gives up after some thousands, depending on its stack."""
_EXPONENT = re.compile(r"[eE]([+-]?\d+)")
_MAX_EXPONENT = 10_000
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class _TooLarge(ValueError):
    """A number that jsonb, which stores numbers as numeric, cannot hold."""


def _refuse(word: str) -> Any:
    raise ValueError(word)


def _number(text: str) -> float:
    found = _EXPONENT.search(text)
    if found and (len(found[1]) > 7 or abs(int(found[1])) > _MAX_EXPONENT):
        raise _TooLarge(text)
    return 0.0


def _integer(text: str) -> int:
    if len(text) > _MAX_EXPONENT:
        raise _TooLarge(text)
    return 0


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_number, parse_int=_integer)


def fault_of(text: str) -> Literal["", "invalid", "large"]:
    """Why jsonb refuses a text: it is no JSON that PostgreSQL can store, or a number is too large."""
    # orjson reads most texts, five times as quickly. It also reads NUL, numbers that are next to nothing and deep
    # nesting; everything else that it accepts, jsonb does.
    is_plain = not ("\\u" in text or "e-" in text or "E-" in text)
    if is_plain and (len(text) <= MAX_DEPTH or text.count("[") + text.count("{") <= MAX_DEPTH):
        try:
            orjson.loads(text)
        except ValueError:
            pass  # or a number is beyond a float
        else:
            return ""
    return _fault_of(text)


def _fault_of(text: str) -> Literal["", "invalid", "large"]:
    try:
        value = _DECODER.decode(text.strip(" \t\n\r"))
        if "\\u" in text:
            plain = json.dumps(value, ensure_ascii=False)
            plain.encode()
            if _NUL.search(plain):
                return "invalid"
    except _TooLarge:
        return "large"
    except (ValueError, RecursionError):
        return "invalid"
    return "invalid" if is_deeper(value, text, MAX_DEPTH) else ""


def is_deeper(value: Any, text: str, levels: int) -> bool:
    """Whether a JSON value, written as ``text``, is nested deeper than so many levels."""
    if text.count("[") + text.count("{") <= levels:
        return False
    depth = 0
    level = [value]
    while level and depth <= levels:
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        depth += any(isinstance(item, dict | list) for item in level)
        level = inner
    return depth > levels
