"""Records as an Excel workbook, written row by row, so that the sheet grows in a temporary file and not in memory.

Strings stay strings (no cell is a formula or a link). Numbers that a spreadsheet would round, dates that it does not
know and moments with a time zone are written as exact text.
"""

from __future__ import annotations

import io
import shutil
import tempfile
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import OperationalError
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast, Length

from dataengine.columns import displays, durations
from dataengine.exceptions import InvalidInput
from dataengine.models import Column
from dataengine.postgres.time_limits import time_limit, timed_out
from dataengine.records.model import Record
from dataengine.records.serializers import representers

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

MAX_RECORDS = 1_048_575
"""Rows of a sheet, without the header."""
MAX_TEXT = 32_767
"""Characters in a cell."""
_EXACT_DIGITS = 15
_FIRST_YEAR = 1900
_LONGEST_SPAN = timedelta(hours=10_000)
"""Longer ones and negative ones are shown as #### or cannot be typed in."""
_BATCH = 1_000
_CHECK_SECONDS = 3.0
_PIECE_BYTES = 256 * 1024


def check_fits(records: QuerySet[Record], columns: Sequence[Column]) -> None:
    """Raise InvalidInput for more records or a longer text than a sheet can hold.

    If checking takes too long, it is left to the writing of the workbook: then the file breaks off.
    """
    try:
        with time_limit(_CHECK_SECONDS):
            _check_fits(records, columns)
    except OperationalError as error:
        if not timed_out(error):
            raise


def _check_fits(records: QuerySet[Record], columns: Sequence[Column]) -> None:
    plain = records.order_by()
    if plain[: MAX_RECORDS + 1].count() > MAX_RECORDS:
        raise _too_many()
    long = Q(pk__in=[])
    for column in columns:
        if column.kind.may_be_long(column.parameters):
            text = Cast(column.attribute, TextField())
            plain = plain.annotate(**{f"length_{column.attribute}": Length(text)})
            long |= Q((f"length_{column.attribute}__gt", MAX_TEXT))
    if plain.filter(long).exists():
        raise _does_not_fit()


def _too_many() -> InvalidInput:
    reason = f"A sheet can hold at most {MAX_RECORDS:,} records. Filter them, or export CSV."
    return InvalidInput(reason, code="too_many_records", fields={"format": reason})


def _does_not_fit() -> InvalidInput:
    reason = f"A cell can hold at most {MAX_TEXT:,} characters, and a text is longer. Export CSV instead."
    return InvalidInput(reason, code="text_too_long", fields={"format": reason})


class Abandoned(Exception):
    """Nobody is waiting for the workbook any more."""


class _Archive(io.FileIO):
    """The workbook's file. Packing a million records takes many seconds, so each write asks whether to go on."""

    def __init__(self, path: Path, is_abandoned: Callable[[], bool]) -> None:
        super().__init__(path, "w+")
        self._is_abandoned = is_abandoned
        self._has_raised = False

    def write(self, data: Any, /) -> int:
        if self._has_raised:  # the packer closes its open files
            return len(data)
        if self._is_abandoned():
            self._has_raised = True
            raise Abandoned
        return super().write(data)


