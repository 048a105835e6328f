"""One sheet of an .xlsx as CSV text, streamed: memory holds a few rows and the shared strings up to the last that
the rows so far refer to, not the sheet. Programs write them in the order of their first use, so a look at the first
rows needs the first strings only.

Lines are as ``sheets.py`` has them. Numbers are written as the shortest text of the stored double, dates and times
(known by their cell format) in ISO form, booleans as ``true`` and ``false``; empty cells are empty, empty strings are
``""``. What a file may make us keep is bounded: the columns of a row, a text, the number of texts, sheets and formats.
"""

from __future__ import annotations

import re
import zipfile
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from posixpath import join, normpath
from typing import BinaryIO

from dataengine.columns.identifiers import MAX_COLUMNS
from dataengine.exceptions import InvalidInput

from .archives import SourceLimits
from .sheet_cells import (
    EPOCH,
    EPOCH_1904,
    builtin_kind,
    column_index,
    format_kind,
    moment_text,
    padded,
    padding,
    quoted,
)
from .sheet_heads import Merge
from .sheet_reader import SheetReader
from .sheets import MAX_CELL, MAX_ROW, Sheet, SheetLines, check_place, choose, rank, too_long
from .xlsx_parts import Attributes, Elements, open_archive, parse_part, read_merges, stream_part

MAX_COLUMN = 16_384
_CHUNKS_LOOKED_AT = 4
MAX_STRINGS = 16_000_000
MAX_FORMATS = 100_000
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
SHEET_TYPE = "/worksheet"
STRINGS = "xl/sharedStrings.xml"
_DIMENSION = re.compile(r"[A-Z]+[0-9]+:[A-Z]+([0-9]{1,7})")


class Workbook(SheetReader):
    """An opened .xlsx: its shared strings, which cell formats mean dates, and which of its sheets is read.

    ``asked`` is the name or number of a sheet, otherwise the first that holds a table is read. Raises InvalidInput
    ``broken_archive``, ``bomb``, ``too_large``, ``too_many_columns``, ``unknown_sheet`` or ``not_csv``.
    """

    def __init__(self, file: BinaryIO, limits: SourceLimits, asked: str | int | None = None) -> None:
        super().__init__()
        self._file = file
        self._limits = limits
        self._merges: Sequence[Merge] | None = None
        with open_archive(file) as archive:
            self._sheets, self._epoch = self._listed(archive)
            names = set(archive.namelist())
            self._strings = _Strings()
            if STRINGS in names:
                if archive.getinfo(STRINGS).file_size > limits.max_member_bytes:
                    raise InvalidInput("The workbook's texts are too large to be imported.", code="too_large")
                self._strings.come_from(self._texts())
            self._formats = _Styles()
            if "xl/styles.xml" in names:
                parse_part(archive, "xl/styles.xml", self._formats, limits)
            self._sheet = choose(self._sheets, asked, self._look)

    def _begin(self) -> tuple[SheetLines, Iterator[int]]:
        rows = _Rows(self._strings, self._formats.kinds, self._epoch, SheetLines(self._merged))
        return rows.lines, self._positions(rows)

    def _positions(self, rows: _Rows) -> Iterator[int]:
        with open_archive(self._file) as archive:
            yield from stream_part(archive, self._sheet.path, rows, self._limits)

    def _look(self, sheet: Sheet) -> None:
        """Find out what a sheet seems to hold, from its first rows."""
        rows = _Rows(self._strings, self._formats.kinds, self._epoch, SheetLines())
        with suppress(InvalidInput), open_archive(self._file) as archive:  # what is wrong is said if it is read
            for count, _ in enumerate(stream_part(archive, sheet.path, rows, self._limits), 1):
                if rows.lines.is_settled or count == _CHUNKS_LOOKED_AT:
                    break
        sheet.rank = rank([row for _, row in rows.lines.first])
        sheet.rows = rows.said_rows

    def _merged(self, last_row: int) -> Sequence[Merge]:
        if self._merges is None:
            with open_archive(self._file) as archive:
                self._merges = [Merge(*place) for place in read_merges(archive, self._sheet.path, last_row)]
        return self._merges

    def _texts(self) -> Iterator[int]:
        """Reads the shared strings piece by piece, while the sheet is read from the same file."""
        with open_archive(self._file) as archive:
            yield from stream_part(archive, STRINGS, self._strings, self._limits)

    def _listed(self, archive: zipfile.ZipFile) -> tuple[list[Sheet], datetime]:
        book = Elements("sheet", "workbookPr")
        relations = Elements("Relationship")
        parse_part(archive, "xl/workbook.xml", book, self._limits)
        parse_part(archive, "xl/_rels/workbook.xml.rels", relations, self._limits)
        targets = {
            item.get("Id", ""): item.get("Target", "")
            for item in relations.found["Relationship"]
            if item.get("Type", "").endswith(SHEET_TYPE)
        }
        since_1904 = any(item.get("date1904") in ("1", "true") for item in book.found["workbookPr"])
        sheets = []
        for item in book.found["sheet"]:
            relation = next((value for key, value in item.items() if key.endswith(":id")), "")
            if target := targets.get(relation):
                path = target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
                sheets.append(Sheet(item.get("name", ""), path, item.get("state", "visible") != "visible"))
        return sheets, EPOCH_1904 if since_1904 else EPOCH


