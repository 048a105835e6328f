"""What the cells of workbooks hold, as text: numbers, days and times, and where a cell stands. Pure."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal

type Told = Counter[tuple[int, str]]
"""How many cells of a column, by its place from 0, are true or false (``flag``) or a duration (``span``)."""
KEPT_DIGITS = 15
"""Of a number; spreadsheets make zeros of further ones as soon as somebody types them."""
EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  sheets know no zones
EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
WHOLE = re.compile(r"-?[0-9]{1,400}")
_SCALED = re.compile(r"-?(?=[0-9.]{3,16}$)[0-9]+\.[0-9]+0")
_TENTHS = re.compile(r"-?[0-9]{1,15}E-1")
_TO_QUOTE = re.compile(r'[",\r\n]')
BUILTIN_DATES = {14, 15, 16, 17, *range(27, 32), 34, 35, 36, *range(50, 59)}
BUILTIN_TIMES = {18, 19, 20, 21, 32, 33, 45, 47}
BUILTIN_MOMENTS = {22}
BUILTIN_SPANS = {46}


def quoted(text: str) -> str:
    """A text as a CSV cell: in quotes where it needs them, and where it is empty."""
    if not text:
        return '""'
    return '"' + text.replace('"', '""') + '"' if _TO_QUOTE.search(text) else text


def unquoted(cell: str) -> str:
    """What a CSV cell says."""
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def column_name(index: int) -> str:
    """0 is ``A``, 27 is ``AB``."""
    name = ""
    while index >= 0:
        index, place = divmod(index, 26)
        name, index = chr(65 + place) + name, index - 1
    return name


def format_kind(code: str) -> str | None:
    """What moment a number format shows: ``date``, ``time``, ``moment`` (both), ``span`` (hours beyond 24), or None."""
    if re.search(r"\[(?:h+|m+|s+)\]", code, re.IGNORECASE):
        return "span"
    bare = re.sub(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]', "", code.split(";")[0]).lower()
    if "general" in bare or not re.search(r"[ymdhs]", bare):
        return None
    time = bool(re.search(r"[hs]", bare))
    date = bool(re.search(r"[yd]", bare)) or not time
    return "moment" if date and time else "date" if date else "time"


def padding(code: str) -> str | None:
    """The zeros of a number format that is nothing but zeros: ``00000`` shows 123 as 00123. None for others."""
    first = code.split(";")[0]
    return first if re.fullmatch(r"0{2,30}", first) else None


def padded(text: str, zeros: str) -> str:
    """A whole number as a format of zeros shows it; any other number as it is."""
    if not WHOLE.fullmatch(text):
        return text
    sign = text[: text.startswith("-")]
    return sign + text.removeprefix("-").zfill(len(zeros))


def builtin_kind(number: int) -> str | None:
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
        if index > 1 << 20:
            break  # no column at all, however the name goes on
    return index - 1


def number_text(value: str) -> str:
    """The shortest decimal text of a stored number, without an exponent: ``1.1000000000000001`` is 1.1.

    Whole numbers keep all the digits that they are written with, which may be more than a double holds. So do zeros at
    the end, of which no program that prints doubles writes more than that of ``5.0``, which is 5; ``50E-1``, as our own
    exports write it, is 5.0.
    """
    value = value.strip()
    if WHOLE.fullmatch(value) or _SCALED.fullmatch(value):
        return value
    if _TENTHS.fullmatch(value):
        return format(Decimal(value), "f")
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
            seconds, rest = divmod(abs(milliseconds), 1000)
            return "-" * (milliseconds < 0) + span_text(seconds) + (f".{rest:03}" if rest else "")
        if kind == "time" and 0 <= milliseconds < 86_400_000:
            return _clock(epoch + timedelta(milliseconds=milliseconds))
        if serial < 0 or (epoch.year == 1899 and (serial < 1 or 60 <= serial < 61)):
            return number_text(value)  # 1900-01-00 is what Excel calls no day, and 1900-02-29 what Lotus believed in
        if epoch.year == 1899 and serial < 60:
            milliseconds += 86_400_000
        moment = epoch + timedelta(milliseconds=milliseconds)
    except (ValueError, OverflowError):
        return number_text(value)
    if kind != "time" and milliseconds % 86_400_000 == 0:
        return moment.date().isoformat()
    return f"{moment.date().isoformat()} {_clock(moment)}"


def span_text(seconds: int) -> str:
    """Seconds as hours, which may be more than a day has, minutes and seconds."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _clock(moment: datetime) -> str:
    return moment.time().isoformat("milliseconds" if moment.microsecond else "seconds")