def workbook(
    records: QuerySet[Record],
    columns: Sequence[Column],
    *,
    reading: Callable[[], AbstractContextManager[None]],
    is_abandoned: Callable[[], bool] = lambda: False,
) -> Generator[bytes]:
    """The workbook in pieces. While it is being made they are empty, so that it can be abandoned.

    ``reading`` is the transaction in which the records are read. Raises Abandoned during the packing if
    ``is_abandoned`` returns true.
    """
    from xlsxwriter import Workbook  # few web processes ever need it

    folder = Path(tempfile.mkdtemp(prefix="tablekeep-export-"))
    try:
        path = folder / "records.xlsx"
        options = {
            "constant_memory": True,
            "tmpdir": str(folder),
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        with _Archive(path, is_abandoned) as archive:
            book = Workbook(archive, options)
            writer = _Writer(book, book.add_worksheet("Records"), records, columns)
            with reading():
                yield from writer.rows()
            try:
                book.close()
            except Abandoned as error:
                # Close the packer's files now, not after its own file has been closed.
                traceback.clear_frames(error.__traceback__)
                raise
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Digits(float):
    """A decimal number that the sheet holds with the zeros at its end: 1.50 is not 1.5 in a table.

    Spreadsheets read the same number. Programs write ``2.0`` for what was 2, so that is written in tenths: ``20E-1``.
    """

    def __new__(cls, value: Decimal) -> _Digits:
        self = super().__new__(cls, value)
        self.text = format(value, "f")
        return self

    text: str

    def __format__(self, form: str) -> str:
        if "." not in self.text or not self.text.endswith("0"):
            return super().__format__(form)
        return f"{self.text[:-2]}0E-1" if self.text.endswith(".0") else self.text


class _Writer:
    """Writes the records to a sheet, each value by its type."""

    def __init__(self, book: Workbook, sheet: Worksheet, records: QuerySet[Record], columns: Sequence[Column]) -> None:
        self.book, self.sheet, self.records, self.columns = book, sheet, records, columns
        self.head: Format = book.add_format({"bold": True})
        self.date: Format = book.add_format({"num_format": "yyyy-mm-dd"})
        self.moment: Format = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self.time: Format = book.add_format({"num_format": "hh:mm:ss"})
        self.span: Format = book.add_format({"num_format": "[h]:mm:ss"})

    def rows(self) -> Generator[bytes]:
        columns = self.columns
        for number, name in enumerate(["id", *(column.name for column in columns)]):
            self.sheet.write_string(0, number, name, self.head)
        self.sheet.freeze_panes(1, 0)
        shown = [None, *representers(columns)]
        formats = [displays.sheet_format(column.display) for column in columns]
        look = [None, *(self.book.add_format({"num_format": code}) if code else None for code in formats)]
        always_text = [None, *(column.kind.sheet_text for column in columns)]
        found = self.records.values_list("id", *(column.attribute for column in columns))
        for line, row in enumerate(found.iterator(chunk_size=_BATCH), 1):
            if line > MAX_RECORDS:
                raise _too_many()
            for number, value in enumerate(row):
                if value is None:
                    continue
                if (written := always_text[number]) is not None:
                    self.text(line, number, written(value))
                elif not self.typed(line, number, value, look[number]):
                    represent = shown[number]
                    self.text(line, number, value if represent is None else represent(value))
            if line % _BATCH == 0:
                yield b""

    def typed(self, line: int, number: int, value: Any, look: Format | None) -> bool:
        """Write the value with a type of the spreadsheet's, if that is exact. Returns whether it was.

        ``look`` is the format for numbers.
        """
        sheet = self.sheet
        match value:
            case bool():
                sheet.write_boolean(line, number, value)
            case int() if abs(value) < 10**_EXACT_DIGITS:
                sheet.write_number(line, number, value, look)
            case Decimal() if value.is_finite() and _is_exact(value):
                sheet.write_number(line, number, _Digits(value), look)
            case float() if value - value == 0 and float(f"{value:.16G}") == value:  # finite, and written whole
                sheet.write_number(line, number, value, look)
            case datetime() if value.tzinfo is None and value.year > _FIRST_YEAR and value.microsecond % 1000 == 0:
                sheet.write_datetime(line, number, value, self.moment)
            case datetime():
                return False
            case date() if value.year > _FIRST_YEAR:
                sheet.write_datetime(line, number, value, self.date)
            case time() if value.microsecond % 1000 == 0:
                sheet.write_datetime(line, number, value, self.time)
            case timedelta() if timedelta() <= value < _LONGEST_SPAN and value.microseconds % 1000 == 0:
                sheet.write_datetime(line, number, value, self.span)
            case timedelta():
                self.text(line, number, durations.written(value))
            case _:
                return False
        return True

    def text(self, line: int, number: int, value: Any) -> None:
        if self.sheet.write_string(line, number, str(value)):
            # It was checked before the first byte was sent, but somebody has changed it since.
            raise _does_not_fit()


def _is_exact(value: Decimal) -> bool:
    """Whether a cell keeps every digit: a spreadsheet keeps at most 15, and ``_Digits`` zeros at the end among them."""
    _, digits, exponent = value.as_tuple()
    has_room = bool(digits[-1]) or int(exponent) > -_EXACT_DIGITS
    return len(digits) <= _EXACT_DIGITS and has_room and abs(value.adjusted()) < 300
