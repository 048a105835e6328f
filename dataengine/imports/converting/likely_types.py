"""What the beginning of a file suggests that a column holds, for a person who waits for a page.

An import decides by every cell, with Arrow (``inference.py``). This comes to the same for the same cells, one by one
and without Arrow, which web processes do not load (70 MB).
"""

from __future__ import annotations

import math
import re
from calendar import monthrange
from collections.abc import Collection, Iterable, Sequence

from dataengine.columns.types import ColumnType
from dataengine.columns.types.text import Text

from .date_formats import KNOWN, MONTH_NUMBERS, TIME, DateFormat
from .recognising import families, first_to_hold, first_with_parts

_SPACES = " \t\n\v\f\r"


def likely_type(cells: Iterable[str], markers: Collection[str]) -> str:
    """The name of the column type that all ``cells`` fit, blank ones and ``markers`` aside; else ``text``."""
    values = [value for cell in cells if (value := cell.strip(_SPACES)) and value not in markers]
    found = (_fitting(kinds, values) for kinds in families()) if values else ()
    return next((kind.name for kind in found if kind is not None), Text.name)


def _fitting(kinds: Sequence[ColumnType], values: list[str]) -> ColumnType | None:
    """Which of the types, which share a test, holds all the values."""
    kind, recognition = kinds[0], kinds[0].recognition
    assert recognition is not None  # that is what makes it one of them
    match recognition.by:
        case "integers":
            fits = _all(values, recognition.pattern)
            return first_to_hold(kinds, min(map(int, values)), max(map(int, values))) if fits else None
        case "floats":
            fits = _all(values, recognition.pattern) and all(map(_is_a_double, values))
        case "decimals" | "pattern":
            fits = _all(values, recognition.pattern)
        case "words":
            fits = all(value.lower() in recognition.texts for value in values)
        case "dates":
            return next((found for form in KNOWN if (found := _dated(kinds, values, form)) is not None), None)
        case "times":
            fits = all(_moment(value, TIME) is not None for value in values)
        case "cells":
            fits = all(map(kind.is_recognised, values))
    return kind if fits else None


def _dated(kinds: Sequence[ColumnType], values: list[str], form: DateFormat) -> ColumnType | None:
    parts: set[str] = set()
    for value in values:
        moment = _moment(value, form)
        if moment is None:
            return None
        parts |= moment.keys()
    return first_with_parts(kinds, has_clock="H" in parts, has_zone="z" in parts)


def _all(values: list[str], pattern: str) -> bool:
    compiled = re.compile(pattern, re.ASCII)
    return all(compiled.fullmatch(value) for value in values)


def _is_a_double(value: str) -> bool:
    """Neither too large for one nor so small that it becomes zero."""
    number = float(value)
    return math.isfinite(number) and (number != 0.0 or not re.match(r"-?[0-9.]*[1-9]", value))


def _moment(value: str, form: DateFormat) -> dict[str, str] | None:
    """The parts of a date or time that there is, None for anything else."""
    found = re.fullmatch(form.pattern, value, re.ASCII)
    if found is None:
        return None
    parts = {name: text for name, text in found.groupdict().items() if text}
    month = MONTH_NUMBERS.get(parts["b"].lower(), 0) if "b" in parts else int(parts.get("m", 1))
    # Of two-digit years only whether they are leap years matters here.
    year, day = int(parts.get("Y") or parts.get("y") or 1970), int(parts.get("d", 1))
    year += 2000 * ("y" in parts)
    if year < 1 or not 1 <= month <= 12 or not 1 <= day <= monthrange(year, month)[1]:
        return None
    hour = int(parts.get("H", 0))
    if hour > 23 or int(parts.get("M", 0)) > 59 or int(parts.get("S", 0)) > 59:
        return None
    if "p" in parts and not 1 <= hour <= 12:
        return None
    if len(parts.get("f", "").rstrip("0")) > 6:
        return None
    zone = re.sub(r"[:+-]", "", parts.get("z", "0")).ljust(4, "0")
    if zone[0] not in "zZ" and (int(zone[:2]) > 15 or int(zone[2:]) > 59):
        return None
    return parts
