"""Rows that stand within a cell: where two quotes too many make one cell of all that is between them. Pure.

Strictly read that is a row like any other, and its cell a text of several lines. But nobody looks for the rows in
there, so people are told.
"""

from __future__ import annotations

import numpy as np

from dataengine.imports.dialects.dialect import Dialect
from dataengine.imports.dialects.grammar import LINE_BREAK, Grammar

from .rows import Block


class RowsInside:
    """Looks through blocks for cells of several lines that would all be rows by themselves.

    Of two columns no such row: the line of a text may well have one comma. Nor in sheets, whose cells have bounds.
    """

    def __init__(self, dialect: Dialect, width: int, *, lines_are_records: bool) -> None:
        self._grammar = Grammar(dialect, width)
        self._width = width
        self._may_be = bool(dialect.quote) and width > 2 and not lines_are_records
        self._cells = self._rows = self._first = 0

    def look(self, block: Block) -> None:
        """Take in one block."""
        if not self._may_be or not len(block):
            return
        # At least one line between the first and the last of a record; how many the last record has is not known.
        for row in (*np.flatnonzero(np.diff(block.lines) > 2).tolist(), len(block) - 1):
            if rows := self._rows_in(block, row):
                self._first = self._first or int(block.lines[row])
                self._cells += 1
                self._rows += rows

    def _rows_in(self, block: Block, row: int) -> int:
        text = block.bytes_of(row)
        # Its own delimiters, and those of one row more.
        if text.count(self._grammar.delimiter) < 2 * (self._width - 1):
            return 0
        inner = [line for line in LINE_BREAK.split(text)[1:-1] if not self._grammar.is_blank(line)]
        are_rows = all(self._grammar.scan(line, 0, final=True).fault is None for line in inner)
        return len(inner) if are_rows else 0

    @property
    def note(self) -> str:
        """What people are told; '' if there are none."""
        if not self._rows:
            return ""
        lines = "One line looks like a row but stands"
        if self._rows > 1:
            lines = f"{self._rows:,} lines look like rows but stand"
        if self._cells > 1:
            where = f"within {self._cells:,} cells in quotes, the first of them in the row on line {self._first:,}"
        else:
            where = f"within a cell in quotes, in the row on line {self._first:,}"
        return f"{lines} {where}: if that should not be, a quote is missing or too much there."
