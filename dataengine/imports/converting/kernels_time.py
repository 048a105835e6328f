"""Conversion kernels for dates and times. Pure.

ISO cells go through Arrow's strict parser in one call. Everything else is split by a format's pattern, whole columns at
once, and put together with arithmetic that checks every part: no 30 February, no hour 25, years 1 to 9999.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .date_formats import ISO, MONTH_NUMBERS, TIME, DateFormat
from .kernels import SPACES, Converted, Mask, Problem, Target, cast, fault, mask_of, matches, only, present, trimmed

_BEYOND = r"^(?:[+-]?[0-9]{5,9}|[+-][0-9]{4}|0000)-[0-9]{2}-[0-9]{2}(?:[T ].*)?(?: BC)?$"
"""ISO dates in years that we do not store."""

_ODD_CLOCK = r"^.{13}(?:[zZ+-]|$)|:[0-9.]+ ?[+-](?:1[6-9]|2[0-9])"
"""Accepted by Arrow but not by PostgreSQL: an hour without minutes, and zones beyond 15:59."""

type Ints = npt.NDArray[np.int64]

_FIRST_DAY = -719_162  # 0001-01-01, in days since 1970
_END_DAY = 2_932_897  # 10000-01-01
_DAY_US = 86_400_000_000
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Moments:
    """Cells split by a format: which matched it, which of those are real dates, and their parts.

    ``days`` since 1970, ``clock`` in microseconds of the day, ``offset`` of the zone in microseconds.
    ``fine`` marks cells with more than six decimals of a second.
    """

    matched: Mask
    real: Mask
    days: Ints
    clock: Ints
    offset: Ints
    has_clock: Mask
    has_zone: Mask
    fine: Mask


def take_apart(text: pa.Array, form: DateFormat) -> Moments:
    """Read every cell under one format."""
    parts = pc.extract_regex(text, form.pattern)
    matched = mask_of(parts.is_valid())
    count = len(text)

    def number(group: str, default: int = 0) -> Ints:
        if group not in form.groups:
            return np.full(count, default, dtype=np.int64)
        digits = _part(parts, group, form)
        digits = pc.if_else(pc.equal(digits, ""), str(default), digits)
        numbers: Ints = pc.fill_null(pc.cast(digits, pa.int64()), default).to_numpy(zero_copy_only=False)
        return numbers

    year = number("Y", 1970)
    if "y" in form.groups:
        short = number("y")
        year = np.where(short < 69, 2000 + short, 1900 + short)
    month = _month_of(pc.struct_field(parts, "b")) if "b" in form.groups else number("m", 1)
    day, hour, minute, second = number("d", 1), number("H"), number("M"), number("S")
    real = matched & (year >= 1) & (year <= 9999) & (month >= 1) & (month <= 12) & (day >= 1)
    month0 = np.where(real, month, 1) - 1
    leap = (month0 == 1) & (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    real &= day <= _MONTH_DAYS[month0] + leap
    has_clock = np.zeros(count, dtype=np.bool_)
    if "H" in form.groups:
        has_clock = matched & mask_of(pc.not_equal(_part(parts, "H", form), ""))
    if "p" in form.groups:
        half = pc.replace_substring(pc.utf8_lower(_part(parts, "p", form)), ".", "")
        is_pm, is_am = mask_of(pc.equal(half, "pm")), mask_of(pc.equal(half, "am"))
        real &= ~(is_pm | is_am) | ((hour >= 1) & (hour <= 12))
        hour = np.where(is_pm & (hour < 12), hour + 12, np.where(is_am & (hour == 12), 0, hour))
    real &= (hour <= 23) & (minute <= 59) & (second <= 59)
    micros, fine = _fraction(parts, form, count)
    offset, has_zone, zone_real = _offset(parts, form, count)
    months = (np.where(real, year, 1970) - 1970) * 12 + month0
    days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + np.where(real, day, 1) - 1
    clock = ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros
    return Moments(matched, real & zone_real, days, clock, offset, has_clock, has_zone, fine)


_SPARE = {"H": "h", "p": "q"}
"""Groups that stand for others where the clock has no minutes."""


def _part(parts: pa.Array, group: str, form: DateFormat) -> pa.Array:
    """What a group of the format says, '' where it is not there."""
    said = pc.struct_field(parts, group)
    spare = _SPARE.get(group)
    if spare not in form.groups:
        return said
    return pc.if_else(pc.equal(said, ""), pc.struct_field(parts, spare), said)


_MONTH_NAMES = pa.array(MONTH_NUMBERS)
_NUMBERS = np.array([*MONTH_NUMBERS.values(), 0], dtype=np.int64)


def _month_of(names: pa.Array) -> Ints:
    index = pc.fill_null(pc.index_in(pc.utf8_lower(names), _MONTH_NAMES), len(_MONTH_NAMES))
    result: Ints = _NUMBERS[index.to_numpy(zero_copy_only=False)]
    return result


def _fraction(parts: pa.Array, form: DateFormat, count: int) -> tuple[Ints, Mask]:
    if "f" not in form.groups:
        return np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.bool_)
    text = pc.utf8_rtrim(pc.fill_null(pc.struct_field(parts, "f"), ""), "0")
    fine = mask_of(pc.greater(pc.binary_length(text), 6))
    digits = pc.utf8_slice_codeunits(pc.utf8_rpad(text, 6, "0"), 0, 6)
    return pc.cast(digits, pa.int64()).to_numpy(zero_copy_only=False), fine


def _offset(parts: pa.Array, form: DateFormat, count: int) -> tuple[Ints, Mask, Mask]:
    if "z" not in form.groups:
        return np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.bool_), np.ones(count, dtype=np.bool_)
    zone = pc.fill_null(pc.struct_field(parts, "z"), "")
    has_zone = mask_of(pc.not_equal(zone, ""))
    signed = mask_of(pc.match_substring_regex(zone, r"^[+-]"))
    digits = pc.replace_substring_regex(only(zone, signed), r"[:+-]", "")
    padded = pc.utf8_rpad(pc.fill_null(digits, "0000"), 4, "0")
    value = pc.cast(padded, pa.int64()).to_numpy(zero_copy_only=False)
    hours, minutes = np.divmod(value, 100)
    sign = np.where(mask_of(pc.starts_with(zone, "-")), -1, 1)
    return sign * (hours * 60 + minutes) * 60_000_000, has_zone, (hours <= 15) & (minutes <= 59)


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


def _careful(cells: pa.Array, target: Target, finish, instead: str) -> Converted:  # type: ignore[no-untyped-def] # noqa: ANN001
    text = trimmed(cells)
    count = len(text)
    values = np.zeros(count, dtype=np.int64)
    open_ = present(text)
    good = np.zeros(count, dtype=np.bool_)
    problems: list[Problem] = []
    unreal = np.zeros(count, dtype=np.bool_)
    expected, is_dated = target.kind.expected, target.kind.has_date
    for form in [ISO if is_dated else TIME, *target.formats]:
        if form.has_date != is_dated or not open_.any():
            continue
        if form is not ISO and form is not TIME and not matches(only(text, open_), form.pattern).any():
            continue
        moments = take_apart(only(text, open_), form)
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
    if target.formats and is_dated:
        expected += " or " + " or ".join(form.example for form in target.formats if form is not ISO)
    beyond = open_ & matches(text, _BEYOND) if is_dated else np.zeros(count, dtype=np.bool_)
    problems += fault(beyond, "out_of_range", "a year from 1 to 9999")
    problems += fault(open_ & ~beyond & unreal, "invalid_type", f"{expected} that exists")
    problems += fault(open_ & ~beyond & ~unreal, "invalid_type", expected, excel_day if is_dated else None)
    if pa.types.is_date32(target.arrow):
        return Converted(pc.cast(pa.array(values.astype(np.int32), mask=~good), target.arrow), problems)
    return Converted(pc.cast(pa.array(values, mask=~good), target.arrow), problems)
