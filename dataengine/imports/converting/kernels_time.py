"""Conversion kernels for dates and times. Pure.

ISO cells go through Arrow's strict parser in one call. Everything else is split by a format's pattern, whole columns at
once, and put together with arithmetic that checks every part: no 30 February, no hour 25, years 1 to 9999.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .date_formats import ISO, TIME
from .kernels import SPACES, Converted, Problem, Target, cast, fault, matches, only, present, trimmed
from .moments import Moments, fits_shape, take_apart
from .shapes import Ints, Mask, shapes_of

_BEYOND = r"^(?:[+-]?[0-9]{5,9}|[+-][0-9]{4}|0000)-[0-9]{2}-[0-9]{2}(?:[T ].*)?(?: BC)?$"
"""ISO dates in years that we do not store."""

_ODD_CLOCK = r"^.{13}(?:[zZ+-]|$)|:[0-9.]+ ?[+-](?:1[6-9]|2[0-9])"
"""Accepted by Arrow but not by PostgreSQL: an hour without minutes, and zones beyond 15:59."""

_FIRST_DAY = -719_162  # 0001-01-01, in days since 1970
_END_DAY = 2_932_897  # 10000-01-01
_DAY_US = 86_400_000_000


def iso_block(cells: pa.Array) -> pa.DataType | None:
    """The type shared by all cells of a block: ISO dates, or ISO moments with minutes, in UTC or without a zone.

    None if any cell is something else, or if only a closer look can tell.
    """
    limits = pc.min_max(pc.binary_length(cells))
    shortest, longest = limits["min"].as_py(), limits["max"].as_py()
    if shortest is None or shortest < len("2024-01-31"):
        return None
    if shortest == longest == len("2024-01-31"):
        days = cast(cells, pa.date32())
        if days is None or pc.min(pc.cast(days, pa.int32())).as_py() < _FIRST_DAY:
            return None
        return pa.date32()
    # Arrow accepts an hour without minutes, PostgreSQL does not.
    if not pc.all(pc.equal(pc.binary_slice(cells.cast(pa.binary()), 13, 14), b":")).as_py():
        return None
    in_utc = pc.all(pc.ends_with(cells, "Z")).as_py()
    moments = cast(cells, pa.timestamp("us", "UTC" if in_utc else None))
    if moments is None or pc.min(pc.cast(moments, pa.int64())).as_py() < _FIRST_DAY * _DAY_US:
        return None
    kind: pa.DataType = moments.type
    return kind


def plain_date(target: Target) -> str:
    """A pattern for ISO dates on days that every month has."""
    return r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])$"


def quick_date(cells: pa.Array, target: Target) -> pa.Array | None:
    values = cast(cells, target.arrow)
    if values is None or (pc.min(pc.cast(values, pa.int32())).as_py() or 0) < _FIRST_DAY:
        return None
    return values


def careful_date(cells: pa.Array, target: Target) -> Converted:
    """``2024-01-31``, or one of the column's formats. Years 1 to 9999.

    A time of day is accepted only if it is midnight, in UTC or without a zone: programs whose type for days includes a
    clock write 00:00:00 after them.
    """

    def finish(moments: Moments) -> tuple[Ints, Mask, Mask]:
        refused = (moments.clock != 0) | (moments.offset != 0)
        return moments.days, refused, np.zeros(len(moments.days), dtype=np.bool_)

    return _careful(cells, target, finish, "a date without a time of day")


def quick_timestamp(cells: pa.Array, target: Target) -> pa.Array | None:
    values = cast(cells, target.arrow)
    if values is None:
        return None
    if pc.any(pc.match_substring_regex(cells, _ODD_CLOCK)).as_py():
        return None
    limits = pc.min_max(pc.cast(values, pa.int64()))
    low, high = limits["min"].as_py() or 0, limits["max"].as_py() or 0
    return None if low < _FIRST_DAY * _DAY_US or high >= _END_DAY * _DAY_US else values


def careful_timestamp(cells: pa.Array, target: Target) -> Converted:
    """``2024-01-31 12:34[:56[.789012]]`` with a space or ``T``, a date alone (midnight), or a format of the column.

    ``timestamptz`` takes a zone (``Z``, ``+02``, ``+0230``, ``+02:30``) and is UTC without one. ``timestamp`` has no
    zone: it accepts UTC only, since dropping another zone would change the moment.
    """
    zoned = target.kind.has_zone

    def finish(moments: Moments) -> tuple[Ints, Mask, Mask]:
        values = moments.days * _DAY_US + moments.clock - moments.offset
        outside = (values < _FIRST_DAY * _DAY_US) | (values >= _END_DAY * _DAY_US)
        return values, (moments.offset != 0) & (not zoned), outside

    return _careful(cells, target, finish, "a date and time without a time zone")


def quick_time(cells: pa.Array, target: Target) -> pa.Array | None:
    moments = cast(pc.binary_join_element_wise("1970-01-01 ", cells, ""), pa.timestamp("us"))
    if moments is None or (pc.min(pc.binary_length(cells)).as_py() or 5) < 5:
        return None
    return pc.cast(pc.cast(moments, pa.int64()), pa.time64("us"))


def careful_time(cells: pa.Array, target: Target) -> Converted:
    """``12:34[:56[.789012]]``, maybe with am or pm, or a format of the column. No zone."""

    def finish(moments: Moments) -> tuple[Ints, Mask, Mask]:
        none = np.zeros(len(moments.days), dtype=np.bool_)
        return moments.clock, none, none

    return _careful(cells, target, finish, "")


def excel_day(text: str) -> str:
    """What a number in place of a date may mean: workbooks count days, and only the cell's format makes them dates."""
    text = text.strip(SPACES)
    if not re.fullmatch(r"[1-9][0-9]{4}(?:\.[0-9]{1,12})?", text):
        return ""
    moment = datetime(1899, 12, 30) + timedelta(seconds=round(float(text) * 86_400))  # noqa: DTZ001  sheets know no zones
    return f"Excel’s day number {text} is {moment.date() if moment.time() == time() else moment}"


