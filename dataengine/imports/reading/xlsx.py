"""The first sheet of an .xlsx as CSV text, streamed: memory holds a few rows and the shared strings up to the last that
the rows so far refer to, not the sheet. Programs write them in the order of their first use, so a look at the first
rows needs the first strings only.

One line of CSV per sheet row (a cell's own line breaks aside), blank lines for rows that are missing, so that counting
records counts sheet rows. Numbers are written as the shortest text of the stored double, dates and times (known by
their cell format) in ISO form, booleans as ``true`` and ``false``; empty cells are empty, empty strings are ``""``.
"""

from __future__ import annotations

import re
import zipfile
from array import array
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from posixpath import join, normpath
from typing import BinaryIO

from dataengine.exceptions import InvalidInput

from .archives import SourceLimits
from .xlsx_parts import Attributes, Elements, open_archive, parse_part, stream_part

MAX_ROW = 1_048_576
MAX_COLUMN = 16_384
WIDTH_ROWS = 100
"""Rows that are looked at to know how wide the sheet is (rows do not say their empty cells)."""
TO_QUOTE = re.compile(r'[",\r\n]')
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
KEPT_DIGITS = 15
"""Of a number; spreadsheets make zeros of further ones as soon as somebody types them."""
WHOLE = re.compile(r"-?[0-9]{1,400}")
SHEET_TYPE = "/worksheet"
STRINGS = "xl/sharedStrings.xml"
BUILTIN_DATES = {14, 15, 16, 17, *range(27, 32), 34, 35, 36, *range(50, 59)}
BUILTIN_TIMES = {18, 19, 20, 21, 32, 33, 45, 47}
BUILTIN_MOMENTS = {22}
BUILTIN_SPANS = {46}


class Workbook:
    """An opened .xlsx: its shared strings, which cell formats mean dates, and where its first sheet is.

    ``read`` is told how many bytes of the packed file have been read. Raises InvalidInput ``broken_archive``, ``bomb``,
    ``too_large`` or ``not_csv``.
    """

    def __init__(self, file: BinaryIO, limits: SourceLimits) -> None:
        self._file = file
        self._limits = limits
        self.long_number = ""
        """The first whole number that has more digits than spreadsheets keep."""
        with open_archive(file) as archive:
            self._sheet, self._epoch = self._first_sheet(archive)
            names = set(archive.namelist())
            self._strings = _Strings()
            if STRINGS in names:
                if archive.getinfo(STRINGS).file_size > limits.max_member_bytes:
                    raise InvalidInput("The workbook's texts are too large to be imported.", code="too_large")
                self._strings.come_from(self._texts())
            self._formats = _Styles()
            if "xl/styles.xml" in names:
                parse_part(archive, "xl/styles.xml", self._formats, limits)

    def csv_chunks(self, read: Callable[[int], None]) -> Iterator[bytes]:
        """The sheet as UTF-8 CSV, from its first row."""
        rows = _Rows(self._strings, self._formats.kinds, self._epoch)
        width: int | None = None
        with open_archive(self._file) as archive:
            for position in stream_part(archive, self._sheet, rows, self._limits):
                read(position)
                self.long_number = self.long_number or rows.long_number
                if width is None and len(rows.ready) < WIDTH_ROWS:
                    continue
                width = _width(rows.ready) if width is None else width
                yield _lines(rows.ready, width)
                rows.ready.clear()
        if rows.ready:
            yield _lines(rows.ready, _width(rows.ready) if width is None else width)

    def _texts(self) -> Iterator[int]:
        """Reads the shared strings piece by piece, while the sheet is read from the same file."""
        with open_archive(self._file) as archive:
            yield from stream_part(archive, STRINGS, self._strings, self._limits)

    def _first_sheet(self, archive: zipfile.ZipFile) -> tuple[str, datetime]:
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
        epoch = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)  # noqa: DTZ001  sheets know no zones
        sheets = sorted(book.found["sheet"], key=lambda item: item.get("state", "visible") != "visible")
        for item in sheets:
            relation = next((value for key, value in item.items() if key.endswith(":id")), "")
            if target := targets.get(relation):
                path = target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
                return path, epoch
        raise InvalidInput("The workbook has no sheet.", code="not_csv")


