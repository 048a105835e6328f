"""The head of a source: the lines before the header, the header, whether rows follow, and the first of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dataengine.columns.identifiers import MAX_COLUMNS
from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.buffer import Buffer, first_record, pass_header, skip_blank, skip_lines
from dataengine.imports.reading.rejected_lines import readable
from dataengine.imports.reading.source import CHUNK_BYTES, Source

from .dialect import SEPARATOR_LINE, Dialect
from .grammar import Grammar
from .head_lines import joined, stacked
from .sample import empty_tail, fitted, kind, lacks_the_first, read_sample, usual_width

WIDTH_SAMPLE_ROWS = 200


@dataclass(frozen=True, slots=True)
class Header:
    """The names of a file's columns, and what is unusual about them.

    The last ``empty_tail`` columns have no name and, as far as the beginning of the file shows, no values: the lines
    end in too many separators. ``is_indexed`` says that the first column has no name: it numbers or names the rows.
    ``below`` are the cells of a line of units below the names, ``said`` those of the lines of the head, as they are:
    groups, if any, and last the names.
    """

    names: list[str]
    empty_tail: int = 0
    is_indexed: bool = False
    below: tuple[str, ...] = ()
    said: tuple[Sequence[str], ...] = ()


def read_header(source: Source, dialect: Dialect) -> Header:
    """The names in the header, as written (maybe doubled); ``column_1 …`` where a name or the header is missing.

    There are as many as the rows have cells if only empty cells at the end differ (``sample.fitted``), or if the first
    name is missing (``sample.lacks_the_first``).
    Raises InvalidInput: ``empty_file`` (nothing but blank lines), ``too_many_columns``, ``malformed_header``.
    """
    tail, is_indexed = 0, False
    below: tuple[str, ...] = ()
    said: list[list[str]] = []
    buffer = _head(source, dialect)
    skip_lines(buffer, dialect.skip_rows, source)
    grammar = Grammar(dialect, None)
    if dialect.has_header:
        said = [_cells(buffer, grammar) for _ in range(1 + dialect.grouped + dialect.grouped_twice)]
        *groups, given = said
        if groups:
            given = joined(stacked(*groups) if dialect.grouped_twice else groups[0], given)
        below = tuple(_cells(buffer, grammar)) if dialect.has_units else ()
        rows = _sample(buffer, source, dialect)
        is_indexed = lacks_the_first(given, rows)
        names = ["", *given] if is_indexed else fitted(given, rows)
        said = [["", *line] for line in said] if is_indexed else said
        tail = empty_tail(names, rows)
        names = _named(names)
    else:
        names = [f"column_{number}" for number in range(1, _usual_width(buffer, grammar, source) + 1)]
    if len(names) > MAX_COLUMNS:
        raise InvalidInput(
            f"The file has {len(names):,} columns; a table can have at most {MAX_COLUMNS:,}.", code="too_many_columns"
        )
    return Header(names, tail, is_indexed, below, tuple(said))


def _cells(buffer: Buffer, grammar: Grammar) -> list[str]:
    """The cells of the first record that is not blank, which is removed."""
    record = first_record(buffer, grammar)[0]
    return [readable(value) for value, _ in grammar.cells(record)]


def damaged_header(source: Source, dialect: Dialect, *, width: int, preamble: bool) -> list[str] | None:
    """The line where a header would be, split at its delimiters, in a file that was found to have no header.

    It is a first line that is no row of ``width`` cells or, if ``preamble`` was skipped on a guess, the line before the
    first row. None where there is no such line, or where it is a damaged row: one that holds values and not names.
    """
    buffer = _head(source, dialect)
    guessed = preamble and dialect.skip_rows > 0
    skip_lines(buffer, dialect.skip_rows - guessed, source)
    if guessed:
        delimiters = r"[,;\t|]"
        line = _line(buffer)
        if SEPARATOR_LINE.match(line + b"\n") is None:
            return _names_in(line, delimiters, dialect)
        skip_lines(buffer, 1, source)
    line = _line(buffer)
    scan = Grammar(dialect, None).scan(buffer.text, 0, final=True)
    if scan.fault is None and scan.count == width:
        return None
    return _names_in(line, re.escape(dialect.delimiter), dialect)


def _head(source: Source, dialect: Dialect) -> Buffer:
    return Buffer(source.head_text(dialect.encoding), dialect)


def _line(buffer: Buffer) -> bytes:
    """The first line that is not blank; the buffer begins with it afterwards."""
    skip_blank(buffer)
    buffer.fill(CHUNK_BYTES)
    return buffer.text[: Grammar(Dialect(), None).line_end(buffer.text, 0, final=True)[0]]


def _names_in(line: bytes, delimiters: str, dialect: Dialect) -> list[str] | None:
    mark = dialect.quote or ""
    cells = [cell.replace(mark, "").strip() for cell in re.split(delimiters, readable(line))]
    return None if any(kind(cell) in ("number", "moment") for cell in cells) else cells


def has_rows(source: Source, dialect: Dialect) -> bool:
    """Whether anything but blank lines follows the header: that is a row, or will be rejected as one."""
    buffer = _head(source, dialect)
    pass_header(buffer, dialect, source)
    while True:
        buffer.fill(1)
        if not buffer.text or buffer.text.strip(b"\r\n" + dialect.delimiter.encode()):
            return bool(buffer.text)
        buffer.drop(len(buffer.text))


def first_records(source: Source, dialect: Dialect, width: int) -> list[list[str]]:
    """The first few hundred rows of the file as text, without damaged ones."""
    buffer = _head(source, dialect)
    pass_header(buffer, dialect, source)
    return [record for record in _sample(buffer, source, dialect) if len(record) == width]


def _sample(buffer: Buffer, source: Source, dialect: Dialect) -> list[list[str]]:
    """The first few hundred records in the buffer, without damaged ones."""
    buffer.fill(CHUNK_BYTES)
    sheet = source.lines_are_records
    return read_sample(buffer.text, Grammar(dialect, None), complete=buffer.final, sheet=sheet).records


def _named(names: list[str]) -> list[str]:
    """Name unnamed columns ``column_N``, like those of a file without a header."""
    for place, name in enumerate(names):
        if not name.strip():
            name = f"column_{place + 1}"
            while name in names:
                name += "_"
            names[place] = name
    return names


def _usual_width(buffer: Buffer, grammar: Grammar, source: Source) -> int:
    """The usual number of cells of the first records."""
    records: list[list[tuple[bytes, bool]]] = []
    for _ in range(WIDTH_SAMPLE_ROWS):
        try:
            record = first_record(buffer, grammar)[0]
        except InvalidInput as error:
            if error.error_code == "empty_file":
                break
            skip_lines(buffer, 1, source)
            continue
        records.append(grammar.cells(record))
    if not records:
        raise InvalidInput("The file has no rows.", code="empty_file")
    return usual_width(records)
