"""The date format of a column that is a date by design: what most of its cells are written in. Pure."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from . import kernels as k
from .date_formats import ISO, KNOWN, RIVALS, DateFormat
from .kernels_time import take_apart

_PAIRS = RIVALS | {rival: name for name, rival in RIVALS.items()}


class FormatVotes:
    """Counts, over the whole column, the cells that are dates in each known format and none in ISO's."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._votes: Counter[str] = Counter()
        self._alone: Counter[str] = Counter()
        """By format: the cells that are dates in it and none in its rival."""

    def look(self, cells: pa.Array) -> None:
        """Take in one block."""
        text = k.trimmed(cells)
        text = k.only(text, ~_real(text, ISO))
        if text.null_count == len(text):
            return
        real = {form.name: _real(text, form) for form in KNOWN[1:]}
        for name, mask in real.items():
            self._votes[name] += int(mask.sum())
        for name, rival in _PAIRS.items():
            self._alone[name] += int((real[name] & ~real[rival]).sum())

    def result(self) -> tuple[list[DateFormat], str]:
        """The format, none where no cell is written in any; and what people should know about it."""
        best = max(KNOWN[1:], key=lambda form: self._votes[form.name])
        if not self._votes[best.name]:
            return [], ""
        rival = _PAIRS.get(best.name)
        if rival and (others := self._alone[rival]):
            return [best], f"dates are read as {best.name}, which {others:,} do not fit that are written as {rival}"
        if rival and self._votes[rival] == self._votes[best.name]:
            return [best], f"every date fits both {best.name} and {rival}; read as {best.name} (day first)"
        return [best], f"dates are read as {best.name}"


def _real(text: pa.Array, form: DateFormat) -> k.Mask:
    """Where cells are dates that there are, in a format."""
    matched = k.matches(text, form.pattern)
    if not matched.any():
        return matched
    moments = take_apart(k.only(text, matched), form)
    return moments.matched & moments.real & ~moments.fine
