"""What the beginning of a file suggests that a column holds, for a person who waits for a page.

An import decides by every cell, with Arrow (``inference.py``). This comes to the same for the same cells, one by one
and without Arrow, which web processes do not load (70 MB).
"""

from __future__ import annotations

import math
import re
from calendar import monthrange
from collections.abc import Callable, Collection, Iterable

from .date_formats import KNOWN, MONTHS, TIME, DateFormat
from .patterns import BOOLEANS, DECIMAL, FLOAT, GUARDED, INTEGER, UUID

_SPACES = " \t\n\v\f\r"
_MONTHS = {name: number % 12 + 1 for number, name in enumerate([*MONTHS, *(month[:3] for month in MONTHS)])} | {
    "sept": 9
}


def likely_type(cells: Iterable[str], markers: Collection[str]) -> str:
    """The name of the column type that all ``cells`` fit, blank ones and ``markers`` aside; else ``text``."""
    values = [value for cell in cells if (value := cell.strip(_SPACES)) and value not in markers]
    if not values:
        return "text"
    if _all(values, INTEGER):
        low, high = min(map(int, values)), max(map(int, values))
        if low < -(2**63) or high >= 2**63:
            return "numeric"
        return "integer" if low >= -(2**31) and high < 2**31 else "bigint"
    tests: dict[str, Callable[[list[str]], bool]] = {
        "numeric": lambda values: _all(values, DECIMAL),
        "double": lambda values: _all(values, FLOAT) and all(map(_is_a_double, values)),
        "boolean": lambda values: all(value.lower() in BOOLEANS for value in values),
    }
    for name, fits in tests.items():
        if fits(values):
            return name
    for form in KNOWN:
        moments = [_moment(value, form) for value in values]
        if all(moment is not None for moment in moments):
            if not any(moment and moment.get("H") for moment in moments):
                return "date"
            return "timestamptz" if any(moment and moment.get("z") for moment in moments) else "timestamp"
    if all(_moment(value, TIME) is not None for value in values):
        return "time"
    return "uuid" if _all(values, UUID) else "text"


def unguarded(cell: str) -> str:
    """Take off the guard that rejected.csv puts before what a spreadsheet would run."""
    return cell[1:] if re.match(GUARDED, cell) else cell


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
    month = _MONTHS.get(parts["b"].lower(), 0) if "b" in parts else int(parts.get("m", 1))
    year, day = int(parts.get("Y", 1970)), int(parts.get("d", 1))
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
