"""Rows of a rejected.csv that are none of the table's and that nobody has mended. Pure.

Each is a whole line of the original file in the first cell. As records they would hold it there, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import closing

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataengine.imports.reading.rejected_lines import RejectCode, RejectedLine

from .rows import Block

_MESSAGE = "the whole line of the original file stands in the first cell; divide it, or take it out"
_LINE, _REASONS = "_line", "_errors"
_DELIMITERS = re.compile(r"[,;\t|]")
_BEGINNINGS: dict[RejectCode, str] = {code: f"*: {code}: " for code in ("too_many_fields", "malformed_quotes")}


def without_unmended(blocks: Generator[Block], headers: Sequence[str]) -> Generator[Block]:
    """The same blocks, with such rows rejected again.

    The original columns come first, so in the first of them is the line, if the others are empty. Who has mended such a
    row to one whose other cells are empty is believed, for then the first cell has no separators or quotes any more.
    """
    reasons = list(headers).index(_REASONS)
    own = [place for place, header in enumerate(headers) if header not in (_LINE, _REASONS)]
    with closing(blocks):
        for block in blocks:
            lines: dict[int, RejectedLine] = {}
            for code, beginning in _BEGINNINGS.items() if len(own) > 1 else ():
                rows = _unmended([block.columns[place] for place in own], block.columns[reasons], code, beginning)
                lines |= {row: RejectedLine(int(block.lines[row]), block.raw(row), code, _MESSAGE) for row in rows}
            yield block.without(lines, lines.values()) if lines else block


def _unmended(columns: Sequence[pa.Array], reasons: pa.Array, code: RejectCode, beginning: str) -> list[int]:
    are_named = pc.starts_with(reasons.fill_null(""), beginning)
    return [
        row
        for row in np.flatnonzero(are_named.to_numpy(zero_copy_only=False)).tolist()
        if not any(column[row].as_py() for column in columns[1:])
        and _is_line(columns[0][row].as_py() or "", code, len(columns))
    ]


def _is_line(cell: str, code: RejectCode, width: int) -> bool:
    separators = len(_DELIMITERS.findall(cell))
    return separators >= width if code == "too_many_fields" else separators > 0 and ('"' in cell or "'" in cell[1:])
