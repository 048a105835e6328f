"""Tells which JSON texts PostgreSQL's jsonb cannot store: invalid ones, and ones with too large numbers. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

import orjson

MAX_DEPTH = 500
"""PostgreSQL's parser is recursive and gives up after some thousands, depending on its stack."""
SURE_BYTES = 10_000
"""Numbers in shorter texts have few enough digits."""
_EXPONENT = re.compile(r"[eE]([+-]?\d+)")
_MAX_EXPONENT = 10_000
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


_SPACES = r"[ \t\n\r]*"
_STRING = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt])*"'
_SCALAR = rf"{_STRING}|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{{1,2}})?|true|false|null"


def _nested(levels: int) -> str:
    """A pattern for JSON of at most so many levels, without ``\\u`` and large exponents."""
    return f"(?:{_SCALAR}|{_document(levels)})" if levels else f"(?:{_SCALAR})"


def _document(levels: int) -> str:
    """The same for objects and arrays only."""
    item = f"{_nested(levels - 1)}{_SPACES}"
    pair = f"{_STRING}{_SPACES}:{_SPACES}{item}"
    some, pairs = (f"{_SPACES}(?:{one}(?:,{_SPACES}{one})*)?" for one in (item, pair))
    return rf"(?:\[{some}\]|\{{{pairs}\}})"


_LEVELS = (2, 3)
SURE = tuple(f"^{_SPACES}{_nested(levels)}{_SPACES}$" for levels in _LEVELS)
"""RE2 patterns of texts that jsonb holds, if they have at most ``SURE_BYTES``; most texts match the first one.

A whole column is looked at in a fifth of the time that reading each text takes, and without Python. Each level makes
a pattern four times as long: with another one RE2 takes as long as reading (measured).
"""
SURE_DOCUMENTS = tuple(f"^{_document(levels)}$" for levels in _LEVELS)
"""The same for objects and arrays without spaces around them."""


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
