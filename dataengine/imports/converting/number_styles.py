"""How spreadsheets and people write numbers, and which of two styles a column's cells suggest. Pure.

Patterns are for RE2 and Python alike; ``kernels_written.py`` applies them to columns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from dataengine.columns.types.numbers import DECIMAL, INTEGER

from .recognising import MOST_FAILURES
from .remembered import remembered

_SPACE = "[ \u00a0\u2007\u2009\u202f]"
_MINUS_SIGNS = "-\u2212\u2010\u2013\ufe63\uff0d"
_MINUS = f"(?:[{_MINUS_SIGNS}]{_SPACE}?)"
_CODES = (
    "USD|EUR|GBP|CHF|JPY|CNY|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|INR|BRL|MXN|ZAR|SGD|HKD|KRW|ILS"
)
_DOTTED = r"S?Fr|kr|Rs|руб|грн|лв|Rp"
"""Abbreviations that a dot may follow."""
_RARE = (
    r"Rs\.?|Rp\.?|RM|TL|Ft|lei|Lei"
    "|AED|ARS|CLP|COP|EGP|GEL|IDR|ISK|KES|KZT|MAD|MYR|NGN|PEN|PHP|PKR|RSD|SAR|THB|TWD|VND"
)
"""Of these, letters before or after a bare whole number may also be anything else."""
_SIGNS = r"(?:US|CA|AU|NZ|HK|NT|MX|A|C|R|S)?\$|[€£¥￥₹₽₩₺₴₪฿₫₱₦₸]"
_CURRENCY = rf"(?:{_SIGNS}|zł|Kč|(?:{_DOTTED})\.?|円|元|원|Euro|euro|{_RARE}|{_CODES})"
# What is written for several currencies (kr, Fr) is none that a column could be shown in.
_CURRENCY_OF = {
    "$": "USD", "US$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD", "HK$": "HKD",
    "S$": "SGD", "R$": "BRL", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY",
    "₴": "UAH", "₪": "ILS", "฿": "THB", "zł": "PLN", "Kč": "CZK", "NT$": "TWD", "MX$": "MXN", "￥": "JPY", "₫": "VND",
    "₱": "PHP", "₦": "NGN", "₸": "KZT", "SFr": "CHF", "руб": "RUB", "грн": "UAH", "лв": "BGN", "Rp": "IDR", "RM": "MYR",
    "TL": "TRY", "Ft": "HUF", "lei": "RON", "Lei": "RON", "円": "JPY", "元": "CNY", "원": "KRW", "Euro": "EUR",
    "euro": "EUR",
}  # fmt: skip
_APOSTROPHES = "'\u2019`\u00b4"
_SEPARATORS = {".": r"\.", ",": ",", " ": _SPACE, "'": f"[{_APOSTROPHES}]"}
NEUTRAL = r"^[+-]?[0-9]+(?:[eE][+-]?[0-9]+)?$"
"""Numbers that every style reads alike."""
ZERO = r"^-?0(?:\.0+)?$"
_NONE = "[-\u2212\u2010\u2013\u2014]{1,2}"
NO_DECIMALS = rf"([0-9])[.,](?:{_NONE}|$)"
"""A digit, and what stands for no decimals after it: 5.- and 5,\u2014 are prices, 5. is what some programs write."""
DOT_OF_WORD = rf"({_DOTTED})\."
"""The dot of an abbreviation, which is no mark of the number."""
NUMBERED = (
    rf"^[0-9]{{3}}(?:{_SPACE}[0-9]{{3}}){{2,}}$"
    rf"|^{_MINUS}?(?:[0-9.,{_APOSTROPHES}]|{_SPACE})*[0-9][.,](?:{_NONE})?$"
    rf"|^(?:{_RARE}){_SPACE}?[0-9]+$|^[0-9]+{_SPACE}?(?:{_RARE})$"
)
"""Groups of three and nothing else, whole amounts without a currency, ordinals, or letters that may be a currency:
these are telephone and register numbers, lengths in feet and what not, if all cells of a column look like this."""

NEGATIVE = f"[{_MINUS_SIGNS}(]"
NO_NUMBER = r"[^0-9.,]+"
NO_CURRENCY = f"[{_MINUS_SIGNS}+()%0-9.,{_APOSTROPHES} \u00a0\u2007\u2009\u202f]+"
"""What is removed from a number in some style to leave its digits and marks, or its currency."""

UNDISPUTED = "none contradicts it"
"""In the notes on columns in which every cell that tells says the same."""

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
    def simple(self) -> str:
        """Numbers that need no style, or only that their point is one."""
        return DECIMAL if self.decimal == "." else INTEGER

    @property
    def other(self) -> Literal[".", ","]:
        """The mark that is none before decimals."""
        return "." if self.decimal == "," else ","

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
    whole = rf"(?:0|[1-9][0-9]{{0,14}}|[1-9][0-9]{{0,2}}(?:{grouped}))"
    number = rf"(?:{whole}(?:{point}(?:[0-9]+|{_NONE}))?|{point}[0-9]+)"
    before, after = f"{_CURRENCY}{_SPACE}?", f"{_SPACE}?(?:%|{_CURRENCY})"
    bare = f"(?:(?:{before})?{number}|{number}{after})"
    minus_before = rf"(?:{_MINUS}|\+)?{bare}|{before}(?:{_MINUS}|\+){number}|{_MINUS}?{whole}{point}"
    minus_after = rf"(?:{before})?{number}{_SPACE}?-|{number}-{after}|{number}{after}-"
    brackets = rf"\({_SPACE}?{bare}{_SPACE}?\)|{before}\({_SPACE}?{number}{_SPACE}?\)"
    zero = rf"{_CURRENCY}{_SPACE}*-|-{_SPACE}*{_CURRENCY}"  # as accountants write it
    return f"^(?:{minus_before}|{minus_after}|{brackets}|{zero})$"


@dataclass(frozen=True, slots=True)
class Written:
    """A cell as a plain number, and what it bore."""

    text: str
    percent: bool = False
    currency: str = ""
    thrice: bool = False
    numbered: bool = False
    plus: bool = False

    @property
    def scale(self) -> int:
        """How many decimals the plain number has."""
        return len(self.text.partition(".")[2])


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
    bare: bool = False
    """Whether there is a cell without a per cent sign that it would have made a difference to."""
    currencies: set[str] = field(default_factory=set)
    numbered: int = 0
    plus: int = 0
    negative: bool = False
    """Whether any number has a minus: numbers that have a plus or nothing may be telephone numbers."""
    thrice: int = 0
    broken_line: int = 0
    broken_cell: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether all cells that fit can be read in the same way."""
        mixed = (self.percents and self.bare) or len(self.currencies) > 1
        codes = self.plus and not (self.negative or self.percents or self.currencies)
        return bool(self.cells) and not (mixed or codes) and self.numbered < self.cells

    @property
    def is_whole(self) -> bool:
        return not (self.has_decimals or self.percents or self.currencies)

    def take(self, said: Written, count: int) -> None:
        """Count cells that say the same but for their digits; ``bare``, ``low`` and ``high`` the digits tell."""
        self.cells += count
        self.thrice += count * said.thrice
        self.percents += count * said.percent
        self.numbered += count * said.numbered
        self.plus += count * said.plus
        self.negative = self.negative or said.text[0] == "-"
        self.has_decimals = self.has_decimals or "." in said.text
        if said.currency:
            self.currencies.add(said.currency)


