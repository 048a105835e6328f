"""Records as an Excel workbook, sent while it is made.

Strings stay strings (no cell is a formula or a link). A number that a spreadsheet would round, a date that it does
not know and a moment with a time zone go in as text, exactly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, time
from decimal import Decimal
from itertools import batched
from typing import Any

from django.db import OperationalError
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast, Length

from dataengine import sheets
from dataengine.exceptions import InvalidInput
from dataengine.models import Column
from dataengine.record_serializers import Represent, representers
from dataengine.records import Record
from dataengine.time_limits import ran_out, time_limit

MAX_RECORDS = 1_048_575
"""Rows of a sheet, less the header."""
MAX_TEXT = 32_767
"""Characters of a cell."""
_EXACT_DIGITS = 15
_FIRST_YEAR = 1900
_BATCH = 1_000
_CHECK_SECONDS = 3.0
# Day 0 of a sheet, for all days after February 1900 (there it counts a day that never was).
_DAY_0 = datetime(1899, 12, 30)  # noqa: DTZ001
_SECONDS = 86_400

type Cell = Callable[[str, Any], str]
"""Makes the cell at a place (like A1) of a value that is not NULL."""


def check_fits(records: QuerySet[Record]) -> None:
    """Raise InvalidInput for more records, or a longer text, than a sheet holds.

    Where finding out takes long, it comes out later: then the file breaks off.
    """
    try:
        with time_limit(_CHECK_SECONDS):
            _check_fits(records)
    except OperationalError as error:
        if not ran_out(error):
            raise


def _check_fits(records: QuerySet[Record]) -> None:
    plain = records.order_by()
    if plain[: MAX_RECORDS + 1].count() > MAX_RECORDS:
        raise _too_many()
    long = Q(pk__in=[])
    for column in records.model.columns:
        if column.kind.is_text or column.kind.kernel == "json":
            text = Cast(column.attribute, TextField())
            plain = plain.annotate(**{f"length_{column.attribute}": Length(text)})
            long |= Q((f"length_{column.attribute}__gt", MAX_TEXT))
    if plain.filter(long).exists():
        raise _does_not_fit()


def _too_many() -> InvalidInput:
    reason = f"A sheet holds {MAX_RECORDS:,} records at most; filter them, or take CSV."
    return InvalidInput(reason, code="too_many_records", fields={"format": reason})


def _does_not_fit() -> InvalidInput:
    reason = f"A cell of a sheet holds {MAX_TEXT:,} characters at most, and a text is longer; take CSV."
    return InvalidInput(reason, code="text_too_long", fields={"format": reason})


def workbook(records: QuerySet[Record], *, reading: Callable[[], AbstractContextManager[None]]) -> Generator[bytes]:
    """The workbook in pieces. ``reading`` holds the transaction in which the records are read."""
    columns = records.model.columns
    names = ["id", *(column.name for column in columns)]
    letters = [sheets.column_letters(number) for number in range(len(names))]
    makers = list(zip(letters, cell_makers(columns), strict=True))
    archive = sheets.Archive()
    with archive.sheet() as sheet:
        heads = zip(letters, names, strict=True)
        sheet.write([sheets.row(1, [sheets.text_cell(f"{a}1", name, sheets.BOLD) for a, name in heads])])
        yield archive.take()
        with reading():
            found = records.values_list("id", *(column.attribute for column in columns)).iterator(chunk_size=_BATCH)
            numbers = iter(range(2, MAX_RECORDS + 2))
            for batch in batched(found, _BATCH):
                rows = [_row(number, makers, values) for values, number in zip(batch, numbers, strict=False)]
                if len(rows) < len(batch):
                    raise _too_many()
                sheet.write(rows)
                yield archive.take()
    yield archive.take()


def _row(number: int, makers: Sequence[tuple[str, Cell]], values: Sequence[Any]) -> str:
    pairs = zip(makers, values, strict=True)
    return sheets.row(number, [make(f"{a}{number}", value) for (a, make), value in pairs if value is not None])


def cell_makers(columns: Sequence[Column]) -> list[Cell]:
    """How the cells of ``id`` and of each column are made, chosen once a column and not once a cell."""
    shown = representers(columns)
    return [_integer, *(_maker(column.kind.kernel, shown[place]) for place, column in enumerate(columns))]


def _maker(kernel: str, represent: Represent | None) -> Cell:
    match kernel:
        case "integer":
            return _integer
        case "json":
            return lambda place, value: _text(place, json.dumps(value, ensure_ascii=False))
        case "boolean":
            return sheets.boolean_cell
    exact = _EXACT.get(kernel)

    def make(place: str, value: Any) -> str:
        cell = exact(place, value) if exact is not None else None
        return cell or _text(place, value if represent is None else represent(value))

    return make if represent is not None or exact is not None else _text


def _text(place: str, value: object) -> str:
    text = str(value)
    if len(text) > MAX_TEXT:
        # Looked at before the first byte went out, but somebody changed it since.
        raise _does_not_fit()
    return sheets.text_cell(place, text)


def _integer(place: str, value: int) -> str:
    return sheets.number_cell(place, str(value)) if abs(value) < 10**_EXACT_DIGITS else _text(place, value)


# What a sheet has a type for, if it holds the value exactly; else None.


def _decimal(place: str, value: Decimal) -> str | None:
    return sheets.number_cell(place, repr(float(value))) if value.is_finite() and _is_exact(value) else None


def _float(place: str, value: float) -> str | None:
    return sheets.number_cell(place, repr(value)) if value - value == 0 else None  # neither NaN nor infinite


def _moment(place: str, value: datetime) -> str | None:
    if value.tzinfo is not None or value.year <= _FIRST_YEAR or value.microsecond % 1000:
        return None
    passed = value - _DAY_0
    days = passed.days + (passed.seconds + passed.microseconds / 1e6) / _SECONDS
    return sheets.number_cell(place, repr(days), sheets.MOMENT)


def _date(place: str, value: date) -> str | None:
    if value.year <= _FIRST_YEAR:
        return None
    return sheets.number_cell(place, str(value.toordinal() - _DAY_0.toordinal()), sheets.DATE)


def _time(place: str, value: time) -> str | None:
    if value.microsecond % 1000:
        return None
    seconds = value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
    return sheets.number_cell(place, repr(seconds / _SECONDS), sheets.TIME)


_EXACT: dict[str, Callable[[str, Any], str | None]] = {
    "numeric": _decimal, "float32": _float, "float64": _float, "timestamp": _moment, "date": _date, "time": _time,
}  # fmt: skip


def _is_exact(value: Decimal) -> bool:
    """Whether a spreadsheet keeps every digit: it knows no more than 15, nor trailing zeros."""
    return len(value.as_tuple().digits) <= _EXACT_DIGITS and abs(value.adjusted()) < 300
