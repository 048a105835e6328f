"""Cells that patterns alone tell are sound, so that nobody has to read them one by one. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .kernels import mask_of, matches, only, present
from .shapes import Mask

_SHARE = 16


def sure_cells(cells: pa.Array, patterns: Sequence[str], most_bytes: int) -> Mask:
    """Where cells match one of the patterns and have at most ``most_bytes``.

    The later patterns, which take longer, only get what the earlier ones left, unless that is next to nothing.
    """
    sure = np.zeros(len(cells), dtype=np.bool_)
    raw = cells.cast(pa.binary())  # RE2 compares bytes faster than letters
    filled = present(cells)
    for place, pattern in enumerate(patterns):
        left = filled & ~sure
        if place and _SHARE * np.count_nonzero(left) <= len(cells):
            break
        sure |= matches(only(raw, left) if place else raw, pattern)
    if sure.any() and (pc.max(pc.binary_length(raw)).as_py() or 0) > most_bytes:
        sure &= mask_of(pc.less_equal(pc.binary_length(raw), most_bytes))
    return sure
