"""Physical lines of a block, each judged alone with numpy: as a record's beginning, and as a quoted cell's inside."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dataengine.imports.dialects.grammar import BLANK, SWALLOW_LINES, SWALLOW_ROWS

from .rows import Int64Array

LF, CR = 10, 13
_MAY_BE_BLANK = np.zeros(256, np.bool_)
_MAY_BE_BLANK[[ord(" "), ord("\t"), 0xC2, 0xA0]] = True


class Lines:
    """All physical lines of ``block``, which ends with a line break.

    Per line: ``starts``, ``ends`` (of its text) and ``nexts`` (after its break); ``row`` (it is a record of its own),
    ``blank`` (empty, or delimiters and spaces alone), ``too_long``, ``quoted`` (it has quotes). ``bare`` are
    positions of CRs that are line breaks of their own.
    """

    def __init__(
        self,
        block: npt.NDArray[np.uint8],
        delimiter: int,
        quote: int | None,
        bare: Int64Array | None,
        width: int,
        max_row_bytes: int,
    ) -> None:
        self.width = width
        self.max_row_bytes = max_row_bytes
        mask = (block == delimiter) | (block == LF)
        if quote is not None:
            mask |= block == quote
        if bare is not None:
            mask[bare] = True
        specials = np.flatnonzero(mask)
        kinds = block[specials]
        is_break = (kinds == LF) | (kinds == CR)
        is_delimiter = kinds == delimiter
        at_break = np.flatnonzero(is_break)
        breaks = specials[at_break]

        first_special = np.concatenate(([0], at_break[:-1] + 1))

        def per_line(flags: npt.NDArray[np.bool_]) -> Int64Array:
            return np.add.reduceat(flags.view(np.uint8), first_special, dtype=np.int64)

        self.nexts = breaks + 1
        self.starts = np.concatenate(([0], self.nexts[:-1]))
        crlf = (block[breaks] == LF) & (breaks > self.starts) & (block[breaks - 1] == CR)
        self.ends = breaks - crlf
        self.too_long = self.ends - self.starts > max_row_bytes
        delimiters = per_line(is_delimiter)
        self.blank = self.ends - self.starts == delimiters
        self.blank |= blank_lines(block, self.starts, self.ends, delimiter)
        if quote is None:
            nothing = np.zeros(len(breaks), np.int64)
            self.quoted = nothing.astype(np.bool_)
            outside, faults, inner_faults, odd = delimiters, nothing, nothing, self.quoted
        else:
            edges = np.zeros(256, np.bool_)
            edges[[delimiter, LF, CR, quote]] = True
            is_quote = kinds == quote
            inside = np.bitwise_xor.accumulate(is_quote.view(np.uint8)).view(np.bool_)
            quotes = specials[is_quote]
            opening = inside[is_quote]
            before = edges[block[quotes - 1]]
            if len(quotes) and quotes[0] == 0:
                before[0] = True
            after = edges[block[quotes + 1]]
            stray = np.zeros(len(specials), np.bool_)
            inner_stray = stray.copy()
            stray[is_quote] = ~np.where(opening, before, after)
            inner_stray[is_quote] = ~np.where(opening, after, before)
            # All of this counts quotes from the block's beginning; swap for lines before which the count is odd.
            counts = per_line(is_quote)
            swapped = np.concatenate(([False], np.cumsum(counts)[:-1] & 1 == 1))
            here = per_line(is_delimiter & ~inside)
            outside = np.where(swapped, delimiters - here, here)
            seen, unseen = per_line(stray), per_line(inner_stray)
            faults = np.where(swapped, unseen, seen)
            inner_faults = np.where(swapped, seen, unseen)
            odd = counts & 1 == 1
            self.quoted = counts > 0
        self.cells = outside + 1
        self.faulty = faults > 0
        self.row = ~(odd | self.faulty | self.blank | self.too_long) & (self.cells == width)
        self._open = odd & ~self.faulty & ~self.too_long
        self._odd = np.flatnonzero(odd)
        self._inner_faults = np.concatenate(([0], np.cumsum(inner_faults)))
        self._inner_delimiters = np.concatenate(([0], np.cumsum(delimiters - outside)))
        self._rows = np.concatenate(([0], np.cumsum(self.row)))

    def __len__(self) -> int:
        return len(self.starts)

    def opens(self, at: int) -> bool:
        """Whether the line, as a record's beginning, ends within a quoted cell and has no fault up to there."""
        return bool(self._open[at])

    def followed(self) -> Iterator[tuple[int, int, int, bool, bool]]:
        """The lines to be examined one by one, in order: those with quotes that are no rows of their own.

        For each: the last line of the record that begins on it (the line itself if that is already faulty, -1 if the
        record has a later fault, is too long, or does not end within the block), the record's number of cells, whether
        it would swallow rows (as ``Grammar.swallows``), and whether a record that ends on line -1 is damaged whatever
        may follow the block.
        """
        at = np.flatnonzero(self.quoted & ~(self.row | self.blank))
        following = np.searchsorted(self._odd, at + 1)
        closes = following < len(self._odd)
        closing = np.append(self._odd, len(self) - 1)[following]
        faulty = self._inner_faults[closing + 1] > self._inner_faults[at + 1]
        long = self.ends[closing] - self.starts[at] > self.max_row_bytes
        opens = self._open[at]
        last = np.where(opens, np.where(closes & ~faulty & ~long, closing, -1), at)
        counts = self.cells[at] + self._inner_delimiters[last + 1] - self._inner_delimiters[at + 1]
        near = np.minimum(at + 1, len(self))
        far = np.minimum(at + 1 + SWALLOW_LINES, len(self))
        enough = np.where(closes, closing, len(self)) - at > SWALLOW_LINES
        rows = self._rows[far] - self._rows[near] >= SWALLOW_ROWS
        swallows = enough & rows if self.width > 1 else np.zeros(len(at), np.bool_)
        vain = closes | faulty | swallows
        return zip(at.tolist(), last.tolist(), counts.tolist(), swallows.tolist(), vain.tolist(), strict=True)


def blank_lines(
    block: npt.NDArray[np.uint8], starts: Int64Array, ends: Int64Array, delimiter: int
) -> npt.NDArray[np.bool_]:
    """Which lines hold nothing but delimiters and spaces, as ``Grammar.is_blank`` has it; empty ones are left out.

    The ends of a line tell of most that it is none, so that next to no line is looked at as a whole.
    """
    may_be = _MAY_BE_BLANK.copy()
    may_be[delimiter] = True
    found = may_be[block[starts]] & (ends > starts)
    if not found.any():
        return found
    at = np.flatnonzero(found)
    at = at[may_be[block[ends[at] - 1]]]
    found[:] = False
    if len(at):
        # Three places more: of rows that begin and end with empty cells few have nothing there either.
        for share in (1, 2, 3):
            at = at[may_be[block[starts[at] + (ends[at] - starts[at] - 1) * share // 4]]]
        pattern = re.compile(rb"(?:" + BLANK + rb"|" + re.escape(bytes([delimiter])) + rb")*+")
        raw = memoryview(block)
        wholly = [
            pattern.fullmatch(raw, start, end) is not None for start, end in zip(starts[at], ends[at], strict=True)
        ]
        found[at[wholly]] = True
    return found
