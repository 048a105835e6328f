"""Parsing: a source and a dialect in, blocks of string columns out, exactly and with every row accounted for.

``parse`` yields blocks in file order; what is neither a row in a block nor blank is a RejectedLine. Two engines give
the same answers: ``blocks.py`` (whole blocks at a time, for dialects of single ASCII characters) and ``careful.py``
(one record at a time, for any dialect), which also defines what is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Protocol

from dataengine.exceptions import InvalidInput

from .blocks import BlockEngine
from .careful import RecordEngine
from .dialect import Dialect
from .recovery import LINE_BREAK, MAX_ROW_BYTES, Grammar, NeedMore
from .rows import RAW_LIMIT, Block, Piece, RejectedLine, readable, reject_long
from .source import CHUNK_BYTES, Source

__all__ = ["Block", "RejectedLine", "parse", "read_header"]

BLOCK_BYTES = 4 << 20
MAX_COLUMNS = 1599
"""PostgreSQL's limit of 1,600 columns less the record's own key."""
WIDTH_SAMPLE_ROWS = 200


class Engine(Protocol):
    """Reads as many records as it can from the beginning of a buffer that begins at a record."""

    def read(self, text: bytes, line: int, *, final: bool) -> Piece:
        """Consume from ``text``, whose first line is number ``line``; consume nothing only if more bytes are needed."""
        ...


def parse(
    source: Source,
    dialect: Dialect,
    width: int | None = None,
    null_values: Collection[str] = ("",),
    *,
    block_bytes: int = BLOCK_BYTES,
    max_row_bytes: int = MAX_ROW_BYTES,
    careful: bool = False,
    use_threads: bool = True,
) -> Iterator[Block]:
    """Read all data rows of ``source``; the header (if the dialect has one) and the preamble are passed over.

    ``width`` is the number of cells a row has to have, by default that of the header. ``null_values`` are what an
    unquoted cell says for NULL, ``''`` always among them. Memory: a few times ``block_bytes``, and at most
    ``max_row_bytes`` more where a cell is that long. ``careful`` chooses the slow engine (tests compare the two).

    Raises InvalidInput where the header cannot be read (see ``read_header``) or the source turns out to be a bomb.
    """
    if width is None:
        width = len(read_header(source, dialect))
    grammar = Grammar(dialect, width, max_row_bytes)
    nulls = sorted({"", *null_values})
    engine: Engine
    if careful or not BlockEngine.supports(dialect):
        engine = RecordEngine(grammar, nulls, lines_are_records=source.lines_are_records)
    else:
        engine = BlockEngine(grammar, nulls, lines_are_records=source.lines_are_records, use_threads=use_threads)
    buffer = _Buffer(source, dialect, min(block_bytes, CHUNK_BYTES))
    line = _pass_header(buffer, dialect, source)
    while True:
        buffer.fill(block_bytes)
        while True:
            if not buffer.text:
                return
            piece = engine.read(buffer.text, line, final=buffer.final)
            if piece.consumed or buffer.final:
                break
            if len(buffer.text) > max_row_bytes + 2:
                piece = _endless_line(buffer, line, max_row_bytes, width)
                break
            buffer.grow(block_bytes)
        block = Block(
            piece.columns, piece.lines, piece.rejects, source.bytes_read, buffer.text, piece.starts, piece.ends
        )
        buffer.drop(piece.consumed)
        line += piece.lines_done
        if len(block) or block.rejects:
            yield block


def read_header(source: Source, dialect: Dialect) -> list[str]:
    """The names in the header, as they stand there (maybe empty, maybe doubled), or ``column_1 …`` without one.

    Raises InvalidInput: ``empty_file`` (nothing but blank lines), ``too_many_columns``, ``malformed_header``.
    """
    buffer = _Buffer(source, dialect)
    _skip_lines(buffer, dialect.skip_rows, source)
    grammar = Grammar(dialect, None)
    if dialect.has_header:
        record = _first_record(buffer, grammar)[0]
        names = [readable(value) for value, _ in grammar.cells(record)]
    else:
        names = [f"column_{number}" for number in range(1, _usual_width(buffer, grammar, source) + 1)]
    if len(names) > MAX_COLUMNS:
        raise InvalidInput(
            f"The file has {len(names):,} columns; a table can have at most {MAX_COLUMNS:,}.", code="too_many_columns"
        )
    return names


class _Buffer:
    """Text that has been read but not dealt with. ``final`` once the source has no more."""

    def __init__(self, source: Source, dialect: Dialect, chunk_bytes: int = CHUNK_BYTES) -> None:
        self.text = b""
        self.final = False
        self._chunks = source.open_text(dialect.encoding, chunk_bytes)
        self._close_last_line = dialect.escape is None

    def fill(self, size: int) -> None:
        """Read until there are ``size`` bytes or the source ends."""
        if self.final or len(self.text) >= size:
            return
        parts = [self.text]
        length = len(self.text)
        while length < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                self.final = True
                break
            parts.append(chunk)
            length += len(chunk)
        self.text = b"".join(parts)
        # A last line without a break is a line like any other. (After an escape character a break would be escaped.)
        if self.final and self._close_last_line and self.text and not self.text.endswith((b"\n", b"\r")):
            self.text += b"\n"

    def grow(self, size: int) -> None:
        """Read at least ``size`` bytes more, and as much again as there are: what is looked at twice stays linear."""
        self.fill(len(self.text) + max(size, len(self.text)))

    def drop(self, size: int) -> None:
        self.text = self.text[size:]


def _skip_lines(buffer: _Buffer, count: int, source: Source) -> None:
    """Take lines off the buffer (of a sheet: rows)."""
    grammar = Grammar(Dialect(), None)
    for _ in range(count):
        while True:
            buffer.fill(1)
            if not buffer.text:
                return
            try:
                if source.lines_are_records:
                    after = grammar.row_end(buffer.text, 0, final=buffer.final)
                else:
                    _, after = grammar.line_end(buffer.text, 0, final=buffer.final)
            except NeedMore:
                if len(buffer.text) > MAX_ROW_BYTES:
                    raise InvalidInput("A line before the header is too long.", code="malformed_header") from None
                buffer.grow(64 << 10)
            else:
                break
        buffer.drop(after)


def _first_record(buffer: _Buffer, grammar: Grammar) -> tuple[bytes, int, int]:
    """The first record that is not a blank line, taken off the buffer; the blank lines before it and its own lines."""
    blank = 0
    while True:
        buffer.fill(1)
        if not buffer.text:
            raise InvalidInput("The file holds no header and no rows.", code="empty_file")
        try:
            end, after = grammar.line_end(buffer.text, 0, final=buffer.final)
            if end == 0:
                buffer.drop(after)
                blank += 1
                continue
            scan = grammar.scan(buffer.text, 0, final=buffer.final)
        except NeedMore:
            if len(buffer.text) > grammar.max_row_bytes:
                raise InvalidInput("The header line is too long.", code="malformed_header") from None
            buffer.grow(64 << 10)
            continue
        if scan.fault:
            shown = readable(buffer.text[: min(end, 200)])
            raise InvalidInput(f"The header cannot be read: {scan.detail}: {shown}", code="malformed_header")
        record = buffer.text[: scan.end]
        buffer.drop(scan.next)
        return record, blank, len(LINE_BREAK.findall(record)) + 1


def _usual_width(buffer: _Buffer, grammar: Grammar, source: Source) -> int:
    """The commonest number of cells among the first records, the larger one where two are equally common."""
    widths: Counter[int] = Counter()
    for _ in range(WIDTH_SAMPLE_ROWS):
        try:
            record = _first_record(buffer, grammar)[0]
        except InvalidInput as error:
            if error.error_code == "empty_file":
                break
            _skip_lines(buffer, 1, source)
            continue
        widths[len(grammar.cells(record))] += 1
    if not widths:
        raise InvalidInput("The file holds no rows.", code="empty_file")
    return max(widths, key=lambda width: (widths[width], width))


def _pass_header(buffer: _Buffer, dialect: Dialect, source: Source) -> int:
    """Take preamble and header off the buffer; the number of the line that follows."""
    _skip_lines(buffer, dialect.skip_rows, source)
    line = 1 + dialect.skip_rows
    if dialect.has_header:
        blank, lines = _first_record(buffer, Grammar(dialect, None))[1:]
        line += blank + (1 if source.lines_are_records else lines)
    return line


def _endless_line(buffer: _Buffer, line: int, max_row_bytes: int, width: int) -> Piece:
    """Reject the line at the buffer's beginning, which is too long, reading on to its end without keeping it."""
    rejected = reject_long(line, buffer.text[:RAW_LIMIT], max_row_bytes)
    grammar = Grammar(Dialect(), None)
    while True:
        try:
            _, after = grammar.line_end(buffer.text, 0, final=buffer.final)
        except NeedMore:
            buffer.drop(len(buffer.text) - 1)  # a CR at the end may be half a line break
            buffer.grow(1 << 20)
        else:
            return Piece.nothing(width, [rejected], after, 1)
