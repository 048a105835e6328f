"""Date and time formats: as RE2 patterns whose groups are read for whole columns at once. Pure.

Users give ``strptime`` formats (``%d/%m/%Y %H:%M``); the well-known ones below are recognised without being given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dataengine.exceptions import InvalidInput

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
# In German, French, Spanish, Italian, Dutch and Portuguese, with their usual abbreviations. No name stands for
# different months in two of these languages.
_ELSEWHERE = (
    "januar jänner jän jaenner janvier janv enero ene gennaio gen januari janeiro",
    "februar feber febr février fevrier févr fevr fév fev febrero febbraio februari fevereiro",
    "märz maerz mär mrz mars marzo maart mrt março marco",
    "avril avr abril abr aprile",
    "mai mayo maggio mag mei maio",
    "juni juin junio giugno giu junho",
    "juli juillet juil julio luglio lug julho",
    "août aout aoû aou agosto ago augustus",
    "septembre septiembre setiembre settembre setembro set sept",
    "oktober okt octobre octubre ottobre ott outubro out",
    "novembre noviembre novembro",
    "dezember dez décembre decembre déc diciembre dicembre dic dezembro",
)
MONTH_NUMBERS = {
    name: number
    for number, (english, others) in enumerate(zip(MONTHS, _ELSEWHERE, strict=True), 1)
    for name in (english, english[:3], *others.split())
}
"""By the month's name in lower case."""

