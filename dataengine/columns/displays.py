"""How numbers are shown that are money or shares, the numbers themselves staying what they are. Pure.

A column's display is ``{}``, ``{"style": "percent"}`` (0.125 is shown as 12.5%), or ``{"style": "currency",
"currency": "USD"}``, by the code of ISO 4217.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
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


def may_have_display(kind: ColumnType) -> bool:
    return kind.look == "number"


def checked(kind: ColumnType, name: str, display: Mapping[str, Any] | None) -> dict[str, str]:
    """The display if it suits a column ``name`` of the type. Raises InvalidInput."""
    if not display:
        return {}
    if not may_have_display(kind):
        reason = f"display is for numbers, not for a {kind.label.lower()} column."
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
            code = display.get("currency", "")
            sign = SIGNS.get(code, f"{code}\N{NO-BREAK SPACE}")
            return lambda text: _amount(sign, text)
        case _:
            return None


def _amount(sign: str, text: str) -> str:
    if not _NUMBER.fullmatch(text):
        return text  # an infinity, or no number
    return f"-{sign}{text[1:]}" if text.startswith("-") else f"{sign}{text}"


def _percent(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        return text  # an infinity, or no number
    return f"{Decimal(text).scaleb(2):f}%"
