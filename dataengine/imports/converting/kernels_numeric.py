"""The conversion kernel for decimal numbers, and PostgreSQL's wire format of ``numeric``. Pure.

``numeric(p,s)`` up to 38 digits is Arrow's decimal128. Plain ``numeric`` keeps as many decimals as each cell has, which
no Arrow type can; such values are encoded here in PostgreSQL's binary COPY format.
"""

from __future__ import annotations

import struct
from decimal import Context, Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .kernels import FLOAT, Converted, Target, cast, fault, mask_of, matches, only, present, trimmed
from .shapes import SURE_DIGITS, Mask

MAX_WHOLE_DIGITS = 131_072
MAX_DECIMALS = 16_383
_SIMPLE = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$"
_PRECISE = Context(prec=MAX_WHOLE_DIGITS + MAX_DECIMALS)
MOST_DECIMALS = 16
"""So many the quick way takes, and 18 digits in all."""
POWERS = 10 ** np.arange(SURE_DIGITS + 1, dtype=np.int64)


def plain_numeric(target: Target) -> str:
    """A pattern for numbers with few enough digits before and after the point."""
    precision, scale = target.parameters.get("precision"), target.parameters.get("scale") or 0
    whole = precision - scale if precision else 18
    decimals = rf"(?:\.[0-9]{{1,{scale}}})?" if scale else ""
    return rf"^-?[0-9]{{1,{whole}}}{decimals}$" if whole else r"^-?0$"


def quick_numeric(cells: pa.Array, target: Target) -> pa.Array | None:
    if pa.types.is_decimal(target.arrow):
        return cast(cells, target.arrow)
    if mask_of(pc.match_substring_regex(cells, _SIMPLE)).sum() != len(cells) - cells.null_count:
        return None
    if target.parameters.get("precision"):
        return None
    return _wire(cells)


def careful_numeric(cells: pa.Array, target: Target) -> Converted:
    """Decimal digits with an optional sign, point and exponent; never rounded.

    More digits before the point than the type has, or more decimals than it keeps (trailing zeros do not count), are
    out of range. Neither NaN nor infinity.
    """
    text = trimmed(cells)
    fits = matches(text, FLOAT)
    problems = fault(present(text) & ~fits, "invalid_type", target.kind.expected)
    precision, scale = target.parameters.get("precision"), target.parameters.get("scale") or 0
    whole_limit = precision - scale if precision else MAX_WHOLE_DIGITS
    decimals_limit = scale if precision else MAX_DECIMALS
    within = fits & _within(text, fits, whole_limit, decimals_limit)
    expected = (
        f"a number with at most {whole_limit} digits before the point and {decimals_limit} after it"
        if precision
        else "a number that PostgreSQL can hold"
    )
    problems += fault(fits & ~within, "out_of_range", expected)
    kept = only(text, within)
    if pa.types.is_decimal(target.arrow):
        kept = pc.replace_substring_regex(kept, r"^[+-]?[0.]+[eE].*$", "0")  # Arrow would need room for the exponent
        return Converted(pc.cast(kept, target.arrow), problems)
    if precision:
        wire = [None if cell is None else to_wire(Decimal(cell), scale) for cell in kept.to_pylist()]
        return Converted(pa.array(wire, pa.binary()), problems)
    return Converted(_wire(kept), problems)


def _within(text: pa.Array, fits: Mask, whole: int, decimals: int) -> Mask:
    """Where a number has at most ``whole`` digits before the point and ``decimals`` after it, trailing zeros aside."""
    simple = fits & matches(text, _SIMPLE)
    parts = pc.extract_regex(only(text, simple), r"^[+-]?0*(?P<whole>[0-9]*)\.?(?P<decimals>[0-9]*)$")
    significant = pc.utf8_rtrim(pc.struct_field(parts, "decimals"), "0")
    result = mask_of(
        pc.and_(
            pc.less_equal(pc.binary_length(pc.struct_field(parts, "whole")), whole),
            pc.less_equal(pc.binary_length(significant), decimals),
        )
    ).copy()
    for index in np.flatnonzero(fits & ~simple):
        mantissa, _, exponent = text[int(index)].as_py().lower().partition("e")
        number = Decimal(mantissa)
        if number == 0:  # zero fits whatever its exponent, except that plain numeric keeps the zeros it shows
            result[index] = len(exponent.lstrip("+-0")) < 6 and int(exponent) >= -MAX_DECIMALS
            continue
        if len(exponent.lstrip("+-0")) > 6:
            continue
        _, digits, shift = number.normalize(_PRECISE).as_tuple()
        assert isinstance(shift, int)
        last = shift + int(exponent)
        result[index] = len(digits) + last <= whole and -last <= decimals and int(exponent) >= -MAX_DECIMALS
    return result