_CLOCK = r"(?P<H>\d{2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d+))?)?"
_ZONE = r"(?: ?(?P<z>[zZ]|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?"
_GAP = "[ \u00a0\u202f]"
"""What may stand before PM: newer programs write a narrow no-break space."""
_HALF = r"(?P<p>[aApP]\.?[mM]\.?)"
_SHORT_CLOCK = rf"(?P<h>\d{{1,2}}){_GAP}?(?P<q>[aApP]\.?[mM]\.?)"
"""1 PM, in groups of its own."""
_LOOSE_CLOCK = (
    r"(?:(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d+))?)?"
    rf"(?:{_GAP}?{_HALF}| Uhr)?|{_SHORT_CLOCK})"
)
_NAME = r"(?P<b>[A-Za-zÀ-ÿ]{3,10})"
_WEEKDAYS = (
    "mon(?:day)?", "tue(?:s(?:day)?)?", "wed(?:nesday)?", "thu(?:r(?:s(?:day)?)?)?", "fri(?:day)?", "sat(?:urday)?",
    "sun(?:day)?", "mo(?:ntag)?", "di(?:enstag)?", "mi(?:ttwoch)?", "do(?:nnerstag)?", "fr(?:eitag)?", "sa(?:mstag)?",
    "sonnabend", "so(?:nntag)?", "lun(?:di|es|ed[iì])?", "mar(?:di|tes|ted[iì])?", "mer(?:credi|coled[iì])?",
    "mié(?:rcoles)?", "jeu(?:di)?", "jue(?:ves)?", "gio(?:ved[iì])?", "ven(?:dredi|erd[iì])?", "vie(?:rnes)?",
    "sam(?:edi)?", "sáb(?:ado)?", "sab(?:ato)?", "dim(?:anche)?", "dom(?:ingo|enica)?", "ma(?:andag)?", "dinsdag",
    "wo(?:ensdag)?", "donderdag", "vr(?:ijdag)?", "za(?:terdag)?", "zo(?:ndag)?",
    "(?:segunda|terça|quarta|quinta|sexta)-feira",
)  # fmt: skip
_WEEKDAY = rf"(?:(?i:{'|'.join(_WEEKDAYS)})\.?,? )?"
"""What may stand before the day; nobody looks whether it is the right one."""
_GROUPS = {
    "%Y": r"(?P<Y>\d{4})",
    "%y": r"(?P<y>\d{2})",
    "%m": r"(?P<m>\d{1,2})",
    "%d": r"(?P<d>\d{1,2})",
    "%H": r"(?P<H>\d{1,2})",
    "%I": r"(?P<H>\d{1,2})",
    "%M": r"(?P<M>\d{1,2})",
    "%S": r"(?P<S>\d{1,2})",
    "%f": r"(?P<f>\d{1,9})",
    "%b": _NAME,
    "%B": _NAME,
    "%p": _HALF,
    "%z": r"(?P<z>[zZ]|[+-]\d{2}(?::?\d{2})?)",
    "%%": "%",
}
_EXAMPLES = {
    "%Y": "2024", "%y": "24", "%m": "01", "%-m": "1", "%d": "31", "%-d": "31", "%H": "17", "%I": "05", "%M": "45",
    "%S": "09", "%f": "123", "%b": "Jan", "%B": "January", "%p": "PM", "%z": "+02:00", "%%": "%",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DateFormat:
    """One format. ``pattern`` matches whole cells, ``groups`` are its named groups, ``name`` is shown to users."""

    name: str
    pattern: str
    groups: frozenset[str]

    @property
    def example(self) -> str:
        """A moment written in this format, for users."""
        return re.sub(r"%-?.", lambda part: _EXAMPLES[part[0]], self.name)

    @property
    def is_for_any_digits(self) -> bool:
        """Whether it asks of digits only that they are some: no literal of it is a digit."""
        return not re.search(r"\d", self.name)

    @property
    def has_clock(self) -> bool:
        return "H" in self.groups

    @property
    def has_date(self) -> bool:
        return bool(self.groups & {"Y", "y"})


def compile_format(text: str) -> DateFormat:
    """A ``strptime`` format. Raises InvalidInput if it is invalid, or describes neither a day nor a time of day."""
    parts: list[str] = []
    used: list[str] = []
    for directive, literal in re.findall(r"(%.)|([^%]+|%$)", text):
        if not directive:
            parts.append(re.escape(literal).replace("\\ ", " "))
        elif directive in _GROUPS:
            parts.append(_GROUPS[directive])
            used += re.findall(r"\?P<(\w)>", _GROUPS[directive])
        else:
            raise _refuse(text, f"{directive} is not supported")
    groups = frozenset(used)
    if len(groups) != len(used):
        raise _refuse(text, "it contains the same part twice")
    dated = groups & {"Y", "y"} and groups & {"m", "b"} and "d" in groups
    if not dated and not ({"H", "M"} <= groups and not groups & {"Y", "y", "m", "b", "d"}):
        raise _refuse(text, "it needs a year, month and day, or an hour and minute")
    return DateFormat(text, f"^{''.join(parts)}$", groups)


def _refuse(text: str, why: str) -> InvalidInput:
    reason = f"“{text}” is not a date format: {why}. Example: %d/%m/%Y"
    return InvalidInput(reason, code="invalid_option", fields={"date_formats": reason})


def _known(name: str, date: str, clock: str = _LOOSE_CLOCK) -> DateFormat:
    pattern = f"^{date}(?:(?:T|,? (?:(?:at|um|à) )?){clock}{_ZONE})?$"
    return DateFormat(name, pattern, frozenset(re.findall(r"\?P<(\w)>", pattern)))


ISO = _known("%Y-%m-%d", r"(?P<Y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})", _CLOCK)
TIME = DateFormat("%H:%M:%S", f"^{_LOOSE_CLOCK}$", frozenset({"H", "M", "S", "f", "p", "h", "q"}))

_D, _M, _Y, _SHORT = r"(?P<d>\d{1,2})", r"(?P<m>\d{1,2})", r"(?P<Y>\d{4})", r"(?P<y>\d{2})"
_DAY = rf"{_D}(?:\.|st|nd|rd|th|er|º|°)?"
_OF = r"(?: de | of | del |[ /-])"
KNOWN: tuple[DateFormat, ...] = (
    ISO,
    _known("%Y-%-m-%-d", f"{_Y}-{_M}-{_D}"),
    _known("%Y/%m/%d", f"{_Y}/{_M}/{_D}"),
    _known("%Y.%m.%d", rf"{_Y}\. ?{_M}\. ?{_D}\.?"),
    _known("%d/%m/%Y", f"{_WEEKDAY}{_D}/{_M}/{_Y}"),
    _known("%m/%d/%Y", f"{_WEEKDAY}{_M}/{_D}/{_Y}"),
    _known("%d.%m.%Y", rf"{_WEEKDAY}{_D}\. ?{_M}\. ?{_Y}"),
    _known("%d-%m-%Y", f"{_D}-{_M}-{_Y}"),
    _known("%m-%d-%Y", f"{_M}-{_D}-{_Y}"),
    _known("%d %b %Y", rf"{_WEEKDAY}{_DAY}(?:{_OF})?{_NAME}[.,]?(?:{_OF})?{_Y}"),
    _known("%b %d, %Y", rf"{_WEEKDAY}{_NAME}\.? {_DAY},? {_Y}"),
    _known("%Y-%b-%d", rf"{_Y}[ -]{_NAME}\.?[ -]{_D}"),
    _known("%d/%m/%y", f"{_D}/{_M}/{_SHORT}"),
    _known("%m/%d/%y", f"{_M}/{_D}/{_SHORT}"),
    _known("%y/%m/%d", f"{_SHORT}/{_M}/{_D}"),
    _known("%d.%m.%y", rf"{_WEEKDAY}{_D}\. ?{_M}\. ?{_SHORT}"),
    _known("%d-%m-%y", f"{_D}-{_M}-{_SHORT}"),
    _known("%m-%d-%y", f"{_M}-{_D}-{_SHORT}"),
    _known("%y-%m-%d", f"{_SHORT}-{_M}-{_D}"),
    _known("%b %d, %y", rf"{_NAME}\.? {_DAY}, {_SHORT}"),
    _known("%d %b %y", rf"{_WEEKDAY}{_DAY}{_OF}{_NAME}[.,]?{_OF}{_SHORT}"),
)
TRIED: tuple[DateFormat, ...] = (
    *KNOWN[1:],
    DateFormat("%Y%m%d", r"^(?P<Y>\d{4})(?P<m>\d{2})(?P<d>\d{2})$", frozenset("Ymd")),
)
"""What is tried, after ISO, in columns that are known to hold dates; 20240131 elsewhere is a number."""
BY_NAME = {form.name: form for form in (ISO, *TRIED)}
_RIVALS = (
    ("%d/%m/%Y", "%m/%d/%Y"),
    ("%d-%m-%Y", "%m-%d-%Y"),
    ("%d/%m/%y", "%m/%d/%y", "%y/%m/%d"),
    ("%d-%m-%y", "%m-%d-%y", "%y-%m-%d"),
)
RIVALS = {name: tuple(other for other in group if other != name) for group in _RIVALS for name in group}
"""By format: the formats that may fit the same cells. If all cells fit several, the first one in KNOWN is taken."""
_FIRST = {"d": "day", "m": "month", "y": "year"}


def note_on(form: DateFormat, also: Sequence[str] = (), misfits: str = "") -> str:
    """What users should know about a column whose dates are read in ``form``.

    ``also`` are rivals that all cells fit too; ``misfits`` says which cells do not fit.
    """
    century = "; two-digit years 69 to 99 are 19xx, 00 to 68 are 20xx" if "y" in form.groups else ""
    if not also:
        return f"dates are read as {form.name}{misfits}{century}"
    names = f"both {form.name} and {also[0]}" if len(also) == 1 else ", ".join([form.name, *also])
    first = _FIRST[form.name[1].lower()]
    return (
        f"every date fits {names}; read as {form.name} ({first} first);"
        f" to change that, set date_formats to [“{also[0]}”]{century}"
    )
