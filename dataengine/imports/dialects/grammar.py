"""The strict grammar, one record at a time, and the rule that recovers after damage.

This module *defines* what a file means. ``parsing/record_engine.py`` reads by it;
``parsing/block_engine.py`` computes the same answers for whole blocks at once and is tested against it, but does not
support all dialects (escape characters, delimiters or quotes beyond ASCII).

The grammar is RFC 4180 without leniency: a quoted cell begins and ends with the quote, quotes within it are doubled;
an unquoted cell holds no quote, no delimiter and no line break. LF, CRLF and a bare CR end a line.

The rule: a record begins at the start of a physical line, and is read as far as the grammar allows. If that gives
exactly ``width`` cells it is a row. If not, its *first physical line* is rejected and reading resumes at the next, so a
stray quote costs its own line however many quotes follow. Two refinements tell text from rows:

- A quoted cell whose first 32 further lines are nearly all rows of their own is taken for a stray quote, not for a
  cell that swallowed the file (width 2 and more).
- Once the file has had cells of several lines, a damaged row of several lines is rejected as one if its lines
  fail as rows and the line after it reads well; otherwise lines of its text might pass for rows. Such a row extends
  only over quoted cells that close by the grammar: if a quote opens in damage and is "closed" by the next damage, no
  line in between is rejected with it. Nor is it where two lines that would be rows but for one quote each, or hold a
  lone quote, enclose nothing but rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .dialect import Dialect

MAX_ROW_BYTES = 16 << 20
SWALLOW_LINES = 32
"""How many lines after an opening quote are checked before it is taken to begin a long cell."""
SWALLOW_ROWS = 29
"""If so many of them are rows, the quote is taken for a stray one."""

MALFORMED = (
    "a quote where the dialect allows none, or a quoted cell that is not closed"
    ' (if quotes are plain text in this file, set the option quote to "")'
)

BLANK = rb"[ \t]|\xc2\xa0"
"""What is no cell's text where nothing else is on its line: spaces, also those that do not break, and tabs."""

LINE_BREAK = re.compile(rb"\r\n|\n|\r")

type Fault = Literal["malformed_quotes", "too_few_fields", "too_many_fields"]


class NeedMore(Exception):
    """The answer depends on bytes that have not been read yet."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One attempt to read a record: ``end`` is where its text ends, ``next`` where the following line begins."""

    end: int
    next: int
    count: int
    fault: Fault | None
    detail: str = ""


