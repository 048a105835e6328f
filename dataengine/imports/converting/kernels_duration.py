"""The conversion kernel for lengths of time. Pure.

Nearly all are written as a clock, in a few shapes: their digits are one number each, whole columns at once; or as
programs write them (``PT1H30M``), which a pattern takes apart. What is written otherwise (``1 day 2:00:00``,
``90 min``) is read text by text, each once.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .kernels import Converted, Target, careful_cells, mask_of, matches, only, present, trimmed
from .remembered import remembered
from .shapes import SURE_DIGITS, Ints, Mask, Shapes, digits_in, shapes_of

_CLOCK = r"^[+-]?[0-9]{1,9}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,6})?)?$"
_ISO = r"^(?P<sign>-?)PT(?:(?P<h>[0-9]{1,9})H)?(?:(?P<m>[0-9]{1,9})M)?(?:(?P<s>[0-9]{1,9})(?:\.(?P<f>[0-9]{1,6}))?S)?$"
_SECOND = 1_000_000


def quick_duration(cells: pa.Array, target: Target) -> pa.Array | None:
    return None


def careful_duration(cells: pa.Array, target: Target) -> Converted:
    """All that ``columns.durations`` reads: ``1:02:03``, ``25:00`` (hours, minutes), ``PT1H``, ``1 day 2:03:04``."""
    text = trimmed(cells)
    shapes = shapes_of(text)
    if shapes is None:
        shapes = shapes_of(only(text, matches(text, _CLOCK)), likely=True)
    if shapes is None:
        micros, good = np.zeros(len(text), np.int64), np.zeros(len(text), np.bool_)
    else:
        micros, good = _by_shapes(shapes)
    values = pc.cast(pa.array(micros, mask=~good), target.arrow)
    rest = present(text) & ~good
    if rest.any():
        micros, good = _by_pattern(only(text, rest))
        values = pc.if_else(pa.array(good), pa.array(micros).cast(target.arrow), values)
        rest &= ~good
    if not rest.any():
        return Converted(values, [])
    others = careful_cells(only(text, rest), target)
    return Converted(pc.if_else(pa.array(rest), others.values, values), others.problems)


def _by_shapes(shapes: Shapes) -> tuple[Ints, Mask]:
    """Microseconds where cells are written as a clock, and which those are."""
    said = [_clock(shape) for shape in shapes.texts]
    sure = shapes.mask(what is not None for what in said)
    if not sure.any():
        return np.zeros(len(shapes), np.int64), sure
    numbers = shapes.whole_numbers(sure, [digits_in(shape) for shape in shapes.texts])
    powers = np.maximum(shapes.each(10 ** (what[2] if what else 0) for what in said), 1)  # NULL has none
    numbers, fraction = np.divmod(numbers, powers)
    # Hours and minutes alone: no seconds.
    numbers = numbers * shapes.each(1 if what is None or what[1] else 100 for what in said)
    rest, seconds = np.divmod(numbers, 100)
    hours, minutes = np.divmod(rest, 100)
    micros = ((hours * 60 + minutes) * 60 + seconds) * _SECOND + fraction * (_SECOND // powers)
    micros *= shapes.each(-1 if what and what[0] else 1 for what in said)
    return micros, sure & (minutes < 60) & (seconds < 60)


@remembered
def _clock(shape: str) -> tuple[bool, bool, int] | None:
    """Of a shape that is a clock: whether it is negative, has seconds, and how many decimals of them."""
    if not re.fullmatch(_CLOCK, shape, re.ASCII) or digits_in(shape) > SURE_DIGITS:
        return None
    _, _, fraction = shape.replace(",", ".").partition(".")
    return shape[0] == "-", shape.count(":") == 2, len(fraction)


def _by_pattern(text: pa.Array) -> tuple[Ints, Mask]:
    """The same for hours, minutes and seconds as ISO 8601 has them."""
    good = matches(text, _ISO) & ~mask_of(pc.ends_with(text, "T"))  # PT alone
    micros = np.zeros(len(text), np.int64)
    if not good.any():
        return micros, good
    parts = pc.extract_regex(text.filter(pa.array(good)), _ISO)

    def numbers(name: str) -> Ints:
        digits = pc.struct_field(parts, name)
        found: Ints = pc.if_else(pc.equal(digits, ""), "0", digits).cast(pa.int64()).to_numpy()
        return found

    fraction = pc.utf8_rpad(pc.struct_field(parts, "f"), 6, "0").cast(pa.int64()).to_numpy()
    found = ((numbers("h") * 60 + numbers("m")) * 60 + numbers("s")) * _SECOND + fraction
    micros[good] = np.where(mask_of(pc.equal(pc.struct_field(parts, "sign"), "-")), -found, found)
    return micros, good