def _careful(
    cells: pa.Array, target: Target, finish: Callable[[Moments], tuple[Ints, Mask, Mask]], instead: str
) -> Converted:
    text = trimmed(cells)
    count = len(text)
    values = np.zeros(count, dtype=np.int64)
    open_ = present(text)
    good = np.zeros(count, dtype=np.bool_)
    problems: list[Problem] = []
    unreal = np.zeros(count, dtype=np.bool_)
    expected, is_dated = target.kind.expected, target.kind.has_date
    shapes = shapes_of(text)
    for form in [ISO if is_dated else TIME, *target.formats]:
        if form.has_date != is_dated or not open_.any():
            continue
        if shapes is None or not form.is_for_any_digits:
            left = only(text, open_)
            if form is not ISO and form is not TIME and not matches(left, form.pattern).any():
                continue
            moments = take_apart(left, form, None)
        elif any(fits_shape(shape, form) for shape in shapes.texts):
            moments = take_apart(text, form, shapes)
        else:
            continue
        found, refused, outside = finish(moments)
        here = moments.matched & open_
        fits = here & moments.real
        problems += fault(fits & refused, "invalid_type", instead)
        problems += fault(fits & ~refused & outside, "out_of_range", "a year from 1 to 9999")
        problems += fault(fits & ~refused & ~outside & moments.fine, "out_of_range", "at most 6 decimals of a second")
        taken = fits & ~refused & ~outside & ~moments.fine
        values[taken] = found[taken]
        good |= taken
        open_ &= ~fits
        unreal |= here & ~moments.real
    if is_dated:
        examples = dict.fromkeys(form.example for form in target.formats if not expected.endswith(form.example))
        expected = " or ".join([expected, *examples])
    beyond = open_ & matches(only(text, open_), _BEYOND) if is_dated and open_.any() else np.zeros_like(open_)
    problems += fault(beyond, "out_of_range", "a year from 1 to 9999")
    problems += fault(open_ & ~beyond & unreal, "invalid_type", f"{expected} that exists")
    problems += fault(open_ & ~beyond & ~unreal, "invalid_type", expected, excel_day if is_dated else None)
    if pa.types.is_date32(target.arrow):
        return Converted(pc.cast(pa.array(values.astype(np.int32), mask=~good), target.arrow), problems)
    return Converted(pc.cast(pa.array(values, mask=~good), target.arrow), problems)