class Grammar:
    """Reads records of ``width`` cells from UTF-8 bytes under one dialect.

    ``width=None`` accepts any number of cells (headers, samples). ``max_row_bytes`` limits the look-ahead: a quote that
    is not closed within it is malformed.
    """

    def __init__(self, dialect: Dialect, width: int | None, max_row_bytes: int = MAX_ROW_BYTES) -> None:
        self.dialect = dialect
        self.width = width
        self.max_row_bytes = max_row_bytes
        self.delimiter = dialect.delimiter.encode()
        self.quote = dialect.quote.encode() if dialect.quote else None
        self.escape = dialect.escape.encode() if dialect.escape and dialect.escape != dialect.quote else None
        delimiter = re.escape(self.delimiter)
        self._blank = re.compile(rb"(?:" + BLANK + rb"|" + delimiter + rb")*+")
        escape = re.escape(self.escape) if self.escape else None
        plain_stop = [delimiter, rb"\r", rb"\n"]
        # Skipping one byte after an escape is enough, since continuation bytes are never special.
        escaped = rb"|" + escape + rb"(?s:.)" if escape else b""
        if self.quote is None:
            self._quoted = None
        else:
            quote = re.escape(self.quote)
            plain_stop.append(quote)
            inner = rb"(?!" + quote + (rb"|" + escape if escape else b"") + rb")(?s:.)"
            if len(self.quote) == 1 and not escape:
                inner = rb"[^" + quote + rb"]++"
            self._quoted = re.compile(rb"(?:" + inner + rb"|" + quote + quote + escaped + rb")*+")
        if all(len(stop.replace(b"\\", b"")) <= 1 for stop in (delimiter, *plain_stop[3:])) and not escape:
            self._plain = re.compile(rb"[^" + b"".join(plain_stop) + rb"]*+")
        else:
            stops = b"|".join(plain_stop + ([escape] if escape else []))
            self._plain = re.compile(rb"(?:(?!" + stops + rb")(?s:.)" + escaped + rb")*+")

    def line_end(self, text: bytes, start: int, *, final: bool) -> tuple[int, int]:
        """Where the physical line that begins at ``start`` ends, and where the next begins."""
        found = LINE_BREAK.search(text, start)
        if found is None:
            if not final:
                raise NeedMore
            return len(text), len(text)
        if not final and found.end() == len(text) and found.group() == b"\r":
            raise NeedMore  # the LF of a CRLF may be in the next chunk
        return found.start(), found.end()

    def is_blank(self, line: bytes) -> bool:
        """Whether a line holds nothing but delimiters and spaces: spreadsheets write empty rows like that."""
        return self._blank.fullmatch(line) is not None

    def row_end(self, text: bytes, start: int, *, final: bool) -> int:
        """Where the line after a row of sheet text begins; such text has no faults, but cells of several lines."""
        end, after = self.line_end(text, start, final=final)
        return after if end == start else self.scan(text, start, final=final).next

    def scan(self, text: bytes, start: int, *, final: bool, limit: int | None = None) -> Scan:
        """Read one record from the line that begins at ``start``, strictly, and judge it.

        Raises NeedMore where the end of an unfinished ``text`` is reached before the answer is known.
        """
        limit = start + self.max_row_bytes if limit is None else limit
        size = min(len(text), limit + 2)  # the record and its line break
        open_ended = not final and len(text) < limit + 2
        at = start
        count = 0
        while True:
            count += 1
            if self._quoted is not None and self.quote is not None and text.startswith(self.quote, at):
                body = self._quoted.match(text, at + len(self.quote), size)
                close = body.end() if body else size
                if not text.startswith(self.quote, close) or close >= size:
                    if open_ended:
                        raise NeedMore
                    return Scan(at, at, count, "malformed_quotes", MALFORMED)
                at = close + len(self.quote)
                if at >= size and open_ended:
                    raise NeedMore  # the next byte may double this quote
                # If the cell does not end here, it is found to be malformed below.
            else:
                plain = self._plain.match(text, at, size)
                at = plain.end() if plain else at
            if at >= size:
                if open_ended:
                    raise NeedMore
                if size < len(text):
                    return Scan(at, at, count, "malformed_quotes", MALFORMED)
                return self._judge(at, at, count, limit)
            if text.startswith(self.delimiter, at):
                at += len(self.delimiter)
                continue
            if text[at] == 10:
                return self._judge(at, at + 1, count, limit)
            if text[at] == 13:
                if at + 1 >= size and open_ended:
                    raise NeedMore
                return self._judge(at, at + (2 if text.startswith(b"\n", at + 1) else 1), count, limit)
            if open_ended and size - at < max(len(self.delimiter), len(self.quote or b"")):
                raise NeedMore  # a delimiter or quote of several bytes may be cut
            return Scan(at, at, count, "malformed_quotes", MALFORMED)

    def _judge(self, end: int, after: int, count: int, limit: int) -> Scan:
        if end > limit:
            return Scan(end, end, count, "malformed_quotes", MALFORMED)
        if self.width is None or count == self.width:
            return Scan(end, after, count, None)
        fault: Fault = "too_few_fields" if count < self.width else "too_many_fields"
        return Scan(end, after, count, fault, count_detail(self.width, count))

    def cells(self, record: bytes) -> list[tuple[bytes, bool]]:
        """The cells of a record that ``scan`` accepted, each with whether it was quoted."""
        cells: list[tuple[bytes, bool]] = []
        at = 0
        while True:
            if self._quoted is not None and self.quote is not None and record.startswith(self.quote, at):
                body = self._quoted.match(record, at + len(self.quote))
                end = body.end() if body else at
                value = self._unescape(record[at + len(self.quote) : end])
                cells.append((value, True))
                at = end + len(self.quote)
            else:
                plain = self._plain.match(record, at)
                end = plain.end() if plain else at
                cells.append((record[at:end], False))
                at = end
            if at >= len(record):
                return cells
            at += len(self.delimiter)

    def _unescape(self, value: bytes) -> bytes:
        if self.escape is None:
            return value.replace(self.quote + self.quote, self.quote) if self.quote else value
        return self.unescape(value, quoted=True)

    def unescape(self, value: bytes, *, quoted: bool) -> bytes:
        """Remove escapes (and, within quotes, doubling) from a cell."""
        if self.escape is None:
            return value
        pattern = re.escape(self.escape) + rb"((?s:.))"
        if quoted and self.quote:
            pattern += rb"|" + re.escape(self.quote) + rb"(" + re.escape(self.quote) + rb")"
        return re.sub(pattern, lambda found: found.group(1) or found.group(2), value)

    def swallows(self, text: bytes, start: int, scan: Scan, *, final: bool) -> bool:
        """Whether a record of several lines is a stray quote that took rows for text (see the module's rule)."""
        if self.width is None or self.width < 2:
            return False
        others = 0
        _, line = self.line_end(text, start, final=final)
        for _ in range(SWALLOW_LINES):
            if line >= scan.end:
                return False
            end, after = self.line_end(text, line, final=final)
            if self.is_blank(text[line:end]) or self.scan(text[line:end], 0, final=True).fault:
                others += 1
                if others > SWALLOW_LINES - SWALLOW_ROWS:
                    return False
            line = after
        return line < scan.end

    def damaged_end(self, text: bytes, start: int, *, final: bool) -> int:
        """Where reading resumes after a damaged row in a file that has cells of several lines.

        The row may go on after its first line. Its lenient extent (up to the next delimiter, text after a closing quote
        and quotes in unquoted cells are skipped; only quoted cells that close strictly lead to a further line) is
        rejected as a whole if the record that covers its last line is no row, if at least as many of its lines fail as
        rows as pass, and if the line after it begins a row.
        """
        _, second = self.line_end(text, start, final=final)
        limit = start + self.max_row_bytes
        last, resume = self._lenient_last_line(text, start, limit, final=final)
        if last < second or self._are_rows_between_strays(text, start, last, final=final):
            return second
        good = bad = 0
        line = second
        while line <= last:
            end, after = self.line_end(text, line, final=final)
            if not self.is_blank(text[line:end]):
                probe = self.scan(text, line, final=final, limit=limit)
                if probe.fault is None:
                    good += 1
                    after = probe.next
                    if after > last:
                        return second
                else:
                    bad += 1
            line = after
        if good > bad:
            return second
        while resume < len(text):
            if resume >= limit:
                return second
            if text[resume] not in b"\r\n":
                return second if self.scan(text, resume, final=final, limit=limit).fault else line
            _, resume = self.line_end(text, resume, final=final)
        if not final:
            raise NeedMore
        return line

    def _are_rows_between_strays(self, text: bytes, start: int, last: int, *, final: bool) -> bool:
        """Whether stray quotes in the lines at ``start`` and ``last`` make one record of the rows between them."""
        end, line = self.line_end(text, start, final=final)
        if not self._has_stray(text[start:end]):
            return False
        rows = 0
        while line < last:
            end, after = self.line_end(text, line, final=final)
            if not self.is_blank(text[line:end]):
                rows += 1
                if self.scan(text[line:end], 0, final=True).fault:
                    return False
            line = after
        return rows > 0 and self._has_stray(text[last : self.line_end(text, last, final=final)[0]])

    def _has_stray(self, line: bytes) -> bool:
        """Whether the line would be a row, or hold nothing, if its only quote were text.

        Of two columns no such row: the line of a text may well have one comma.
        """
        if self.quote is None or self.width is None or self.width < 2 or line.count(self.quote) != 1:
            return False
        return line == self.quote or (self.width > 2 and line.count(self.delimiter) + 1 == self.width)

    def _lenient_last_line(self, text: bytes, start: int, limit: int, *, final: bool) -> tuple[int, int]:
        """The start of the last physical line of the lenient extent, and the start of the line after it.

        (-1, …) where it does not end within the limit or within ``SWALLOW_LINES`` lines.
        """
        size = min(len(text), limit)
        open_ended = not final and len(text) < limit
        skip = re.compile(rb"(?:(?!" + re.escape(self.delimiter) + rb")[^\r\n])*+")
        at = start
        while True:
            if self._quoted is not None and self.quote is not None and text.startswith(self.quote, at):
                body = self._quoted.match(text, at + len(self.quote), size)
                close = body.end() if body else size
                if close >= size:
                    if open_ended and len(LINE_BREAK.findall(text, start, size)) <= SWALLOW_LINES:
                        raise NeedMore
                    return -1, -1
                line_break = LINE_BREAK.search(text, at, close)
                at = close + len(self.quote)
                if line_break and not self._closes_strictly(text, at, size, open_ended):
                    at = line_break.start()
            junk = skip.match(text, at, size)
            at = junk.end() if junk else at
            if text.startswith(self.delimiter, at):
                at += len(self.delimiter)
                continue
            if at >= size and open_ended:
                raise NeedMore
            if size < len(text) and at >= size:
                return -1, -1
            breaks = [found.end() for found in LINE_BREAK.finditer(text, start, at)]
            if len(breaks) > SWALLOW_LINES:
                return -1, -1
            _, after = self.line_end(text, at, final=final) if at < len(text) else (at, at)
            return (breaks[-1] if breaks else start), after

    def _closes_strictly(self, text: bytes, at: int, size: int, open_ended: bool) -> bool:
        """Whether a quoted cell whose quote closes right before ``at`` ends there, at a delimiter or a line break."""
        if open_ended and size - at < len(self.delimiter):
            raise NeedMore
        return at >= size or text[at] in b"\r\n" or text.startswith(self.delimiter, at)


def count_detail(width: int, count: int) -> str:
    return f"expected {width} cells, found {count}"