class _Strings(Elements):
    """The shared strings, in one buffer, read as far as they are asked for. Phonetic hints (``rPh``) are no part."""

    def __init__(self) -> None:
        super().__init__()
        self._data = bytearray()
        self._ends = array("Q", [0])
        self._parts: list[str] | None = None
        self._size = 0
        self._phonetic = False
        self._more: Iterator[object] = iter(())
        self._fault: InvalidInput | None = None

    def come_from(self, reading: Iterator[object]) -> None:
        """``reading`` hands on more of them with each step."""
        self._more = reading

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "rPh":
            self._phonetic = True
        elif name == "t" and not self._phonetic:
            self._parts = []

    def end(self, name: str) -> None:
        if name == "rPh":
            self._phonetic = False
        elif name == "t" and self._parts is not None:
            self._data += "".join(self._parts).encode()
            self._parts = None
        elif name == "si":
            self._size = 0
            if len(self._ends) > MAX_STRINGS:
                raise InvalidInput("The workbook holds too many texts to be imported.", code="too_large")
            self._ends.append(len(self._data))

    def text(self, data: str) -> None:
        if self._parts is not None:
            self._parts.append(data)
            self._size += len(data)
            if self._size > MAX_CELL:
                raise too_long("A text of the workbook")

    def __len__(self) -> int:
        """How many have been read."""
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> str:
        if self._fault is not None:
            raise self._fault
        try:
            while index >= len(self) and next(self._more, None) is not None:
                pass
        except InvalidInput as error:
            self._fault = error  # whoever asks again is told the same
            raise
        if not 0 <= index < len(self):
            raise InvalidInput("The workbook refers to a text that it does not hold.", code="broken_archive")
        return self._data[self._ends[index] : self._ends[index + 1]].decode()


