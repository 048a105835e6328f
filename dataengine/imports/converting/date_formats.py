"""Date and time formats: what a file writes, as RE2 patterns whose groups are read set-wise. Pure.

A person gives ``strptime`` formats (``%d/%m/%Y %H:%M``); the well-known ones below are found by themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dataengine.exceptions import InvalidInput

MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)

_CLOCK = r"(?P<H>\d{2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:\.(?P<f>\d+))?)?"
_ZONE = r"(?: ?(?P<z>[zZ]|[+-]\d{2}(?::?\d{2})?))?"
_LOOSE_CLOCK = r"(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:\.(?P<f>\d+))?)?(?: ?(?P<p>[aApP][mM]))?"
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
    "%b": r"(?P<b>[A-Za-z]{3,9})",
    "%B": r"(?P<b>[A-Za-z]{3,9})",
    "%p": r"(?P<p>[aApP][mM])",
    "%z": r"(?P<z>[zZ]|[+-]\d{2}(?::?\d{2})?)",
    "%%": "%",
}
_EXAMPLES = {
    "%Y": "2024", "%y": "24", "%m": "01", "%-m": "1", "%d": "31", "%-d": "31", "%H": "17", "%I": "05", "%M": "45",
    "%S": "09", "%f": "123", "%b": "Jan", "%B": "January", "%p": "PM", "%z": "+02:00", "%%": "%",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DateFormat:
    """One format. ``pattern`` matches whole cells; ``groups`` are those that it has. ``name`` is what people read."""

    name: str
    pattern: str
    groups: frozenset[str]

    @property
    def example(self) -> str:
        """The format as people read it: a moment written in it."""
        return re.sub(r"%-?.", lambda part: _EXAMPLES[part[0]], self.name)

    @property
    def has_clock(self) -> bool:
        return "H" in self.groups

    @property
    def has_date(self) -> bool:
        return bool(self.groups & {"Y", "y"})


def compile_format(text: str) -> DateFormat:
    """A ``strptime`` format. Raises InvalidInput where it is none, or says no moment, day or time of day."""
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
        raise _refuse(text, "a part stands in it twice")
    dated = groups & {"Y", "y"} and groups & {"m", "b"} and "d" in groups
    if not dated and not ({"H", "M"} <= groups and not groups & {"Y", "y", "m", "b", "d"}):
        raise _refuse(text, "it needs year, month and day, or hour and minute")
    return DateFormat(text, f"^{''.join(parts)}$", groups)


def _refuse(text: str, why: str) -> InvalidInput:
    reason = f"“{text}” is no date format: {why}. An example: %d/%m/%Y"
    return InvalidInput(reason, code="invalid_option", fields={"date_formats": reason})


def _known(name: str, date: str, clock: str = _LOOSE_CLOCK) -> DateFormat:
    pattern = f"^{date}(?:(?:T| |, ){clock}{_ZONE})?$"
    return DateFormat(name, pattern, frozenset(re.findall(r"\?P<(\w)>", pattern)))


ISO = _known("%Y-%m-%d", r"(?P<Y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})", _CLOCK)
TIME = DateFormat("%H:%M:%S", f"^{_LOOSE_CLOCK}$", frozenset({"H", "M", "S", "f", "p"}))

_D, _M, _Y, _B = r"(?P<d>\d{1,2})", r"(?P<m>\d{1,2})", r"(?P<Y>\d{4})", r"(?P<b>[A-Za-z]{3,9})"
KNOWN: tuple[DateFormat, ...] = (
    ISO,
    _known("%Y-%-m-%-d", f"{_Y}-{_M}-{_D}"),
    _known("%Y/%m/%d", f"{_Y}/{_M}/{_D}"),
    _known("%Y.%m.%d", rf"{_Y}\.{_M}\.{_D}"),
    _known("%d/%m/%Y", f"{_D}/{_M}/{_Y}"),
    _known("%m/%d/%Y", f"{_M}/{_D}/{_Y}"),
    _known("%d.%m.%Y", rf"{_D}\.{_M}\.{_Y}"),
    _known("%d-%m-%Y", f"{_D}-{_M}-{_Y}"),
    _known("%m-%d-%Y", f"{_M}-{_D}-{_Y}"),
    _known("%d %b %Y", rf"{_D}[ -]{_B}[ -]{_Y}"),
    _known("%b %d, %Y", rf"{_B}\.? {_D},? {_Y}"),
)
BY_NAME = {known.name: known for known in KNOWN}
RIVALS = {"%d/%m/%Y": "%m/%d/%Y", "%d-%m-%Y": "%m-%d-%Y"}
"""Day first -> month first: the pairs of which a column may leave both open."""
