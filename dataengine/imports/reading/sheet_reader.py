"""What the readers of workbooks share: one sheet is read, and what its rows tell is passed on. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from .reader import Caution, Reader
from .sheet_cells import Told
from .sheet_heads import Head
from .sheet_words import formulas_warning, long_number_note, sheet_notes
from .sheets import Sheet, SheetLines


class SheetReader(Reader):
    """Of a workbook of ``_sheets``, of which one is taken; ``_begin`` is left to the formats."""

    def __init__(self) -> None:
        self._sheets: list[Sheet] = []
        self._head: Head | None = None
        self._long_number = ""
        self._formulas = 0
        self._told: Told = Counter()

    def _begin(self) -> tuple[SheetLines, Iterator[int]]:
        """A reading of the sheet: what its rows go to, and the positions in the stored file after each piece of it."""
        raise NotImplementedError

    def csv_chunks(self, read: Callable[[int], None]) -> Iterator[bytes]:
        lines, positions = self._begin()
        for position in positions:
            read(position)
            self._learn(lines)
            if chunk := lines.take():
                yield chunk
        lines.end()
        self._learn(lines)
        if chunk := lines.take():
            yield chunk

    def _learn(self, lines: SheetLines) -> None:
        self._head = lines.head
        self._told = lines.told
        self._long_number = self._long_number or lines.long_number
        self._formulas = max(self._formulas, lines.formulas)

    @property
    def header_line(self) -> int | None:
        return self._head.last if self._head else None

    @property
    def head_lines(self) -> int:
        return self._head.last - self._head.first + 1 if self._head else 1

    @property
    def sheets(self) -> Sequence[Sheet]:
        return self._sheets

    @property
    def told(self) -> Told:
        return self._told

    @property
    def notes(self) -> list[str]:
        return [*sheet_notes(self._sheets), *([long_number_note(self._long_number)] if self._long_number else [])]

    @property
    def warnings(self) -> list[Caution]:
        return [formulas_warning(self._formulas)] if self._formulas else []
