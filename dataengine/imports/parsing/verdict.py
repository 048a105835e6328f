"""Turns the judgement of each line of a block into rows, and rejects with their reasons."""

from __future__ import annotations

import numpy as np

from dataengine.imports.dialects.grammar import MALFORMED, Fault, count_detail
from dataengine.imports.reading.rejected_lines import RejectedLine, reject, reject_long, undecodable

from .lines import Lines
from .rows import Int64Array


class Verdict:
    """The result for the first ``stop`` of ``lines``. ``taken`` lists records of several lines (first, last, is a row).

    ``first`` and ``last`` are the indexes of the lines on which each accepted row begins and ends. ``counts`` gives the
    number of cells of records of several lines.
    """

    def __init__(self, lines: Lines, stop: int, taken: list[tuple[int, int, bool]], counts: dict[int, int]) -> None:
        self._lines = lines
        self._stop = stop
        self._counts = counts
        begins = np.array([first for first, _, _ in taken], np.int64)
        finishes = np.array([last for _, last, _ in taken], np.int64)
        rows = np.array([row for _, _, row in taken], np.bool_)
        depth = np.zeros(len(lines) + 2, np.int64)
        depth[begins + 1] += 1
        depth[finishes + 1] -= 1
        self._continued = np.cumsum(depth)[: len(lines) + 1] > 0
        candidates = ~(lines.blank | self._continued[:-1])
        candidates[stop:] = False
        candidates[begins] = False
        single = np.flatnonzero(candidates & lines.row)
        self.first = np.concatenate((single, begins[rows]))
        self.last = np.concatenate((single, finishes[rows]))
        order = np.argsort(self.first, kind="stable")
        self.first, self.last = self.first[order], self.last[order]
        refused = np.flatnonzero(candidates & ~lines.row)
        self._refused = [*zip(refused.tolist(), refused.tolist(), strict=True)]
        self._refused += [(first, last) for first, last, row in taken if not row]

    def count_empty(self) -> int:
        """How many lines consist of delimiters only."""
        lines, stop = self._lines, self._stop
        outside = lines.blank[:stop] & ~self._continued[:stop]
        return int(np.count_nonzero(outside & (lines.ends[:stop] > lines.starts[:stop])))

    def refuse_undecodable(self, text: bytes) -> None:
        """Reject accepted rows that hold NUL or undecodable bytes."""
        starts, ends = self._lines.starts, self._lines.ends
        first, last = self.first.tolist(), self.last.tolist()
        bad = np.array(
            [undecodable(text[starts[begin] : ends[end]]) for begin, end in zip(first, last, strict=True)], np.bool_
        )
        self._refused += zip(self.first[bad].tolist(), self.last[bad].tolist(), strict=True)
        self.first, self.last = self.first[~bad], self.last[~bad]

    def stretches(self, text: bytes) -> list[memoryview]:
        """The accepted text: the fewest slices of the buffer that cover the rows and nothing else."""
        if not len(self.first):
            return []
        gaps = np.flatnonzero(self.first[1:] != self.last[:-1] + 1)
        begins = self._lines.starts[self.first[np.concatenate(([0], gaps + 1))]]
        finishes = self._lines.nexts[self.last[np.concatenate((gaps, [len(self.last) - 1]))]]
        view = memoryview(text)
        return [view[begin:end] for begin, end in zip(begins.tolist(), finishes.tolist(), strict=True)]

    def ordinals(self) -> Int64Array:
        """For each line (and one past the last), how many records and blank lines begin before it."""
        return np.arange(self._stop + 1, dtype=np.int64) - np.cumsum(self._continued)[: self._stop + 1]

    def rejects(self, text: bytes, number: Int64Array) -> list[RejectedLine]:
        """The rejected lines in order; ``number`` gives the line number of each line."""
        lines = self._lines
        rejects: list[RejectedLine] = []
        for first, last in sorted(self._refused):
            line = int(number[first])
            raw = text[int(lines.starts[first]) : int(lines.ends[last])]
            if lines.too_long[first]:
                rejects.append(reject_long(line, raw, lines.max_row_bytes))
            else:
                code, message = self._fault(first)
                rejects.append(reject(line, raw, code, message))
        return rejects

    def _fault(self, line: int) -> tuple[Fault, str]:
        lines = self._lines
        if line in self._counts:
            count = self._counts[line]
        elif lines.faulty[line] or lines.opens(line):
            return "malformed_quotes", MALFORMED
        else:
            count = int(lines.cells[line])
        return "too_few_fields" if count < lines.width else "too_many_fields", count_detail(lines.width, count)
