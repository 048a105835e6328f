"""The result of parsing: blocks of accepted rows, in columns, and the rejected lines."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataengine.imports.dialects.grammar import Grammar
from dataengine.imports.reading.rejected_lines import RejectedLine

type Int64Array = npt.NDArray[np.int64]

_FEW = 200


@dataclass(slots=True)
class Block:
    """A stretch of accepted rows, column by column, and the rejected lines among and after them.

    ``columns``: one ``pa.string()`` array per column, all of the same length. Null is an unquoted cell that equals one
    of the null values; a quoted cell is never null.
    ``lines``: for each row the physical line on which it begins. Ascending, also from block to block.
    ``rejects``: ascending by line; their line numbers tell between which rows they belong.
    ``bytes_read``: position in the stored (maybe compressed) file when the block was made.
    """

    columns: list[pa.Array]
    lines: Int64Array
    rejects: list[RejectedLine]
    bytes_read: int
    _text: bytes = field(default=b"", repr=False)
    _starts: Int64Array = field(default_factory=lambda: np.empty(0, np.int64), repr=False)
    _ends: Int64Array = field(default_factory=lambda: np.empty(0, np.int64), repr=False)

    def __len__(self) -> int:
        return len(self.lines)

    def raw(self, index: int) -> str:
        """The text of an accepted row as written in the file (decoded), without its line break. Cheap."""
        return self.bytes_of(index).decode()

    def bytes_of(self, index: int) -> bytes:
        """The same as it is parsed, in UTF-8."""
        return self._text[int(self._starts[index]) : int(self._ends[index])]

    def before(self, line: int) -> Block:
        """What of it stands before a line."""
        count = int(np.searchsorted(self.lines, line))
        return Block(
            [column.slice(0, count) for column in self.columns],
            self.lines[:count],
            [item for item in self.rejects if item.line < line],
            self.bytes_read,
            self._text,
            self._starts[:count],
            self._ends[:count],
        )

    def without(self, rows: Collection[int], instead: Collection[RejectedLine] = ()) -> Block:
        """The same without some rows, by their numbers in the block, and with these lines among the rejected ones."""
        kept = np.ones(len(self), np.bool_)
        kept[list(rows)] = False
        return Block(
            [column.filter(pa.array(kept)) for column in self.columns],
            self.lines[kept],
            sorted([*self.rejects, *instead], key=lambda item: item.line),
            self.bytes_read,
            self._text,
            self._starts[kept],
            self._ends[kept],
        )

    def has_quoted(self, grammar: Grammar, place: int, words: Collection[str]) -> bool:
        """Whether a cell of a column is one of some words, in quotes. Looks at no more than a few rows that may be."""
        if not grammar.quote or not self._may_have_quoted(grammar.quote, words):
            return False
        quote = re.escape(grammar.quote)
        listed = b"|".join(re.escape(word.encode()) for word in words)
        looked = -1
        # That the case of the quote does not matter either would cost the search its quickest way.
        for found in islice(re.finditer(quote + b"(?i:" + listed + b")" + quote, self._text), _FEW):
            row = int(np.searchsorted(self._starts, found.start(), "right")) - 1
            if row > looked and row >= 0 and found.end() <= self._ends[row]:
                looked = row
                if grammar.cells(self._text[int(self._starts[row]) : int(self._ends[row])])[place][1]:
                    return True
        return False

    def _may_have_quoted(self, quote: bytes, words: Collection[str]) -> bool:
        """Whether a quote stands before what one of the words begins with; by the bytes, without a look at each."""
        if len(quote) > 1:
            return quote in self._text
        text = np.frombuffer(self._text, dtype=np.uint8)
        after = text[np.flatnonzero(text[:-1] == quote[0]) + 1]
        return any(
            bool((after == code).any())
            for word in words
            for code in {*word[:1].lower().encode()[:1], *word[:1].upper().encode()[:1]}
        )


@dataclass(slots=True)
class Piece:
    """What an engine made of the beginning of a buffer: rows, rejects, and how far it got.

    ``starts`` and ``ends`` are the byte offsets of the rows in the buffer; the first ``consumed`` bytes and
    ``lines_done`` lines of it are done. ``empty`` of the lines consist of delimiters only.
    """

    columns: list[pa.Array]
    lines: Int64Array
    rejects: list[RejectedLine]
    starts: Int64Array
    ends: Int64Array
    consumed: int
    lines_done: int
    empty: int = 0

    @classmethod
    def nothing(cls, width: int, rejects: list[RejectedLine], consumed: int, lines: int) -> Piece:
        """The consumed part had no row."""
        none = np.empty(0, np.int64)
        columns = [pa.array([], pa.string()) for _ in range(width)]
        return cls(columns, none, rejects, none, none, consumed, lines)