@dataclass(frozen=True, slots=True)
class StyleChoice:
    """The style in which a column is read, how sure that is, and what users should know."""

    tally: Tally
    is_proven: bool
    note: str
    marks: tuple[str, ...] = ()
    """Where all cells allow either mark before decimals: both, the one that was chosen first."""
    tells_type: bool = False
    """Whether the note begins with what the column is and how many cells show it."""


AS_OTHERS = "as the file's other columns are"
_UNTOLD = "since nothing in the file says otherwise"


def decide(
    tallies: list[Tally], hint: NumberStyle | None, default: NumberStyle, reason: str = AS_OTHERS
) -> StyleChoice | None:
    """Which of the styles a column is written in; None if its cells suggest both equally.

    ``hint`` is the style that something else suggests, such as the file's other columns, and ``reason`` says what;
    ``default`` applies where nothing in the file tells.
    """
    if len(tallies) == 1:
        return StyleChoice(tallies[0], True, _marks(tallies[0]))
    point, comma = tallies
    if point.failures != comma.failures:
        best, other = sorted(tallies, key=lambda tally: tally.failures)
        votes = other.failures - best.failures
        more = ""
        if other.failures > MOST_FAILURES:  # counting stops once a style is out of the question: it may be more
            more, votes = ("more than ", MOST_FAILURES) if votes > MOST_FAILURES else ("at least ", votes)
        misfits = f"{best.failures:,} {'does' if best.failures == 1 else 'do'} not fit"
        against = misfits if best.failures else UNDISPUTED
        proof = (
            f"decimal {best.style.words}: {more}{votes:,} {'cells show' if votes > 1 else 'cell shows'} it, {against}"
        )
        note = "; ".join(filter(None, (f"number, {proof}", _marks(best))))
        return StyleChoice(best, True, note, tells_type=True)
    if point.thrice and comma.thrice:
        return None
    if not (point.thrice or comma.thrice):
        return StyleChoice(point, False, _marks(point))
    style = hint or (POINT if point.thrice else default)
    best = point if style.decimal == "." else comma
    note = note_on_thrice(best.style, "." if point.thrice else ",", reason if hint else _UNTOLD)
    return StyleChoice(best, False, note, (best.style.decimal, best.style.other))


