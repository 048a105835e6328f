"""The cells of one column in one block, by cell and by shape; how many fit a test, and what is counted later. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .kernels import mask_of, only, present
from .moments import may_be_moment
from .shapes import Mask, Shapes, digits_in, shapes_of

_SAMPLED = 2_048
_SAMPLE = 256
_HEADS = (16, 512)

type Verdict = bool | None
"""Whether all cells of a shape fit, or none; None where the shape alone does not tell."""


@dataclass(frozen=True)
class Blanks:
    """Texts that are none of a column's values."""

    texts: frozenset[str]

    @cached_property
    def are_shapes(self) -> bool:
        """Whether each is its own shape, and no other cell's."""
        return all(digits_in(text) == text.count("0") < 2 for text in self.texts)

    @cached_property
    def may_be_values(self) -> bool:
        """Whether any may be a whole number or a moment."""
        return any(re.fullmatch(r"[-+0-9:.TZ ]*[0-9][-+0-9:.TZ ]*", text) for text in self.texts)

    @cached_property
    def array(self) -> pa.Array:
        return pa.array(sorted(self.texts), pa.string())


class ColumnBlock:
    """Trimmed cells, with NULL for what is blank, and the lines of their rows."""

    def __init__(self, text: pa.Array, lines: npt.NDArray[np.int64], *, is_like_others: bool = False) -> None:
        self.text = text
        self.lines = lines
        self._is_likely = is_like_others
        """Whether the blocks before had few shapes."""

    def __len__(self) -> int:
        return len(self.text)

    @cached_property
    def filled(self) -> int:
        return len(self.text) - int(self.text.null_count)

    @cached_property
    def present(self) -> Mask:
        return present(self.text)

    @cached_property
    def shapes(self) -> Shapes | None:
        """None where they are too many for that to help."""
        return shapes_of(self.text, likely=self._is_likely)

    @cached_property
    def sample(self) -> ColumnBlock:
        """Some cells from all over the block; few enough for their shapes."""
        places = np.linspace(0, len(self) - 1, _SAMPLE).astype(np.int64)
        return ColumnBlock(self.text.take(pa.array(places)), self.lines[places])

    def without(self, blanks: Blanks) -> tuple[ColumnBlock, Counter[str]]:
        """The same with some texts as NULL, and how often each of them stood there."""
        shapes = self.shapes
        if shapes is None or not blanks.are_shapes:
            blank = mask_of(pc.is_in(self.text, blanks.array, skip_nulls=True))
            if not blank.any():
                return self, Counter()
            counts = pc.value_counts(self.text.filter(pa.array(blank)))
            found = Counter({count["values"].as_py(): count["counts"].as_py() for count in counts})
            return ColumnBlock(only(self.text, ~blank), self.lines), found
        places = [place for place, shape in enumerate(shapes.texts) if shape in blanks.texts]
        if not places:
            return self, Counter()
        blank = shapes.mask(shape in blanks.texts for shape in shapes.texts)
        block = ColumnBlock(only(self.text, ~blank), self.lines)
        block.shapes = shapes.without(places)
        return block, Counter({shapes.texts[place]: int(shapes.counts[place]) for place in places})

    @cached_property
    def moments(self) -> list[str]:
        """The shapes that dates and times may have which are written in one of our own formats."""
        return [] if self.shapes is None else [shape for shape in self.shapes.texts if may_be_moment(shape)]

    def head(self, count: int) -> ColumnBlock:
        return ColumnBlock(self.text.slice(0, count), self.lines[:count])

    def judged(self, holds: Callable[[str], Verdict], fits: Callable[[pa.Array], Mask]) -> Judged:
        """Which cells fit: ``holds`` is asked of shapes, if they are few, and ``fits`` of the cells that are left."""
        shapes = self.shapes
        if shapes is None:
            return Judged.of(self, fits(self.text))
        verdicts = [holds(shape) for shape in shapes.texts]
        if None not in verdicts:
            return Judged(self, tuple(bool(verdict) for verdict in verdicts))
        mask = shapes.mask(verdict is True for verdict in verdicts)
        open_ = shapes.mask(verdict is None for verdict in verdicts)
        # Most cells are NULL for those that look: that costs less than to take some out and put the answers back.
        return Judged.of(self, mask | (open_ & fits(self.text if open_.all() else only(self.text, open_))))


class Judged:
    """Which cells of a block fit a test: by their shapes, or by a mask."""

    def __init__(self, block: ColumnBlock, by_shape: tuple[bool, ...] = (), mask: Mask | None = None) -> None:
        self._block, self.by_shape, self._mask = block, by_shape, mask

    @classmethod
    def of(cls, block: ColumnBlock, mask: Mask) -> Judged:
        return cls(block, mask=mask & block.present)

    @cached_property
    def mask(self) -> Mask:
        if self._mask is not None:
            return self._mask
        assert self._block.shapes is not None  # they were what was judged
        return self._block.shapes.mask(self.by_shape)

    @cached_property
    def count(self) -> int:
        if self._mask is not None:
            return int(self._mask.sum())
        assert self._block.shapes is not None  # they were what was judged
        return self._block.shapes.count(self.by_shape)

    @property
    def failures(self) -> int:
        return self._block.filled - self.count

    @property
    def first_failure(self) -> int:
        """The row of the first cell that does not fit; -1 where all do."""
        wrong = self._block.present & ~self.mask
        return int(wrong.argmax()) if wrong.any() else -1


@dataclass(frozen=True, slots=True)
class Owed:
    """A block that is counted only if it matters: of ``likely`` failures, ``certain`` ones were seen."""

    block: ColumnBlock
    certain: int
    likely: int


def owed_on(block: ColumnBlock, judge: Callable[[ColumnBlock], Judged], *, by_shape: bool) -> Owed | None:
    """The block to be counted later, where most of a sample does not fit; None where it is to be counted now.

    ``by_shape`` says that shapes tell, if the block has few: then counting costs nothing. Most of what a column might
    be fails most of its cells. That is not worth looking at all of them.
    """
    if len(block) < _SAMPLED or (by_shape and block.shapes is not None):
        return None
    sample = block.sample
    if not sample.filled:
        return None
    failures = judge(sample).failures
    if 2 * failures <= sample.filled:
        return None
    return Owed(block, failures, failures * block.filled // sample.filled)


def first_failure(block: ColumnBlock, judge: Callable[[ColumnBlock], Judged]) -> tuple[int, int]:
    """The row of the first cell that does not fit, and how many before it do; ``(-1, …)`` where all do.

    For what most cells fail: it looks at the beginning first.
    """
    for count in (*(size for size in _HEADS if size < len(block)), len(block)):
        head = block.head(count) if count < len(block) else block
        judged = judge(head)
        if (row := judged.first_failure) >= 0:
            return row, int(judged.mask[:row].sum())
    return -1, judged.count
