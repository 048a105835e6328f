"""How well a delimiter and a quote fit a sample, and what its first rows are; ``detection`` decides. Pure."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass, field

from .grammar import LINE_BREAK, Grammar
from .text_formulas import in_quotes

MAX_RECORDS = 500
MAX_CELLS = 200_000
NEAR_BYTES = 64 << 10
"""How far the end of a quoted cell is looked for;"""
LONG_CELLS = 3
"""so many cells that do not end there are looked through to their end, since a cell may be that long."""
BLANK_LINES = re.compile(rb"[\r\n]+")
SURE_ROWS = 5
"""If so many rows agree, a first line of another width is damaged; with fewer it is the header and they are damaged."""
FITTING_ROWS = 3
"""So many rows of another width outvote the header; fewer if the file has no more and they end in empty cells."""
NUMBER = re.compile(
    r"[-+]?(?:\d{1,3}(?:[ '.,]\d{3})+|\d+)?(?:[.,]\d+)?(?:[eE][-+]?\d+)?%?"
    r"|[-+]?[$€£¥] ?[\d.,]+|[\d.,]+ ?[$€£¥]"
)
MOMENT = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z| ?[-+]\d{2}:?\d{2})?)?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}(?: \d{1,2}:\d{2}(?::\d{2})?)?|\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?"
)
_SIGN = r"(?:[A-Z]{0,3}[$€£¥₹₽₺₩₪]|[A-Z]{3}|kr\.?|Fr\.?|zł|Kč|Ft|lei|лв\.?|руб\.?|%|‰)"
DECIMAL_COMMA = re.compile(
    rf"[-+−(]?\s?(?:{_SIGN}\s?)?[-+−]?(?:\d{{1,3}}(?:[ '.’\u00a0\u2009\u202f]\d{{3}})+|\d+),\d+(?:\s?{_SIGN})?[-)]?"
)
CLOCK = re.compile(r"(?<![\d:])\d{1,2}:[0-5]\d(?![\d:])|(?<![\d:])\d{1,2}:[0-5]\d:[0-5]\d(?![\d:])")
"""A time of day, which colons do not divide into cells."""
RULE = re.compile(":?(?:-+|=+):?")
WORDS = re.compile(r"""(?!['"\s])[^,;\t|"\r\n]*(?<![\s'])(?:, [^,;\t|"\r\n]+)*""")
DIVIDERS = frozenset(",;|")
MISSING = frozenset({"", "NA", "N/A", "NULL", "null", "\\N", "-", "n/a", "NaN", "nan", "None"})
FLAGS = frozenset({"true", "false", "True", "False", "TRUE", "FALSE", "t", "f", "yes", "no"})


@dataclass(slots=True)
class ParsedSample:
    """A sample parsed with one dialect: its records, and the physical line (from 0) on which each begins."""

    records: list[list[str]]
    lines: list[int]
    ends: list[int]
    """By record, the line after it."""
    faults: int
    width: int
    score: float
    head: list[bytes] = field(default_factory=list)
    """Faulty lines before the first record."""
    enclosed: int = 0
    """How many cells that hold something are enclosed in quotes; those that hold the delimiter, too, count twice."""

    @property
    def regular(self) -> float:
        """The share of records and faulty lines that have the usual width."""
        total = len(self.records) + self.faults
        return sum(len(record) == self.width for record in self.records) / total if total else 0.0


def read_sample(text: bytes, grammar: Grammar, *, complete: bool, sheet: bool = False) -> ParsedSample:
    """Read the first records of ``text`` with any number of cells; ``complete`` says that it is the whole file.

    For a ``sheet``, lines are rows; see ``Source.lines_are_records``.
    """
    text = in_quotes(text, grammar.delimiter, grammar.quote)
    records: list[list[str]] = []
    lines: list[int] = []
    ends: list[int] = []
    quoted: list[list[bool]] = []
    head: list[bytes] = []
    at = line = faults = seen = 0
    long_cells = LONG_CELLS
    while at < len(text) and len(records) + faults < MAX_RECORDS and seen < MAX_CELLS:
        if text[at] in b"\r\n":
            blank = BLANK_LINES.match(text, at)
            assert blank is not None
            at, line = blank.end(), line + len(LINE_BREAK.findall(blank.group()))
            continue
        end, after = grammar.line_end(text, at, final=True)
        scan = grammar.scan(text, at, final=True, limit=max(at + NEAR_BYTES, end))
        if scan.fault and long_cells and end < at + NEAR_BYTES < len(text):
            long_cells -= 1
            scan = grammar.scan(text, at, final=True, limit=len(text))
        if scan.fault:
            faults += 1
            if not records:
                head.append(text[at:end])
        else:
            cells = grammar.cells(text[at : scan.end])
            seen += len(cells)
            records.append([value.decode("utf-8", "replace") for value, _ in cells])
            quoted.append([flag for _, flag in cells])
            lines.append(line)
            if not sheet:
                line += len(LINE_BREAK.findall(text, at, scan.end))
            ends.append(line + 1)
            after = scan.next
        at, line = after, line + 1
    if not complete and len(records) > 1 and at >= len(text):
        for rows in (records, lines, ends, quoted):
            rows.pop()  # the last one may be cut off
    width = usual_width(records)
    delimiter = grammar.dialect.delimiter
    enclosed = sum(
        (1 + (delimiter in cell)) * bool(cell)
        for record, flags in zip(records, quoted, strict=True)
        for cell, flag in zip(record, flags, strict=True)
        if flag
    )
    parsed = ParsedSample(records, lines, ends, faults, width, 0.0, head, enclosed)
    if width > 1:
        parsed.score = parsed.regular * (width - 1) / width * _typed(records, quoted, width)
    return parsed


def usual_width(records: Iterable[Sized]) -> int:
    """The commonest number of cells, the larger one where two are equally common; 0 without records."""
    widths = Counter(len(record) for record in records)
    return max(widths, key=lambda width: (widths[width], width)) if widths else 0


def _typed(records: list[list[str]], quoted: list[list[bool]], width: int) -> float:
    """The share of cells that look like single values, not like parts of one or several in one."""
    good = total = 0
    for record, flags in zip(records, quoted, strict=True):
        if len(record) != width:
            continue
        total += width
        for cell, flag in zip(record, flags, strict=True):
            good += flag or kind(cell) != "odd"
    return good / total if total else 0.0


def kind(cell: str) -> str:
    """``missing``, ``number``, ``moment``, ``flag``, ``text``, or ``odd`` for what is hardly a single value."""
    if cell in MISSING:
        return "missing"
    if cell in FLAGS:
        return "flag"
    stripped = cell.strip()
    if NUMBER.fullmatch(stripped):
        return "number"
    if MOMENT.fullmatch(stripped):
        return "moment"
    return "text" if WORDS.fullmatch(cell) else "odd"


def weak(parsed: ParsedSample, delimiter: str) -> bool:
    """Whether a colon or space splits single values: times, names, sentences.

    It does not if the first record has the usual width too (or only lacks the name of row names, as R writes tables),
    whole lines are no numbers or moments, and (for spaces) most cells are, or quotes stand as only spaces allow.
    """
    if not parsed.records:
        return True
    first, *others = parsed.records
    if len(first) != parsed.width and not (delimiter == " " and lacks_the_first(first, others)):
        return True
    rows = [record for record in parsed.records if len(record) == parsed.width]
    if len(rows) == 1 < len(parsed.records):
        return True
    whole = sum(kind(delimiter.join(record)) in ("number", "moment") for record in rows)
    if whole * 2 > len(rows):
        return True
    if delimiter != " ":
        return sum(CLOCK.search(line) is not None for line in map(delimiter.join, rows)) * 2 > len(rows)
    empty = sum(not cell for row in rows for cell in row)
    if empty * 2 > len(rows) * parsed.width or any(cell in DIVIDERS for row in rows for cell in row):
        return True  # spaces that fill columns, or stand around what divides them
    if others and not parsed.faults and parsed.enclosed > 1 and not empty:
        return any(len(row) != parsed.width for row in others)  # quotes right beside spaces: no sentences
    values = sum(kind(cell) in ("number", "moment", "missing") for record in rows for cell in record)
    return values * 2 < len(rows) * parsed.width


def are_decimals(parsed: ParsedSample, delimiter: str) -> bool:
    """Whether a comma is but the decimal mark of one column, whose name has none."""
    if delimiter != "," or parsed.width != 2 or not parsed.records or len(parsed.records[0]) != 1:
        return False
    lines = [delimiter.join(record) for record in parsed.records[1:]]
    numbers = sum(DECIMAL_COMMA.fullmatch(line) is not None for line in lines)
    divided = next(record for record in parsed.records if len(record) > 1)
    if not any(char.isdecimal() for cell in divided for char in cell):
        return False  # names, so what stands above them is a title
    return kind(parsed.records[0][0]) in ("text", "odd") and numbers * 2 > len(lines)


def looks_like_header(records: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the first record names the columns. Columns whose values all have one kind other than text decide.

    There the first cell is either a name (text) or of that kind. Without such columns, or if in doubt: a header.
    """
    first = records[0]
    rows = [record for record in records[1:] if len(record) == width]
    if votes_for_header(first, rows, width) < 0:
        return _names_years(first, rows)
    if not rows:
        return not all(kind(cell) in ("number", "moment") for cell in first)
    return True


def plainly_a_header(records: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the first record has the usual width and names columns that hold something other than names."""
    if not records or len(records[0]) != width:
        return False
    return votes_for_header(records[0], [record for record in records[1:] if len(record) == width], width) > 0


def votes_for_header(first: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> int:
    """How many columns of values other than text ``first`` names, minus those in which it holds a value itself."""
    votes = 0
    for column, cell in enumerate(first):
        kinds = [kind(row[column]) for row in rows if column < width]
        present = [name for name in kinds if name != "missing"]
        if not present:
            continue
        usual, count = Counter(present).most_common(1)[0]
        if usual in ("text", "odd") or count * 10 < len(present) * 8:
            continue
        votes += 1 if kind(cell) in ("text", "odd") else -1 if kind(cell) == usual else 0
    return votes


def header_is_damaged(parsed: ParsedSample) -> bool:
    """Whether the first line can be neither header nor row, while all others are rows of one width.

    It is no record at all, or no row has its number of cells. Such a line spoils nothing but itself: the file is read
    as one without a header whose first row is damaged.
    """
    rows = parsed.records if parsed.head else parsed.records[1:]
    if not parsed.head and parsed.records and lacks_the_first(parsed.records[0], rows):
        return False
    if len(rows) < SURE_ROWS or not _of_one_width(rows, parsed.width):
        return False
    if parsed.head:
        return True
    first = parsed.records[0]
    # The row after it may be its other half and have the same width by chance.
    return len(fitted(first, rows)) != parsed.width and not any(len(row) == len(first) for row in rows[1:])


def is_ruled(parsed: ParsedSample) -> bool:
    """Whether the line right below the first record is one of dashes that fits it, as database shells write it."""
    records, lines = parsed.records, parsed.lines[-len(parsed.records) :]
    if len(records) < 2 or lines[1] - lines[0] > 1:
        return False
    width, cells = len(records[0]), [cell.strip() for cell in records[1]]
    if len(cells) == 1:
        cells = cells[0].split("+")  # which crosses the separators
    filled = cells[not cells[0] : len(cells) - (not cells[-1])]
    return (
        len(cells) == width > 1 and bool(filled)
        and all(map(RULE.fullmatch, filled)) and any(len(cell) > 1 for cell in filled)
    )  # fmt: skip


def fitted(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The header with as many names as the rows have cells, if the difference is nothing but empty cells at the end.

    Delimiters at the ends of lines have that effect. Only for three or more rows, all of one width.
    """
    names = list(header)
    if not rows or any(len(row) == len(names) for row in rows):
        return names
    width = Counter(len(row) for row in rows).most_common(1)[0][0]
    if len(rows) < FITTING_ROWS and (width < len(names) or any(len(row) != width for row in rows)):
        return names
    if not _of_one_width(rows, width):
        return names
    if width < len(names):
        return names if any(name.strip() for name in names[width:]) else names[:width]
    if any(cell.strip() for row in rows if len(row) == width for cell in row[len(names) :]):
        return names
    return names + [""] * (width - len(names))


def lacks_the_first(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the header names all columns but the first, which is how R and pandas write tables with row names.

    Every row has one more cell, the last not always empty; the first cells number the rows or are all different.
    """
    width = len(header) + 1
    if len(rows) < 2 or any(len(row) != width for row in rows) or not any(row[-1].strip() for row in rows):
        return False
    first = [row[0] for row in rows]
    if all(cell.isascii() and cell.isdecimal() for cell in first):
        numbers = [int(cell) for cell in first]
        return numbers[0] in (0, 1) and all(b - a == 1 for a, b in itertools.pairwise(numbers))
    if len(set(first)) < len(first) or any(kind(cell) != "text" for cell in first):
        return False
    return votes_for_header(header, [row[1:] for row in rows], width - 1) > votes_for_header(
        header, [row[:-1] for row in rows], width - 1
    )


def empty_tail(names: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How many of the last columns have neither a name nor a value in any row."""
    count = 0
    while count < len(names) - 1 and not names[-1 - count].strip():
        place = len(names) - 1 - count
        if not rows or any(row[place].strip() for row in rows if len(row) > place):
            break
        count += 1
    return count


def _of_one_width(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether nine rows in ten have the width, or all but one (a header broken in two leaves such a row)."""
    others = sum(len(row) != width for row in rows)
    return others <= 1 or others * 10 <= len(rows)


def _names_years(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """``country,2019,2020``: ascending years that name columns of other numbers."""
    years = [(column, int(cell)) for column, cell in enumerate(first) if re.fullmatch(r"(?:19|20)\d\d", cell)]
    others = [cell for cell in first if not re.fullmatch(r"(?:19|20)\d\d", cell)]
    if len(years) < 2 or not others or any(kind(cell) not in ("text", "missing") for cell in others):
        return False
    if any(later[1] - earlier[1] not in (1, -1) for earlier, later in itertools.pairwise(years)):
        return False
    values = [row[column] for row in rows for column, _ in years if column < len(row)]
    return not all(re.fullmatch(r"(?:19|20)\d\d", value) for value in values)