def _wire(cells: pa.Array) -> pa.Array:
    """Encode cells known to be decimal numbers in PostgreSQL's binary format of ``numeric``."""
    text = pc.utf8_ltrim(cells, "+")
    point = pc.find_substring(text, ".")
    length = pc.binary_length(text)
    scale = pc.if_else(pc.equal(point, -1), 0, pc.subtract(pc.subtract(length, point), 1))
    easy = (
        mask_of(pc.less_equal(length, 18))
        & mask_of(pc.less_equal(scale, MOST_DECIMALS))
        & matches(text, r"^-?[0-9.]*[0-9][0-9.]*$")
    )
    unscaled = pc.cast(pc.fill_null(only(pc.replace_substring(text, ".", ""), easy), "0"), pa.int64()).to_numpy()
    scales = pc.fill_null(scale, 0).to_numpy(zero_copy_only=False).astype(np.int64) * easy
    values = wire_of_integers(unscaled, scales)
    if easy.all():
        return values
    values = only(values, easy)
    hard = np.flatnonzero(present(cells) & ~easy)
    if not len(hard):
        return values
    replaced = values.to_pylist()
    for index in hard:
        replaced[index] = to_wire(Decimal(text[int(index)].as_py()))
    return pa.array(replaced, pa.binary())


def wire_of_integers(unscaled: npt.NDArray[np.int64], scales: npt.NDArray[np.int64]) -> pa.Array:
    """``unscaled / 10**scale`` for each pair, at most 18 digits and 16 decimals."""
    count = len(unscaled)
    if not count:
        return pa.array([], pa.binary())
    size, scale = np.abs(unscaled), int(scales[0])
    is_even = bool((scales == scale).all())  # dividing all by the same is much faster
    power = POWERS[scale] if is_even else POWERS[scales]
    whole = size // power
    decimals = -(-int(scales.max()) // 4)
    fraction = (size - whole * power) * (POWERS[4 * decimals - scale] if is_even else POWERS[4 * decimals - scales])
    wholes = -(-len(str(whole.max())) // 4)
    width = wholes + decimals
    # A row for each number, as it is sent; choosing from rows takes a quarter of the time that turning columns takes.
    table = np.empty((count, 4 + width), dtype=">i2")
    for place in range(wholes - 1, -1, -1):
        whole, table[:, 4 + place] = _split(whole)
    for place in range(width - 1, wholes - 1, -1):
        fraction, table[:, 4 + place] = _split(fraction)
    first, last = np.full(count, width, np.int16), np.full(count, width - 1, np.int16)
    filled = [table[:, 4 + place] != 0 for place in range(width)]
    for place in range(width):
        np.copyto(last, np.int16(place), where=filled[place])
        np.copyto(first, np.int16(width - 1 - place), where=filled[width - 1 - place])
    some = first < width
    number = last - first + 1
    table[:, 0] = number
    table[:, 1] = np.where(some, wholes - 1 - first, 0)
    table[:, 2] = np.where(some & (unscaled < 0), 0x4000, 0)
    table[:, 3] = scales
    used = np.ones((count, 4 + width), np.bool_)
    for place in range(width):
        used[:, 4 + place] = (first <= place) & (place <= last)
    offsets = np.zeros(count + 1, dtype=np.int32)
    np.cumsum(2 * (4 + number), out=offsets[1:], dtype=np.int32)
    return pa.Array.from_buffers(pa.binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(table[used])])


def _split(numbers: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """What stands before the last four digits, and those."""
    before = numbers // 10_000
    return before, numbers - before * 10_000


def to_wire(number: Decimal, scale: int | None = None) -> bytes:
    """One number in PostgreSQL's binary format of ``numeric``, with ``scale`` decimals shown (default: its own)."""
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    shown = max(-exponent, 0) if scale is None else scale
    text = "".join(map(str, digits)) + "0" * max(exponent, 0)
    decimals = max(-exponent, 0)
    text = text.rjust(decimals, "0")
    whole, fraction = (text[:-decimals], text[-decimals:]) if decimals else (text, "")
    whole = whole.lstrip("0")
    whole = whole.rjust(-(-len(whole) // 4) * 4, "0")
    fraction = fraction.ljust(-(-len(fraction) // 4) * 4, "0")
    groups = [int((whole + fraction)[place : place + 4]) for place in range(0, len(whole) + len(fraction), 4)]
    weight = len(whole) // 4 - 1
    while groups and groups[0] == 0:
        groups.pop(0)
        weight -= 1
    while groups and groups[-1] == 0:
        groups.pop()
    if not groups:
        weight, sign = 0, 0
    header = struct.pack(">HhHH", len(groups), weight, 0x4000 if sign else 0, shown)
    return header + struct.pack(f">{len(groups)}H", *groups)
