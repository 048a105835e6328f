"""Cells of drawn tables without the spaces that fill their columns. Pure."""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import closing

import pyarrow as pa
import pyarrow.compute as pc

from .rows import Block


def unpadded(blocks: Generator[Block], nulls: Collection[str]) -> Generator[Block]:
    """The same blocks, trimmed. What is one of ``nulls`` without its spaces is NULL."""
    missing = pa.array(sorted(nulls), pa.string())
    with closing(blocks):
        for block in blocks:
            cells = [pc.utf8_trim_whitespace(column) for column in block.columns]
            block.columns = [
                pc.if_else(pc.is_in(column, missing), pa.scalar(None, pa.string()), column) for column in cells
            ]
            yield block
