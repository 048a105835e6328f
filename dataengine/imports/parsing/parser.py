"""Parsing: a source and a dialect in, blocks of string columns out, exactly, with every row accounted for.

``parse`` yields blocks in file order; what is neither a row in a block nor blank is a RejectedLine. Two engines give
the same answers: ``block_engine.py`` (whole blocks at a time, for dialects of single ASCII characters) and
``record_engine.py`` (one record at a time, for any dialect, by the grammar that defines what is right).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Generator
from typing import Protocol

from dataengine.imports.dialects.buffer import Buffer, pass_header
from dataengine.imports.dialects.dialect import Dialect
from dataengine.imports.dialects.grammar import MAX_ROW_BYTES, Grammar, NeedMore
from dataengine.imports.dialects.header import read_header
from dataengine.imports.reading.rejected_lines import RAW_LIMIT, RejectedLine, reject_long
from dataengine.imports.reading.source import CHUNK_BYTES, Source

from .block_engine import BlockEngine
from .record_engine import RecordEngine
from .rows import Block, Piece

__all__ = ["Block", "RejectedLine", "parse"]

BLOCK_BYTES = 640 << 10
"""Large enough for whole columns to pay off: 4 MiB are no faster and take 70 MB more (measured: ``jobs/memory``)."""

_COPY_END = re.compile(rb"(?<![^\r\n])\\\.[\r\n]*\Z")
"""With which PostgreSQL's COPY ends what it writes: no row of several cells."""


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
) -> Generator[Block]:
    """Read all data rows of ``source``; the header (if the dialect has one) and the preamble are skipped.

    ``width`` is the number of cells that a row must have, by default that of the header. Unquoted cells that equal one
    of ``null_values`` (always including ``''``) are NULL. Memory: a few times ``block_bytes``, and at most
    ``max_row_bytes`` more where a cell is that long. ``careful`` chooses the slow engine (tests compare the two).

    Raises InvalidInput if the header cannot be read (see ``read_header``) or the source turns out to be a bomb.
    """
    if width is None:
        width = len(read_header(source, dialect).names)
    grammar = Grammar(dialect, width, max_row_bytes)
    nulls = sorted({"", *null_values, *source.nulls})
    engine: Engine
    if careful or not BlockEngine.supports(dialect):
        engine = RecordEngine(grammar, nulls, lines_are_records=source.lines_are_records)
    else:
        engine = BlockEngine(grammar, nulls, lines_are_records=source.lines_are_records)
    buffer = Buffer(source.open_text(dialect.encoding, min(block_bytes, CHUNK_BYTES)), dialect)
    line = pass_header(buffer, dialect, source)
    source.lines_of_separators = 0
    while True:
        buffer.fill(block_bytes)
        if buffer.final and width > 1 and (mark := _COPY_END.search(buffer.text, max(0, len(buffer.text) - 16))):
            buffer.text = buffer.text[: mark.start()]
        while True:
            if not buffer.text:
                return
            piece = engine.read(buffer.text, line, final=buffer.final)
            if piece.consumed:
                break
            if buffer.final:
                raise AssertionError("an engine has to read to the end of a file")
            if len(buffer.text) > max_row_bytes + 2:
                piece = _endless_line(buffer, line, max_row_bytes, width)
                break
            buffer.grow(block_bytes)
        rejects = source.refusals(piece.rejects)
        block = Block(piece.columns, piece.lines, rejects, source.bytes_read, buffer.text, piece.starts, piece.ends)
        buffer.drop(piece.consumed)
        line += piece.lines_done
        source.lines_of_separators += piece.empty
        if len(block) or block.rejects:
            yield block


def _endless_line(buffer: Buffer, line: int, max_row_bytes: int, width: int) -> Piece:
    """Reject the overlong line at the buffer's beginning, and read on to its end without keeping it."""
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
