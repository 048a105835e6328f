"""Conversion kernels: a whole column of cells to typed values at once. Pure.

Each kernel takes string cells (null = NULL) and a Target and returns Converted: typed values, null where a cell is at
fault, and the problems. ``quick`` kernels are plain Arrow casts that convert all cells or none (None); ``careful`` ones
look at each cell's text *before* it is cast, so that nothing is rounded, truncated or guessed.

What each accepts is documented in its docstring. Spaces around a value are allowed in all types but text. Whatever is
accepted gets the value that PostgreSQL's own input function gives it (test_conversion_matches_postgres.py).
"""

from __future__ import annotations

import uuid as uuids
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dataengine.columns.types import ColumnType
from dataengine.columns.types.aspects import CellRefused
from dataengine.columns.types.identity import UUID_PATTERN
from dataengine.columns.types.logic import FALSE_WORDS, TRUE_WORDS
from dataengine.columns.values import BIGINT

from .date_formats import DateFormat
from .number_styles import NumberStyle
from .patterns import INFINITIES
from .shapes import Mask, bytes_of, holds_byte

type ErrorCode = Literal[
    "invalid_type",
    "out_of_range",
    "missing_value",
    "constraint_failed",
    "value_too_long",
    "duplicate_in_file",
    "duplicate_in_table",
    "unknown_reference",
    "ambiguous_reference",
    "too_few_fields",
    "too_many_fields",
    "malformed_quotes",
    "invalid_encoding",
]

SPACES = " \t\n\v\f\r"
_FIRST = 8


@dataclass(frozen=True, slots=True)
class Target:
    """How the cells of one column of the file are to be converted.

    ``style`` says how numbers are written where they may have more than digits, sign and point.
    """

    name: str
    kind: ColumnType
    arrow: pa.DataType
    required: bool = False
    unique: bool = False
    ignores_case: bool = False
    """Whether it is unique whatever the case."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    constraints: Mapping[str, Any] = field(default_factory=dict)
    formats: tuple[DateFormat, ...] = ()
    trim: bool | None = None
    """Whether spaces around texts are kept: False keeps them, True drops them, None keeps them in plain text only."""
    style: NumberStyle | None = None
    allow_infinity: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """Cells (by position in the batch) with the same fault. ``expected`` completes "expected …, found “…”".

    ``hint`` returns more about a cell: what is wrong with it, or what was probably meant.
    """

    rows: npt.NDArray[np.int64]
    code: ErrorCode
    expected: str
    hint: Callable[[str], str] | None = None


@dataclass(frozen=True, slots=True)
class Converted:
    """Typed values (null where a cell is NULL or at fault), and the faults."""

    values: pa.Array
    problems: list[Problem]


def mask_of(booleans: pa.Array | pa.ChunkedArray) -> Mask:
    """An Arrow boolean array as numpy; null counts as false."""
    if isinstance(booleans, pa.ChunkedArray):
        booleans = booleans.combine_chunks()
    if booleans.null_count:
        booleans = pc.fill_null(booleans, False)
    result: Mask = booleans.to_numpy(zero_copy_only=False)
    return result


def matches(cells: pa.Array, pattern: str) -> Mask:
    """Where the whole cell matches an RE2 pattern; NULL does not."""
    return mask_of(pc.match_substring_regex(cells, pattern))


def only(cells: pa.Array, mask: Mask) -> pa.Array:
    """The cells where ``mask`` holds, NULL elsewhere."""
    return pc.if_else(pa.array(mask), cells, pa.scalar(None, cells.type))


def trimmed(cells: pa.Array) -> pa.Array:
    return pc.ascii_trim(cells, SPACES)


def present(cells: pa.Array) -> Mask:
    return mask_of(cells.is_valid())


def fault(mask: Mask, code: ErrorCode, expected: str, hint: Callable[[str], str] | None = None) -> list[Problem]:
    """One Problem for the rows of ``mask``; [] if it is empty."""
    rows = np.flatnonzero(mask)
    return [Problem(rows, code, expected, hint)] if len(rows) else []


def cast(cells: pa.Array, arrow: pa.DataType) -> pa.Array | None:
    """The cells as ``arrow``, or None if any of them cannot be cast."""
    try:
        # Arrow looks at every cell and words an error for each that fails: mostly all or none do.
        pc.cast(cells.slice(0, _FIRST), arrow)
        return pc.cast(cells, arrow)
    except pa.ArrowInvalid:
        return None


# Whole numbers ---------------------------------------------------------------------------------------------------

INTEGER = r"^[+-]?[0-9]+(?:\.0*)?$"


def plain_integer(target: Target) -> str:
    """A pattern for numbers with so few digits that they are always in range."""
    return rf"^-?[0-9]{{1,{len(str(bounds_of(target)[1])) - 1}}}$"


def quick_integer(cells: pa.Array, target: Target) -> pa.Array | None:
    """Arrow's cast; it would also accept hexadecimal, so cells with an x are left to the careful kernel."""
    values = cast(cells, target.arrow)
    if values is None or holds_byte(cells, ord("x"), ord("X")):
        return None
    if target.kind.is_reference and len(values) and mask_of(pc.less(values, 1)).any():
        return None
    return values


