"""What a rejected row says cell by cell: as the file has it, with what people wrote into it since.

Its cells are known by the columns of the table as it is now. A column that was renamed is still the one that the file's
header went into; one that is gone takes its cells with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dataengine.columns.identifiers import composed
from dataengine.imports.converting.patterns import unguarded
from dataengine.imports.dialects.dialect import Dialect
from dataengine.imports.dialects.grammar import Grammar
from dataengine.imports.planning.mapping import ADDED_HEADERS
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import RECORD_KEY
from dataengine.models import Column, ImportJob, RejectedRow
from dataengine.models.shapes import Findings, ReadAgain, RowError

from .whole_rows import DROPPED, JOINED, TOO_FEW, fitted

WHOLE_ROW = "*"
UNREADABLE = "\ufffd"
"""What stands for bytes that were no text."""


_LONGEST = 1_000_000


class Slot(NamedTuple):
    """A cell of every row: the column's key as text, its name, and its place in the file (None: it has none)."""

    key: str
    name: str
    place: int | None


class Cell(NamedTuple):
    """What a cell says; None where it is empty. ``is_quoted`` texts are never a word for NULL."""

    text: str | None
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class Mended:
    """A row as it is now: a cell for each slot, and what is still wrong with the row as a whole."""

    cells: list[Cell]
    is_whole: bool
    errors: list[RowError]

    def with_cell(self, place: int, text: str | None) -> Mended:
        """The row with another text in one cell, if it is no damaged one."""
        return Mended([*self.cells[:place], Cell(text), *self.cells[place + 1 :]], True, [])


