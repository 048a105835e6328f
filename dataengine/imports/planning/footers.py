"""Totals and footnotes at the end of a file: what looks like them is said, and left in unless people say so. Pure.

Only the last rows are looked at, however long the file is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import TypedDict

from dataengine.imports.converting.number_styles import COMMA, POINT, NumberStyle, read_one
from dataengine.imports.dialects.sample import kind

LOOKED_AT = 30
"""How many of the last rows are looked at, to know the footer from what stands above it."""


SUMMED = 2_000
"""In files of at most so many rows, a last row that holds the sums of those above is known without a word for it. In
longer ones it has to look like that, too (``may_be_sums``), before they are read once more to add up."""
_ENOUGH = 3
"""Rows above, of which a row of sums is hardly one by chance."""


class Footer(TypedDict):
    """Rows at the end of a file that look like totals and footnotes: how many, where they begin, what they are."""

    rows: int
    line: int
    message: str


_TOTAL = re.compile(
    r"\W*(?:(?:grand|sub|overall|final|net|gross)[ -]?)?"
    r"(?:totals?|sum|summe|gesamt(?:summe|betrag)?|zwischensumme|endsumme|insgesamt|totaux|somme|ensemble|totale|totali"
    r"|somma|totales|suma(?:s)?|totaal|som|totais|soma|summa|i alt|sammanlagt|yhteensä|razem|łącznie|celkem|összesen"
    r"|toplam|итого|всего|合計|小計|总计|合计|average|mean|durchschnitt|mittelwert|moyenne|promedio|media)"
    r"(?:\b[^0-9]{0,40})?\W*",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"\s*(?:\(?[0-9][0-9,. ]* (?:rows?|records?|results?|entries|zeilen|lignes|filas|righe)\b"
    r"|\*|†|‡|\(?[0-9]\)\s|(?:foot)?notes?\b|n\.?b\.?\b|sources?\b|quellen?\b|anmerkung|hinweis|fuente|fonte"
    r"|bron\b|remarque|nota\b|generated\b|printed\b|exported\b|created\b|report\b|page [0-9]|seite [0-9]|copyright|©"
    r"|erstellt|stand:|end of|\[?eof\b|---)",
    re.IGNORECASE,
)
_SENTENCE = 4
"""So many words alone in a row are a sentence."""


@dataclass(frozen=True, slots=True)
class LastRow:
    """One of the last rows: its cells (missing ones empty), and whether nothing stands on the line before it."""

    line: int
    cells: Sequence[str]
    is_apart: bool = False


def footer_of(
    rows: Sequence[LastRow], columns: Sequence[Sequence[str]] | None = None, *, are_sums: bool = False
) -> Footer | None:
    """What of the last rows of a file, in their order, is none of its records.

    ``columns`` are the cells of all its good rows, if it is small; of one that is not, ``are_sums`` says whether the
    last row holds the sums of all above.
    """
    are_sums = are_sums or (len(rows) > 1 and bool(columns) and _are_sums(rows[-1].cells, columns or ()))
    count = int(are_sums)
    while count < len(rows) - 1:
        row, above = rows[-1 - count], rows[: len(rows) - 1 - count]
        if not (_is_note(row, above) or _is_total(row, above)):
            break
        count += 1
    if not count:
        return None
    first = rows[-count]
    said = next(cell.strip() for cell in first.cells if cell.strip())[:60]
    what = "a total" if _TOTAL.fullmatch(said) or (are_sums and count == 1) else "a footnote"
    if count == 1:
        message = f"the last row (line {first.line:,}: {said}) looks like {what}; “skip_last”: 1 leaves it out"
    else:
        message = (
            f"the last {count} rows (from line {first.line:,} on: {said}) look like totals and footnotes;"
            f" “skip_last”: {count} leaves them out"
        )
    return {"rows": count, "line": first.line, "message": message}


def _is_note(row: LastRow, above: Sequence[LastRow]) -> bool:
    """Text in the first cell, where other rows hold more, that stands apart or reads like a note or a total.

    Where a separator stands within it, it has to do both.
    """
    text, usual = row.cells[0].strip(), median(map(_filled, above))
    if not text or usual < 2 or kind(text) in ("number", "moment"):
        return False
    reads_so = _NOTE.match(text) is not None
    if _filled(row) > 1:
        return row.is_apart and reads_so and _filled(row) < usual
    return row.is_apart or reads_so or _TOTAL.fullmatch(text) is not None or len(text.split()) >= _SENTENCE


def _is_total(row: LastRow, above: Sequence[LastRow]) -> bool:
    """A word for a total that its column does not hold above it, and numbers beside it."""
    for place, cell in enumerate(row.cells):
        if cell.strip() and _TOTAL.fullmatch(cell):
            others = [other for number, other in enumerate(row.cells) if number != place and other.strip()]
            word = cell.strip().casefold()
            is_usual = any(place < len(item.cells) and item.cells[place].strip().casefold() == word for item in above)
            return bool(others) and not is_usual and all(kind(other.strip()) == "number" for other in others)
        if cell.strip() and kind(cell.strip()) != "number":
            return False
    return False


def _are_sums(cells: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether the last row holds sums of all the rows above, in each column in which it holds a number.

    Several sums tell it, or one where a column stays empty that is filled above.
    """
    if [column[-1] for column in columns] != list(cells) or len(columns[0]) <= 2:
        return False  # the last row of the file is a rejected one, or there is nothing to add up
    found, is_open = 0, False
    for column in columns:
        *above, last = (cell.strip() for cell in column)
        if not last:
            is_open = is_open or all(above)
        elif kind(last) == "number":
            if _counts([*above, last]) or not any(_is_sum(last, above, style) for style in (POINT, COMMA)):
                return False
            found += 1
    return bool(found) and (is_open or (found > 1 and len(columns[0]) > _ENOUGH))


