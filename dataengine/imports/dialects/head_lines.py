"""Heads that take more than the line of names: groups above it, units below it. Pure.

``Quarter 1,,Quarter 2,`` above ``Sales,Cost,Sales,Cost`` names ``Quarter 1 Sales`` and so on, as spreadsheets write
cells that are merged, and pandas its columns of several levels. ``m,kg`` below ``depth,mass`` is no row of numbers.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence

from .sample import kind, votes_for_header

FEWEST_ROWS = 3
"""In which two lines at the beginning can be told to be one head."""
_YEAR = re.compile(r"(?:19|20)\d\d")

_BASES = (
    "m g s K mol cd Hz N Pa J W C V F ohm Ω Ω S Wb T H lm lx Bq Gy Sv kat L l t h d a A eV cal Wh VA Ah bar atm b B bit"
    " byte bytes px dpi min sec hr hrs yr mo in ft yd mi nmi mile miles lb lbs oz gal kn kt kts knots mph kmh kph kmph"
    " rpm ppm ppb ppt psi psu PSU pH NTU FNU ha ac sqm sqft bps rad sr deg degree degrees degC degF degree_C degree_F"
    " degree_T degrees_north degrees_east degrees_true UTC utc percent pct pcs pc Stk Stück Stck st ea each"
    " second seconds minute minutes hour hours day days week weeks month months year years meter meters metre metres"
    " kilometer kilometers kilometre kilometres gram grams kilogram kilograms liter liters litre litres inch inches"
    " feet euro euros dollar dollars EUR USD GBP CHF JPY SEK NOK DKK PLN CZK CAD AUD CNY INR Kelvin Celsius Fahrenheit"
    " celsius fahrenheit kelvin Std Tage Jahre % ‰ ° °C °F ° ' \" # € $ £ ¥ µ ℃ ℉"
).split()  # fmt: skip
_PREFIXED = frozenset(
    "m g s K mol Hz N Pa J W C V F ohm Ω Ω S Wb T H lm lx Bq Gy Sv L l t A eV cal Wh VA Ah bar b B bit bps".split()
)
_PREFIXES = ("da", *"yzafpnuµμmcdhkMGTPEZY")
_FACTORS = frozenset(_BASES) | {prefix + base for prefix in _PREFIXES for base in _PREFIXED}
_POWER = r"(?:\^?\(?[-−+]?\d\)?|[²³⁻¹]+|\*\*-?\d)?"
_JOINT = re.compile(r"\s*[/·*.⋅×]\s*|\s+(?:per\s+)?")
_FACTOR = re.compile(rf"(?P<name>.*?[^\d^*²³⁻¹+−-]){_POWER}")
_ENCLOSED = re.compile(r"\[[^\[\]]{1,30}\]|\((?=.{1,22}$)[^()\d]*[^()\d\s][^()]*\)|<[^<>]{1,20}>")
_FORMAT = re.compile(r"(?=.*[yY]{2})[yYmMdDhHsS]{1,4}(?:[-/. :T]+[yYmMdDhHsS]{1,4})+Z?")
_MOMENTS = re.compile(rf"{_ENCLOSED.pattern}|{_FORMAT.pattern}|UTC|utc|GMT|[hH][rh]?s?|min|s|sec")
_AMOUNT = re.compile(
    r"[\[(<][-+−]?(?:\s*(?:[A-Za-z]{0,3}[$€£¥]|[A-Z]{3}|kr|Fr\.?))?\s*[-+−]?\d[\d.,' ]*\s?(?:[$€£¥]|[A-Z]{3}|kr)?[\])>]"
)
"""In brackets it is a negative number, or a mark, and no unit."""
_PLAIN = re.compile(r"[a-zA-Z]")
"""One letter may also be a size or a class."""


def is_unit(cell: str) -> bool:
    """Whether a cell says in what its column is measured: ``kg``, ``m/s²``, ``[°C]``, ``W m-2``, ``yyyy-mm-dd``."""
    text = cell.strip()
    if not 0 < len(text) <= 32 or _AMOUNT.fullmatch(text):
        return False
    if _ENCLOSED.fullmatch(text) or _FORMAT.fullmatch(text):
        return True
    return all(_is_factor(part) for part in _JOINT.split(text.removeprefix("in ")))


def _is_factor(part: str) -> bool:
    found = _FACTOR.fullmatch(part)
    return part in _FACTORS or part == "1" or (found is not None and found["name"] in _FACTORS)


def tells_units(header: Sequence[str], row: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether the record right below the header is no row, but has units of columns of values.

    Those are columns of which nearly all cells of the ``rest`` are numbers or moments. One letter, as ``m`` alone,
    tells too little, and so do other words: a first row may have something wrong in each of its columns.
    """
    width = len(header)
    rows = [record for record in rest if len(record) == width]
    if len(row) != width or not rows or any(_is_value(cell) for cell in row):
        return False
    kinds = [_kind_of([record[place] for record in rows]) for place in range(width)]
    filled = [cell for cell in row if cell.strip() and kind(cell) != "missing"]
    sure = sum(_weight(row[place].strip(), kinds[place]) for place in range(width) if kinds[place])
    return all(map(is_unit, filled)) and sure + (sure > 0 and len(filled) < width) > 1


