"""The rows of a block that are rejected as soon as it is converted: damaged lines and rows with bad cells, by line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dataengine.imports.converting.conversion import Batch
from dataengine.imports.parsing.parser import Block
from dataengine.models.shapes import RowError

from .spill import Rejected


def bad_rows(block: Block, batch: Batch, first: int) -> Iterator[Rejected]:
    """The rejected rows of a block whose first row has the number ``first``."""
    damaged = iter(block.rejects)
    waiting = next(damaged, None)
    for row in sorted(batch.errors):
        line = int(block.lines[row])
        while waiting is not None and waiting.line < line:
            yield _damaged(waiting)
            waiting = next(damaged, None)
        errors: list[RowError] = [
            {"column": error.column, "code": error.code, "message": error.message} for error in batch.errors[row]
        ]
        yield Rejected(line, first + row, block.raw(row), errors)
    while waiting is not None:
        yield _damaged(waiting)
        waiting = next(damaged, None)


def _damaged(item: Any) -> Rejected:
    return Rejected(item.line, -1, item.raw, [{"column": "*", "code": item.code, "message": item.message}])
