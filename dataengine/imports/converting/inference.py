"""Column types from the whole file, not a sample. Pure.

The evidence of each column is counted block by block (``evidence.py``) and decided once at the end, for all columns
together: null markers are NULL if at least one column would be text otherwise, and a column whose decimal mark is
ambiguous is read like the file's other columns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataengine.columns.types import ColumnSpec

from .candidates import Decision
from .column_findings import finding_on, misfits, why_text
from .date_formats import ISO, DateFormat, note_on
from .evidence import ColumnEvidence
from .found import ColumnFinding
from .guards import without_formulas
from .kernels_written import common_style
from .number_styles import NumberStyle
from .patterns import NULL_MARKERS, Guard


@dataclass(frozen=True, slots=True)
class Inferred:
    """The columns to make, whether markers are NULL, formats and number styles by column, and notes."""

    specs: list[ColumnSpec]
    markers: tuple[str, ...]
    formats: dict[str, list[DateFormat]]
    styles: dict[str, NumberStyle]
    notes: list[str]
    columns: list[ColumnFinding]


@dataclass(frozen=True, slots=True)
class Known:
    """What a person said of one column, and how many of its cells may disagree."""

    formats: Sequence[DateFormat]
    tolerance: float
    styles: Sequence[NumberStyle]


class Inference:
    """Looks at every block of a file, then decides the types of its columns.

    ``known`` is what the user said, by column; ``default`` is the likelier style where nothing in the file
    tells ``1,234`` from ``1.234``.
    """

    def __init__(
        self,
        names: Sequence[str],
        places: Sequence[int],
        *,
        nulls: Collection[str] | None,
        guard: Guard,
        known: Callable[[str], Known],
        allow_infinity: bool,
        default: NumberStyle,
    ) -> None:
        self.columns = [
            ColumnEvidence(name, said.formats, said.tolerance, said.styles, allow_infinity=allow_infinity)
            for name, said in ((name, known(name)) for name in names)
        ]
        self._places = places
        self._nulls = nulls
        self._guard = guard
        self._default = default
        self._markers = ("", *(NULL_MARKERS if nulls is None else nulls))
        self.rows = 0

    def look(
        self,
        columns: Sequence[pa.Array],
        lines: npt.NDArray[np.int64],
        has_quoted: Callable[[int, Collection[str]], bool] | None,
    ) -> None:
        """Count one block. ``has_quoted`` says whether a column (by position) holds any of some words in quotes."""
        self.rows += len(lines)
        for evidence, place in zip(self.columns, self._places, strict=True):
            cells = without_formulas(columns[place], self._guard)
            evidence.look(cells, lines, self._markers)
            if has_quoted is not None and evidence.has_words and has_quoted(place, evidence.words):
                evidence.quoted_words()

    def take_told(self, told: Mapping[tuple[int, str], int]) -> None:
        """What the file says that cells are, by the column's place in it and the kind."""
        for evidence, place in zip(self.columns, self._places, strict=True):
            evidence.flags, evidence.spans = told.get((place, "flag"), 0), told.get((place, "span"), 0)

    def result(self) -> Inferred:
        for column in self.columns:
            column.settle()
        hint = common_style([column.numbers for column in self.columns if not column.numbers.is_over])
        decisions = {column.name: column.decide(hint, self._default) for column in self.columns}
        needed = any(column.marked and decisions[column.name].is_typed for column in self.columns)
        markers = tuple(self._nulls) if self._nulls is not None else NULL_MARKERS if needed else ()
        notes: list[str] = []
        formats: dict[str, list[DateFormat]] = {}
        styles: dict[str, NumberStyle] = {}
        for column in self.columns:
            decision = decisions[column.name]
            if not decision.is_typed:
                told = [] if decision.proposed else [why_text(column)]
            else:
                formats[column.name], told = _formats(column, decision)
                if decision.style is not None:
                    styles[column.name] = decision.style
                told.append(decision.note)
                notes += _left_out(column, decision)
            notes += [f"{column.name}: {note}" for note in told if note]
        specs = [ColumnSpec(name=column.name, type=decisions[column.name].kind.name) for column in self.columns]
        found = [finding_on(column, decisions[column.name]) for column in self.columns]
        return Inferred(specs, markers, formats, styles, notes, found)


def _formats(column: ColumnEvidence, decision: Decision) -> tuple[list[DateFormat], list[str]]:
    """The format in which dates are read, if not ISO; and a note, for instance where two formats fit."""
    if decision.form is None or decision.form is ISO:
        return [], []
    return [decision.form], [note_on(decision.form, column.rivals(decision.form))]


def _left_out(column: ColumnEvidence, decision: Decision) -> list[str]:
    """What users should know about cells that do not fit their column's type."""
    notes = []
    if decision.failures:
        notes.append(f"{column.name} is {decision.words}; {misfits(column, decision)}")
    if count := column.infinite:
        cells = "cells are infinite" if count > 1 else "cell is infinite"
        if decision.kind.kernel != "float":
            notes.append(f"{column.name}: {count:,} {cells}; “allow_infinity” takes such in, as DOUBLE PRECISION")
        elif not column.allow_infinity:
            notes.append(f"{column.name}: {count:,} {cells}; “allow_infinity” takes such in")
    if count := column.errors:
        notes.append(f"{column.name}: {count:,} {'cells hold' if count > 1 else 'cell holds'} a spreadsheet's error")
    return notes