def careful_integer(cells: pa.Array, target: Target) -> Converted:
    """Digits with an optional sign, and zeros as decimals. No exponents, separators or hexadecimal."""
    text = trimmed(cells)
    fits = matches(text, INTEGER)
    problems = fault(present(text) & ~fits, "invalid_type", _whole_number(target))
    digits = pc.replace_substring_regex(pc.utf8_ltrim(only(text, fits), "+"), r"\.0*$", "")  # as pandas writes it
    digits = pc.replace_substring_regex(digits, r"^(-?)0+([0-9])", r"\1\2")
    short = fits & mask_of(pc.less_equal(pc.binary_length(digits), 38))
    wide = pc.cast(only(digits, short), pa.decimal128(38, 0))
    low, high = bounds_of(target)
    is_reference = target.kind.is_reference
    if is_reference:
        low = -(2**63)
    within = short & mask_of(pc.and_(pc.greater_equal(wide, _whole(low)), pc.less_equal(wide, _whole(high))))
    problems += fault(fits & ~within, "out_of_range", f"a whole number from {low:,} to {high:,}")
    if is_reference:
        nobody = within & mask_of(pc.less(wide, _whole(1)))
        problems += fault(nobody, "unknown_reference", "the id of a record, which is 1 or more")
        within &= ~nobody
    return Converted(pc.cast(only(digits, within), target.arrow), problems)


def _whole_number(target: Target) -> str:
    if not target.kind.is_reference:
        return target.kind.expected
    named = target.parameters["references"]
    return f"the id of a record of “{named}” (a whole number; the option “references” looks other values up)"


def bounds_of(target: Target) -> tuple[int, int]:
    kind = target.kind
    low = BIGINT.start if kind.minimum is None else kind.minimum
    high = BIGINT.stop - 1 if kind.maximum is None else kind.maximum
    return low, high


def _whole(number: int) -> pa.Scalar:
    return pc.cast(pa.scalar(str(number)), pa.decimal128(38, 0))


# Floating point --------------------------------------------------------------------------------------------------

FLOAT = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"


def quick_float(cells: pa.Array, target: Target) -> pa.Array | None:
    """Arrow's cast (correctly rounded, like PostgreSQL's) if every result is an ordinary number."""
    values = cast(cells, target.arrow)
    if values is None or len(values) == values.null_count:
        return values
    if not pc.all(pc.is_finite(values)).as_py():
        return None
    if pc.any(pc.equal(values, pa.scalar(0.0, target.arrow))).as_py() and holds_byte(cells, ord("e"), ord("E")):
        return None  # may be an underflow
    # Without an exponent only hundreds of zeros underflow.
    return None if (pc.max(pc.binary_length(cells)).as_py() or 0) > 40 else values


