"""The record engine: one record at a time, in any dialect, exactly as ``dialects/grammar`` defines. Slow but sure."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa

from dataengine.imports.dialects.grammar import LINE_BREAK, MALFORMED, Grammar, NeedMore, Scan
from dataengine.imports.reading.rejected_lines import RejectedLine, reject, reject_long, undecodable

from .rows import Piece


class RecordEngine:
    """Reads with a Grammar. Between buffers it only remembers whether the file has had records of several lines.

    ``lines_are_records`` is for the text that Source makes of a sheet: line numbers count its rows, and a record of the
    wrong width is rejected whole, since its quotes are known to be right.
    """

    def __init__(self, grammar: Grammar, null_values: Collection[str], *, lines_are_records: bool = False) -> None:
        if grammar.width is None:
            raise ValueError("rows need a width")
        self.grammar = grammar
        self.width = grammar.width
        self.nulls = frozenset(value.encode() for value in null_values)
        self.lines_are_records = lines_are_records
        self.multiline_seen = False

    def read(self, text: bytes, line: int, *, final: bool) -> Piece:
        """See ``parser.Engine``."""
        grammar = self.grammar
        at = 0
        first_line = line
        starts: list[int] = []
        ends: list[int] = []
        lines: list[int] = []
        rejects: list[RejectedLine] = []
        empty = 0
        try:
            while at < len(text):
                end, after = grammar.line_end(text, at, final=final)
                if end == at or grammar.is_blank(text[at:end]):
                    empty += end > at
                    at, line = after, line + 1
                    continue
                if end - at > grammar.max_row_bytes:
                    rejects.append(reject_long(line, text[at:end], grammar.max_row_bytes))
                    at, line = after, line + 1
                    continue
                scan = grammar.scan(text, at, final=final)
                if not (scan.fault or self.lines_are_records) and grammar.swallows(text, at, scan, final=final):
                    scan = Scan(at, at, 0, "malformed_quotes", MALFORMED)
                if scan.fault is None:
                    spanned = len(LINE_BREAK.findall(text, at, scan.end))
                    self.multiline_seen = self.multiline_seen or spanned > 0
                    raw = text[at : scan.end]
                    if undecodable(raw):
                        rejects.append(reject(line, raw, "invalid_encoding", ""))
                    else:
                        starts.append(at)
                        ends.append(scan.end)
                        lines.append(line)
                    at = scan.next
                    line += 1 if self.lines_are_records else spanned + 1
                    continue
                if self.lines_are_records:
                    after = max(after, scan.next)
                elif self.multiline_seen:
                    after = grammar.damaged_end(text, at, final=final)
                raw = text[at:after].removesuffix(b"\n").removesuffix(b"\r")
                rejects.append(reject(line, raw, scan.fault, scan.detail))
                line += 1 if self.lines_are_records else len(LINE_BREAK.findall(text, at, after)) or 1
                at = after
        except NeedMore:
            pass
        return Piece(
            columns=self.columns(text, starts, ends),
            lines=np.array(lines, np.int64),
            rejects=rejects,
            starts=np.array(starts, np.int64),
            ends=np.array(ends, np.int64),
            consumed=at,
            lines_done=line - first_line,
            empty=empty,
        )

    def columns(self, text: bytes, starts: list[int], ends: list[int]) -> list[pa.Array]:
        """The cells of the accepted records in ``text`` that ``starts`` and ``ends`` delimit."""
        columns: list[list[str | None]] = [[] for _ in range(self.width)]
        for start, end in zip(starts, ends, strict=True):
            cells = self.grammar.cells(text[start:end])
            for column, (value, quoted) in zip(columns, cells, strict=True):
                if quoted:
                    column.append(value.decode())
                elif value in self.nulls:
                    column.append(None)
                else:
                    column.append(self.grammar.unescape(value, quoted=False).decode())
        return [pa.array(column, pa.string()) for column in columns]