class RowReader:
    """Reads the rejected rows of an import. ``columns`` are those of its table now."""

    def __init__(self, job: ImportJob, columns: Sequence[Column]) -> None:
        findings: Findings = job.findings
        self.again: ReadAgain = job.read_again
        self.mode = ImportOptions.read(job.options).mode
        self.headers = list(findings.get("headers", []))
        self.names_then = {header: name for header, name in findings.get("mapping", {}).items() if name is not None}
        added = [name for name in ADDED_HEADERS if name in self.headers]
        self._was_guarded = len(added) == len(ADDED_HEADERS) or bool(findings.get("guarded"))
        self._dialect = Dialect(**findings["dialect"]) if "dialect" in findings else Dialect()
        self._grammar = Grammar(self._dialect, None)
        self._is_padded = self._dialect.is_padded and ImportOptions.read(job.options).trim is not False
        self._width = len(self.headers)
        self.now = self._now(columns)
        self.slots = self._slots(columns)

    @property
    def is_unguarded(self) -> bool:
        """Whether the apostrophes of an export come off the file's cells here."""
        return self._was_guarded

    def cells(self, row: RejectedRow) -> Mended:
        """The row's cells. Where it is no row, they are empty, but for what people wrote into it."""
        whole = next((error for error in row.errors if error["column"] == WHOLE_ROW), None)
        damage = row.damage or (whole["code"] if whole else "")
        found = self._in_file(row.raw, damage)
        written: Mapping[str, str | None] = row.cells or {}
        cells: list[Cell] = []
        errors: list[RowError] = []
        for slot in self.slots:
            if slot.key in written:
                cells.append(Cell(written[slot.key]))
                continue
            text, quoted = found[slot.place] if found and slot.place is not None else ("", False)
            cells.append(Cell(text if text or quoted else None, quoted))
            if damage == "invalid_encoding" and row.cells is not None and UNREADABLE in text:
                reason = "the cell holds bytes that are not text in the file's encoding"
                errors.append({"column": slot.name, "code": damage, "message": reason})
        if row.cells is None and whole is not None:
            return Mended(cells, False, row.errors)
        return Mended(cells, not errors, errors)

    def can_read(self, row: RejectedRow, damage: str) -> bool:
        """Whether a row that nobody has mended has all of its cells once it is read as one with that ``damage``."""
        return row.cells is None and self._in_file(row.raw, damage) is not None

    def slot(self, name: str) -> Slot | None:
        """The slot of a column, by its name now or by the one that it had when the file was read."""
        known, name = {slot.name: slot for slot in self.slots}, composed(name)
        return known.get(name) or known.get(self.now.get(name, ""))

    def in_file(self, row: RejectedRow) -> list[tuple[str, bool]]:
        """The row as cells of the file, each with whether it is quoted, and then those that the file has no place for.

        Where it is no row and nobody has mended it, its whole text is the first cell.
        """
        more = [slot for slot in self.slots if slot.place is None]
        if row.cells is None:
            damage = row.errors[0]["code"] if row.errors and row.errors[0]["column"] == WHOLE_ROW else ""
            # A line of a file that is no text is no text of cells, whatever it looks like.
            found = None if damage == "invalid_type" else self._parsed(row.raw)
            found = found or [(row.raw, True), *((("", False),) * max(self._width - 1, 0))]
            return [*found, *((("", False),) * len(more))]
        found = list(self._in_file(row.raw, row.damage) or [("", False)] * self._width)
        for slot in self.slots:
            if slot.place is not None and slot.key in row.cells:
                found[slot.place] = (row.cells[slot.key] or "", False)
        return [*found, *((row.cells.get(slot.key) or "", False) for slot in more)]

    def _in_file(self, raw: str, damage: str) -> list[tuple[str, bool]] | None:
        """The file's cells, None where its text is no row of such cells."""
        if damage not in ("", TOO_FEW, "invalid_encoding", DROPPED, JOINED):
            return None
        return self._parsed(raw, damage)

    def _parsed(self, raw: str, damage: str = "") -> list[tuple[str, bool]] | None:
        """The cells of a text, filled up if there are too few.

        None if it is no row, or has too many, unless the row's ``damage`` says what becomes of those.
        """
        data = raw.encode("utf-8", "replace")
        scan = self._grammar.scan(data, 0, final=True) if data else None
        if scan is None or scan.fault or scan.end != len(data):
            return None
        cells = [
            (
                (value if quoted or value == b"\\N" else self._grammar.unescape(value, quoted=False)).decode(
                    "utf-8", "replace"
                ),
                quoted,
            )
            for value, quoted in self._grammar.cells(data)
        ]
        if self._is_padded:
            cells = [(text.strip(), quoted) for text, quoted in cells]
        if self._was_guarded:
            cells = [(unguarded(text), quoted) for text, quoted in cells]
        return fitted(cells, self._width, damage, self._dialect.delimiter)

    def _now(self, columns: Sequence[Column]) -> dict[str, str]:
        """The names that columns had when the file was read, with the names that they have now."""
        names = {column.pk: column.name for column in columns}
        keys = self.again.get("columns")
        if keys is None:  # read before keys were kept
            present = set(names.values())
            return {name: name for name in self.names_then.values() if name in present}
        now = {name: names[key] for header, name in self.names_then.items() if (key := keys.get(header, -1)) in names}
        return now | ({RECORD_KEY.name: RECORD_KEY.name} if RECORD_KEY.name in self.names_then.values() else {})

    def _slots(self, columns: Sequence[Column]) -> list[Slot]:
        keys = {column.name: str(column.pk) for column in columns} | {RECORD_KEY.name: RECORD_KEY.name}
        slots = [
            Slot(keys[name], name, place)
            for place, header in enumerate(self.headers)
            if (name := self.now.get(self.names_then.get(header, ""))) is not None
        ]
        if slots and not self.mode.updates:  # else rows may find records that have them
            filled = {slot.name for slot in slots}
            slots += [
                Slot(keys[column.name], column.name, None)
                for column in columns
                if column.required and column.default is None and column.name not in filled
            ]
        return slots


def unstorable(text: str) -> str | None:
    """Why a cell cannot hold a text; None if it can."""
    if len(text) > _LONGEST:
        return f"Give at most {_LONGEST:,} characters."
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        return "Texts must not contain NUL or a lone surrogate."
    return None
