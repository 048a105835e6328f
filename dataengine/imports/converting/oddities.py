"""What columns whose types are known hold that people should be told of, noticed while they are converted. Pure.

Numbers like 1.000, whose point may stand between thousands, numbers with more digits than floating point keeps, and
words that may mean that a value is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .kernels import Target, cast, trimmed
from .number_styles import POINT, note_on_thrice
from .patterns import NULL_WORDS
from .recognising import rounds

_MAYBE_THOUSANDS = r"^\s*-?[1-9][0-9]{0,2}\.[0-9]{3}\s*$"
_WORDS = frozenset(NULL_WORDS)
_KEPT_BY_DOUBLE, _KEPT_BY_REAL = 15, 6
"""Numbers of so many characters keep all their digits."""
_PLAIN = r"^[+-]?[0-9]+(?:\.[0-9]+)?$"


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
        self._rounded: dict[str, str] = {}

    def look(self, target: Target, cells: pa.Array) -> None:
        """Take in the cells of one block."""
        if target.kind.kernel == "float" and target.name not in self._rounded:
            if (cell := _first_rounded(cells, target.arrow)) is not None:
                self._rounded[target.name] = f"numbers such as {cell} have more digits than {_sql(target)} keeps"
            return
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
        thrice = [f"{name}: {note_on_thrice(POINT, '.')}" for name in sorted(self._open_marks & self._seen_marks)]
        rounded = [f"{name}: {said}, and are rounded; NUMERIC keeps them" for name, said in self._rounded.items()]
        return [*thrice, *rounded]


def _sql(target: Target) -> str:
    return target.kind.sql_names[0]


def _first_rounded(cells: pa.Array, kind: pa.DataType) -> str | None:
    """The first number, if there is any, that is another once it is stored as floating point."""
    is_double = pa.types.is_float64(kind)
    long = cells.filter(pc.greater(pc.binary_length(cells), _KEPT_BY_DOUBLE if is_double else _KEPT_BY_REAL))
    if not len(long):
        return None
    others = _unlike_shown(long, kind)
    if not len(others):
        return None
    texts = trimmed(others)
    texts = texts.filter(pc.match_substring_regex(texts, _PLAIN))
    # Zeros at the end are no digits that could be lost.
    texts = pc.replace_substring_regex(texts, r"(\.[0-9]*[1-9])0+$|\.0+$", r"\1")
    return next(
        (text for text in _unlike_shown(texts, kind).to_pylist() if _is_rounded(text, is_double=is_double)), None
    )


def _unlike_shown(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """The texts that are not what their numbers are shown as; all of them where one is no number."""
    values = cast(texts, kind)
    return texts if values is None else texts.filter(pc.not_equal(texts, pc.cast(values, pa.string())))


def _is_rounded(text: str, *, is_double: bool) -> bool:
    return rounds(text) if is_double else Decimal(str(np.float32(text))) != Decimal(text)
