"""Heads of sheets that take several lines: cells that are merged over columns or rows say what belongs together. Pure.

``Quarter 1`` over ``Sales`` and ``Cost`` names two columns, ``Quarter 1 Sales`` and ``Quarter 1 Cost``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .sheet_cells import quoted, unquoted

HEAD_ROWS = 30
"""How many rows are looked at."""
MAX_LINES = 4
_NUMBER = re.compile(r"[-+]?[\d.,]*\d[\d.,]*|\d{4}-\d\d-\d\d.*|\d+:\d\d.*|true|false")
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class Merge:
    """Cells that are one: rows as they are numbered, columns from 0, the last ones included."""

    row: int
    column: int
    last_row: int
    last_column: int

    @property
    def is_wide(self) -> bool:
        return self.last_column > self.column


@dataclass(frozen=True, slots=True)
class Head:
    """The rows that make up a head, and the names that they give to the columns, as CSV cells."""

    first: int
    last: int
    cells: list[str]


type Rows = Sequence[tuple[int, list[str]]]


def may_have_merged_head(rows: Rows) -> bool:
    """Whether any of the first rows has gaps where the one below it has cells: only then merges are worth a look."""
    for (number, upper), (below, lower) in itertools.pairwise(rows[: HEAD_ROWS + 1]):
        if below != number + 1:
            continue
        gaps = any(cell and (place >= len(upper) or not upper[place]) for place, cell in enumerate(lower))
        if gaps and (sum(map(bool, upper)) > 1 or not upper[0]):
            return True
    return False


def head_of(rows: Rows, merges: Sequence[Merge]) -> Head | None:
    """The head of several lines that a sheet's first rows begin with, below titles maybe; None where there is none.

    Its first line has several labels, of which at least one is merged with cells beside or below it; all its cells are
    text (or years, under such a label); no row before it is as full as it, and rows follow.
    """
    by_row: dict[int, list[Merge]] = {}
    for merge in merges:
        by_row.setdefault(merge.row, []).append(merge)
    lines = dict(rows)
    numbers = list(lines)
    for index, (number, cells) in enumerate(rows[:HEAD_ROWS]):
        if number not in by_row or (sum(map(bool, cells)) < 2 and cells[0]):
            continue
        last = _last_line(number, by_row)
        if last == number or last - number >= MAX_LINES or last not in lines or numbers[-1] <= last:
            continue
        covered = [merge for line in range(number, last + 1) for merge in by_row.get(line, ())]
        block = [lines.get(line, []) for line in range(number, last + 1)]
        if not _are_names(block, covered, number):
            continue
        names = _joined(block, covered, number, max(len(row) for _, row in rows))
        fullest = max((sum(map(bool, row)) for _, row in rows[:index]), default=0)
        if sum(map(bool, names)) > max(fullest, 1):
            return Head(number, last, names)
    return None


def _last_line(first: int, by_row: dict[int, list[Merge]]) -> int:
    """The last line of a head that begins with line ``first``: below a label over columns stand their own."""
    last = line = first
    while line <= last and line - first < MAX_LINES:
        for merge in by_row.get(line, ()):
            last = max(last, merge.last_row + merge.is_wide)
        line += 1
    return last


def _are_names(block: Sequence[Sequence[str]], merges: Sequence[Merge], first: int) -> bool:
    wide = {(merge.row - first, merge.column) for merge in merges if merge.is_wide}
    for place, row in enumerate(block):
        for column, cell in enumerate(row):
            if not cell or (place, column) in wide:
                continue
            # A year stands under a label, or is one itself over a single name, beside those over several.
            if wide and _YEAR.fullmatch(cell) and (place or (column < len(block[1]) and block[1][column])):
                continue
            if _NUMBER.fullmatch(cell):
                return False
    # Without names of their own below it, a label over several columns is a title.
    return all(any(block[-1][merge.column : merge.last_column + 1]) for merge in merges if merge.is_wide)


def _joined(block: Sequence[Sequence[str]], merges: Sequence[Merge], first: int, widest: int) -> list[str]:
    """The names, with a merged cell's label repeated over its columns; ``widest`` is the number of cells of any row."""
    width = min(max(*map(len, block), *(merge.last_column + 1 for merge in merges)), widest)
    grid = [[*row, *([""] * (width - len(row)))] for row in block]
    for merge in merges:
        label = grid[merge.row - first][merge.column] if merge.column < width else ""
        for place in range(merge.column + 1, min(merge.last_column + 1, width)):
            grid[merge.row - first][place] = label
    names = []
    for column in range(width):
        parts = [" ".join(unquoted(line[column]).split()) for line in grid if line[column]]
        names.append(quoted(" ".join(parts)) if any(parts) else "")
    while names and not names[-1]:
        names.pop()
    return names