def careful_float(cells: pa.Array, target: Target) -> Converted:
    """Decimal digits, with an optional sign, point and exponent. Not NaN; infinity only if the user allows it.

    The value is the nearest that the type holds. What would overflow, or wrongly become zero, is out of range.
    """
    text = trimmed(cells)
    if target.allow_infinity and (endless := infinities(text)).any():
        others = careful_float(only(text, ~endless), replace(target, allow_infinity=False))
        values = pc.cast(pc.utf8_lower(only(text, endless)), target.arrow)
        return Converted(pc.if_else(pa.array(endless), values, others.values), others.problems)
    fits = matches(text, FLOAT)
    problems = fault(present(text) & ~fits, "invalid_type", target.kind.expected)
    values = pc.cast(only(text, fits), target.arrow)
    infinite = mask_of(pc.is_inf(values))
    vanished = mask_of(pc.equal(values, pa.scalar(0.0, target.arrow))) & matches(text, r"^[+-]?[0-9.]*[1-9]")
    problems += fault(infinite | vanished, "out_of_range", f"a number that {target.kind.name} can hold")
    return Converted(only(values, fits & ~infinite & ~vanished), problems)


def infinities(cells: pa.Array) -> Mask:
    """Where cells say infinity."""
    return mask_of(pc.is_in(trimmed(cells), pa.array(INFINITIES), skip_nulls=True))


# Yes and no ------------------------------------------------------------------------------------------------------


def quick_boolean(cells: pa.Array, target: Target) -> pa.Array | None:
    """Arrow's cast of true and false, else the words, if there is nothing else."""
    values = cast(cells, pa.bool_())
    if values is None:
        values = _by_words(cells)
        return values if values.null_count == cells.null_count else None
    return values


def careful_boolean(cells: pa.Array, target: Target) -> Converted:
    """The words for yes and no of several languages (``logic.py``), and their usual letters, in any case."""
    values = _by_words(trimmed(cells))
    return Converted(values, fault(present(cells) & ~present(values), "invalid_type", target.kind.expected))


def _by_words(cells: pa.Array) -> pa.Array:
    encoded = cells.dictionary_encode()  # which is no more than some words
    words = pc.utf8_lower(encoded.dictionary)
    values = pc.if_else(pc.is_in(words, pa.array(FALSE_WORDS)), False, pa.scalar(None, pa.bool_()))
    return pc.if_else(pc.is_in(words, pa.array(TRUE_WORDS)), True, values).take(encoded.indices)


# Text ------------------------------------------------------------------------------------------------------------


def without_spaces(cells: pa.Array, target: Target) -> pa.Array:
    """The cells without surrounding spaces (of any script), unless spaces are to be kept."""
    return cells if target.trim is False else pc.utf8_trim_whitespace(cells)


def quick_text(cells: pa.Array, target: Target) -> pa.Array | None:
    return careful_text(cells, target).values


def careful_text(cells: pa.Array, target: Target) -> Converted:
    """Any text, unchanged; with ``trim`` without surrounding spaces, and NULL if nothing is left."""
    if not target.trim:
        return Converted(cells, [])
    text = pc.utf8_trim_whitespace(cells)
    return Converted(only(text, mask_of(pc.or_(pc.not_equal(text, ""), pc.equal(cells, "")))), [])


def quick_pattern(cells: pa.Array, target: Target) -> pa.Array | None:
    found = pc.match_substring_regex(cells, target.kind.pattern or "")
    return cells if pc.all(found).as_py() in (True, None) else None


def careful_pattern(cells: pa.Array, target: Target) -> Converted:
    """Text that matches the type's pattern as a whole: an e-mail address, a web address."""
    text = without_spaces(cells, target)
    fits = matches(text, target.kind.pattern or "")
    problems = fault(present(text) & ~fits, "invalid_type", target.kind.expected, target.kind.why_not)
    return Converted(only(text, fits), problems)


def quick_choice(cells: pa.Array, target: Target) -> pa.Array | None:
    known = pc.is_in(cells, pa.array(_choices(target), pa.string()), skip_nulls=True)
    return cells if mask_of(known).sum() == len(cells) - cells.null_count else None


