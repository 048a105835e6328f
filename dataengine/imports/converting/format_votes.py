"""The date format of a column that is known to hold dates: the one that most of its cells fit. Pure."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa

from . import kernels as k
from .cell_tests import Dates
from .column_blocks import ColumnBlock
from .date_formats import ISO, RIVALS, TRIED, DateFormat, note_on
from .kernels_time import iso_block


class FormatVotes:
    """Counts, over the whole column, the cells that are dates in each known format but not in ISO."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._votes: Counter[str] = Counter()
        self._alone: Counter[tuple[str, str]] = Counter()
        """By pair of rivals: the cells that are dates in the first format but not in the second."""

    def look(self, cells: pa.Array) -> None:
        """Count the cells of one block."""
        text = k.trimmed(cells)
        if text.null_count == len(text) or iso_block(text) is not None:
            return
        block = ColumnBlock(text, np.empty(0, dtype=np.int64))
        left = block.present & ~Dates(ISO).judge(block).mask
        if not left.any():
            return
        real = {form.name: left & Dates(form).judge(block).mask for form in TRIED}
        for name, mask in real.items():
            self._votes[name] += int(mask.sum())
        for name, rivals in RIVALS.items():
            if real[name].any():
                for rival in rivals:
                    self._alone[name, rival] += int((real[name] & ~real[rival]).sum())

    def rivals(self) -> list[str]:
        """The formats that every cell fits that fits any, the one that is taken first; none where there is but one."""
        best, names = self._best()
        return [best.name, *names] if names and not any(self._alone[name, best.name] for name in names) else []

    def _best(self) -> tuple[DateFormat, list[str]]:
        """The format that most cells fit, and its rivals that as many do."""
        best = max(TRIED, key=lambda form: self._votes[form.name])
        return best, [name for name in RIVALS.get(best.name, ()) if 0 < self._votes[name] == self._votes[best.name]]

    def result(self) -> tuple[list[DateFormat], str]:
        """The format ([] if no cell fits any), and what users should know about it."""
        best, names = self._best()
        if not self._votes[best.name]:
            return [], ""
        others = {rival: self._alone[rival, best.name] for rival in RIVALS.get(best.name, ())}
        most = max(others, key=lambda name: others[name], default="")
        if most and others[most]:
            cells, do = ("cell is", "does") if others[most] == 1 else ("cells are", "do")
            misfits = f"; {others[most]:,} {cells} written as {most} and {do} not fit"
            return [best], note_on(best, misfits=misfits)
        return [best], note_on(best, names)
