"""The types that a column may have, the tests for each, and the decision between them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dataengine.columns.types import ColumnType
from dataengine.columns.types.aspects import RecognisedBy
from dataengine.columns.types.numbers import FLOAT

from . import kernels as k
from .date_formats import DateFormat
from .kernels_time import take_apart
from .number_styles import NumberStyle
from .recognising import NUMBERS, rounds

_SURELY_EXACT = 15

type Fits = Callable[[pa.Array], k.Mask]


@dataclass(slots=True)
class Candidate:
    """A type that the column may have, with the cells that fit it and those that do not.

    ``kinds`` are the column types that share the test; their bounds tell them apart.
    """

    by: RecognisedBy
    kinds: Sequence[ColumnType]
    words: str
    fits: Fits
    form: DateFormat | None = None
    alive: bool = True
    cells: int = 0
    failures: int = 0
    before: int = 0
    """Cells that fit before the first one that does not."""
    broken_line: int = 0
    broken_cell: str = ""
    alike: bool = False
    """Whether most cells in the block of the first misfit fit."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The type of a column. ``failures`` counts the cells that do not fit; ``broken_*`` describe the first of them."""

    kind: ColumnType
    words: str = ""
    failures: int = 0
    broken_line: int = 0
    broken_cell: str = ""
    form: DateFormat | None = None
    style: NumberStyle | None = None
    note: str = ""
    proposed: ColumnType | None = None
    """What a text column would be if words for missing values were NULL."""
    other: str = ""
    """The mark before decimals that all cells allow as well."""


def is_number(kind: ColumnType) -> bool:
    return kind.recognition is not None and kind.recognition.by in NUMBERS


def longest(cells: pa.Array) -> int:
    return int(pc.max(pc.binary_length(cells)).as_py() or 0)


def would_round(cells: pa.Array) -> bool:
    """Whether a double would lose digits of any of the numbers."""
    long = k.mask_of(pc.greater(pc.binary_length(cells), _SURELY_EXACT))
    if not long.any():
        return False
    texts = cells.filter(pa.array(long))
    texts = texts.filter(pa.array(k.matches(texts, FLOAT)))
    kept = pc.cast(pc.cast(texts, pa.float64()), pa.string())
    return any(rounds(text) for text in texts.filter(pc.not_equal(texts, kept)).to_pylist())


def floats(cells: pa.Array, pattern: str) -> k.Mask:
    fits = k.matches(cells, pattern)
    values = pc.cast(k.only(cells, fits), pa.float64())
    vanished = k.mask_of(pc.equal(values, 0.0)) & k.matches(cells, r"^-?[0-9.]*[1-9]")
    return fits & k.mask_of(pc.is_finite(values)) & ~vanished


def recognised(cells: pa.Array, kind: ColumnType, pattern: str) -> k.Mask:
    """Ask the type itself about each distinct cell that looks like one of its values."""
    if pattern:
        alike = k.matches(cells, pattern)
        if not alike.any():
            return alike
        cells = k.only(cells, alike)
    encoded = cells.dictionary_encode()
    verdicts = pa.array([kind.is_recognised(text) for text in encoded.dictionary.to_pylist()], pa.bool_())
    return k.mask_of(verdicts.take(encoded.indices))


def real(cells: pa.Array, form: DateFormat) -> k.Mask:
    moments = take_apart(cells, form)
    return moments.matched & moments.real & ~moments.fine
