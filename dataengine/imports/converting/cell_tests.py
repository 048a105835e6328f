"""The tests that a column's cells are put to: which cells fit, and what those that do say. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataengine.columns.types import ColumnType
from dataengine.columns.types.aspects import Recognition
from dataengine.columns.types.documents import DOCUMENT_PATTERN
from dataengine.columns.types.identity import UUID_PATTERN
from dataengine.columns.types.numbers import ARROW_DIGITS, DECIMAL, FLOAT, INTEGER

from . import kernels as k
from .column_blocks import ColumnBlock, Judged, Verdict
from .date_formats import KNOWN, TIME, DateFormat
from .moments import Moments, fits_shape, take_apart
from .recognising import MOST_FAILURES
from .remembered import remembered
from .shapes import SURE_DIGITS, Mask
from .sure_cells import sure_cells

_SURELY_FINITE = 300
"""Decimals of at most so many characters are neither too large nor too small for a double."""
_FOR_ANY_DIGITS = frozenset({INTEGER, DECIMAL, FLOAT, UUID_PATTERN, DOCUMENT_PATTERN})
"""Patterns that ask of digits only whether the first is a zero."""


class CellTest:
    """Cells that match a pattern. Whoever asks more of them is one of the classes below."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def judge(self, block: ColumnBlock) -> Judged:
        """Which cells fit."""
        return block.judged(self.holds, self.fits)

    def count(self, block: ColumnBlock) -> Judged:
        """The same, and remember what they say. Once for each block."""
        return self.judge(block)

    @property
    def is_for_shapes(self) -> bool:
        """Whether shapes tell of most cells whether they fit."""
        return self.pattern in _FOR_ANY_DIGITS

    def holds(self, shape: str) -> Verdict:
        """What a shape tells."""
        return matches_shape(shape, self.pattern) if self.is_for_shapes else None

    def fits(self, cells: pa.Array) -> Mask:
        return k.matches(cells, self.pattern)


class Integers(CellTest):
    """Whole numbers, and their bounds."""

    def __init__(self, pattern: str) -> None:
        super().__init__(pattern)
        self.low = 0
        self.high = 0

    def widen(self, low: int, high: int) -> None:
        self.low, self.high = min(self.low, low), max(self.high, high)

    def count(self, block: ColumnBlock) -> Judged:
        judged = self.judge(block)
        if not judged.count:
            return judged
        lengths = pc.binary_length(block.text)
        for short, kind in ((SURE_DIGITS, pa.int64()), (ARROW_DIGITS, pa.decimal128(ARROW_DIGITS, 0))):
            fits = k.only(block.text, judged.mask & k.mask_of(pc.less_equal(lengths, short)))
            limits = pc.min_max(pc.cast(fits, kind))
            if limits["min"].as_py() is not None:
                self.widen(int(limits["min"].as_py()), int(limits["max"].as_py()))
            left = judged.count - (len(fits) - fits.null_count)
            if not left:
                return judged
        self.widen(0, 2**63)
        return judged


class Floats(CellTest):
    """Numbers that a double can hold, if not to the last digit."""

    def holds(self, shape: str) -> Verdict:
        verdict = super().holds(shape)
        is_sure = len(shape) <= _SURELY_FINITE and "e" not in shape and "E" not in shape
        return verdict if is_sure or not verdict else None

    def fits(self, cells: pa.Array) -> Mask:
        fits = k.matches(cells, self.pattern)
        values = pc.cast(k.only(cells, fits), pa.float64())
        vanished = k.mask_of(pc.equal(values, 0.0)) & k.matches(cells, r"^-?[0-9.]*[1-9]")
        return fits & k.mask_of(pc.is_finite(values)) & ~vanished


