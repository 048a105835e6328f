"""One sheet of an .ods as CSV text, streamed. Pure.

The file says of each cell what it is: numbers, days and times as they were stored, booleans, texts. Cells and rows that
are said to be repeated are counted before they are made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from dataengine.columns.identifiers import MAX_COLUMNS
from dataengine.exceptions import InvalidInput

from .archives import SourceLimits
from .sheet_cells import padded, quoted, span_text
from .sheet_heads import Merge
from .sheet_reader import SheetReader
from .sheets import MAX_CELL, MAX_ROW, Sheet, SheetLines, check_place, choose, rank, too_long
from .xlsx_parts import MAX_ELEMENTS, Attributes, Elements, open_archive, stream_part

CONTENT = "content.xml"
LOOKED_AT = 8 << 20
"""Bytes of the content in which sheets are looked for, unless one is asked for that is not among them."""
_CHUNK = 256 << 10
_NUMBERS = frozenset({"float", "percentage", "currency"})
_CELLS = frozenset({"table-cell", "covered-table-cell"})
_ASIDE = frozenset({"annotation", "frame", "custom-shape", "rect", "line", "g"})
"""What stands in a cell, or beside it, without being its text."""
_SPACES = re.compile(r"[ \t\r\n]+")
_SPAN = re.compile(r"(-?)P(?:(\d{1,9})D)?T?(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:[.,](\d+))?S)?")


class OpenDocument(SheetReader):
    """``asked`` is the name or number of a sheet. Raises InvalidInput as ``xlsx.Workbook`` does."""

    def __init__(self, file: BinaryIO, limits: SourceLimits, asked: str | int | None = None) -> None:
        super().__init__()
        self._file = file
        self._limits = limits
        self._list(LOOKED_AT)
        try:
            self._taken = choose(self._sheets, asked, lambda sheet: None)
        except InvalidInput as error:
            if error.error_code != "unknown_sheet":
                raise
            self._list(None)
            self._taken = choose(self._sheets, asked, lambda sheet: None)

    def _begin(self) -> tuple[SheetLines, Iterator[int]]:
        rows = _Rows(int(self._taken.path))
        return rows.lines, self._positions(rows)

    def _positions(self, rows: _Rows) -> Iterator[int]:
        with open_archive(self._file) as archive:
            for position in stream_part(archive, CONTENT, rows, self._limits):
                yield position
                if rows.is_over:
                    break

    def _list(self, limit: int | None) -> None:
        """Find the sheets, and what their first rows look like."""
        rows = _Rows(None)
        with open_archive(self._file) as archive:
            for count, _ in enumerate(stream_part(archive, CONTENT, rows, self._limits), 1):
                if limit is not None and count * _CHUNK >= limit:
                    break
        rows.close_sheet()
        self._sheets = rows.sheets


class _Rows(Elements):
    """Takes the rows of the sheet of number ``wanted``, or of each (None) the first ones, to see what it looks like."""

    def __init__(self, wanted: int | None) -> None:
        super().__init__()
        self.sheets: list[Sheet] = []
        self.lines = SheetLines(lambda last_row: self._merges)
        self.is_over = False
        self._wanted = wanted
        self._merges: list[Merge] = []
        self._hidden: set[str] = set()
        self._style = ""
        self._depth = 0
        self._is_read = False
        self._row = self._row_of_content = 0
        self._repeated = 1
        self._cells: list[str] = []
        self._column = 0
        self._attributes: Attributes = {}
        self._parts: list[str] | None = None
        self._size = 0
        self._in_paragraph = False
        self._aside = 0

    def start(self, name: str, attributes: Attributes) -> None:
        if self._aside or name in _ASIDE:
            self._aside += 1
        elif name in _CELLS:
            self._attributes = attributes
            self._parts, self._size = None, 0
        elif name == "p":
            self._in_paragraph = True
            if self._parts is None:  # paragraphs of a cell are its lines
                self._parts = []
            else:
                self._parts.append("\n")
        elif name == "s":
            self._add(" " * min(_count(attributes, "text:c"), MAX_CELL + 1))
        elif name == "tab":
            self._add("\t")
        elif name == "line-break":
            self._add("\n")
        elif name == "table-row":
            self._repeated = _count(attributes, "table:number-rows-repeated")
            self._cells, self._column = [], 0
        elif name == "table":
            self._depth += 1
            if self._depth == 1:
                self._begin_sheet(attributes)
        elif name == "style":
            self._style = attributes.get("style:name", "")
        elif name == "table-properties" and attributes.get("table:display") == "false":
            self._hidden.add(self._style)
            if len(self._hidden) > MAX_ELEMENTS:
                raise InvalidInput("The workbook has too many styles.", code="too_large")

    def end(self, name: str) -> None:
        if self._aside:
            self._aside -= 1
        elif name in _CELLS:
            if self._is_read:
                self._put(self._attributes)
            self._parts = None
        elif name == "p":
            self._in_paragraph = False
        elif name == "table-row":
            if self._is_read and self._depth == 1:
                self._end_row()
        elif name == "table":
            if self._depth == 1:
                self.close_sheet()
            self._depth -= 1

    def text(self, data: str) -> None:
        # As in HTML, spaces that count are written as elements.
        self._add(_SPACES.sub(" ", data) if data.isspace() or "\n" in data or "  " in data else data)

    def close_sheet(self) -> None:
        """The sheet that is being read has ended."""
        if self._wanted is None and self.sheets and self.sheets[-1].rank < 0:
            self.sheets[-1].rank = rank([row for _, row in self.lines.first])
            if self._depth:
                last = self.lines.first[-1][0] if self.lines.first else 0
                self.sheets[-1].rows = max(last, self._row_of_content)
        self.is_over = self._wanted is not None and self._is_read
        self._is_read = False

    def _begin_sheet(self, attributes: Attributes) -> None:
        number = len(self.sheets)
        if number >= MAX_ELEMENTS:
            raise InvalidInput(f"The workbook has more than {MAX_ELEMENTS:,} sheets.", code="too_large")
        hidden = attributes.get("table:style-name", "") in self._hidden
        self.sheets.append(Sheet(attributes.get("table:name", ""), str(number), hidden))
        self._is_read = self._wanted is None or number == self._wanted
        self._row = self._row_of_content = 0
        if self._wanted is None:
            self.lines = SheetLines()
        self._merges = []

    def _add(self, text: str) -> None:
        if self._parts is not None and self._in_paragraph and not self._aside:
            self._parts.append(text)
            self._size += len(text)
            if self._size > MAX_CELL:
                raise too_long("A cell of the sheet")

    def _put(self, attributes: Attributes) -> None:
        cell = self._written(attributes)
        count = _count(attributes, "table:number-columns-repeated")
        column, self._column = self._column, self._column + count
        wide = _count(attributes, "table:number-columns-spanned")
        high = _count(attributes, "table:number-rows-spanned")
        if (wide > 1 or high > 1) and len(self._merges) < MAX_ELEMENTS:
            row = self._row + 1
            self._merges.append(Merge(row, column, row + high - 1, column + wide - 1))
        if not cell:
            return
        if self._column > MAX_COLUMNS and cell.strip('" '):
            check_place(self._row + 1, max(column, MAX_COLUMNS))
        if column < MAX_COLUMNS:
            self._cells.extend([""] * (column - len(self._cells)))
            self._cells.extend([cell] * min(count, MAX_COLUMNS - column))

    def _end_row(self) -> None:
        first = self._row + 1
        self._row += self._repeated
        if not any(self._cells):
            return
        if self._row > MAX_ROW:
            raise InvalidInput(f"The sheet has more than {MAX_ROW:,} rows.", code="broken_archive")
        self._row_of_content = self._row
        if self._wanted is not None or not self.lines.is_settled:
            self.lines.add(first, self._cells, self._repeated)
            if self._wanted is None:
                self.lines.take()

    def _written(self, attributes: Attributes) -> str:
        kind = attributes.get("office:value-type", "")
        text = None if self._parts is None else "".join(self._parts)
        if kind in _NUMBERS:
            number = self.lines.number(attributes.get("office:value", text or ""))
            if text and text != number and padded(number, "0" * len(text.removeprefix("-"))) == text:
                return text  # shown with more zeros, as codes are
            return quoted(number) if number else ""
        if kind == "date":
            return quoted(attributes.get("office:date-value", text or "").replace("T", " ").removesuffix(" 00:00:00"))
        if kind == "time":
            return quoted(_clock(attributes.get("office:time-value", text or "")))
        if kind == "boolean":
            repeated = _count(attributes, "table:number-columns-repeated")
            for column in range(self._column, min(self._column + repeated, MAX_COLUMNS)):
                self.lines.flag(column, value=True, times=self._repeated)
            return "true" if attributes.get("office:boolean-value") == "true" else "false"
        if "table:formula" in attributes and not kind and not text:
            self.lines.formulas += 1
            return ""
        if kind == "string" and attributes.get("calcext:value-type") != "error":
            return quoted(attributes.get("office:string-value", text or ""))
        return quoted(text) if text else ""


def _count(attributes: Attributes, name: str) -> int:
    """How often something is repeated, or how far it reaches."""
    text = attributes.get(name, "1")
    return max(int(text), 1) if re.fullmatch(r"[0-9]{1,9}", text) else 1


def _clock(span: str) -> str:
    """``PT01H30M05.5S`` is 01:30:05.5."""
    found = _SPAN.fullmatch(span)
    if not found:
        return span
    sign, days, hours, minutes, seconds, fraction = found.groups()
    total = (int(days or 0) * 24 + int(hours or 0)) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    fraction = (fraction or "").rstrip("0")
    return sign + span_text(total) + (f".{fraction}" if fraction else "")
