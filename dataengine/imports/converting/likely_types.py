"""The likely type of a column, judged by the beginning of a file, for a user who waits for a page.

An import decides by every cell, with Arrow (``inference.py``). This comes to the same result for the same cells, one by
one and without Arrow, which web processes do not load (70 MB).
"""

from __future__ import annotations

import math
import re
from calendar import monthrange
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from dataengine.columns.types import REGISTRY, ColumnType
from dataengine.columns.types.numbers import INTEGER, Numeric
from dataengine.columns.types.text import Text

from .date_formats import KNOWN, MONTH_NUMBERS, TIME, DateFormat
from .number_styles import COMMA, POINT, ZERO, NumberStyle, Tally, decide, said_in
from .patterns import CODE, INFINITIES, SHEET_ERRORS, SHEET_NULLS
from .recognising import (
    MOST_FAILURES,
    NUMBERS,
    TOLERANCE,
    best_pair,
    families,
    first_to_hold,
    first_with_parts,
    rounds,
)

_ASIDE = frozenset({*SHEET_NULLS, *SHEET_ERRORS, *INFINITIES})
_SPACES = " \t\n\v\f\r"


def likely_type(cells: Iterable[str], markers: Collection[str], tolerance: float = TOLERANCE) -> str:
    """The name of the column type that nearly all ``cells`` fit, blank ones and ``markers`` aside; else ``text``."""
    values = [value for cell in cells if (value := cell.strip(_SPACES)) and value not in markers]
    infinite = sum(value in INFINITIES for value in values)
    values = [value for value in values if value not in _ASIDE]
    if not values:
        return Text.name
    found: list[tuple[int, float, str]] = []
    for place, kinds in enumerate(families()):
        assert kinds[0].recognition is not None  # `families` lists only types that have one
        is_number = kinds[0].recognition.by in NUMBERS
        for failures, kind in _fitting(kinds, values):
            found.append((failures + infinite * (not is_number), place, kind.name))
    last_number = max(place for place, kinds in enumerate(families()) if _is_number(kinds[0]))
    if (written := _written(values)) is not None:
        found.append((*written[:1], last_number + 0.5, written[1]))
    limit = min(MOST_FAILURES, math.floor(tolerance * (len(values) + infinite)))
    has_codes = any(re.match(CODE, value, re.ASCII) for value in values)
    within = [
        item for item in found if item[0] <= limit and not (item[0] and has_codes and _is_number(REGISTRY[item[2]]))
    ]
    return min(within, key=lambda item: item[:2])[2] if within else Text.name


def _is_number(kind: ColumnType) -> bool:
    return kind.recognition is not None and kind.recognition.by in NUMBERS


def _fitting(kinds: Sequence[ColumnType], values: list[str]) -> Iterator[tuple[int, ColumnType]]:
    """The types out of some that share a test that can hold the values, each with its number of misfits; per format."""
    kind, recognition = kinds[0], kinds[0].recognition
    assert recognition is not None  # `families` lists only types that have one
    held: ColumnType | None = kind
    match recognition.by:
        case "integers":
            fits = [value for value in values if _is_like(value, recognition.pattern)]
            held = first_to_hold(kinds, min(map(int, fits), default=0), max(map(int, fits), default=0))
        case "floats":
            fits = [value for value in values if _is_like(value, recognition.pattern) and _is_a_double(value)]
            whole = [int(value) for value in values if _is_like(value, INTEGER)]
            if not any("." in value for value in values):
                held = None
            elif any(map(rounds, fits)) or any(abs(number) > 2**53 for number in whole):
                held = REGISTRY[Numeric.name]
        case "decimals" | "pattern":
            fits = [value for value in values if _is_like(value, recognition.pattern)]
        case "words":
            yield len(values) - best_pair(Counter(value.lower() for value in values), kind), kind
            return
        case "dates":
            for form in KNOWN:
                yield from _dated(kinds, values, form)
            return
        case "times":
            fits = [value for value in values if _moment(value, TIME) is not None]
        case "cells":
            pattern = recognition.pattern or "(?s:.*)"
            fits = [value for value in values if _is_like(value, pattern) and kind.is_recognised(value)]
    if held is not None:
        yield len(values) - len(fits), held


def _dated(kinds: Sequence[ColumnType], values: list[str], form: DateFormat) -> Iterator[tuple[int, ColumnType]]:
    moments = [moment for value in values if (moment := _moment(value, form)) is not None]
    parts = {name for moment in moments for name in moment}
    kind = first_with_parts(kinds, has_clock="H" in parts, has_zone="z" in parts)
    if kind is not None:
        yield len(values) - len(moments), kind


def _written(values: list[str]) -> tuple[int, str] | None:
    """The type for numbers as spreadsheets write them, and how many cells do not fit."""
    reading = decide([_tally(values, style) for style in (POINT, COMMA)], None)
    if reading is None or not reading.tally.is_sound:
        return None
    tally = reading.tally
    held = REGISTRY[Numeric.name]
    if tally.is_whole:
        integers = next(k for k in families() if k[0].recognition is not None and k[0].recognition.by == "integers")
        held = first_to_hold(integers, tally.low, tally.high) or held
    return tally.failures, held.name


def _tally(values: list[str], style: NumberStyle) -> Tally:
    """How well the cells fit a style; ``kernels_written.NumberVotes`` does the same for columns."""
    tally = Tally(style)
    for value in values:
        said = said_in(value, style)
        if said is None:
            tally.failures += 1
            continue
        tally.take(said)
        tally.bare = tally.bare or not (said.percent or _is_like(said.text, ZERO))
        if _is_like(said.text, INTEGER):
            tally.low, tally.high = min(tally.low, int(said.text)), max(tally.high, int(said.text))
    return tally


def _is_like(value: str, pattern: str) -> bool:
    return re.fullmatch(pattern.removeprefix("^").removesuffix("$"), value, re.ASCII) is not None


def _is_a_double(value: str) -> bool:
    """Neither too large for a double nor so small that it becomes zero."""
    number = float(value)
    return math.isfinite(number) and (number != 0.0 or not re.match(r"-?[0-9.]*[1-9]", value))


def _moment(value: str, form: DateFormat) -> dict[str, str] | None:
    """The parts of a date or time that exists, None for anything else."""
    found = re.fullmatch(form.pattern, value, re.ASCII)
    if found is None:
        return None
    parts = {name: text for name, text in found.groupdict().items() if text}
    month = MONTH_NUMBERS.get(parts["b"].lower(), 0) if "b" in parts else int(parts.get("m", 1))
    # Of a two-digit year it only matters here whether it is a leap year.
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
