"""What a column may be, how its cells fare, and what it comes to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from dataengine.columns.types import ColumnType
from dataengine.columns.types.aspects import RecognisedBy
from dataengine.columns.types.numbers import FLOAT
from dataengine.columns.types.text import Text

from . import kernels as k
from .cell_tests import CellTest
from .column_blocks import ColumnBlock, Owed, first_failure, owed_on
from .date_formats import DateFormat
from .number_styles import NumberStyle
from .recognising import NUMBERS, rounds

_SURELY_EXACT = 15


@dataclass(slots=True)
class Candidate:
    """A type that the column may have, with the cells that fit it and those that do not.

    ``kinds`` are the column types that share the test; their bounds tell them apart.
    """

    by: RecognisedBy
    kinds: Sequence[ColumnType]
    words: str
    test: CellTest
    form: DateFormat | None = None
    alive: bool = True
    cells: int = 0
    failures: int = 0
    before: int = 0
    """Cells that fit before the first one that does not."""
    broken_line: int = 0
    broken_cell: str = ""
    alike: bool = False
    """Whether most cells around that one fit."""
    owed: list[Owed] = field(default_factory=list)

    def look(self, block: ColumnBlock, most: int) -> None:
        """Take in one block. With more than ``most`` failures it is given up."""
        is_new = not (self.failures or self.owed)
        owed = None
        if self.by != "words" and not (is_new and self.cells):
            owed = owed_on(block, self.test.judge, by_shape=self.test.is_for_shapes)
        if owed is not None:
            if is_new:
                row, before = first_failure(block, self.test.judge)
                self._broke(block, row, before)
            self.owed.append(owed)
            self.cells += block.filled - owed.likely
        else:
            judged = self.test.count(block)
            if judged.failures and is_new:
                row = judged.first_failure
                self._broke(block, row, int(judged.mask[:row].sum()))
                self.alike = 2 * judged.count > block.filled
            self.cells += judged.count
            self.failures += judged.failures
        self.alive = self.failures + sum(owed.likely for owed in self.owed) <= most

    def _broke(self, block: ColumnBlock, row: int, before: int) -> None:
        self.before = self.cells + before
        self.broken_line, self.broken_cell = int(block.lines[row]), block.text[row].as_py()

    def settle(self, limit: int) -> None:
        """Count what was put off, if there may be as few failures as ``limit``."""
        matters = self.failures + sum(owed.certain for owed in self.owed) <= limit
        for owed in self.owed:
            if matters:
                judged = self.test.count(owed.block)
                self.cells += judged.count - (owed.block.filled - owed.likely)
                self.failures += judged.failures
            else:
                self.failures += owed.likely
        self.owed = []


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
    marks: tuple[str, ...] = ()
    """Where all cells allow either mark before decimals: both, the one that was chosen first."""
    note_tells_type: bool = False
    """Whether the note begins with what the column is and how many cells show it."""

    @property
    def is_typed(self) -> bool:
        """Whether it is anything but text."""
        return self.kind.name != Text.name


def is_number(kind: ColumnType) -> bool:
    return kind.recognition is not None and kind.recognition.by in NUMBERS


def would_round(cells: pa.Array) -> bool:
    """Whether a double would lose digits of any of the numbers."""
    long = k.mask_of(pc.greater(pc.binary_length(cells), _SURELY_EXACT))
    if not long.any():
        return False
    texts = cells.filter(pa.array(long))
    texts = texts.filter(pa.array(k.matches(texts, FLOAT)))
    kept = pc.cast(pc.cast(texts, pa.float64()), pa.string())
    return any(rounds(text) for text in texts.filter(pc.not_equal(texts, kept)).to_pylist())