def careful_choice(cells: pa.Array, target: Target) -> Converted:
    """One of the choices, letter for letter."""
    choices = _choices(target)
    offered = pa.array(choices, pa.string())
    as_written = pc.is_in(cells, offered, skip_nulls=True)  # a choice may itself begin or end with spaces
    text = pc.if_else(as_written, cells, without_spaces(cells, target))
    known = mask_of(pc.is_in(text, offered, skip_nulls=True))
    shown = ", ".join(choices[:8]) + (", …" if len(choices) > 8 else "")
    return Converted(only(text, known), fault(present(cells) & ~known, "constraint_failed", f"one of {shown}"))


def _choices(target: Target) -> list[str]:
    return list(target.kind.choices(target.parameters) or ())


# The type's own ---------------------------------------------------------------------------------------------------


def quick_cells(cells: pa.Array, target: Target) -> pa.Array | None:
    return None


def careful_cells(cells: pa.Array, target: Target) -> Converted:
    """Whatever the type itself reads (``ColumnType.read_cell``), each distinct text once."""
    encoded = trimmed(cells).dictionary_encode()
    read: list[Any] = []
    refused: dict[tuple[ErrorCode, str], list[int]] = {}
    for place, text in enumerate(encoded.dictionary.to_pylist()):
        try:
            read.append(target.kind.read_cell(text, target.parameters))
        except CellRefused as error:
            read.append(None)
            refused.setdefault((error.code, error.expected), []).append(place)
        except ValueError:
            read.append(None)
            refused.setdefault(("invalid_type", target.kind.expected), []).append(place)
    values = pa.array(read, target.arrow).take(encoded.indices)
    problems: list[Problem] = []
    for (code, expected), places in refused.items():
        rows = mask_of(pc.is_in(encoded.indices, pa.array(places, pa.int32())))
        problems += fault(rows, code, expected, target.kind.why_not if code == "invalid_type" else None)
    return Converted(values, problems)


# UUID ------------------------------------------------------------------------------------------------------------

_NO_HEX = 255
_HEX = np.full(256, _NO_HEX, dtype=np.uint8)
for _digit in "0123456789abcdefABCDEF":
    _HEX[ord(_digit)] = int(_digit, 16)
_HYPHENS = [8, 13, 18, 23]
_DIGITS = [place for place in range(36) if place not in _HYPHENS]


def quick_uuid(cells: pa.Array, target: Target) -> pa.Array | None:
    """32 digits, or all of them as 8-4-4-4-12: then each digit has its place."""
    filled = cells.drop_null() if cells.null_count else cells
    raw, ends = bytes_of(filled)
    size = len(raw) // len(filled) if len(filled) else 0
    if size not in (32, 36) or (np.diff(ends) != size).any():
        return None
    text = raw.reshape(-1, size)
    if size == 36:
        if (text[:, _HYPHENS] != ord("-")).any():
            return None
        text = text[:, _DIGITS]
    nibbles = _HEX[text]
    if (nibbles == _NO_HEX).any():
        return None
    packed = _packed(nibbles)
    if not cells.null_count:
        return packed
    places = np.full(len(cells), -1, dtype=np.int64)
    places[present(cells)] = np.arange(len(filled))
    return packed.take(pa.array(places, mask=places < 0))


def careful_uuid(cells: pa.Array, target: Target) -> Converted:
    """32 hexadecimal digits in upper or lower case, plain or as 8-4-4-4-12, which may be in braces."""
    text = trimmed(cells)
    fits = matches(text, UUID_PATTERN)
    digits = pc.fill_null(pc.replace_substring_regex(only(text, fits), "[-{}]", ""), uuids.UUID(int=0).hex)
    values = _packed(_HEX[bytes_of(digits)[0].reshape(-1, 32)])
    return Converted(only(values, fits), fault(present(text) & ~fits, "invalid_type", target.kind.expected))


def _packed(nibbles: npt.NDArray[np.uint8]) -> pa.Array:
    """Lines of 32 digits as 16 bytes each."""
    pairs = np.ascontiguousarray((nibbles[:, 0::2] << 4) | nibbles[:, 1::2])
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(pairs), [None, pa.py_buffer(pairs.tobytes())])


type Quick = Callable[[pa.Array, Target], pa.Array | None]
type Careful = Callable[[pa.Array, Target], Converted]
