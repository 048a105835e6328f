"""Dates and times taken apart by a format, and whether there are such: whole columns at a time. Pure.

Where a column's cells have few shapes, each shape says which bytes are the year and which the hour; else the format's
pattern takes every cell apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .date_formats import MONTH_NUMBERS, DateFormat
from .kernels import mask_of, only
from .remembered import remembered
from .shapes import Ints, Mask, Shapes

_MONTH_NAMES = pa.array(MONTH_NUMBERS)
_NUMBERS = np.array([*MONTH_NUMBERS.values(), 0], dtype=np.int64)
_MINUTE = 60_000_000
_NO_MOMENT = re.compile(r"[^0-9]*|.*[@_#&*<>={}\[\]|\\\"!?;~^`].*", re.DOTALL)
"""What is written in no format of ours, whatever it is: it has no digit, or what none of them has."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Cells taken apart: which matched the format, which of those are real, and what they say.

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

    @property
    def good(self) -> Mask:
        """Where there is such a moment, and we can keep it."""
        return self.matched & self.real & ~self.fine


@dataclass(slots=True)
class _Parts:
    """The numbers that cells are made of, before anybody looked whether there is such a moment."""

    matched: Mask
    year: Ints
    month: Ints
    day: Ints
    hour: Ints
    minute: Ints
    second: Ints
    micros: Ints
    zone: Ints
    """Hours and minutes as one number of four digits."""
    ahead: Ints
    """1, or -1 for zones behind UTC."""
    half: Ints
    """1 for am, 2 for pm."""
    has_clock: Mask
    has_zone: Mask
    fine: Mask

    @classmethod
    def none(cls, matched: Mask) -> _Parts:
        """A midnight in no zone, wherever nothing else is said."""

        def ints(value: int = 0) -> Ints:
            return np.full(len(matched), value, dtype=np.int64)

        def mask() -> Mask:
            return np.zeros(len(matched), dtype=np.bool_)

        return cls(
            matched, ints(1970), ints(1), ints(1), ints(), ints(), ints(), ints(), ints(), ints(1), ints(),
            mask(), mask(), mask(),
        )  # fmt: skip


def take_apart(text: pa.Array, form: DateFormat, shapes: Shapes | None) -> Moments:
    """Read every cell under one format. ``shapes`` are those of ``text``, if there are few."""
    if shapes is None or not form.is_for_any_digits:
        return _put_together(_by_pattern(text, form))
    return _put_together(_by_shapes(shapes, form))


# By shapes ---------------------------------------------------------------------------------------------------------


def fits_shape(shape: str, form: DateFormat) -> bool:
    """Whether cells of a shape are written in a format, be there such moments or not."""
    return _spans(shape, form) is not None


@remembered
def may_be_moment(shape: str) -> bool:
    """Whether cells of a shape may be written in one of our own formats, as a first look goes."""
    return _NO_MOMENT.fullmatch(shape) is None


@remembered
def _spans(shape: str, form: DateFormat) -> Mapping[str, tuple[int, int, str]] | None:
    """Where in its cells (in bytes) the parts of a moment stand, and what they are but for the digits."""
    found = re.fullmatch(form.pattern, shape, re.ASCII)
    if found is None:
        return None
    spans = {}
    for name, part in found.groupdict().items():
        if part:
            start = len(shape[: found.start(name)].encode())
            spans[name] = (start, start + len(part.encode()), part)
    return spans


def _by_shapes(shapes: Shapes, form: DateFormat) -> _Parts:
    found = [_spans(shape, form) for shape in shapes.texts]
    parts = _Parts.none(shapes.mask(spans is not None for spans in found))
    for place, rows in shapes.groups([place for place, spans in enumerate(found) if spans is not None]):
        spans = found[place]
        assert spans is not None  # of those that are none, no rows were asked for
        for name, (start, end, part) in spans.items():
            match name:
                case "b":
                    parts.month[rows] = MONTH_NUMBERS.get(part.lower(), 0)
                case "p" | "q":
                    parts.half[rows] = {"am": 1, "pm": 2}[part.lower().replace(".", "")]
                case "z":
                    parts.has_zone[rows] = True
                    if places := [start + place for place, char in enumerate(part) if char.isdigit()]:
                        parts.zone[rows] = _number(shapes, rows, places) * (1 if len(places) > 2 else 100)
                        parts.ahead[rows] = -1 if part[0] == "-" else 1
                case "f":
                    places = list(range(start, end))
                    kept = places[:6]
                    parts.micros[rows] = _number(shapes, rows, kept) * 10 ** (6 - len(kept))
                    if len(places) > len(kept):
                        parts.fine[rows] = shapes.digits_at(rows, places[6:]).any(axis=0)
                case _:
                    number = _number(shapes, rows, range(start, end))
                    if name == "y":
                        number = np.where(number < 69, 2000 + number, 1900 + number)
                    getattr(parts, _NAMES[name])[rows] = number
                    if name in "Hh":
                        parts.has_clock[rows] = True
    return parts


