"""The conversion kernel for JSON cells. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pyarrow as pa

from .kernels import Converted, Problem, Target, only

MAX_DEPTH = 500
"""PostgreSQL's parser recurses and refuses at some thousands, depending on its stack."""
_EXPONENT = re.compile(r"[eE]([+-]?\d+)")
_MAX_EXPONENT = 10_000
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class _TooLarge(ValueError):
    """A number that jsonb, which keeps numbers as numeric, cannot hold."""


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


def quick_json(cells: pa.Array, target: Target) -> pa.Array | None:
    return None


def careful_json(cells: pa.Array, target: Target) -> Converted:
    """JSON as RFC 8259 has it, as far as PostgreSQL's jsonb can keep it.

    That leaves out ``\\u0000``, lone surrogates, numbers with exponents beyond 10,000 and nesting beyond 500.
    """
    invalid: list[int] = []
    large: list[int] = []
    for index, text in enumerate(cells.to_pylist()):
        if text is not None:
            verdict = _check(text)
            if verdict == "invalid":
                invalid.append(index)
            elif verdict == "large":
                large.append(index)
    problems = []
    if invalid:
        problems.append(Problem(np.array(invalid, dtype=np.int64), "invalid_type", target.kind.expected))
    if large:
        expected = "JSON with numbers that PostgreSQL can hold"
        problems.append(Problem(np.array(large, dtype=np.int64), "out_of_range", expected))
    mask = np.zeros(len(cells), dtype=np.bool_)
    mask[invalid + large] = True
    values = only(cells, ~mask) if mask.any() else cells
    return Converted(values, problems)


def _check(text: str) -> str:
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
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        return "invalid"
    return ""


def _depth(value: Any) -> int:
    depth = 0
    level = [value]
    while level and depth <= MAX_DEPTH:
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        depth += any(isinstance(item, dict | list) for item in level)
        level = inner
    return depth
