"""One sheet of an .xls (Excel 97 to 2003) as CSV text, by xlrd. Pure.

The format holds doubles and is not packed, so the size of a file bounds what it takes: some ten times as much. xlrd
hands over errors, bare day numbers and the epoch, so the rules are those of .xlsx.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from dataengine.exceptions import InvalidInput

from .sheet_cells import EPOCH, EPOCH_1904, format_kind, moment_text, padded, padding, quoted
from .sheet_heads import Merge
from .sheet_reader import SheetReader
from .sheets import WIDTH_ROWS, Sheet, SheetLines, choose, rank

if TYPE_CHECKING:
    from xlrd.book import Book
    from xlrd.sheet import Sheet as XlsSheet

MAX_BYTES = 32 << 20
_ROWS_AT_ONCE = 1000
_TEXT, _NUMBER, _DATE, _BOOLEAN, _ERROR = 1, 2, 3, 4, 5


class OldWorkbook(SheetReader):
    """``asked`` is the name or number of a sheet. Raises InvalidInput as ``xlsx.Workbook`` does."""

    def __init__(self, file: BinaryIO, asked: str | int | None = None) -> None:
        super().__init__()
        self._size = file.seek(0, os.SEEK_END)
        if self._size > MAX_BYTES:
            raise InvalidInput(
                f"An .xls may have {MAX_BYTES >> 20} MiB at most; save it as .xlsx or CSV.", code="too_large"
            )
        file.seek(0)
        self._book = _opened(file.read())
        self._epoch = EPOCH_1904 if self._book.datemode else EPOCH
        self._sheets = [
            Sheet(name, str(number), is_hidden=bool(visibility))
            for number, (name, visibility) in enumerate(
                zip(self._book.sheet_names(), self._book._sheet_visibility, strict=False)  # type: ignore[attr-defined]
            )
        ]
        self._taken = self._sheet(choose(self._sheets, asked, self._look))

    def _begin(self) -> tuple[SheetLines, Iterator[int]]:
        sheet = self._taken
        lines = SheetLines(lambda last_row: _merges(sheet, last_row))
        return lines, self._positions(sheet, lines)

    def _positions(self, sheet: XlsSheet, lines: SheetLines) -> Iterator[int]:
        for number in range(sheet.nrows):
            lines.add(number + 1, self._cells(sheet, number, lines))
            if number % _ROWS_AT_ONCE == _ROWS_AT_ONCE - 1:
                yield self._size * (number + 1) // sheet.nrows
        yield self._size

    def _look(self, sheet: Sheet) -> None:
        found = self._sheet(sheet)
        sheet.rows = found.nrows
        lines = SheetLines()
        for number in range(min(found.nrows, WIDTH_ROWS)):
            lines.add(number + 1, self._cells(found, number, lines))
        sheet.rank = rank([row for _, row in lines.first])

    def _sheet(self, sheet: Sheet) -> XlsSheet:
        try:
            return self._book.sheet_by_index(int(sheet.path))
        except Exception as error:
            raise _broken(error) from error

    def _cells(self, sheet: XlsSheet, number: int, lines: SheetLines) -> list[str]:
        kinds, values = sheet.row_types(number), sheet.row_values(number)
        return [
            self._written(sheet, lines, number, column, kind, value)
            for column, (kind, value) in enumerate(zip(kinds, values, strict=True))
        ]

    def _written(self, sheet: XlsSheet, lines: SheetLines, row: int, column: int, kind: int, value: object) -> str:
        if kind == _TEXT:
            return quoted(str(value))
        if kind == _NUMBER:
            zeros = padding(self._format(sheet, row, column))
            number = lines.number(repr(value))
            return padded(number, zeros) if zeros else number
        if kind == _DATE:
            shown = self._shown(sheet, row, column)
            if shown == "span":
                lines.told[column, shown] += 1
            return moment_text(repr(value), shown, self._epoch)
        if kind == _BOOLEAN:
            return lines.flag(column, value=bool(value))
        if kind == _ERROR:
            from xlrd.biffh import error_text_from_code

            return str(error_text_from_code.get(cast("int", value), "#N/A"))
        return ""

    def _shown(self, sheet: XlsSheet, row: int, column: int) -> str:
        """What the cell's format shows of a day's number."""
        return format_kind(self._format(sheet, row, column)) or "moment"

    def _format(self, sheet: XlsSheet, row: int, column: int) -> str:
        form = self._book.xf_list[sheet.cell_xf_index(row, column)]
        return self._book.format_map[form.format_key].format_str


def _opened(data: bytes) -> Book:
    import xlrd  # few files are such

    try:
        with Path(os.devnull).open("w") as nowhere:  # it tells of oddities on the standard output
            return xlrd.open_workbook(
                file_contents=data, on_demand=True, formatting_info=True, ragged_rows=True, logfile=nowhere
            )
    except Exception as error:
        raise _broken(error) from error


def _broken(error: Exception) -> InvalidInput:
    """Damaged files make xlrd raise whatever there is."""
    if "encrypted" in str(error):
        return InvalidInput("The workbook is encrypted; save it without a password.", code="broken_archive")
    return InvalidInput("The workbook is damaged, or no .xls.", code="broken_archive")


def _merges(sheet: XlsSheet, last_row: int) -> list[Merge]:
    return [
        Merge(first + 1, column, end, last_column - 1)
        for first, end, column, last_column in sheet.merged_cells
        if first < last_row
    ]
