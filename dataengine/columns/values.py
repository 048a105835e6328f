"""Reads values as users write them in filters and cursors, into Python values of a column.

Strict where PostgreSQL or Python would guess: an integer has only digits, a boolean is one of a few words.
"""

from __future__ import annotations

import math
import re
import struct
from decimal import Decimal, InvalidOperation

from django.core.exceptions import ValidationError

BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}
BIGINT = range(-(2**63), 2**63)
REAL_MAXIMUM = 3.4028235e38
# PostgreSQL's numeric: the most digits before and after the decimal point.
NUMERIC_DIGITS_BEFORE = 131_072
NUMERIC_DIGITS_AFTER = 16_383
_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")
# Python would also accept underscores and the digits of other scripts.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_ZERO = re.compile(r"[^eE]*[1-9]")
_NAMED = re.compile(r"[+-]?(?:inf(?:inity)?|nan)", re.IGNORECASE)


def is_number(text: str) -> bool:
    """Whether ``text`` is a number in plain digits, with or without fraction and exponent."""
    return _NUMBER.fullmatch(text) is not None


def parse_integer(text: object, bounds: range = BIGINT) -> int:
    """An integer within ``bounds``. Raises ValidationError."""
    if isinstance(text, bool) or not _INTEGER.fullmatch(str(text).strip()):
        raise ValidationError("Enter a whole number.")
    number = int(str(text))
    if number not in bounds:
        raise ValidationError(f"Enter a number between {bounds.start} and {bounds.stop - 1}.")
    return number


def parse_float(text: object, *, real: bool = False) -> float:
    """A float; ``NaN`` and ``Infinity`` are accepted, numbers beyond the type are not. Raises ValidationError."""
    if isinstance(text, bool):
        raise ValidationError("Enter a number.")
    written = str(text).strip()
    named = _NAMED.fullmatch(written) is not None
    if not named and not _NUMBER.fullmatch(written):
        raise ValidationError("Enter a number.")
    number = float(written)
    if (math.isinf(number) and not named) or (real and math.isfinite(number) and abs(number) > REAL_MAXIMUM):
        raise ValidationError("This number is too large for the column's type.")
    kept = struct.unpack("f", struct.pack("f", number))[0] if real else number
    if kept == 0 and _NOT_ZERO.match(written):
        raise ValidationError("This number is too small for the column's type.")
    return number


def parse_decimal(text: object) -> Decimal:
    """A finite decimal that PostgreSQL's ``numeric`` can hold. Raises ValidationError."""
    written = str(text).strip()
    if isinstance(text, bool) or len(written) > 1000 or not _NUMBER.fullmatch(written):
        raise ValidationError("Enter a number.")
    try:
        number = Decimal(written)
    except InvalidOperation as error:  # an exponent too large even for Python
        raise ValidationError("Enter a number.") from error
    check_decimal(number)
    return number


def check_decimal(number: Decimal) -> None:
    """Raise ValidationError for numbers that PostgreSQL's ``numeric`` cannot hold, and for NaN and infinities."""
    if not number.is_finite():
        raise ValidationError("Enter a number.")
    exponent = number.as_tuple().exponent
    if number.adjusted() >= NUMERIC_DIGITS_BEFORE or (isinstance(exponent, int) and -exponent > NUMERIC_DIGITS_AFTER):
        raise ValidationError("This number is too large or has too many decimals.")


def parse_boolean(value: object) -> bool:
    """One of the words for yes and no. Raises ValidationError."""
    found = BOOLEANS.get(str(value).strip().lower())
    if found is None:
        raise ValidationError("Enter true or false.")
    return found


def json_float(value: float) -> float | str:
    """A float as JSON, which has neither NaN nor infinities."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
