"""How spreadsheets and people write numbers, and which of two styles a column's cells suggest. Pure.

Patterns are for RE2 and Python alike; ``kernels_written.py`` applies them to columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from .recognising import MOST_FAILURES

_SPACE = "[ \u00a0\u2007\u2009\u202f]"
_MINUS = "[-\u2212\u2010\u2013]"
_CODES = (
    "USD|EUR|GBP|CHF|JPY|CNY|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|INR|BRL|MXN|ZAR|SGD|HKD|KRW|ILS"
)
_CURRENCY = rf"(?:(?:US|CA|AU|NZ|HK|A|C|R|S)?\$|[€£¥₹₽₩₺₴₪฿]|zł|Kč|kr|Fr|{_CODES})"
# What is written for several currencies (kr, Fr) is none that a column could be shown in.
_CURRENCY_OF = {
    "$": "USD", "US$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD", "HK$": "HKD",
    "S$": "SGD", "R$": "BRL", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY",
    "₴": "UAH", "₪": "ILS", "฿": "THB", "zł": "PLN", "Kč": "CZK",
}  # fmt: skip
_SEPARATORS = {".": r"\.", ",": ",", " ": _SPACE, "'": "['\u2019]"}
NEUTRAL = r"^[+-]?[0-9]+(?:[eE][+-]?[0-9]+)?$"
"""Numbers that every style reads alike."""
ZERO = r"^-?0(?:\.0+)?$"
NUMBERED = rf"^[0-9]{{3}}(?:{_SPACE}[0-9]{{3}}){{2,}}$"
"""Groups of three and nothing else: telephone and register numbers, if all cells of a column look like this."""

NEGATIVE = "[-\u2212\u2010\u2013(]"
NO_NUMBER = r"[^0-9.,]+"
NO_CURRENCY = "[-\u2212\u2010\u2013()%0-9.,'\u2019 \u00a0\u2007\u2009\u202f]+"
"""What is removed from a number in some style to leave its digits and marks, or its currency."""

type Separator = Literal[".", ",", " ", "'"]
SEPARATORS: tuple[Separator, ...] = (".", ",", " ", "'")


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """The decimal mark, and the mark between thousands (None: any that is not the decimal mark)."""

    decimal: Literal[".", ","]
    thousands: Separator | None = None

    @property
    def pattern(self) -> str:
        """A pattern for whole cells."""
        return _pattern(self)

    @property
    def untagged(self) -> str:
        """A pattern for the most common cells: nothing but a minus, digits and the two marks."""
        point, group = (",", r"\.") if self.decimal == "," else (r"\.", ",")
        whole = rf"(?:0|[1-9][0-9]{{0,14}}|[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}}){{1,4}})"
        return rf"^-?{whole}(?:{point}[0-9]+)?$"

    @property
    def groups(self) -> str:
        """What is removed from a number's digits and marks."""
        return r"\." if self.decimal == "," else ","

    @property
    def thrice(self) -> str:
        """A pattern for numbers with three decimals, which are thousands in the other style."""
        return rf"^[1-9][0-9]{{0,2}}{_SEPARATORS[self.decimal]}[0-9]{{3}}$"

    @property
    def words(self) -> str:
        return "comma" if self.decimal == "," else "point"


POINT, COMMA = NumberStyle("."), NumberStyle(",")


def _separators(style: NumberStyle) -> list[str]:
    chosen = SEPARATORS if style.thousands is None else (style.thousands,)
    return [_SEPARATORS[mark] for mark in chosen if mark != style.decimal]