class _Strings(Elements):
    """The shared strings, in one buffer, read as far as they are asked for. Phonetic hints (``rPh``) are no part."""

    def __init__(self) -> None:
        super().__init__()
        self._data = bytearray()
        self._ends = array("Q", [0])
        self._parts: list[str] | None = None
        self._phonetic = False
        self._more: Iterator[object] = iter(())

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
            self._ends.append(len(self._data))

    def text(self, data: str) -> None:
        if self._parts is not None:
            self._parts.append(data)

    def __len__(self) -> int:
        """How many have been read."""
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> str:
        while index >= len(self) and next(self._more, None) is not None:
            pass
        if not 0 <= index < len(self):
            raise InvalidInput("The workbook refers to a text that it does not hold.", code="broken_archive")
        return self._data[self._ends[index] : self._ends[index + 1]].decode()


class _Styles(Elements):
    """Which cell formats (by index) show dates and times: ``kinds`` maps them to ``date time moment span``."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: dict[int, str] = {}
        self._custom: dict[int, str | None] = {}
        self._in_cells = False
        self._count = 0

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "numFmt":
            self._custom[int(attributes.get("numFmtId", "0"))] = format_kind(attributes.get("formatCode", ""))
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells:
            number = int(attributes.get("numFmtId", "0"))
            kind = self._custom[number] if number in self._custom else _builtin_kind(number)
            if kind:
                self.kinds[self._count] = kind
            self._count += 1

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cells = False


class _Rows(Elements):
    """Turns a sheet's events into rows of CSV cells; ``ready`` holds the finished ones (empty: a blank row)."""

    def __init__(self, strings: _Strings, kinds: dict[int, str], epoch: datetime) -> None:
        super().__init__()
        self.ready: list[list[str]] = []
        self.long_number = ""
        self._strings = strings
        self._kinds = kinds
        self._epoch = epoch
        self._row = 0
        self._cells: list[str] = []
        self._type = "n"
        self._style = 0
        self._column = 0
        self._parts: list[str] | None = None
        self._value: str | None = None
        self._phonetic = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "c":
            reference = attributes.get("r")
            self._column = column_index(reference) if reference else len(self._cells)
            self._type = attributes.get("t", "n")
            self._style = int(attributes.get("s", "0"))
            self._value = None
        elif (name == "v" or name == "t") and not self._phonetic:
            self._parts = []
        elif name == "rPh":
            self._phonetic = True
        elif name == "row":
            number = int(attributes.get("r", self._row + 1))
            if not self._row < number <= MAX_ROW:
                raise InvalidInput("The sheet's rows are out of order.", code="broken_archive")
            self.ready.extend([] for _ in range(number - self._row - 1))
            self._row = number
            self._cells = []

    def text(self, data: str) -> None:
        if self._parts is not None:
            self._parts.append(data)

    def end(self, name: str) -> None:
        if name == "v" or name == "t":
            if self._parts is not None:
                self._value = (self._value or "") + "".join(self._parts)
                self._parts = None
        elif name == "c":
            if self._value is not None:
                if not len(self._cells) <= self._column < MAX_COLUMN:
                    raise InvalidInput("The sheet's cells are out of order.", code="broken_archive")
                self._cells.extend([""] * (self._column - len(self._cells)))
                self._cells.append(self._written(self._value))
        elif name == "row":
            while self._cells and not self._cells[-1]:
                self._cells.pop()
            self.ready.append(self._cells)
        elif name == "rPh":
            self._phonetic = False

    def _written(self, value: str) -> str:
        if self._type == "n":
            if kind := self._kinds.get(self._style):
                return moment_text(value, kind, self._epoch)
            text = number_text(value)
            if len(text) > KEPT_DIGITS and not self.long_number and is_long(text):
                self.long_number = text
            return text
        if self._type == "s":
            value = self._strings[int(value)]
        elif self._type == "b":
            return "true" if value.strip() == "1" else "false"
        if "_x" in value:
            value = ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), value)
        if not value:
            return '""'
        return '"' + value.replace('"', '""') + '"' if TO_QUOTE.search(value) else value


