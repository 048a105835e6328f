"""Physical lines of a block, each judged alone with numpy: as a record's beginning, and as a quoted cell's inside."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .recovery import SWALLOW_LINES, SWALLOW_ROWS
from .rows import Int64Array

LF, CR = 10, 13


class Lines:
    """All physical lines of ``block``, which ends with a line break.

    Per line: ``starts``, ``ends`` (of its text) and ``nexts`` (after its break); ``row`` (it is a record by itself),
    ``blank``, ``too_long``, ``quoted`` (it holds quotes). ``bare`` are positions of CRs that are breaks by themselves.
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

        def per_line(flags: npt.NDArray[np.bool_]) -> Int64Array:
            return np.diff(np.cumsum(flags, dtype=np.int64)[at_break], prepend=0)

        self.nexts = breaks + 1
        self.starts = np.concatenate(([0], self.nexts[:-1]))
        crlf = (block[breaks] == LF) & (breaks > self.starts) & (block[breaks - 1] == CR)
        self.ends = breaks - crlf
        self.blank = self.ends == self.starts
        self.too_long = self.ends - self.starts > max_row_bytes
        delimiters = per_line(is_delimiter)
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
            # All of this counts quotes from the block's beginning; where the count is odd before a line, swap.
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

    def followed(self) -> list[int]:
        """The lines that one has to look at one by one: those with quotes that are no rows by themselves."""
        found: list[int] = np.flatnonzero(self.quoted & ~(self.row | self.blank)).tolist()
        return found

    def opens(self, at: int) -> bool:
        """Whether the line, as a record's beginning, ends within a quoted cell and has no fault before."""
        return bool(self._open[at])

    def close(self, at: int) -> int | None:
        """The line on which the record ends that opens at ``at``; None if it has a fault or does not end in reach."""
        closing = self._closing(at)
        if closing is None or self._inner_faults[closing + 1] > self._inner_faults[at + 1]:
            return None
        return None if self.ends[closing] - self.starts[at] > self.max_row_bytes else closing

    def count(self, first: int, last: int) -> int:
        """The number of cells of the record from one line to another."""
        return int(self.cells[first] + self._inner_delimiters[last + 1] - self._inner_delimiters[first + 1])

    def swallows(self, first: int, last: int) -> bool:
        """As ``Grammar.swallows``: a record of many lines, nearly all of the first of which are rows by themselves."""
        if self.width < 2 or last - first <= SWALLOW_LINES:
            return False
        return bool(self._rows[first + 1 + SWALLOW_LINES] - self._rows[first + 1] >= SWALLOW_ROWS)

    def opens_in_vain(self, at: int) -> bool:
        """Whether a record that opens at ``at`` and has no ``close`` is damaged whatever text may follow the block."""
        if self._closing(at) is not None or self._inner_faults[-1] > self._inner_faults[at + 1]:
            return True
        return self.swallows(at, len(self))

    def _closing(self, at: int) -> int | None:
        """The next line with an odd number of quotes, where what was opened at ``at`` is closed."""
        following = int(np.searchsorted(self._odd, at + 1))
        return int(self._odd[following]) if following < len(self._odd) else None
