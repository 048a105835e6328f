"""Column types from the whole file, not a sample. Pure.

Every column starts as everything at once; each block strikes out what its cells are not. Null markers are left aside
while looking, and counted: they are NULL if at least one column has a type other than text only without them. What a
column almost was, and which cell forbade it, is kept for people to read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dataengine.columns.types import REGISTRY, ColumnSpec, ColumnType
from dataengine.columns.types.aspects import RecognisedBy, Recognition
from dataengine.columns.types.numbers import ARROW_DIGITS
from dataengine.columns.types.text import Text

from . import kernels as k
from .conversion import brief
from .date_formats import ISO, KNOWN, RIVALS, TIME, DateFormat, note_on
from .guards import without_formulas
from .kernels_time import iso_block, take_apart
from .patterns import CODE, NULL_MARKERS, Guard
from .recognising import families, first_to_hold, first_with_parts

_NUMBERS: frozenset[RecognisedBy] = frozenset({"integers", "decimals", "floats"})
# What ISO dates are written in, and the looser format that takes them as well.
_ISO_FORMS = frozenset({ISO.name, "%Y-%-m-%-d"})
_SURELY_FINITE = 300
"""Decimals of at most so many characters are neither too large nor too small for a double."""

type _Fits = Callable[[pa.Array], k.Mask]


@dataclass(slots=True)
class _Candidate:
    """What a column may be: how many cells were, and the first that was not. ``kinds`` its bounds tell apart."""

    by: RecognisedBy
    kinds: Sequence[ColumnType]
    words: str
    fits: _Fits
    form: DateFormat | None = None
    alive: bool = True
    cells: int = 0
    broken_line: int = 0
    broken_cell: str = ""
    alike: bool = False
    """Whether most cells around the broken one fit."""


@dataclass(slots=True)
class ColumnEvidence:
    """What is known of one column so far."""

    name: str
    given: Sequence[DateFormat] = ()
    """Formats that a person gave: then no others are tried but ISO's."""
    values: int = 0
    marked: int = 0
    low: int = 0
    high: int = 0
    dated_only: bool = True
    zones: int = 0
    clocks: int = 0
    has_codes: bool = False
    candidates: list[_Candidate] = field(default_factory=list)

    def __post_init__(self) -> None:
        for kinds in families():
            recognition = kinds[0].recognition
            assert recognition is not None  # that is what makes it one of them
            self.candidates += [
                _Candidate(recognition.by, kinds, recognition.words, fits, form)
                for fits, form in self._tests(recognition, kinds[0])
            ]

    def _tests(self, recognition: Recognition, kind: ColumnType) -> list[tuple[_Fits, DateFormat | None]]:
        """What cells are put to: one test, or one for each format that dates or times may be written in."""
        match recognition.by:
            case "integers":
                return [(partial(self._integers, pattern=recognition.pattern), None)]
            case "floats":
                return [(partial(_floats, pattern=recognition.pattern), None)]
            case "decimals" | "pattern":
                return [(partial(k.matches, pattern=recognition.pattern), None)]
            case "words":
                return [(partial(_texts, known=pa.array(recognition.texts)), None)]
            case "dates":
                dates = [ISO, *(form for form in self.given if form.has_date)] if self.given else KNOWN
                return [(self._moments(form), form) for form in dates]
            case "times":
                times = [TIME, *(form for form in self.given if not form.has_date)]
                return [(partial(_real, form=form), None) for form in times]
            case "cells":
                return [(partial(_recognised, kind=kind), None)]

    def look(self, cells: pa.Array, lines: npt.NDArray[np.int64], markers: pa.Array) -> None:
        """Take in one block of cells. ``markers`` are what may mean NULL."""
        if self.values and not any(candidate.alive for candidate in self.candidates):
            return  # it is text, and nothing can change that
        text = k.trimmed(cells)
        blank = k.mask_of(pc.is_in(text, markers, skip_nulls=True))
        if blank.any():
            self.marked += int((blank & k.mask_of(pc.not_equal(text, ""))).sum())
            text = k.only(text, ~blank)
        filled = len(text) - text.null_count
        self.values += filled
        if not filled:
            return
        here = k.present(text)
        settled = self._settled(text)
        if not settled:
            self.has_codes = self.has_codes or bool(k.matches(text, CODE).any())
        for candidate in self.candidates:
            if not candidate.alive:
                continue
            if candidate.by in settled or (candidate.form is not None and candidate.form.name in settled):
                candidate.cells += filled
                continue
            fits = candidate.fits(text)
            if candidate.by == "decimals" and fits[here].all() and _longest(text) <= _SURELY_FINITE:
                settled = {"floats"}
            wrong = here & ~fits
            if wrong.any():
                first = int(np.flatnonzero(wrong)[0])
                candidate.alive = False
                candidate.cells += int(fits[:first].sum())
                candidate.alike = 2 * int(fits.sum()) > filled
                candidate.broken_line, candidate.broken_cell = int(lines[first]), text[first].as_py()
            else:
                candidate.cells += filled

    def _settled(self, text: pa.Array) -> Collection[str]:
        """The candidates that every cell of the block fits, where Arrow's own parsers can tell for all at once.

        What they take is less than what the patterns below take, and never more.
        """
        alive = [c for c in self.candidates if c.alive]
        if alive[0].by == "integers":
            values = k.cast(text, pa.int64())
            # The way there and back rules out leading zeros, plus signs and hexadecimal.
            if values is not None and pc.all(pc.equal(pc.cast(values, text.type), text)).as_py():
                limits = pc.min_max(values)
                self.low, self.high = min(self.low, limits["min"].as_py()), max(self.high, limits["max"].as_py())
                return _NUMBERS
        if any(c.form is ISO for c in alive):
            moments = iso_block(text)
            if moments is not None:
                self.dated_only = self.dated_only and pa.types.is_date32(moments)
                self.clocks += not pa.types.is_date32(moments)
                self.zones += pa.types.is_timestamp(moments) and moments.tz is not None
                return _ISO_FORMS
        return ()

    def _integers(self, cells: pa.Array, pattern: str) -> k.Mask:
        fits = k.matches(cells, pattern)
        short = k.only(cells, fits & k.mask_of(pc.less_equal(pc.binary_length(cells), 38)))
        limits = pc.min_max(pc.cast(short, pa.decimal128(ARROW_DIGITS, 0)))
        if limits["min"].as_py() is not None:
            self.low = min(self.low, int(limits["min"].as_py()))
            self.high = max(self.high, int(limits["max"].as_py()))
        if k.mask_of(pc.greater(pc.binary_length(cells), 38)).any():
            self.high = max(self.high, 2**63)
        return fits

    def _moments(self, form: DateFormat) -> _Fits:
        def fits(cells: pa.Array) -> k.Mask:
            if not k.matches(cells[:1], form.pattern).any() and cells[:1].null_count == 0:
                return np.zeros(len(cells), dtype=np.bool_)
            moments = take_apart(cells, form)
            good = moments.matched & moments.real & ~moments.fine
            self.clocks = max(self.clocks, int(moments.has_clock[good].sum()))
            self.zones += int(moments.has_zone[good].sum())
            self.dated_only = self.dated_only and not moments.has_clock[good].any()
            return good

        return fits

    # What it comes to ------------------------------------------------------------------------------------------

    def kind(self) -> str:
        """The column's type if markers are NULL."""
        if self.values:
            for candidate in self.candidates:
                found = self._held_by(candidate) if candidate.alive else None
                if found is not None:
                    return found.name
        return Text.name

    def _held_by(self, candidate: _Candidate) -> ColumnType | None:
        """The first of a candidate's types that holds what the cells say."""
        match candidate.by:
            case "integers":
                return first_to_hold(candidate.kinds, self.low, self.high)
            case "dates":
                return first_with_parts(candidate.kinds, has_clock=not self.dated_only, has_zone=bool(self.zones))
            case _:
                return candidate.kinds[0]

    def formats(self) -> tuple[list[DateFormat], str]:
        """The date formats that the whole column fits, best first, cut to one; and a note where two were possible."""
        alive = [c.form for c in self.candidates if c.alive and c.form is not None]
        if not alive or alive[0] is ISO:
            return [], ""
        chosen = alive[0]
        rivals = RIVALS.get(chosen.name, ())
        return [chosen], note_on(chosen, [form.name for form in alive if form.name in rivals])

    def why_text(self) -> str:
        """Why a column is text though it nearly was something else, or ''."""
        if not self.values:
            return "it holds no value"
        if self.has_codes and all(c.by not in {"dates", "times"} or not c.cells for c in self.candidates):
            whole = next(c for c in self.candidates if c.by == "integers")
            if whole.broken_cell[:1] in {"0", "+", "-"}:
                return f"“{brief(whole.broken_cell)}” in line {whole.broken_line:,} has leading zeros or a plus sign"
        nearly = max(self.candidates, key=lambda c: (c.cells, c.alike))
        if not (nearly.cells or nearly.alike):
            return ""
        before = "the cell before it is" if nearly.cells == 1 else f"{nearly.cells:,} cells before it are"
        others = before if nearly.cells else "most cells after it are"
        return f"“{brief(nearly.broken_cell)}” in line {nearly.broken_line:,} is not {nearly.words}, as {others}"