class _Styles(Elements):
    """Which cell formats (by index) show dates and times, or more zeros than a number has.

    ``kinds`` maps them to ``date time moment span``, or to these zeros.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kinds: dict[int, str] = {}
        self._custom: dict[int, str | None] = {}
        self._in_cells = False
        self._count = 0

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "numFmt":
            self._check()
            code = attributes.get("formatCode", "")
            self._custom[int(attributes.get("numFmtId", "0"))] = format_kind(code) or padding(code)
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells:
            self._check()
            number = int(attributes.get("numFmtId", "0"))
            kind = self._custom[number] if number in self._custom else builtin_kind(number)
            if kind:
                self.kinds[self._count] = kind
            self._count += 1

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cells = False

    def _check(self) -> None:
        if len(self._custom) >= MAX_FORMATS or self._count >= MAX_FORMATS:
            raise InvalidInput("The workbook has too many cell formats.", code="too_large")


class _Rows(Elements):
    """Turns a sheet's events into rows of CSV cells, and those into ``lines``."""

    def __init__(self, strings: _Strings, kinds: dict[int, str], epoch: datetime, lines: SheetLines) -> None:
        super().__init__()
        self.lines = lines
        self.said_rows: int | None = None
        """How many rows the sheet says it has."""
        self._strings = strings
        self._kinds = kinds
        self._epoch = epoch
        self._row = 0
        self._cells: list[str] = []
        self._type = "n"
        self._style = 0
        self._column = -1
        self._parts: list[str] | None = None
        self._size = 0
        self._value: str | None = None
        self._is_formula = False
        self._phonetic = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "c":
            reference = attributes.get("r")
            column = column_index(reference) if reference else self._column + 1
            if not self._column < column < MAX_COLUMN:
                raise InvalidInput("The sheet's cells are out of order.", code="broken_archive")
            self._column = column
            self._type = attributes.get("t", "n")
            self._style = int(attributes.get("s", "0"))
            self._value = None
            self._is_formula = False
            self._size = 0
        elif (name == "v" or name == "t") and not self._phonetic:
            self._parts = []
        elif name == "f":
            self._is_formula = True
        elif name == "rPh":
            self._phonetic = True
        elif name == "row":
            number = int(attributes.get("r", self._row + 1))
            if number <= self._row:
                raise InvalidInput("The sheet's rows are out of order.", code="broken_archive")
            # Some programs write more rows than spreadsheets show. They come in; a gap beyond that may be any size.
            if MAX_ROW < number != self._row + 1:
                raise InvalidInput(f"The sheet has a row {number:,}, beyond row {MAX_ROW:,}.", code="broken_archive")
            self._row = number
            self._column = -1
            self._cells = []
        elif name == "dimension" and (found := _DIMENSION.fullmatch(attributes.get("ref", ""))):
            self.said_rows = int(found[1])

    def text(self, data: str) -> None:
        if self._parts is not None:
            self._parts.append(data)
            self._size += len(data)
            if self._size > MAX_CELL:
                raise too_long("A cell of the sheet")

    def end(self, name: str) -> None:
        if name == "v" or name == "t":
            if self._parts is not None:
                self._value = (self._value or "") + "".join(self._parts)
                self._parts = None
        elif name == "c":
            value = self._value
            if self._is_formula and not value and (value is None or self._type != "str"):
                self.lines.formulas += 1
            elif value is not None:
                self._put(self._written(value))
        elif name == "row":
            self.lines.add(self._row, self._cells)
        elif name == "rPh":
            self._phonetic = False

    def _put(self, cell: str) -> None:
        column = self._column
        if column >= MAX_COLUMNS:
            if cell.strip('" '):
                check_place(self._row, column)
            return
        cells = self._cells
        if column > len(cells):
            cells.extend([""] * (column - len(cells)))
        cells.append(cell)

    def _written(self, value: str) -> str:
        if self._type == "n":
            if kind := self._kinds.get(self._style):
                if kind[0] == "0":
                    return padded(self.lines.number(value), kind)
                if kind == "span":
                    self.lines.told[self._column, kind] += 1
                return moment_text(value, kind, self._epoch)
            return self.lines.number(value)
        if self._type == "s":
            value = self._strings[int(value)]
        elif self._type == "b":
            return self.lines.flag(self._column, value=value.strip() == "1")
        elif self._type == "d":
            value = value.strip().removesuffix(".000").removesuffix("T00:00:00")
        if "_x" in value:
            value = ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), value)
        return quoted(value)