def format_kind(code: str) -> str | None:
    """What a number format shows: ``date``, ``time``, ``moment`` (both), ``span`` (hours beyond 24), or None."""
    if re.search(r"\[(?:h+|m+|s+)\]", code, re.IGNORECASE):
        return "span"
    bare = re.sub(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]', "", code.split(";")[0]).lower()
    if "general" in bare or not re.search(r"[ymdhs]", bare):
        return None
    time = bool(re.search(r"[hs]", bare))
    date = bool(re.search(r"[yd]", bare)) or not time
    return "moment" if date and time else "date" if date else "time"


def _builtin_kind(number: int) -> str | None:
    for kind, numbers in (
        ("date", BUILTIN_DATES),
        ("time", BUILTIN_TIMES),
        ("moment", BUILTIN_MOMENTS),
        ("span", BUILTIN_SPANS),
    ):
        if number in numbers:
            return kind
    return None


def column_index(reference: str) -> int:
    """``A1`` is 0, ``AB7`` is 27."""
    index = 0
    for char in reference:
        if not char.isalpha():
            break
        index = index * 26 + ord(char.upper()) - 64
    return index - 1


def number_text(value: str) -> str:
    """The shortest decimal text of a stored number, without an exponent: ``1.1000000000000001`` is 1.1.

    Whole numbers keep all the digits that they are written with, which may be more than a double holds.
    """
    value = value.strip()
    if WHOLE.fullmatch(value):
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    if number != number or number in (float("inf"), float("-inf")):
        return value
    text = repr(number)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0")


def is_long(text: str) -> bool:
    """Whether a number is a whole one with more digits than spreadsheets keep."""
    return len(text.removeprefix("-")) > KEPT_DIGITS and text.removeprefix("-").isdecimal()


def moment_text(value: str, kind: str, epoch: datetime) -> str:
    """A serial day number as ISO text, to the millisecond; what is no day of the calendar stays a number."""
    try:
        serial = float(value)
        milliseconds = round(serial * 86_400_000)
        if kind == "span":
            seconds, rest = divmod(milliseconds, 1000)
            return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" + (f".{rest:03}" if rest else "")
        if kind == "time" and 0 <= milliseconds < 86_400_000:
            return _clock(epoch + timedelta(milliseconds=milliseconds))
        if serial < 0 or (epoch.year == 1899 and 60 <= serial < 61):  # 1900-02-29, which Lotus believed in
            return number_text(value)
        if epoch.year == 1899 and serial < 60:
            milliseconds += 86_400_000
        moment = epoch + timedelta(milliseconds=milliseconds)
    except (ValueError, OverflowError):
        return number_text(value)
    if kind != "time" and milliseconds % 86_400_000 == 0:
        return moment.date().isoformat()
    return f"{moment.date().isoformat()} {_clock(moment)}"


def _clock(moment: datetime) -> str:
    return moment.time().isoformat("milliseconds" if moment.microsecond else "seconds")


def _width(rows: list[list[str]]) -> int:
    """How wide the sheet is: as its first row that is more than half as full as the widest."""
    widest = max((len(row) for row in rows), default=0)
    return next((len(row) for row in rows if sum(map(bool, row)) * 2 > widest), widest)


def _lines(rows: list[list[str]], width: int) -> bytes:
    lines = []
    for row in rows:
        if row and len(row) < width:
            row = row + [""] * (width - len(row))
        lines.append(",".join(row))
    lines.append("")
    return "\n".join(lines).encode("utf-8", "surrogatepass")