def may_be_sums(rows: Sequence[LastRow]) -> bool:
    """Whether the last row may hold sums of all rows above, of which these are the last: then they are worth adding up.

    It holds numbers alone, at least as large as what is known to be in the sum, and nothing in a column that is filled.
    """
    *above, last = rows
    filled = [place for place, cell in enumerate(last.cells) if cell.strip()]
    columns = [
        [row.cells[place] if place < len(row.cells) else "" for row in above] for place in range(len(last.cells))
    ]
    is_open = any(all(cell.strip() for cell in columns[place]) for place in set(range(len(columns))).difference(filled))
    return is_open and all(
        any(_may_be_sum(last.cells[place], columns[place], style) for style in (POINT, COMMA)) for place in filled
    )


def _may_be_sum(last: str, above: Sequence[str], style: NumberStyle) -> bool:
    total = number_in(last.strip(), style)
    numbers = [number_in(cell.strip(), style) for cell in above if cell.strip()]
    known = [number for number in numbers if number is not None]
    if total is None or not known or len(known) < len(numbers):
        return False
    is_mixed = min(known) < 0 < max(known)
    return is_mixed or abs(total) >= abs(sum(known, Decimal(0)))


def _counts(cells: Sequence[str]) -> bool:
    """Whether the cells number the rows: 3 after 1 and 2 is no sum of theirs."""
    if not all(cell.isascii() and cell.isdecimal() for cell in cells):
        return False
    return all(int(later) - int(earlier) == 1 for earlier, later in pairwise(cells))


def _is_sum(last: str, above: Sequence[str], style: NumberStyle) -> bool:
    total = number_in(last, style)
    numbers = [number_in(cell, style) for cell in above if cell]
    known = [number for number in numbers if number is not None]
    return total is not None and len(known) == len(numbers) and sum(map(bool, known)) > 1 and sum(known) == total


def number_in(text: str, style: NumberStyle) -> Decimal | None:
    """A cell as a number, None where it is none in the style."""
    if re.fullmatch(style.simple, text, re.ASCII):
        return Decimal(text)
    said = read_one(text, style)
    return None if said is None else Decimal(said.text)


def _filled(row: LastRow) -> int:
    return sum(bool(cell.strip()) for cell in row.cells)
