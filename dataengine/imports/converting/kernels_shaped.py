"""Numbers in cells of few shapes: from their digits to typed values, without a text in between. Pure.

The shape of a cell says what its digits are worth: where the point is, whether a minus or a per cent sign goes with
them. What is not surely in range, or surely a number, is left to the kernels that look at each cell.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .kernels import SPACES, Target, bounds_of
from .kernels_numeric import MOST_DECIMALS, POWERS, wire_of_integers
from .number_styles import NumberStyle, Written, read_one
from .remembered import remembered
from .shapes import SURE_DIGITS, Ints, Mask, digits_in, shapes_of

_SIMPLE = r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_NEUTRAL = r"[+-]?[0-9]+"
_WHOLE = r"-?[0-9]+(?:\.[0-9]+)?"
_EXACT = 2**53
_EXACT_POWER = 22
"""Whole numbers up to the one, and powers of ten up to the other, are doubles: their quotient is rounded but once."""
_DOUBLES = np.array([float(f"1e{power}") for power in range(_EXACT_POWER + 1)])


def by_shapes(cells: pa.Array, target: Target) -> tuple[pa.Array, Mask] | None:
    """The values of cells that surely are numbers of the target, NULL elsewhere, and which those are.

    None where the cells have too many shapes, or none that is a number.
    """
    if pa.types.is_float32(target.arrow) or (target.parameters.get("precision") and pa.types.is_binary(target.arrow)):
        return None
    shapes = shapes_of(cells)
    if shapes is None:
        return None
    said = [_said(shape, target) for shape in shapes.texts]
    if not any(said):
        return None
    sure = shapes.mask(what is not None for what in said)
    numbers = shapes.whole_numbers(sure, [digits_in(shape) for shape in shapes.texts])
    negative = shapes.mask(what is not None and what.text[0] == "-" for what in said)
    scales = shapes.each(what.scale if what is not None else 0 for what in said)
    return _made(numbers, negative, scales, sure, target)


def _said(shape: str, target: Target) -> Written | None:
    said = _known(shape, target.style)
    return said if said is not None and _is_sure(said, shape, target) else None


@remembered
def _known(shape: str, style: NumberStyle | None) -> Written | None:
    """What cells of a shape say: as the number kernels read them, else in the style."""
    text = shape.strip(SPACES)
    bare = _SIMPLE if style is None or style.decimal == "." else _NEUTRAL
    if re.fullmatch(bare, text, re.ASCII):
        return Written(text.removeprefix("+"))
    return read_one(text, style) if style is not None else None


def _is_sure(what: Written, shape: str, target: Target) -> bool:
    """Whether cells of a shape are in range whatever their digits, or easily found out to be."""
    if not 0 < digits_in(shape) <= SURE_DIGITS:
        return False
    if pa.types.is_integer(target.arrow):
        return re.fullmatch(_WHOLE, what.text) is not None
    if pa.types.is_decimal(target.arrow):
        whole = what.text.lstrip("-").partition(".")[0].lstrip("0")
        precision, scale = target.parameters["precision"], target.parameters.get("scale") or 0
        return what.scale <= scale and len(whole) <= precision - scale and len(whole) + scale <= SURE_DIGITS
    return what.scale <= (_EXACT_POWER if pa.types.is_floating(target.arrow) else MOST_DECIMALS)


def _made(numbers: Ints, negative: Mask, scales: Ints, sure: Mask, target: Target) -> tuple[pa.Array, Mask]:
    signed = np.where(negative, -numbers, numbers)
    if pa.types.is_integer(target.arrow):
        whole, fraction = signed, np.zeros_like(signed)
        if scales.any():
            whole, fraction = np.divmod(signed, POWERS[scales])
        low, high = bounds_of(target)
        if target.kind.is_reference:
            low = 1
        sure = sure & (fraction == 0) & (whole >= low) & (whole <= high)
        return pc.cast(pa.array(np.where(sure, whole, 0), mask=~sure), target.arrow), sure
    if pa.types.is_decimal(target.arrow):
        scale = target.parameters.get("scale") or 0
        return _decimals(signed * POWERS[scale - scales], sure, target.arrow), sure
    if pa.types.is_floating(target.arrow):
        sure = sure & (numbers < _EXACT)
        values = numbers / _DOUBLES[scales]
        return pa.array(np.where(negative, -values, values), mask=~sure), sure
    values = wire_of_integers(signed, scales)
    return values if sure.all() else pc.if_else(pa.array(sure), values, None), sure


def _decimals(numbers: Ints, sure: Mask, kind: pa.DataType) -> pa.Array:
    """Whole numbers of the last decimal, as Arrow's decimals, which are 128 bits each."""
    words = np.empty((len(numbers), 2), dtype=np.int64)
    words[:, 0] = numbers
    words[:, 1] = numbers >> 63
    valid = None if sure.all() else pa.array(sure).buffers()[1]
    return pa.Array.from_buffers(kind, len(numbers), [valid, pa.py_buffer(words)])
