"""Lines that say the header again, as where files were joined or a program began anew in the same one. Pure."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

import pyarrow as pa
import pyarrow.compute as pc

from dataengine.imports.dialects.dialect import Dialect

from .rows import Block

FEWEST = 2
"""Columns that have to have names: a single word below itself may well be a value."""


class RepeatedHeads:
    """Leaves them out of the blocks of one pass; ``found`` counts them, ``first`` is the line of the first one.

    ``lines`` are those of the head as the file has them, the names last. Where cells are padded they come trimmed.
    """

    def __init__(self, dialect: Dialect, lines: Sequence[Sequence[str]], *, is_padded: bool = False) -> None:
        self.found = self.first = 0
        trimmed = [[cell.strip() if is_padded else cell for cell in line] for line in lines]
        names = {place: name for place, name in enumerate(trimmed[-1] if trimmed else ()) if name.strip()}
        self._names = names if dialect.has_header and len(set(names.values())) >= FEWEST else {}
        self._groups = trimmed[:-1]

    @property
    def note(self) -> str:
        """What people are told of them."""
        match self.found:
            case 0:
                return ""
            case 1:
                return f"Line {self.first} repeats the header: it is no row."
            case _:
                return f"{self.found:,} lines repeat the header, the first of them line {self.first}: they are no rows."

    def left_out(self, blocks: Generator[Block]) -> Generator[Block]:
        """The same blocks without rows whose cells are the names of their columns, all of those that have one."""
        with closing(blocks):
            for block in blocks:
                yield self._without(block) if self._names else block

    def _without(self, block: Block) -> Block:
        first = next(iter(self._names))
        alike = pc.indices_nonzero(pc.equal(block.columns[first], pa.scalar(self._names[first])))
        rows = [row for row in alike.to_pylist() if self._is_head(block, row)]
        if not rows:
            return block
        above = [row - at for row in rows for at in self._groups_above(block, row)]
        self.first = self.first or int(block.lines[min(rows + above)])
        self.found += len(rows)
        return block.without(rows + above)

    def _is_head(self, block: Block, row: int) -> bool:
        return all(block.columns[place][row].as_py() == name for place, name in self._names.items())

    def _groups_above(self, block: Block, row: int) -> range:
        """How far above a row of names the groups stand that belong to it, if they are repeated as well."""
        count = len(self._groups)
        if row < count:
            return range(0)
        for at, line in enumerate(self._groups):
            cells = [column[row - count + at].as_py() or "" for column in block.columns]
            if cells[: len(line)] != line[: len(cells)]:
                return range(0)
        return range(1, count + 1)