@dataclass(frozen=True, slots=True)
class Inferred:
    """Columns as they should be made, whether markers are NULL, formats and notes by column."""

    specs: list[ColumnSpec]
    markers: tuple[str, ...]
    formats: dict[str, list[DateFormat]]
    notes: dict[str, str]


class Inference:
    """Looks at every block of a file and then says what its columns are."""

    def __init__(
        self,
        names: Sequence[str],
        places: Sequence[int],
        *,
        nulls: Collection[str] | None = None,
        formats: Sequence[DateFormat] = (),
        guard: Guard = "none",
    ) -> None:
        self.columns = [ColumnEvidence(name, formats) for name in names]
        self._places = places
        self._nulls = nulls
        self._guard = guard
        self._markers = pa.array(["", *(NULL_MARKERS if nulls is None else nulls)])
        self.rows = 0

    def look(self, columns: Sequence[pa.Array], lines: npt.NDArray[np.int64]) -> None:
        self.rows += len(lines)
        for evidence, place in zip(self.columns, self._places, strict=True):
            evidence.look(without_formulas(columns[place], self._guard), lines, self._markers)

    def result(self) -> Inferred:
        kinds = {column.name: column.kind() for column in self.columns}
        needed = any(column.marked and kinds[column.name] != Text.name for column in self.columns)
        markers = tuple(self._nulls) if self._nulls is not None else NULL_MARKERS if needed else ()
        notes: dict[str, str] = {}
        formats: dict[str, list[DateFormat]] = {}
        for column in self.columns:
            kind = REGISTRY[kinds[column.name]]
            if kind.name == Text.name:
                note = column.why_text()
            else:
                is_moment = kind.has_date or kind.has_clock
                formats[column.name], note = column.formats() if is_moment else ([], "")
            if note:
                notes[column.name] = note
        specs = [ColumnSpec(name=column.name, type=kinds[column.name]) for column in self.columns]
        return Inferred(specs, markers, formats, notes)


def _longest(cells: pa.Array) -> int:
    return int(pc.max(pc.binary_length(cells)).as_py() or 0)


def _texts(cells: pa.Array, known: pa.Array) -> k.Mask:
    return k.mask_of(pc.is_in(pc.ascii_lower(cells), known, skip_nulls=True))


def _floats(cells: pa.Array, pattern: str) -> k.Mask:
    fits = k.matches(cells, pattern)
    values = pc.cast(k.only(cells, fits), pa.float64())
    vanished = k.mask_of(pc.equal(values, 0.0)) & k.matches(cells, r"^-?[0-9.]*[1-9]")
    return fits & k.mask_of(pc.is_finite(values)) & ~vanished


def _recognised(cells: pa.Array, kind: ColumnType) -> k.Mask:
    """What the type itself says of each different cell."""
    encoded = cells.dictionary_encode()
    verdicts = pa.array([kind.is_recognised(text) for text in encoded.dictionary.to_pylist()], pa.bool_())
    return k.mask_of(verdicts.take(encoded.indices))


def _real(cells: pa.Array, form: DateFormat) -> k.Mask:
    moments = take_apart(cells, form)
    return moments.matched & moments.real & ~moments.fine
