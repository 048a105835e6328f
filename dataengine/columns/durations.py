"""Lengths of time: read as people and programs write them, written as ``25:00:00`` or in ISO 8601. Pure.

A length is a whole number of microseconds. A day has 24 hours and a week seven days; months and years have no length
that is always the same, so they are refused and never mixed with days.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

MICROSECOND: Final = timedelta(microseconds=1)
LIMIT: Final = 2**63
"""PostgreSQL keeps the hours of an interval, and what is less, in 64 bits of microseconds: some 292,000 years."""

UNREADABLE = "Give a length of time like 1:30:00, 90 min or PT1H30M."
WITHOUT_UNIT = "Say what it is a number of: 90 s, 90 min or 1:30:00."
NO_LENGTH = "Months and years are not always as long: give days or hours."
TOO_LONG = "This is longer than the column can hold (some 292,000 years)."
TOO_FINE = "Give at most six decimals of a second."

_SECOND = 1_000_000
_UNITS = {"w": 604_800 * _SECOND, "d": 86_400 * _SECOND, "h": 3_600 * _SECOND, "m": 60 * _SECOND, "s": _SECOND}
_WORDS = {
    "w": "w", "week": "w", "weeks": "w", "d": "d", "day": "d", "days": "d", "h": "h", "hr": "h", "hrs": "h",
    "hour": "h", "hours": "h", "m": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m", "s": "s", "sec": "s",
    "secs": "s", "second": "s", "seconds": "s",
}  # fmt: skip
_CALENDAR = re.compile(r"(?:y|yr|yrs|years?|mon|mons|months?|quarters?|decades?|century|centuries)\b", re.IGNORECASE)

_NUMBER = r"[0-9]{1,19}(?:[.,][0-9]{1,40})?"
_SIGNED = rf"[+-]?{_NUMBER}"
_CLOCK = r"(?P<h>[0-9]{1,19}):(?P<m>[0-9]{2})(?::(?P<s>[0-9]{2}(?:[.,][0-9]{1,40})?))?"
CLOCK = re.compile(rf"(?P<sign>[+-]?){_CLOCK}", re.ASCII)
_DAYS_AND_CLOCK = re.compile(
    rf"(?P<days>[+-]?[0-9]{{1,19}}) ?d(?:ays?)?,? ?(?P<sign>[+-]?){_CLOCK}", re.ASCII | re.IGNORECASE
)
# Every part may have a sign of its own, which PostgreSQL writes.
_ISO = re.compile(
    rf"(?P<sign>[+-]?)P(?P<dated>(?:{_SIGNED}Y)?(?:{_SIGNED}M)?(?:{_SIGNED}W)?(?:{_SIGNED}D)?)"
    rf"(?:T(?P<timed>(?:{_SIGNED}H)?(?:{_SIGNED}M)?(?:{_SIGNED}S)?))?",
    re.ASCII | re.IGNORECASE,
)
_ISO_PART = re.compile(rf"([+-]?{_NUMBER})([A-Z])", re.ASCII | re.IGNORECASE)
_WORDED = re.compile(rf"(?P<sign>[+-]?)(?:{_NUMBER} ?[a-z]+(?:,? (?:and )?|(?=[0-9])|$))+", re.ASCII | re.IGNORECASE)
_WORDED_PART = re.compile(rf"({_NUMBER}) ?([a-z]+)", re.ASCII | re.IGNORECASE)


class NotADuration(ValueError):
    """A text that is no length of time; its message is a whole sentence."""


class OutOfRange(NotADuration):
    """A length of time that the column cannot hold as it is."""


def read(text: str) -> timedelta:
    """The length that a text says. Raises NotADuration.

    ``1:02:03`` ``25:00`` (hours and minutes) ``-0:00:01.5`` · ``P1DT2H`` ``PT1.5S`` ``P2W`` · ``1 day 2:03:04``
    ``2 days, 1:00:00`` · ``1h 30m`` ``90 min`` ``2 days 3 hours``.
    """
    text = text.strip()
    if found := CLOCK.fullmatch(text):
        total = _signed(found["sign"], _clock(found))
    elif found := _DAYS_AND_CLOCK.fullmatch(text):
        total = int(found["days"]) * _UNITS["d"] + _signed(found["sign"], _clock(found))
    elif (found := _ISO.fullmatch(text)) and (found["timed"] or (found["timed"] is None and found["dated"])):
        total = _signed(found["sign"], _dated(found["dated"]) + _timed(found["timed"] or ""))
    elif found := _WORDED.fullmatch(text):
        total = _signed(found["sign"], _worded(_WORDED_PART.findall(text)))
    elif re.fullmatch(rf"[+-]?{_NUMBER}", text, re.ASCII):
        raise NotADuration(WITHOUT_UNIT)
    else:
        raise NotADuration(UNREADABLE)
    if not -LIMIT < total < LIMIT:
        raise OutOfRange(TOO_LONG)
    return total * MICROSECOND


def written(value: timedelta) -> str:
    """As people write it: ``1:02:03``, ``25:00:00``, ``-0:00:01.5``. PostgreSQL reads it as the same length."""
    sign, hours, minutes, seconds = _parts(value)
    whole, _, fraction = seconds.partition(".")
    return f"{sign}{hours}:{minutes:02}:{whole:>02}{'.' if fraction else ''}{fraction}"


def iso(value: timedelta) -> str:
    """As programs write it, by ISO 8601: ``PT1H2M3S``, ``PT25H``, ``-PT1.5S``, ``PT0S``; in no unit above hours."""
    sign, hours, minutes, seconds = _parts(value)
    parts = (f"{amount}{unit}" for amount, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if str(amount) != "0")
    return f"{sign}PT{''.join(parts) or '0S'}"


def _parts(value: timedelta) -> tuple[str, int, int, str]:
    micros = value // MICROSECOND
    seconds, rest = divmod(abs(micros), _SECOND)
    fraction = f".{rest:06}".rstrip("0") if rest else ""
    return "-" if micros < 0 else "", seconds // 3600, seconds // 60 % 60, f"{seconds % 60}{fraction}"


def _signed(sign: str, total: int) -> int:
    return -total if sign == "-" else total


def _micros(amount: str, unit: int) -> int:
    """So many microseconds are some units, of which there may be decimals."""
    whole, _, fraction = amount.replace(",", ".").partition(".")
    if not fraction:
        return int(whole) * unit
    scale: int = 10 ** len(fraction)
    total, rest = divmod(int(whole + fraction) * unit, scale)
    if rest:
        raise OutOfRange(TOO_FINE)
    return total


def _clock(found: re.Match[str]) -> int:
    minutes, seconds = int(found["m"]), found["s"] or "0"
    if minutes >= 60 or int(seconds[:2]) >= 60:
        raise NotADuration("An hour has 60 minutes, and a minute 60 seconds.")
    return int(found["h"]) * _UNITS["h"] + minutes * _UNITS["m"] + _micros(seconds, _SECOND)


def _dated(text: str) -> int:
    total = 0
    for amount, unit in _ISO_PART.findall(text):
        if unit.upper() in "WD":
            total += _micros(amount, _UNITS[unit.lower()])
        elif amount.strip("+-0.,"):  # other programs write P0Y0M1DT2H
            raise NotADuration(NO_LENGTH)
    return total


def _timed(text: str) -> int:
    return sum(_micros(amount, _UNITS[unit.lower()]) for amount, unit in _ISO_PART.findall(text))


def _worded(parts: Sequence[tuple[str, str]]) -> int:
    if len({_WORDS.get(word.lower(), word) for _, word in parts}) < len(parts):
        raise NotADuration(UNREADABLE)  # the same unit twice
    return sum(_amount(*part) for part in parts)


def _amount(amount: str, word: str) -> int:
    unit = _WORDS.get(word.lower())
    if re.fullmatch(r"[0-9]+,[0-9]{3}", amount):  # a thousand, or one and no decimals?
        raise NotADuration(UNREADABLE)
    if unit is None:
        raise NotADuration(NO_LENGTH if _CALENDAR.fullmatch(word) else UNREADABLE)
    return _micros(amount, _UNITS[unit])
