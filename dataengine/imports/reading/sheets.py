"""What workbooks of all kinds have in common: which sheet is read, and its rows as lines of CSV. Pure.

One line of CSV per row of the sheet (a cell's own line breaks aside), blank lines for rows that are missing, so that
counting records counts sheet rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dataengine.columns.identifiers import MAX_COLUMNS
from dataengine.exceptions import InvalidInput

from .sheet_cells import KEPT_DIGITS, Told, column_name, is_long, number_text
from .sheet_heads import Head, Merge, head_of, may_have_merged_head

MAX_ROW = 1_048_576
MAX_SHEETS_LOOKED_AT = 50
WIDTH_ROWS = 100
"""Rows that are looked at to know how wide the sheet is (rows do not say their empty cells) and whether it is one."""
MAX_REPEATED = 64 << 20
"""Characters of rows that are there because another one is said to be repeated."""
MAX_CELL = 1 << 20
"""Characters of a cell; spreadsheets hold 32,767."""

PERHAPS = 2

type Row = list[str]
"""The cells of a row as CSV has them, up to the last that holds anything."""
_VALUE = re.compile(r"[-+]?[\d.,' %$€£¥]*\d[\d.,' %$€£¥]*|\d{4}-\d\d-\d\d[ T\d:.]*|\d+:\d\d[\d:.]*|true|false")


@dataclass(slots=True)
class Sheet:
    """A sheet of a workbook. ``rows`` is what the workbook says at once of how many it has, if it does."""

    name: str
    path: str
    is_hidden: bool = False
    rows: int | None = None
    rank: int = -1
    """How much it looks like a table: see ``rank``. -1: it was not looked at."""
    is_taken: bool = False


def choose(sheets: Sequence[Sheet], asked: str | int | None, look: Callable[[Sheet], None]) -> Sheet:
    """The sheet to read, and mark it: the one ``asked`` for by name or number, else the first that holds a table.

    Sheets that can be seen come before hidden ones. ``look`` fills in what is not known of a sheet yet.
    """
    if not sheets:
        raise InvalidInput("The workbook has no sheet.", code="not_csv")
    if asked is not None:
        taken = _named(sheets, asked)
    else:
        ordered = sorted(sheets, key=lambda sheet: sheet.is_hidden)
        for sheet in ordered[:MAX_SHEETS_LOOKED_AT]:
            look(sheet)
        # Of those that are alike the first.
        taken = max(ordered, key=lambda sheet: (sheet.rank >= PERHAPS, not sheet.is_hidden, sheet.rank))
    taken.is_taken = True
    return taken


def _named(sheets: Sequence[Sheet], asked: str | int) -> Sheet:
    number = int(asked) if isinstance(asked, int) or re.fullmatch(r"[0-9]{1,6}", asked) else 0
    for sheet in sheets:
        if sheet.name == asked:
            return sheet
    for sheet in sheets:
        if sheet.name.strip().casefold() == str(asked).strip().casefold():
            return sheet
    if 0 < number <= len(sheets):
        return sheets[number - 1]
    names = ", ".join(f"“{sheet.name[:60]}”" for sheet in sheets[:20])
    more = f" and {len(sheets) - 20} more" if len(sheets) > 20 else ""
    reason = f"The workbook has no sheet “{str(asked)[:60]}” (options.sheet); it has {names}{more}."
    raise InvalidInput(reason, code="unknown_sheet", fields={"sheet": reason})


def rank(rows: Sequence[Row]) -> int:
    """How much the first rows of a sheet look like a table: 3 plainly, 2 perhaps, 1 hardly, 0 not at all."""
    filled = [sum(map(bool, row)) for row in rows]
    counts = [count for count in filled if count]
    if not counts:
        return 0
    widest = max(counts)
    body = [row for row, count in zip(rows, filled, strict=True) if count == widest]
    if len(counts) < 2:
        return 1
    if widest > 2:
        return 3 if sum(count * 2 > widest for count in counts) > 1 else 1
    if widest == 2:
        names, values = [cell for row in body for cell in row[:1]], [row[-1] for row in body]
        if len(body) < 2:
            return 1
        if _are_values(values[1:]) and not _VALUE.fullmatch(values[0]):
            return 3
        keys = sum(name.rstrip('" ').endswith(":") for name in names)
        if keys * 2 > len(names) or len(body) < len(counts) or _are_mixed(values):
            return 2 if keys == 0 else 1
        return 3
    cells = [cell for row in body for cell in row if cell]
    return 3 if not _VALUE.fullmatch(cells[0]) and _are_values(cells[1:]) else 2


def _are_values(cells: Sequence[str]) -> bool:
    """Whether nearly all of some cells are numbers, days and the like."""
    return sum(bool(_VALUE.fullmatch(cell)) for cell in cells) * 10 >= len(cells) * 8 > 0


def _are_mixed(cells: Sequence[str]) -> bool:
    values = sum(bool(_VALUE.fullmatch(cell)) for cell in cells[1:])
    return 0 < values < len(cells) - 1


class SheetLines:
    """Takes the rows of a sheet one by one, and makes lines of CSV of them, which ``take`` hands on.

    The first rows are kept until it is known how wide the sheet is, and where its head is; ``merges`` says which cells
    are merged up to a row, if anybody wants to know.
    """

    def __init__(self, merges: Callable[[int], Sequence[Merge]] | None = None) -> None:
        self.first: list[tuple[int, Row]] = []
        """The first rows that hold anything, with their numbers."""
        self.head: Head | None = None
        self.long_number = ""
        """The first whole number that has more digits than spreadsheets keep."""
        self.formulas = 0
        """How many formulas had no result."""
        self.told: Told = Counter()
        """How many cells of each column, from 0, are true or false (``flag``) or a duration by their type or format."""
        self._merges = merges
        self._width: int | None = None
        self._next = 1
        self._repeated = 0
        self._lines: list[str] = []

    @property
    def is_settled(self) -> bool:
        """Whether enough rows were seen to know the sheet's width."""
        return self._width is not None

    def add(self, number: int, cells: Row, times: int = 1) -> None:
        """The row of that number, which comes so many times; its cells are this object's from now on.

        What is empty at its end is cut off.
        """
        while cells and not cells[-1]:
            cells.pop()
        if not cells and times > 1:
            return
        while times > 0 and self._width is None and cells:
            self.first.append((number, cells))
            number, times = number + 1, times - 1
            if len(self.first) == WIDTH_ROWS:
                self._settle()
        if times > 0 and self._width is not None:
            self._write(number, cells, times)

    def number(self, value: str) -> str:
        """A stored number as text."""
        text = number_text(value)
        if len(text) > KEPT_DIGITS and not self.long_number and is_long(text):
            self.long_number = text
        return text

    def flag(self, column: int, *, value: bool, times: int = 1) -> str:
        """True or false as text, so many times in a column."""
        self.told[column, "flag"] += times
        return "true" if value else "false"

    def end(self) -> None:
        """There are no more rows."""
        if self._width is None:
            self._settle()

    def take(self) -> bytes:
        """The lines that are ready."""
        text = "".join(self._lines)
        self._lines.clear()
        return text.encode("utf-8", "surrogatepass")

    def _settle(self) -> None:
        rows = [row for _, row in self.first]
        if self._merges is not None and may_have_merged_head(self.first):
            self.head = head_of(self.first, self._merges(self.first[-1][0]))
        fullest = max((sum(map(bool, row)) for row in rows), default=0)
        # As wide as the first row that is more than half as full as the fullest: one stray cell far out is no column.
        self._width = next((len(row) for row in rows if sum(map(bool, row)) * 2 > fullest), 0)
        head = self.head
        if head is not None:
            self._width = max(self._width, len(head.cells))
        for number, cells in self.first:
            if head is None or not head.first <= number <= head.last:
                self._write(number, cells)
            elif number == head.last:
                self._write(number, head.cells)

    def _write(self, number: int, cells: Row, times: int = 1) -> None:
        assert self._width is not None
        if times > 1:
            self._repeated += times * (sum(map(len, cells)) + max(len(cells), self._width))
            if self._repeated > MAX_REPEATED:
                raise InvalidInput("The sheet repeats its rows more often than any honest one does.", code="bomb")
        lines = self._lines
        if number > self._next:
            lines.append("\n" * (number - self._next))
        self._next = number + times
        missing = self._width - len(cells)
        line = ",".join(cells)
        end = "," * missing + "\n" if cells and missing > 0 else "\n"
        if times == 1:
            lines.append(line)
            lines.append(end)
        else:
            lines.append((line + end) * times)


def check_place(row: int, column: int) -> None:
    """Refuse a cell that holds something beyond the columns that a table can have."""
    if column >= MAX_COLUMNS:
        raise InvalidInput(
            f"Cell {column_name(column)}{row} stands in column {column + 1:,}; a table can have at most"
            f" {MAX_COLUMNS:,} columns ({column_name(MAX_COLUMNS - 1)} is the last).",
            code="too_many_columns",
        )


def too_long(where: str) -> InvalidInput:
    """For a text that no spreadsheet holds in a cell."""
    return InvalidInput(f"{where} holds more than {MAX_CELL:,} characters.", code="too_large")