def note_on_thrice(style: NumberStyle, mark: str, reason: str = _UNTOLD) -> str:
    """What users should know about a column read in a style, with cells like 1.000 or 1,000: ``mark`` says which."""
    meant = "one with three decimals" if mark == style.decimal else "a thousand"
    said = f"cells like 1{mark}000 are read as {meant}, {reason}"
    return f"{said}; to change that, set the option decimal to “{style.other}”"


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


def shifted(text: str) -> str:
    """A plain number divided by a hundred."""
    found = re.fullmatch(r"(-?)([0-9]*)(?:\.([0-9]+))?", text)
    assert found is not None
    digits = "00" + found[2]
    whole = digits[:-2].lstrip("0") or "0"
    return f"{found[1]}{whole}.{digits[-2:]}{found[3] or ''}"


@remembered
def said_in(text: str, style: NumberStyle) -> Written | None:
    """What a cell says in a style, also where it needs none; None where it is no number. The same for cells of a shape.

    The digits of ``text`` are those of the cell, in their order, whatever zeros stand before them; 0 if it has none.
    """
    if re.fullmatch(style.simple, text, re.ASCII):
        return Written(text, thrice=re.fullmatch(style.thrice, text.lstrip("-"), re.ASCII) is not None)
    return read_one(text, style)


def read_one(text: str, style: NumberStyle) -> Written | None:
    """A cell in a style; None where it is no number in it. ``kernels_written.read`` does the same for columns."""
    if re.fullmatch(style.pattern, text) is None:
        return None
    is_numbered = re.fullmatch(NUMBERED, text) is not None
    text = re.sub(DOT_OF_WORD, r"\1", re.sub(NO_DECIMALS, r"\1", text))
    shown = re.sub(NO_NUMBER, "", text)
    thrice = re.fullmatch(style.thrice, shown) is not None
    currency = re.sub(NO_CURRENCY, "", text)
    if thrice and currency:
        return None
    if not shown:
        return Written("0", currency=currency)
    number = shown.replace(style.other, "").replace(",", ".")
    if "%" in text:
        number = shifted(number)
    sign = "-" if re.search(NEGATIVE, text) else ""
    return Written(sign + number, "%" in text, currency, thrice, is_numbered, "+" in text)
