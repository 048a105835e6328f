"""The block engine: the same answers as ``record_engine.py``, for whole blocks at once.

A block is examined with numpy, never byte by byte. *Specials* are the quotes, delimiters and line breaks in it.

1. Clean blocks (most of them): counting quotes from the block's beginning tells what is inside quotes and what is not.
   If every opening quote follows a delimiter, a line break or the quote it doubles, every closing quote precedes one of
   these, and every record has ``width - 1`` delimiters outside quotes, then the grammar reads exactly these records.
2. Otherwise each physical line is judged alone, twice: as if a record began at it, and as if it began within a quoted
   cell. A line that is a record of its own is accepted, one that fails on its own is rejected, both with arrays; only
   lines that open a quoted cell and do not close it are followed one by one, with prefix sums over the second
   judgement.

The accepted text then goes to pyarrow.csv, which splits it into columns. Its leniencies (text after a closing quote,
missing cells, a byte order mark) have nothing left to apply to.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pc

from dataengine.imports.dialects.dialect import Dialect
from dataengine.imports.dialects.grammar import SWALLOW_LINES, Grammar, NeedMore, Scan

from .lines import Lines, blank_lines
from .record_engine import RecordEngine
from .rows import Int64Array, Piece
from .verdict import Verdict

LF, CR = 10, 13
BOM = b"\xef\xbb\xbf"

type Bytes = npt.NDArray[np.uint8]
type Flags = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Records:
    """Accepted records of a buffer: offsets of their text, and the index of the physical line each begins on."""

    starts: Int64Array
    ends: Int64Array
    lines: Int64Array
    consumed: int
    lines_done: int
    multiline: bool


class BlockEngine:
    """Reads dialects for which ``supports`` is true; see ``parser.Engine`` and ``record_engine.RecordEngine``."""

    def __init__(
        self,
        grammar: Grammar,
        null_values: Collection[str],
        *,
        lines_are_records: bool = False,
    ) -> None:
        if grammar.width is None:
            raise ValueError("rows need a width")
        self.grammar = grammar
        self.width = grammar.width
        self.lines_are_records = lines_are_records
        self.multiline_seen = False
        self._faults_usual = False  # the last block had faults: do not even try the next as a clean one
        self.delimiter = grammar.delimiter[0]
        self.quote = grammar.quote[0] if grammar.quote else None
        self._careful = RecordEngine(grammar, null_values, lines_are_records=lines_are_records)
        names = [str(number) for number in range(self.width)]
        # Other threads and PostgreSQL need the other cores.
        self._read_options = {"column_names": names, "use_threads": False}
        self._parse_options = pc.ParseOptions(
            delimiter=chr(self.delimiter),
            quote_char=chr(self.quote) if self.quote is not None else False,
            double_quote=True,
            escape_char=False,
            newlines_in_values=True,
            ignore_empty_lines=True,
        )
        self._convert_options = pc.ConvertOptions(
            check_utf8=False,  # the block was checked as a whole
            column_types=dict.fromkeys(names, pa.string()),
            null_values=list(null_values),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )

    @staticmethod
    def supports(dialect: Dialect) -> bool:
        """Whether the dialect consists of single ASCII characters and has no escape but doubling."""
        marks = [dialect.delimiter, *([dialect.quote] if dialect.quote else [])]
        plain = all(len(mark) == 1 and mark.isascii() and mark not in "\r\n\0" for mark in marks)
        return plain and len(set(marks)) == len(marks) and dialect.escape in (None, dialect.quote)

    def read(self, text: bytes, line: int, *, final: bool) -> Piece:
        """See ``parser.Engine``."""
        cut = text.rfind(b"\n") + 1
        # A CR at the end of an unfinished buffer may be half a line break.
        cut = max(cut, text.rfind(b"\r", cut, None if final else -1) + 1)
        if cut == 0:
            return Piece.nothing(self.width, [], 0, lines=0)
        block = np.frombuffer(text, np.uint8, cut)
        bare = self._bare_returns(text, block, cut)
        clean = text_is_clean(text, cut)
        if clean and bare is None and not self._faults_usual:
            records = self._clean(text, block, final=final)
            if records is not None:
                self.multiline_seen = self.multiline_seen or records.multiline
                return Piece(
                    self._columns(text, [memoryview(text)[: records.consumed]], records.starts, records.ends),
                    records.lines + line,
                    [],
                    records.starts,
                    records.ends,
                    records.consumed,
                    records.lines_done,
                )
        return self._mixed(text, block, bare, line, clean=clean, final=final)

    def _bare_returns(self, text: bytes, block: Bytes, cut: int) -> Int64Array | None:
        """Positions of CRs that are line breaks of their own, or None."""
        if text.find(b"\r", 0, cut) < 0:
            return None
        at = np.flatnonzero(block == CR)
        # The block ends with a line break: a CR at its very end is one of its own.
        bare = at[block[np.minimum(at + 1, cut - 1)] != LF]
        return bare if len(bare) else None

    def _clean(self, text: bytes, block: Bytes, *, final: bool) -> Records | None:
        """The records of a block without any fault, or None if there is (or might be) one."""
        has_quotes = self.quote is not None and text.find(self.quote, 0, len(block)) >= 0
        mask = (block == self.delimiter) | (block == LF)
        multiline = False
        if not has_quotes:
            separators = np.flatnonzero(mask)
            kinds = block[separators]
            line_of_record = None
        else:
            mask |= block == self.quote
            if text.find(b"\r", 0, len(block)) >= 0:
                mask |= block == CR  # a quote may precede the CR of a CRLF
            specials = np.flatnonzero(mask)
            all_kinds = block[specials]
            is_quote = all_kinds == self.quote
            inside = np.bitwise_xor.accumulate(is_quote.view(np.uint8)).view(np.bool_)
            touching = np.empty(len(specials) + 1, np.bool_)  # whether the previous special directly precedes this one
            touching[0] = specials[0] == 0
            touching[-1] = False
            np.equal(np.diff(specials), 1, out=touching[1:-1])
            if (is_quote & ~np.where(inside, touching[:-1], touching[1:])).any():
                return None
            outside = ~(inside | is_quote | (all_kinds == CR))
            separators = specials[outside]
            kinds = all_kinds[outside]
            breaks_outside = ~inside[all_kinds == LF]
            record_ends = np.flatnonzero(breaks_outside)
            multiline = len(record_ends) > 0 and len(record_ends) < record_ends[-1] + 1
            line_of_record = record_ends
            if inside[-1]:
                if final or not len(record_ends):
                    return None
                used = int(np.flatnonzero(kinds == LF)[-1]) + 1
                separators, kinds = separators[:used], kinds[:used]
        count, rest = divmod(len(separators), self.width)
        is_break = kinds == LF
        if rest or np.count_nonzero(is_break) != count or not is_break[self.width - 1 :: self.width].all():
            return None
        breaks = separators[self.width - 1 :: self.width]
        starts = np.empty_like(breaks)
        starts[0] = 0
        starts[1:] = breaks[:-1] + 1
        ends = breaks - (block[breaks - 1] == CR)
        consumed = int(breaks[-1]) + 1
        if line_of_record is None or not multiline or self.lines_are_records:
            lines = np.arange(count, dtype=np.int64)
            lines_done = count
        else:
            lines = np.empty(count, np.int64)
            lines[0] = 0
            lines[1:] = line_of_record[:-1] + 1
            lines_done = int(line_of_record[-1]) + 1
            for at in np.flatnonzero(line_of_record - lines > SWALLOW_LINES):
                end = int(ends[at])
                if self.grammar.swallows(text, int(starts[at]), Scan(end, end, self.width, None), final=final):
                    return None
        if len(block) > self.grammar.max_row_bytes and int((ends - starts).max()) > self.grammar.max_row_bytes:
            return None
        kept = (ends - starts >= self.width) & ~blank_lines(block, starts, ends, self.delimiter)
        if kept.sum() < count:  # blank lines, mere delimiters and spaces are no rows
            if self.width > 1:
                return None
            starts, ends, lines = starts[kept], ends[kept], lines[kept]
        return Records(starts, ends, lines, consumed, lines_done, multiline)

    def _mixed(
        self, text: bytes, block: Bytes, bare: Int64Array | None, line: int, *, clean: bool, final: bool
    ) -> Piece:
        """Line by line, for blocks with faults, blank lines or CRs that end lines."""
        lines = Lines(block, self.delimiter, self.quote, bare, self.width, self.grammar.max_row_bytes)
        taken: list[tuple[int, int, bool]] = []  # records of several lines: first, last, and whether it is a row
        counts: dict[int, int] = {}  # cells of records that begin on a line and end on a later one
        stop = len(lines)
        free = 0
        for at, last, count, swallows, vain in lines.followed():
            if at < free:
                continue
            if last < 0:  # opens a cell that is not closed in reach
                reach = len(text) - int(lines.starts[at])
                unclear = self.lines_are_records or not vain
                if unclear and not final and reach <= self.grammar.max_row_bytes + 2:
                    stop = at
                    break
            elif last > at:
                row = count == self.width
                if not row:
                    counts[at] = count
                if self.lines_are_records or (row and not swallows):
                    taken.append((at, last, row))
                    free = last + 1
                    self.multiline_seen = True
                    continue
            if self.multiline_seen and not self.lines_are_records and not lines.too_long[at]:
                try:
                    resume = self.grammar.damaged_end(text, int(lines.starts[at]), final=final)
                except NeedMore:
                    stop = at
                    break
                free = int(np.searchsorted(lines.starts, resume))
                if free > at + 1:
                    taken.append((at, free - 1, False))
        verdict = Verdict(lines, stop, taken, counts)
        if not clean:
            verdict.refuse_undecodable(text)
        starts, ends = lines.starts[verdict.first], lines.ends[verdict.last]
        number = verdict.ordinals() if self.lines_are_records else np.arange(stop + 1, dtype=np.int64)
        number += line
        rejects = verdict.rejects(text, number)
        self._faults_usual = bool(rejects)
        return Piece(
            self._columns(text, verdict.stretches(text), starts, ends),
            number[verdict.first],
            rejects,
            starts,
            ends,
            int(lines.starts[stop]) if stop < len(lines) else len(block),
            int(number[stop]) - line,
            verdict.count_empty(),
        )

    def _columns(
        self, text: bytes, stretches: list[memoryview], starts: Int64Array, ends: Int64Array
    ) -> list[pa.Array]:
        """Split accepted text into columns. ``starts`` and ``ends`` delimit the rows in ``text``."""
        if not len(starts):
            return [pa.array([], pa.string()) for _ in range(self.width)]
        if bytes(stretches[0][:3]) == BOM:
            stretches.insert(0, memoryview(b"\n"))  # in the middle of a file a BOM is text; pyarrow would drop it
        joined = stretches[0] if len(stretches) == 1 else b"".join(stretches)
        table = pc.read_csv(
            pa.BufferReader(pa.py_buffer(joined)),
            read_options=pc.ReadOptions(block_size=len(joined) + 1, **self._read_options),
            parse_options=self._parse_options,
            convert_options=self._convert_options,
        )
        if table.num_rows != len(starts):  # never seen so far; the slow engine is always right
            return self._careful.columns(text, starts.tolist(), ends.tolist())
        return [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in table.columns]


def text_is_clean(text: bytes, cut: int) -> bool:
    """Whether the first ``cut`` bytes are UTF-8 without NUL."""
    if text.find(b"\0", 0, cut) >= 0:
        return False
    if text.isascii():
        return True
    # One string of cut bytes, checked in place: decoding would make a copy four times the size.
    offsets = pa.py_buffer(np.array([0, cut], np.int32))
    try:
        pa.StringArray.from_buffers(1, offsets, pa.py_buffer(text)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