class Words(CellTest):
    """Some words in any case, and how often each occurs.

    ``accepted`` are the words that a column of the type takes, but that are no evidence of it.
    """

    def __init__(self, known: list[str], accepted: Sequence[str] = ()) -> None:
        super().__init__("")
        self._known = frozenset(known)
        self._array = pa.array(known, pa.string())
        self._has_digits = any(re.search(r"\d", word) for word in known)
        self.words: Counter[str] = Counter()
        self._accepted = pa.array(accepted, pa.string())
        self.also: Counter[str] = Counter()
        self.broken: tuple[int, str] | None = None
        """Line and text of the first cell that a column of the type refuses."""

    def count(self, block: ColumnBlock) -> Judged:
        judged = self.judge(block)
        if judged.by_shape and block.shapes is not None:
            for shape, count, fits in zip(block.shapes.texts, block.shapes.counts, judged.by_shape, strict=True):
                if fits:
                    self.words[shape.lower()] += int(count)
        elif judged.count:
            counts = pc.value_counts(pc.utf8_lower(block.text.filter(pa.array(judged.mask))))
            self.words.update({count["values"].as_py(): count["counts"].as_py() for count in counts})
        if 0 < judged.failures <= MOST_FAILURES:  # with more the type is given up
            self._count_others(block, pa.array(~judged.mask))
        return judged

    def _count_others(self, block: ColumnBlock, misfits: pa.Array) -> None:
        texts = block.text.filter(misfits)
        words = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
        taken = k.mask_of(pc.is_in(words, self._accepted, skip_nulls=True))
        self.also.update(words.filter(pa.array(taken)).to_pylist())
        if self.broken is None and not taken.all():
            row = int(taken.argmin())
            self.broken = int(block.lines[misfits.to_numpy(zero_copy_only=False)][row]), texts[row].as_py()

    @property
    def is_for_shapes(self) -> bool:
        return not self._has_digits

    def holds(self, shape: str) -> Verdict:
        return shape.lower() in self._known if self.is_for_shapes else None

    def fits(self, cells: pa.Array) -> Mask:
        return k.mask_of(pc.is_in(pc.utf8_lower(cells), self._array, skip_nulls=True))


class Dates(CellTest):
    """Dates, times and both in one format, that there are; and which parts they have."""

    def __init__(self, form: DateFormat) -> None:
        super().__init__(form.pattern)
        self._form = form
        self._is_known = form is TIME or form in KNOWN
        self.has_clock = False
        self.has_zone = False

    @property
    def is_for_shapes(self) -> bool:
        return self._form.is_for_any_digits

    def judge(self, block: ColumnBlock) -> Judged:
        return self._judged(block)[0]

    def count(self, block: ColumnBlock) -> Judged:
        judged, moments = self._judged(block)
        if moments is not None and judged.count:
            self.has_clock = self.has_clock or bool((judged.mask & moments.has_clock).any())
            self.has_zone = self.has_zone or bool((judged.mask & moments.has_zone).any())
        return judged

    def _judged(self, block: ColumnBlock) -> tuple[Judged, Moments | None]:
        shapes = block.shapes
        if shapes is not None and self.is_for_shapes:
            worth = block.moments if self._is_known else shapes.texts
            if not any(fits_shape(shape, self._form) for shape in worth):
                return Judged(block, (False,) * len(shapes.texts)), None
        elif not k.matches(block.text, self.pattern).any():
            return Judged.of(block, np.zeros(len(block), dtype=np.bool_)), None
        moments = take_apart(block.text, self._form, shapes)
        return Judged.of(block, moments.good), moments


class Lengths(CellTest):
    """Lengths of time. Which minutes and seconds there are, no shape tells, but which shapes are none it does."""

    _BY_SHAPE = r"-?[0-9]+:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?|-?P[^ ]*T[^ ]+|-?[0-9]+ days?,? .*"

    @property
    def is_for_shapes(self) -> bool:
        return True

    def holds(self, shape: str) -> Verdict:
        return None if matches_shape(shape, self._BY_SHAPE) else False


class Recognised(CellTest):
    """What the type itself says of each different cell (that looks like one)."""

    def __init__(self, kind: ColumnType, recognition: Recognition) -> None:
        super().__init__(recognition.pattern)
        self._kind = kind
        self._sure, self._sure_bytes = recognition.sure, recognition.sure_bytes

    def holds(self, shape: str) -> Verdict:
        return False if super().holds(shape) is False else None

    def fits(self, cells: pa.Array) -> Mask:
        sure = sure_cells(cells, self._sure, self._sure_bytes)
        left = k.present(cells) & ~sure
        if self.pattern and left.any():
            left &= k.matches(k.only(cells, left), self.pattern)
        if left.any():
            encoded = cells.filter(pa.array(left)).dictionary_encode()
            verdicts = [self._kind.is_recognised(text) for text in encoded.dictionary.to_pylist()]
            sure[left] = np.array(verdicts, np.bool_)[encoded.indices.to_numpy()]
        return sure


@remembered
def matches_shape(shape: str, pattern: str) -> bool:
    """Whether all cells of a shape match a pattern that asks of digits only whether the first is a zero."""
    return re.fullmatch(pattern, shape, re.ASCII) is not None


def matches_beginning(shape: str, pattern: str) -> bool:
    """The same for a pattern of which the rest of the cell may be what it likes."""
    return matches_shape(shape, f"(?s)(?:{pattern}).*")
