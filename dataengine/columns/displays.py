"""How numbers are shown, and typed in, that are money or shares; the numbers stay what they are. Pure.

A column's display is ``{}``, ``{"style": "percent"}`` (0.125 is shown as 12.5%), or ``{"style": "currency",
"currency": "USD"}``, by the code of ISO 4217.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from typing import Any

from dataengine.columns.types.base import ColumnType
from dataengine.exceptions import InvalidInput

DISPLAY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "style": {"enum": ["percent", "currency"]},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["USD", "EUR"]},
    },
}
SIGNS = {
    "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CNY": "CN¥", "INR": "₹", "CAD": "CA$", "AUD": "A$", "NZD": "NZ$",
    "HKD": "HK$", "SGD": "S$", "BRL": "R$", "MXN": "MX$", "KRW": "₩", "RUB": "₽", "TRY": "₺", "UAH": "₴", "ILS": "₪",
    "THB": "฿", "PLN": "zł", "CZK": "Kč",
}  # fmt: skip
"""What stands before amounts; other currencies are written with their codes."""
_NUMBER = re.compile(r"-?[0-9.]+(?:[eE][+-]?[0-9]+)?")
_ANY_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_TYPED = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_SHARE = re.compile(rf"({_TYPED})\s*%", re.ASCII)
_MOST_TYPED = 1000
_EXACT = Context(prec=200_000)
"""More digits than PostgreSQL's numbers have."""


def may_have_display(kind: ColumnType) -> bool:
    return kind.look == "number"


def checked(kind: ColumnType, name: str, display: Mapping[str, Any] | None) -> dict[str, str]:
    """The display if it suits a column ``name`` of the type. Raises InvalidInput."""
    if not display:
        return {}
    if not may_have_display(kind):
        reason = f"display is for numbers, not for {kind.label.lower()} columns."
    elif display.get("style") == "percent" and set(display) == {"style"}:
        return {"style": "percent"}
    elif display.get("style") == "currency" and re.fullmatch("[A-Z]{3}", str(display.get("currency", ""))):
        if set(display) == {"style", "currency"}:
            return {"style": "currency", "currency": str(display["currency"])}
        reason = "display has style and currency, and nothing else."
    else:
        reason = 'display is {"style": "percent"} or {"style": "currency", "currency": "USD"}.'
    raise InvalidInput(f"Column “{name}”: {reason}", code="invalid_display", fields={name: reason})


def writer(display: Mapping[str, str]) -> Callable[[str], str] | None:
    """What writes a number's plain text as it is to be shown; None where it is shown plainly."""
    match display.get("style"):
        case "percent":
            return _percent
        case "currency":
            sign = _sign(display)
            return lambda text: _amount(sign, text)
        case _:
            return None


def reader(display: Mapping[str, str]) -> Callable[[str], str] | None:
    """What takes from a typed text the marks that ``writer`` adds; None where there are none. Other texts stay."""
    match display.get("style"):
        case "percent":
            return _share
        case "currency":
            code = display.get("currency", "")
            return lambda text: _bare(text, {code, SIGNS.get(code, code)})
        case _:
            return None


def sheet_format(display: Mapping[str, str]) -> str:
    """The number format of a workbook's cells; '' for plain numbers."""
    match display.get("style"):
        case "percent":
            return "0.00%"
        case "currency":
            return f'"{_sign(display)}"#,##0.00'
        case _:
            return ""


def within(write: Callable[[str], str], words: str) -> str:
    """A text with each number in it written so: ``0.1 to 0.2`` as ``10% to 20%``."""
    return _ANY_NUMBER.sub(lambda found: write(found[0]), words)


def _sign(display: Mapping[str, str]) -> str:
    """What stands before an amount."""
    code = display.get("currency", "")
    return SIGNS.get(code, f"{code}\N{NO-BREAK SPACE}")


def _share(text: str) -> str:
    found = _SHARE.fullmatch(text.strip()) if len(text) < _MOST_TYPED else None
    return text if found is None else f"{Decimal(found[1]).scaleb(-2, _EXACT):f}"


def _bare(text: str, marks: set[str]) -> str:
    """Without the first or last of ``marks``, and the minus that may stand before it."""
    bare = text.strip()
    minus = "-" if bare.startswith("-") else ""
    bare = bare.removeprefix("-").strip()
    for mark in sorted(marks, key=len, reverse=True):
        for rest in (bare.removeprefix(mark), bare.removesuffix(mark)):
            if rest != bare:
                amount = rest.strip()
                return minus + amount if re.fullmatch(_TYPED, minus + amount, re.ASCII) else text
    return text


def _amount(sign: str, text: str) -> str:
    if not _NUMBER.fullmatch(text):
        return text  # an infinity, or no number
    return f"-{sign}{text[1:]}" if text.startswith("-") else f"{sign}{text}"


def _percent(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        return text  # an infinity, or no number
    return f"{Decimal(text).scaleb(2, _EXACT):f}%"
