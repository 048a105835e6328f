"""Text of a source that has been read but not parsed yet, and how the lines before the first row are skipped."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dataengine.exceptions import InvalidInput
from dataengine.imports.reading.rejected_lines import readable
from dataengine.imports.reading.source import Source

from .dialect import Dialect
from .grammar import LINE_BREAK, MAX_ROW_BYTES, Grammar, NeedMore
from .text_formulas import chunks_in_quotes

BLANK_LINES = re.compile(rb"[\r\n]*")


class Buffer:
    """Text that has been read but not parsed yet. ``final`` once the source has no more text."""

    def __init__(self, chunks: Iterator[bytes], dialect: Dialect) -> None:
        self.text = b""
        self.final = False
        quote = dialect.quote.encode() if dialect.quote else None
        self._chunks = chunks_in_quotes(chunks, dialect.delimiter.encode(), quote)
        self._close_last_line = dialect.escape in (None, dialect.quote)

    def fill(self, size: int) -> None:
        """Read until the buffer holds ``size`` bytes or the source ends."""
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
        # The last line may lack its break. (After an escape character an added break would be escaped.)
        if self.final and self._close_last_line and self.text and not self.text.endswith((b"\n", b"\r")):
            self.text += b"\n"

    def grow(self, size: int) -> None:
        """Read at least ``size`` bytes more, and at least double the buffer, so that repeated scans stay linear."""
        self.fill(len(self.text) + max(size, len(self.text)))

    def drop(self, size: int) -> None:
        self.text = self.text[size:]


def skip_lines(buffer: Buffer, count: int, source: Source) -> None:
    """Remove lines (of a sheet: rows) from the buffer."""
    grammar = Grammar(Dialect(), None)
    at = 0
    for _ in range(count):
        while True:
            if at >= len(buffer.text):
                buffer.drop(at)
                at = 0
                buffer.fill(1)
                if not buffer.text:
                    return
            try:
                if source.lines_are_records:
                    at = grammar.row_end(buffer.text, at, final=buffer.final)
                else:
                    at = grammar.line_end(buffer.text, at, final=buffer.final)[1]
            except NeedMore:
                buffer.drop(at)
                at = 0
                if len(buffer.text) > MAX_ROW_BYTES:
                    raise InvalidInput("A line before the header is too long.", code="malformed_header") from None
                buffer.grow(64 << 10)
            else:
                break
    buffer.drop(at)


def skip_blank(buffer: Buffer) -> int:
    """Remove blank lines from the buffer. Returns how many there were."""
    blank = 0
    while True:
        buffer.fill(1)
        found = BLANK_LINES.match(buffer.text)
        end = found.end() if found else 0
        if not buffer.final and end == len(buffer.text) and buffer.text.endswith(b"\r"):
            end -= 1  # the LF of a CRLF may be in the next chunk
        lines = buffer.text[:end]
        blank += lines.count(b"\n") + lines.count(b"\r") - lines.count(b"\r\n")
        buffer.drop(end)
        if buffer.text.strip(b"\r") or buffer.final:
            return blank
        buffer.grow(64 << 10)


def first_record(buffer: Buffer, grammar: Grammar) -> tuple[bytes, int, int]:
    """Remove the first record that is not blank. Returns it, the number of blank lines before it, and its own lines."""
    blank = skip_blank(buffer)
    if not buffer.text:
        raise InvalidInput("The file has neither a header nor rows.", code="empty_file")
    while True:
        try:
            end, _ = grammar.line_end(buffer.text, 0, final=buffer.final)
            scan = grammar.scan(buffer.text, 0, final=buffer.final)
        except NeedMore:
            if len(buffer.text) > grammar.max_row_bytes:
                raise InvalidInput("The header line is too long.", code="malformed_header") from None
            buffer.grow(64 << 10)
            continue
        if scan.fault:
            shown = readable(buffer.text[: min(end, 200)])
            raise InvalidInput(f"The header cannot be read ({scan.detail}): {shown}", code="malformed_header")
        record = buffer.text[: scan.end]
        buffer.drop(scan.next)
        return record, blank, len(LINE_BREAK.findall(record)) + 1


def pass_header(buffer: Buffer, dialect: Dialect, source: Source) -> int:
    """Remove preamble and header from the buffer. Returns the number of the line that follows."""
    skip_lines(buffer, dialect.skip_rows, source)
    line = source.first_line + dialect.skip_rows
    if dialect.has_header:
        for _ in range(1 + dialect.grouped + dialect.grouped_twice + dialect.has_units):
            blank, lines = first_record(buffer, Grammar(dialect, None))[1:]
            line += blank + (1 if source.lines_are_records else lines)
        if dialect.ruled:
            skip_lines(buffer, 1, source)
            line += 1
    return line