@lru_cache
def _pattern(style: NumberStyle) -> str:
    # At most 15 digits: longer numbers with marks are codes, or Excel has already changed what was typed.
    grouped = "|".join(f"(?:{mark}[0-9]{{3}}){{1,4}}" for mark in _separators(style))
    if style.decimal == "." and style.thousands in (None, ","):
        grouped += "|(?:,[0-9]{2}){1,5},[0-9]{3}"  # lakh and crore
    point = _SEPARATORS[style.decimal]
    number = rf"(?:(?:0|[1-9][0-9]{{0,14}}|[1-9][0-9]{{0,2}}(?:{grouped}))(?:{point}[0-9]+)?|{point}[0-9]+)"
    before, after = f"{_CURRENCY}{_SPACE}?", f"{_SPACE}?(?:%|{_CURRENCY})"
    bare = f"(?:(?:{before})?{number}|{number}{after})"
    minus_before = rf"{_MINUS}?{bare}|{before}{_MINUS}{number}"
    minus_after = rf"(?:{before})?{number}-|{number}-{after}|{number}{after}-"
    brackets = rf"\({bare}\)|{before}\({number}\)"
    return f"^(?:{minus_before}|{minus_after}|{brackets})$"


@dataclass(slots=True)
class Tally:
    """How well a column's cells fit one style."""

    style: NumberStyle
    cells: int = 0
    failures: int = 0
    has_decimals: bool = False
    low: int = 0
    high: int = 0
    percents: int = 0
    bare: int = 0
    """Cells without a per cent sign whose value would differ with one."""
    currencies: set[str] = field(default_factory=set)
    numbered: int = 0
    thrice: int = 0
    is_decided: bool = False
    """Whether more cells fit this style than the other: then it does not matter how many fit both."""
    broken_line: int = 0
    broken_cell: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether all cells that fit can be read in the same way."""
        mixed = (self.percents and self.bare) or len(self.currencies) > 1
        return bool(self.cells) and not mixed and self.numbered < self.cells

    @property
    def is_whole(self) -> bool:
        return not (self.has_decimals or self.percents or self.currencies)


@dataclass(frozen=True, slots=True)
class StyleChoice:
    """The style in which a column is read, how sure that is, and what users should know."""

    tally: Tally
    is_proven: bool
    note: str
    other: str = ""
    """The other mark before decimals, where all cells allow that as well."""


def decide(tallies: list[Tally], hint: NumberStyle | None, *, default: NumberStyle = POINT) -> StyleChoice | None:
    """Which of the styles a column is written in; None if its cells suggest both equally.

    ``hint`` is how other columns of the file are written; ``default`` applies where nothing in the file tells.
    """
    if len(tallies) == 1:
        return StyleChoice(tallies[0], True, _marks(tallies[0]))
    point, comma = tallies
    if point.failures != comma.failures:
        best, other = sorted(tallies, key=lambda tally: tally.failures)
        votes = other.failures - best.failures
        # Counting stops once a style is out of the question.
        more = "more than " if other.failures > MOST_FAILURES else ""
        if more:
            votes = MOST_FAILURES
        against = f"{best.failures:,} do not fit" if best.failures else "none contradicts it"
        proof = (
            f"decimal {best.style.words}: {more}{votes:,} {'cells show' if votes > 1 else 'cell shows'} it, {against}"
        )
        return StyleChoice(best, True, "; ".join(filter(None, (f"number, {proof}", _marks(best)))))
    if point.thrice and comma.thrice:
        return None
    if not (point.thrice or comma.thrice):
        return StyleChoice(point, False, _marks(point))
    shown = "1.000" if point.thrice else "1,000"
    style = hint or (POINT if point.thrice else default)
    best = point if style.decimal == "." else comma
    reason = "as the file's other columns are" if hint else "since nothing in the file says otherwise"
    meant = "one with three decimals" if best.thrice else "a thousand"
    other_mark = "," if best is point else "."
    note = f"cells like {shown} are read as {meant}, {reason}; to change that, set the option decimal to “{other_mark}”"
    return StyleChoice(best, False, note, other_mark)


def display_of(tally: Tally) -> dict[str, str]:
    """The display of a column whose numbers were written this way; empty for plain numbers."""
    if tally.percents:
        return {"style": "percent"}
    code = next((_CURRENCY_OF.get(mark, mark) for mark in tally.currencies), "")
    return {"style": "currency", "currency": code} if len(code) == 3 else {}


def _marks(tally: Tally) -> str:
    told = []
    if tally.currencies:
        told.append(f"amounts in {', '.join(sorted(tally.currencies))}")
    if tally.percents:
        told.append("per cent (12.5% is 0.125)")
    return ", ".join(told)