def _is_value(cell: str) -> bool:
    return kind(cell.strip()) in ("number", "moment") and any(char.isdecimal() for char in cell)


def are_units(cells: Sequence[str]) -> bool:
    """Whether all cells that are filled are units, and not all of them single letters."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return bool(filled) and all(map(is_unit, filled)) and not all(map(_PLAIN.fullmatch, filled))


def _weight(cell: str, of: str) -> int:
    """How much a unit tells in a column of numbers or of moments, which have formats and zones alone."""
    if not cell or kind(cell) == "missing" or (of == "moment" and not _MOMENTS.fullmatch(cell)):
        return 0
    return 1 if _PLAIN.fullmatch(cell) else 2


def _kind_of(cells: Sequence[str]) -> str:
    """``number`` or ``moment`` if nearly all of the cells that are filled are such."""
    kinds = Counter(kind(cell) for cell in cells)
    present = len(cells) - kinds["missing"]
    if not present or (kinds["number"] + kinds["moment"]) * 10 < present * 9:
        return ""
    return "moment" if kinds["moment"] > kinds["number"] else "number"


def are_groups(above: Sequence[str], names: Sequence[str]) -> bool:
    """Whether a line right above the names says to which group each belongs, and they need it: some are there twice.

    It has several labels, which stand over more than one column each by the gaps that they leave or by being repeated.
    """
    labels = [cell.strip() for cell in above]
    filled = [place for place, label in enumerate(labels) if label]
    if not 1 < len(names) >= len(labels) or len({labels[place] for place in filled}) < 2:
        return False
    if any(kind(label) in ("number", "moment") and not _YEAR.fullmatch(label) for label in labels if label):
        return False
    repeated = any(a == b for a, b in itertools.pairwise(label for label in labels if label))
    if filled == [*range(len(filled))] and not repeated:
        return False
    known = [name.strip() for name in names if name.strip()]
    made = [name for name in joined(above, names) if name]
    lacks = any(label and not name.strip() for label, name in zip(labels, names, strict=False))
    return (len(set(known)) < len(known) or lacks) and len(set(made)) == len(made) > 0


def name_together(records: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the first two records are one head: groups that are repeated, and names over columns of values."""
    if len(records) < FEWEST_ROWS or len(records[0]) != len(records[1]) or len(records[0]) != width:
        return False
    rows = [record for record in records[2:] if len(record) == width]
    return are_groups(*records[:2]) and votes_for_header(records[1], rows, width) > 1


def name_with_two_above(records: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the first three records are one head: groups of groups, groups, and names over columns of values."""
    if len(records) <= FEWEST_ROWS or any(len(record) != width for record in records[:3]):
        return False
    rows = [record for record in records[3:] if len(record) == width]
    return are_groups_of_groups(*records[:3]) and votes_for_header(records[2], rows, width) > 1


def are_groups_of_groups(higher: Sequence[str], above: Sequence[str], names: Sequence[str]) -> bool:
    """Whether the two lines above the names are needed to tell these apart, and the higher has groups of the lower."""
    if len(higher) != len(above) or len(above) != len(names) or are_groups(above, names):
        return False
    labels = [cell.strip() for cell in higher if cell.strip()]
    reaches = any(a == b for a, b in itertools.pairwise(labels)) or not all(map(str.strip, higher[1:]))
    numbers = [cell.strip() for cell in (*higher, *above) if kind(cell.strip()) in ("number", "moment")]
    if len(set(labels)) < 2 or not reaches or not all(map(_YEAR.fullmatch, numbers)):
        return False
    known = [name.strip() for name in names]
    made = joined(stacked(higher, above), names)
    return len(set(known)) < len(known) and len(set(made)) == len(made) and all(known)


def stacked(higher: Sequence[str], above: Sequence[str]) -> list[str]:
    """The labels of two lines of groups as one line: either reaches to the next in its line, or to one above it."""
    made, label, lower = [], "", ""
    for place, cell in enumerate(above):
        if place < len(higher) and higher[place].strip():
            label, lower = higher[place].strip(), ""
        lower = cell.strip() or lower
        made.append(" ".join(filter(None, (label, lower))))
    return made


def joined(above: Sequence[str], names: Sequence[str]) -> list[str]:
    """The names with their groups: a label reaches to the next one."""
    made, label = [], ""
    for place, name in enumerate(names):
        label = (above[place].strip() if place < len(above) else "") or label
        made.append(" ".join(filter(None, (label, name.strip()))))
    return made
