"""Rejected rows on their way through the import's conversion once more: kept on disk, handed on as blocks."""

from __future__ import annotations

from collections.abc import Collection, Generator

import numpy as np
import pyarrow as pa

from dataengine.imports.parsing.rows import Block
from dataengine.models import RejectedRow

from .mended_cells import Mended
from .spill import FedRow, FedSpill

_BLOCK_ROWS = 5_000
_BLOCK_BYTES = 1 << 20


class FedRows:
    """The rows, numbered from 0 in the order in which they were added: that of the file."""

    def __init__(self, width: int) -> None:
        self.rows = FedSpill()
        self._width = width

    @property
    def count(self) -> int:
        return self.rows.count

    def add(self, row: RejectedRow, said: Mended) -> None:
        """Take in a row with what its cells say."""
        cells = [(cell.text, cell.is_quoted) for cell in said.cells]
        self.rows.append(FedRow(row.pk, row.line, row.raw, cells, said.errors, row.cells, row.damage))

    def close(self) -> None:
        self.rows.close()

    def blocks(self, nulls: Collection[str]) -> Generator[Block]:
        """All rows from the first; unquoted cells that are one of ``nulls`` are NULL. ``bytes_read`` counts rows."""
        words = frozenset(nulls)
        portion: list[FedRow] = []
        size = done = 0
        for row in self.rows:
            portion.append(row)
            size += len(row.raw)
            if len(portion) >= _BLOCK_ROWS or size >= _BLOCK_BYTES:
                done += len(portion)
                yield self._block(portion, words, done)
                portion, size = [], 0
        if portion:
            yield self._block(portion, words, done + len(portion))

    def _block(self, rows: list[FedRow], nulls: frozenset[str], done: int) -> Block:
        columns = [
            pa.array([_said(*row.cells[place], nulls) for row in rows], pa.string()) for place in range(self._width)
        ]
        texts = [row.raw.encode() for row in rows]
        ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
        lines = np.array([row.line for row in rows], dtype=np.int64)
        return Block(columns, lines, [], done, b"".join(texts), starts, ends)


def _said(text: str | None, is_quoted: bool, nulls: frozenset[str]) -> str | None:
    return None if text is None or (not is_quoted and text in nulls) else text
