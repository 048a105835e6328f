"""The end of a file's rows: leaving some of them out, and showing the last ones to who asks what they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from contextlib import closing
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from dataengine.imports.converting.kernels_written import plain
from dataengine.imports.converting.number_styles import COMMA, POINT, NumberStyle
from dataengine.imports.parsing.rows import Block
from dataengine.imports.planning.footers import LOOKED_AT, SUMMED, LastRow, number_in

_EXACT = pa.decimal128(38, 12)


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


def ends_in_sums(blocks: Generator[Block], last: Sequence[str]) -> bool:
    """Whether the last of all rows holds the sum of those above in each column in which it holds anything.

    In at least one other, all of those above are filled.
    """
    gaps = {place: 0 for place, cell in enumerate(last) if not cell.strip()}
    numbered = [place for place, cell in enumerate(last) if cell.strip()]
    sums = {(place, style): Decimal(0) for place in numbered for style in (POINT, COMMA)}
    with closing(blocks):
        for block in blocks:
            for place in list(gaps):
                gaps[place] += int(
                    pc.sum(pc.equal(pc.utf8_trim_whitespace(block.columns[place].fill_null("")), "")).as_py() or 0
                )
                if gaps[place] > 1:
                    del gaps[place]
            for place, style in list(sums):
                more = _sum(block.columns[place], style)
                if more is None:
                    del sums[place, style]
                else:
                    sums[place, style] += more
            if not gaps or not sums:
                return False
    # The last row is one of those that were added up.
    return all(
        any(
            (total := number_in(last[place].strip(), style)) is not None and sums.get((place, style)) == 2 * total
            for style in (POINT, COMMA)
        )
        for place in numbered
    )


def _sum(cells: pa.Array, style: NumberStyle) -> Decimal | None:
    """The sum of a column in a block; None where a cell is no number in the style."""
    try:
        numbers = pc.cast(plain(cells, style)[0], _EXACT)
    except pa.ArrowInvalid:
        return None
    found = pc.sum(numbers).as_py()
    return Decimal(0) if found is None else Decimal(found)


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
