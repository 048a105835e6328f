"""Generators for the parser's tests: tables, ways of writing them, and the kinds of damage in Pollock."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from dataengine.imports.dialects.dialect import Dialect
from dataengine.imports.parsing.parser import RejectedLine, parse
from dataengine.imports.reading.kinds import PLAIN_TEXT
from dataengine.imports.reading.source import Source, SourceLimits

type Cell = str | None
type Row = tuple[Cell, ...]


@dataclass(slots=True)
class Outcome:
    """Everything ``parse`` returns for a file: rows with line numbers, their raw text, and the rejected lines."""

    rows: list[tuple[int, Row]] = field(default_factory=list)
    raws: list[str] = field(default_factory=list)
    rejects: list[RejectedLine] = field(default_factory=list)

    @property
    def cells(self) -> list[Row]:
        return [row for _, row in self.rows]


def read(
    data: bytes,
    width: int,
    *,
    dialect: Dialect | None = None,
    null_values: Sequence[str] = ("",),
    block_bytes: int = 1 << 20,
    max_row_bytes: int = 16 << 20,
    careful: bool = False,
) -> Outcome:
    """Parse bytes without a header and collect everything."""
    source = Source(io.BytesIO(data), "a.csv", what=PLAIN_TEXT, limits=SourceLimits())
    outcome = Outcome()
    for block in parse(
        source,
        dialect or Dialect(has_header=False),
        width,
        null_values,
        block_bytes=block_bytes,
        max_row_bytes=max_row_bytes,
        careful=careful,
    ):
        columns = [column.to_pylist() for column in block.columns]
        outcome.rows += [(int(line), tuple(cells)) for line, *cells in zip(block.lines, *columns, strict=True)]
        outcome.raws += [block.raw(index) for index in range(len(block))]
        outcome.rejects += block.rejects
    return outcome


def is_blank(row: Sequence[str]) -> bool:
    """Whether a row without quotes is no row: delimiters and spaces alone."""
    return not any(cell.strip(" \t\u00a0") for cell in row)


def write_row(row: Sequence[str], quoted: Sequence[bool], delimiter: str = ",") -> str:
    """One row according to RFC 4180; a cell that needs quotes gets them whatever ``quoted`` says."""
    return delimiter.join(
        '"' + cell.replace('"', '""') + '"' if flag or any(mark in cell for mark in f'{delimiter}"\r\n') else cell
        for cell, flag in zip(row, quoted, strict=True)
    )


def legal_reading(text: str) -> list[list[str]]:
    """How Python's strict reader reads a text; [] if it is invalid."""
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error:
        return []


# --- tables ---------------------------------------------------------------------------------------------------------

nasty_cells = st.text(st.sampled_from("ab,\"\n\r;é\ufeff '\t"), max_size=6)
"""Cells of all characters that have a meaning in CSV."""

plain_words = st.text(st.sampled_from("abcxyz019é"), min_size=1, max_size=5)
honest_cells = st.one_of(
    st.just(""),
    plain_words,
    st.tuples(plain_words, st.text(st.sampled_from('ab ,"'), max_size=4), plain_words).map("".join),
)
"""Realistic cells: delimiters and quotes in them are between words."""


@st.composite
def tables(draw: st.DrawFn, cells: st.SearchStrategy[str], min_width: int = 1, min_rows: int = 1) -> list[list[str]]:
    width = draw(st.integers(min_width, 4))
    row = st.lists(cells, min_size=width, max_size=width)
    return draw(st.lists(row, min_size=min_rows, max_size=8))


@st.composite
def written(draw: st.DrawFn, table: list[list[str]]) -> list[str]:
    """The rows of a table, each with some unnecessarily quoted cells; delimiters alone would not be a row."""
    flags = [draw(st.lists(st.booleans(), min_size=len(row), max_size=len(row))) for row in table]
    return [write_row(row, [quoted[0] or is_blank(row), *quoted[1:]]) for row, quoted in zip(table, flags, strict=True)]


# --- damage: each takes the text of a row and a position in it --------------------------------------------------------

type Damage = Callable[[str, int], str]


def _insert(mark: str) -> Damage:
    return lambda text, at: text[:at] + mark + text[at:]


def _drop(mark: str) -> Damage:
    """Remove the first ``mark`` at or after the position."""

    def damage(text: str, at: int) -> str:
        found = text.find(mark, at)
        return text if found < 0 else text[:found] + text[found + 1 :]

    return damage


def _swap(text: str, at: int) -> str:
    return text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]


DAMAGES: dict[str, Damage] = {
    "extra separator": _insert(","),
    "missing separator": _drop(","),
    "stray quote": _insert('"'),
    "stray pair of quotes": _insert('""'),
    "missing quote": _drop('"'),
    "other separator in one line": lambda text, at: text.replace(",", ";"),
    "separator doubled": lambda text, at: text.replace(",", ",,"),
    "other quote": lambda text, at: text.replace('"', "'"),
    "quotes not doubled": lambda text, at: text.replace('""', '"'),
    "spaces around separators": lambda text, at: text.replace(",", " , "),
    "text after the row": lambda text, at: text + ' "and more',
    "cut off": lambda text, at: text[:at],
    "broken into two lines": _insert("\n"),
    "lone carriage return": _insert("\r"),
    "NUL": _insert("\0"),
    "undecodable": _insert("\udcff"),
    "neighbours swapped": _swap,
    "quoted as a whole": lambda text, at: '"' + text + '"',
    "quoted as a whole, inner quotes kept": lambda text, at: '"' + text.replace('"', '""') + '"',
    "escape character": _insert("\\"),
    "another file's row": lambda text, at: "<tr><td>" + text + "</td></tr>",
    "first cell missing": lambda text, at: text.partition(",")[2],
    "row repeated in the line": lambda text, at: text + text,
}


def damaged_files(rows: Sequence[str], newline: str = "\n") -> Iterator[tuple[str, int, str, bytes]]:
    """Every kind of damage at every place of every row: (kind, index of the row, its damaged text, the whole file)."""
    for kind, damage in DAMAGES.items():
        for index, text in enumerate(rows):
            for damaged in {damage(text, at) for at in range(len(text) + 1)} - {text}:
                lines = [*rows[:index], damaged, *rows[index + 1 :]]
                yield kind, index, damaged, encode(newline.join(lines) + newline)


def encode(text: str) -> bytes:
    """UTF-8, with lone surrogates as the invalid bytes that they represent."""
    return text.encode("utf-8", "surrogateescape")