_NAMES = {"Y": "year", "y": "year", "m": "month", "d": "day", "H": "hour", "h": "hour", "M": "minute", "S": "second"}


def _number(shapes: Shapes, rows: Ints, places: range | list[int]) -> Ints:
    digits = shapes.digits_at(rows, places)
    number = digits[0]
    for digit in digits[1:]:
        number = number * 10 + digit
    wide: Ints = number.astype(np.int64)
    return wide


# By patterns -------------------------------------------------------------------------------------------------------


def _by_pattern(text: pa.Array, form: DateFormat) -> _Parts:
    found = pc.extract_regex(text, form.pattern)
    parts = _Parts.none(mask_of(found.is_valid()))
    for name in sorted(form.groups & _NAMES.keys()):
        digits = pc.struct_field(found, name)
        digits = pc.if_else(pc.equal(digits, ""), None, digits)
        # Years of four digits and of two do not stand in one format.
        number = pc.cast(digits, pa.int64()).to_numpy(zero_copy_only=False)
        filled = mask_of(digits.is_valid())
        whole = np.where(filled, number, 0).astype(np.int64)
        if name == "y":
            whole = np.where(whole < 69, 2000 + whole, 1900 + whole)
        getattr(parts, _NAMES[name])[filled] = whole[filled]
        if name in "Hh":
            parts.has_clock |= filled
    if "b" in form.groups:
        parts.month = _month_of(pc.struct_field(found, "b"))
    for name in sorted(form.groups & {"p", "q"}):
        half = pc.replace_substring(pc.utf8_lower(pc.struct_field(found, name)), ".", "")
        parts.half = parts.half + mask_of(pc.equal(half, "am")) + 2 * mask_of(pc.equal(half, "pm")).astype(np.int64)
    if "f" in form.groups:
        fraction = pc.utf8_rtrim(pc.fill_null(pc.struct_field(found, "f"), ""), "0")
        parts.fine = mask_of(pc.greater(pc.binary_length(fraction), 6))
        digits = pc.utf8_slice_codeunits(pc.utf8_rpad(fraction, 6, "0"), 0, 6)
        parts.micros = pc.cast(digits, pa.int64()).to_numpy(zero_copy_only=False)
    if "z" in form.groups:
        zone = pc.fill_null(pc.struct_field(found, "z"), "")
        parts.has_zone = mask_of(pc.not_equal(zone, ""))
        signed = mask_of(pc.match_substring_regex(zone, r"^[+-]"))
        digits = pc.replace_substring_regex(only(zone, signed), r"[:+-]", "")
        padded = pc.utf8_rpad(pc.fill_null(digits, "0000"), 4, "0")
        parts.zone = pc.cast(padded, pa.int64()).to_numpy(zero_copy_only=False)
        parts.ahead = np.where(mask_of(pc.starts_with(zone, "-")), -1, 1)
    return parts


def _month_of(names: pa.Array) -> Ints:
    index = pc.fill_null(pc.index_in(pc.utf8_lower(names), _MONTH_NAMES), len(_MONTH_NAMES))
    result: Ints = _NUMBERS[index.to_numpy(zero_copy_only=False)]
    return result


# Together ----------------------------------------------------------------------------------------------------------


@lru_cache(1)
def _first_days() -> Ints:
    """The day, since 1970, on which each month of the years 1 to 9999 begins; and the first day after."""
    months = np.arange(-12 * 1969, 12 * 8030 + 1)
    days: Ints = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return days


def _put_together(parts: _Parts) -> Moments:
    real = parts.matched & (parts.year >= 1) & (parts.year <= 9999) & (parts.month >= 1) & (parts.month <= 12)
    months = np.where(real, (parts.year - 1) * 12 + parts.month - 1, 0)
    firsts = _first_days()
    days = firsts[months] + parts.day - 1
    real &= (parts.day >= 1) & (days < firsts[months + 1])
    hour = parts.hour
    if parts.has_clock.any():
        if parts.half.any():
            real &= (parts.half == 0) | ((hour >= 1) & (hour <= 12))
            hour = np.where((parts.half == 2) & (hour < 12), hour + 12, hour)
            hour = np.where((parts.half == 1) & (hour == 12), 0, hour)
        real &= (hour <= 23) & (parts.minute <= 59) & (parts.second <= 59)
    clock = (hour * 60 + parts.minute) * _MINUTE + parts.second * 1_000_000 + parts.micros
    offset = np.zeros(len(real), dtype=np.int64)
    if parts.has_zone.any():
        hours, minutes = np.divmod(parts.zone, 100)
        offset = parts.ahead * (hours * 60 + minutes) * _MINUTE
        real &= (hours <= 15) & (minutes <= 59)
    return Moments(parts.matched, real, days, clock, offset, parts.has_clock, parts.has_zone, parts.fine)
