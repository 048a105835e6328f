"""What columns whose types are known hold that people should be told of, noticed while they are converted. Pure.

Numbers like 1.000, whose point may stand between thousands, and words that may mean that a value is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from .kernels import Target
from .number_styles import POINT, note_on_thrice
from .patterns import NULL_WORDS

_MAYBE_THOUSANDS = r"^\s*-?[1-9][0-9]{0,2}\.[0-9]{3}\s*$"
_WORDS = frozenset(NULL_WORDS)


class Oddities:
    """``formats_open`` says that nobody has looked yet at how the file's numbers are written."""

    def __init__(self, targets: Iterable[Target], *, formats_open: bool) -> None:
        # Columns in which every point may be a thousands separator so far, and columns with points.
        self._open_marks = {
            target.name
            for target in targets
            if formats_open and target.kind.kernel == "numeric" and target.style is None
        }
        self._seen_marks: set[str] = set()
        self.null_words: dict[str, Counter[str]] = {}
        """By column: words that are no value of it and may mean that there is none."""

    def look(self, target: Target, cells: pa.Array) -> None:
        """Take in the cells of one block."""
        if target.name not in self._open_marks:
            return
        pointed = cells.filter(pc.fill_null(pc.match_substring(cells, "."), False))
        if not len(pointed):
            return
        self._seen_marks.add(target.name)
        if not pc.all(pc.match_substring_regex(pointed, _MAYBE_THOUSANDS)).as_py():
            self._open_marks.discard(target.name)

    def look_at_misfit(self, target: Target, cell: str | None) -> None:
        """Take in a cell that is no value of its column."""
        word = (cell or "").strip()
        if word in _WORDS and not target.kind.is_text:
            self.null_words.setdefault(target.name, Counter())[word] += 1

    @property
    def notes(self) -> list[str]:
        """What people should know once all was converted."""
        return [f"{name}: {note_on_thrice(POINT, '.')}" for name in sorted(self._open_marks & self._seen_marks)]
