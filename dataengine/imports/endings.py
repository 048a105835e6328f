"""The end of a file's rows: leaving some of them out, and showing the last ones to who asks what they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from contextlib import closing

from dataengine.imports.parsing.rows import Block
from dataengine.imports.planning.footers import LOOKED_AT, SUMMED, LastRow


def without_last(blocks: Generator[Block], count: int) -> Generator[Block]:
    """The same blocks without the last ``count`` rows, rejected ones counted."""
    with closing(blocks):
        held: deque[Block] = deque()
        for block in blocks:
            held.append(block)
            while held and sum(map(_size, list(held)[1:])) >= count:
                yield held.popleft()
        lines = sorted(line for block in held for line in (*block.lines.tolist(), *(r.line for r in block.rejects)))
        for block in held:
            yield block.before(lines[-count]) if count <= len(lines) else block.before(0)


def _size(block: Block) -> int:
    return len(block) + len(block.rejects)


class Ending:
    """Keeps the last blocks, and tells the last rows of them."""

    def __init__(self, delimiter: str, *, lines_are_records: bool) -> None:
        self._delimiter = delimiter
        self._lines_are_records = lines_are_records
        self._blocks: deque[Block] = deque(maxlen=2)
        self._count = 0

    def look(self, block: Block) -> None:
        """Take in one block."""
        if _size(block):
            self._blocks.append(block)
            self._count += _size(block)

    def columns(self) -> list[list[str]] | None:
        """All good rows as columns of cells, missing ones empty; None of a file that is not small."""
        if self._count > SUMMED or self._count > sum(map(_size, self._blocks)):
            return None
        parts = [[column.to_pylist() for column in block.columns] for block in self._blocks if len(block)]
        return [[cell or "" for part in column for cell in part] for column in zip(*parts, strict=True)]

    def rows(self) -> list[LastRow]:
        """The last rows in their order, rejected ones among them."""
        found: list[tuple[int, list[str], int]] = []
        for block in self._blocks:
            for row in range(max(0, len(block) - LOOKED_AT), len(block)):
                cells = [column[row].as_py() or "" for column in block.columns]
                found.append((int(block.lines[row]), cells, self._height(block.raw(row))))
            for item in block.rejects[-LOOKED_AT:]:
                found.append((item.line, item.raw.split(self._delimiter), self._height(item.raw)))
        found.sort(key=lambda row: row[0])
        found = found[-LOOKED_AT:]
        ends = [line + height for line, _, height in found]
        return [
            LastRow(line, cells, is_apart=place > 0 and line > ends[place - 1])
            for place, (line, cells, _) in enumerate(found)
        ]

    def _height(self, raw: str) -> int:
        """How many lines a row takes."""
        return 1 if self._lines_are_records else 1 + len(raw.splitlines()[1:])
