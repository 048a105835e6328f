"""From blocks of cells to batches of typed values, with every error of every row. Pure.

What a type accepts is documented at its kernel (``kernels*.py``); this module picks kernels, decides what is NULL, adds
the column's own rules (required, length, limits) and collects the errors.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dataengine.columns.types import ColumnSpec
from dataengine.columns.types.aspects import NUMBER_KERNELS, Kernel
from dataengine.columns.types.numbers import DECIMAL
from dataengine.exceptions import shown

from . import kernels as k
from .column_blocks import ColumnBlock
from .date_formats import ISO, TRIED, DateFormat
from .guards import GuardContradicted, are_guards, meant
from .kernels import Careful, Converted, ErrorCode, Problem, Quick, Target
from .kernels_duration import careful_duration, quick_duration
from .kernels_json import careful_json, quick_json
from .kernels_lists import careful_texts, quick_texts
from .kernels_numeric import careful_numeric, plain_numeric, quick_numeric
from .kernels_shaped import by_shapes
from .kernels_time import (
    careful_date,
    careful_time,
    careful_timestamp,
    plain_date,
    quick_date,
    quick_time,
    quick_timestamp,
)
from .kernels_written import is_written, plain
from .moments import fits_shape
from .number_styles import POINT, NumberStyle
from .oddities import Oddities
from .own_rules import own_rules
from .patterns import NULL_MARKERS, SHEET_ERRORS, SHEET_NULLS, Guard
from .shapes import Mask

KERNELS: dict[Kernel, tuple[Quick, Careful]] = {
    "cells": (k.quick_cells, k.careful_cells),
    "text": (k.quick_text, k.careful_text),
    "integer": (k.quick_integer, k.careful_integer),
    "numeric": (quick_numeric, careful_numeric),
    "float": (k.quick_float, k.careful_float),
    "boolean": (k.quick_boolean, k.careful_boolean),
    "date": (quick_date, careful_date),
    "time": (quick_time, careful_time),
    "timestamp": (quick_timestamp, careful_timestamp),
    "texts": (quick_texts, careful_texts),
    "duration": (quick_duration, careful_duration),
    "uuid": (k.quick_uuid, k.careful_uuid),
    "json": (quick_json, careful_json),
    "pattern": (k.quick_pattern, k.careful_pattern),
    "choice": (k.quick_choice, k.careful_choice),
}
_TRIMMING = NUMBER_KERNELS | {"boolean", "date", "time", "timestamp", "duration", "uuid"}
"""Kernels to which spaces around a cell mean nothing."""
_FOUND_LENGTH = 80
_PIECE = 128
_TRIED = 4
_FEW = 8
# What most cells that a quick kernel takes look like; for types where a regular expression costs less than trying.
PLAIN: dict[Kernel, Callable[[Target], str]] = {
    "integer": k.plain_integer,
    "numeric": plain_numeric,
    "date": plain_date,
}


class MarkersFound(Exception):
    """A column that is not text holds a null marker: the file has to be read again with the markers as NULL."""


class FormatsNeeded(Exception):
    """A column holds dates that are not ISO, or formatted numbers: the whole column has to be looked at first."""


@dataclass(frozen=True, slots=True)
class CellError:
    """One error of one row. ``column`` is ``*`` for errors that concern the whole row."""

    column: str
    code: ErrorCode
    message: str


@dataclass(slots=True)
class Batch:
    """One converted block. ``good`` marks rows without an error; ``values`` are null where a cell is at fault."""

    values: list[pa.Array]
    good: npt.NDArray[np.bool_]
    errors: dict[int, list[CellError]] = field(default_factory=dict)


def target_of(
    spec: ColumnSpec,
    formats: Sequence[DateFormat] = (),
    trim: bool | None = None,
    style: NumberStyle | None = None,
    *,
    allow_infinity: bool = False,
) -> Target:
    """How the cells of a column are converted."""
    return Target(
        name=spec.name,
        kind=spec.kind,
        arrow=spec.kind.arrow_type(spec.parameters),
        required=spec.required,
        unique=spec.unique,
        ignores_case=spec.unique_ignores_case,
        parameters=spec.parameters,
        constraints=spec.constraints,
        formats=tuple(formats),
        trim=trim,
        style=style if spec.kind.kernel in NUMBER_KERNELS else None,
        allow_infinity=allow_infinity and spec.kind.kernel == "float",
    )


class Converter:
    """Converts blocks. ``places[i]`` is the file's column that ``targets[i]`` is read from.

    ``markers`` is None while it is undecided whether the null markers count; the first marker in a column that is not
    text then raises MarkersFound. With ``formats_open`` the first date that is not ISO, or formatted number, raises
    FormatsNeeded; with ``guard_open`` the first cell that no export would write like this raises GuardContradicted.
    ``guards_found`` says that guards were taken off. In ``bad_is_null`` columns a value that does not fit is NULL.
    With ``are_values`` the cells are values of another type as text, so that none of them stands for NULL.
    ``lookups`` convert the cells of columns in another way than their type does, by name.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        places: Sequence[int],
        *,
        markers: Collection[str] | None = None,
        formats_open: bool = False,
        guard: Guard = "none",
        guard_open: bool = False,
        bad_is_null: Collection[str] = (),
        are_values: bool = False,
        lookups: Mapping[str, Callable[[pa.Array], Converted]] | None = None,
    ) -> None:
        self.targets = list(targets)
        self.places = list(places)
        self.formats_open = formats_open
        self.guard = guard
        self.guard_open = guard_open
        self.guards_found = False
        self._bad_is_null = bad_is_null
        self._open = markers is None
        self._are_values = are_values
        self._lookups = lookups or {}
        self.oddities = Oddities(targets, formats_open=formats_open)
        # The user may have named valid values as null values, so cells have to be compared with those first.
        self._blanks_values = not set(markers or ()) <= set(NULL_MARKERS)
        self._blank = pa.array(["", *(NULL_MARKERS if markers is None else markers)])
        self._nothing = pa.array(SHEET_NULLS)

    def convert(self, columns: Sequence[pa.Array]) -> Batch:
        """Convert the columns of one block."""
        rows = len(columns[0]) if columns else 0
        batch = Batch([], np.ones(rows, dtype=np.bool_))
        for target, place in zip(self.targets, self.places, strict=True):
            if self.guard == "export" and (target.kind.is_text or target.kind.may_be_formula):
                self._look_for_guards(columns[place])
            cells = meant(columns[place], self.guard)
            self.oddities.look(target, cells)
            converted = self.column(cells, target)
            batch.values.append(converted.values)
            for problem in converted.problems:
                batch.good[problem.rows] = False
                for row in problem.rows.tolist():
                    cell = cells[row].as_py()
                    self.oddities.look_at_misfit(target, cell)
                    error = CellError(target.name, problem.code, message(problem, cell))
                    batch.errors.setdefault(row, []).append(error)
        return batch

    def _look_for_guards(self, cells: pa.Array) -> None:
        try:
            self.guards_found |= are_guards(cells)
        except GuardContradicted:
            if self.guard_open:
                raise
            self.guards_found = True

    def column(self, cells: pa.Array, target: Target) -> Converted:
        """Convert the cells of one column, with the column's own rules applied."""
        if self._blanks_values and not target.kind.is_text:
            cells = self._blanked(cells, target)
        if (look_up := self._lookups.get(target.name)) is not None:
            converted = look_up(cells)
        elif len(cells) == cells.null_count:
            converted = Converted(pa.nulls(len(cells), target.arrow), [])
        else:
            converted = self._converted(cells, target)
        if converted.problems and target.name in self._bad_is_null:
            kept = [problem for problem in converted.problems if problem.code not in ("invalid_type", "out_of_range")]
            converted = Converted(converted.values, kept)
        extra = own_rules(converted, target)
        if extra:
            faulty = np.zeros(len(cells), dtype=np.bool_)
            for problem in extra:
                faulty[problem.rows] = True
            return Converted(k.only(converted.values, ~faulty), converted.problems + extra)
        return converted

    def _converted(self, cells: pa.Array, target: Target) -> Converted:
        is_number = target.kind.kernel in NUMBER_KERNELS
        # Arrow has no numbers that keep as many decimals as each shows; for all others its own cast is the quickest.
        by_shapes_first = is_number and pa.types.is_binary(target.arrow)
        is_plain = target.style in (None, POINT) and not target.formats
        if not by_shapes_first and is_plain and (values := self._quick(cells, target)) is not None:
            return Converted(values, [])
        if target.kind.kernel in _TRIMMING:
            text = k.trimmed(cells)
            may_be_plain = is_plain and not by_shapes_first and text.nbytes < cells.nbytes
            cells = text
            if may_be_plain and (values := self._quick(cells, target)) is not None:
                return Converted(values, [])
        if is_number and (found := by_shapes(cells, target)) is not None:
            return self._completed(cells, target, *found)
        if by_shapes_first and is_plain and (values := self._quick(cells, target)) is not None:
            return Converted(values, [])
        return self._looked_at(cells, target)

    def _quick(self, cells: pa.Array, target: Target) -> pa.Array | None:
        quick, _ = KERNELS[target.kind.kernel]
        return quick(cells, target)

    def _completed(self, cells: pa.Array, target: Target, values: pa.Array, sure: Mask) -> Converted:
        """The values where they are ``sure``, and what a closer look finds in the cells that are left."""
        rest = k.present(cells) & ~sure
        rows = np.flatnonzero(rest)
        if not len(rows):
            return Converted(values, [])
        converted = self._looked_at(cells.take(pa.array(rows)), target)
        problems = [replace(problem, rows=rows[problem.rows]) for problem in converted.problems]
        return Converted(pc.replace_with_mask(values, pa.array(rest), converted.values), problems)

    def _looked_at(self, cells: pa.Array, target: Target) -> Converted:
        if target.kind.kernel != "text":
            cells = self._blanked(cells, target)
        if target.style is None:
            quick, careful = KERNELS[target.kind.kernel]
            converted = careful(cells, target) if target.formats else _narrowed(cells, target, quick, careful)
        else:
            converted = _as_written(cells, target, target.style)
        if converted.problems and self.formats_open:
            self._look_for_formats(cells, converted, target)
        return converted

    def _blanked(self, cells: pa.Array, target: Target) -> pa.Array:
        if self._are_values:
            return cells
        text = k.trimmed(cells)
        # What a list of texts holds may be any text.
        may_be_nothing = not target.kind.is_text and not target.kind.is_list
        if may_be_nothing and (nothing := k.mask_of(pc.is_in(text, self._nothing))).any():
            text, cells = k.only(text, ~nothing), k.only(cells, ~nothing)
        blank = k.mask_of(pc.is_in(text, self._blank, skip_nulls=True))
        if target.kind.is_text and blank.any():  # for example a choice called “-”: a valid value is no marker
            _, careful = KERNELS[target.kind.kernel]
            faulty = [problem.rows for problem in careful(k.only(cells, blank), target).problems]
            blank = np.isin(np.arange(len(cells)), np.concatenate(faulty)) if faulty else np.zeros_like(blank)
        if self._open:
            marked = blank & k.mask_of(pc.not_equal(text, ""))
            if marked.any():
                _, careful = KERNELS[target.kind.kernel]
                if careful(k.only(text, marked), target).problems:
                    raise MarkersFound(target.name)
                blank &= ~marked
        return k.only(cells, ~blank) if blank.any() else cells

    def _look_for_formats(self, cells: pa.Array, converted: Converted, target: Target) -> None:
        faulty = np.concatenate([problem.rows for problem in converted.problems])
        block = ColumnBlock(k.trimmed(cells.take(pa.array(faulty))), faulty)
        if target.kind.kernel in NUMBER_KERNELS and is_written(ColumnBlock(_unlike_plain(block.text), faulty)):
            raise FormatsNeeded(target.name)
        if not target.kind.has_date:
            return
        iso = _looks_like(block, ISO)
        if any((_looks_like(block, known) & ~iso).any() for known in TRIED):
            raise FormatsNeeded(target.name)


def _looks_like(block: ColumnBlock, form: DateFormat) -> Mask:
    return block.judged(lambda shape: fits_shape(shape, form), lambda cells: k.matches(cells, form.pattern)).mask


def _unlike_plain(text: pa.Array) -> pa.Array:
    """Cells without those that are plain numbers however the others are written; 1.000 may be a thousand."""
    is_plain = k.matches(text, DECIMAL) & ~k.matches(pc.utf8_ltrim(text, "-"), POINT.thrice)
    return k.only(text, ~is_plain)


def _as_written(cells: pa.Array, target: Target, style: NumberStyle) -> Converted:
    """Convert numbers as spreadsheets write them, in the style of the column."""
    quick, careful = KERNELS[target.kind.kernel]
    numbers, misfits = plain(cells, style)
    if target.allow_infinity and (endless := k.infinities(cells)).any():
        numbers, misfits = pc.if_else(pa.array(endless), cells, numbers), misfits & ~endless
    values = quick(numbers, target)
    converted = _narrowed(numbers, target, quick, careful) if values is None else Converted(values, [])
    written = f"{target.kind.expected} with a decimal {style.words}"
    return Converted(converted.values, converted.problems + k.fault(misfits, "invalid_type", written))


def _narrowed(cells: pa.Array, target: Target, quick: Quick, careful: Careful) -> Converted:
    """Use the quick kernel where it works, and the careful one for the rest only.

    A careful kernel costs ten times a quick one, and one bad cell in a block would send all 6,000 through it.
    """
    plain = PLAIN.get(target.kind.kernel)
    if plain is not None:
        sure = k.matches(cells, plain(target))
        rest = ~sure & k.present(cells)
        rows = np.flatnonzero(rest)
        if _FEW * len(rows) < len(cells) and (values := quick(k.only(cells, sure), target)) is not None:
            if not len(rows):
                return Converted(values, [])
            converted = _piecewise(cells.take(pa.array(rows)), target, quick, careful)
            problems = [replace(problem, rows=rows[problem.rows]) for problem in converted.problems]
            return Converted(pc.replace_with_mask(values, pa.array(rest), converted.values), problems)
    return _piecewise(cells, target, quick, careful)


def _piecewise(cells: pa.Array, target: Target, quick: Quick, careful: Careful) -> Converted:
    """Convert piece by piece, so that one bad cell slows down its own piece only."""
    count = len(cells)
    pieces: list[pa.Array | None] = []
    for start in range(0, count, _PIECE):
        pieces.append(quick(cells.slice(start, _PIECE), target))
        if len(pieces) == _TRIED and not any(piece is not None for piece in pieces):
            return careful(cells, target)  # hardly any piece is plain
    slow = [place for place, values in enumerate(pieces) if values is None]
    if not slow:
        return Converted(_joined(pieces), [])
    if 2 * len(slow) > len(pieces):
        return careful(cells, target)
    rows = np.concatenate([np.arange(place * _PIECE, min(count, (place + 1) * _PIECE)) for place in slow])
    converted = careful(cells.take(pa.array(rows)), target)
    at = 0
    for place in slow:
        size = min(_PIECE, count - place * _PIECE)
        pieces[place] = converted.values.slice(at, size)
        at += size
    return Converted(_joined(pieces), [replace(p, rows=rows[p.rows]) for p in converted.problems])


def _joined(pieces: Sequence[pa.Array | None]) -> pa.Array:
    return pa.concat_arrays([piece for piece in pieces if piece is not None])


def message(problem: Problem, cell: str | None) -> str:
    """The error message for a cell: ``expected a whole number, found “abc”``."""
    if problem.code == "missing_value":
        return problem.expected
    if cell in SHEET_ERRORS:
        return f"expected {problem.expected}, found “{cell}”, the error of a spreadsheet's formula"
    hint = problem.hint(cell or "") if problem.hint is not None else ""
    return f"expected {problem.expected}, found “{brief(cell or '')}”" + (f": {hint}" if hint else "")


def brief(cell: str) -> str:
    """The beginning of a cell, as messages show it."""
    return shown(cell, _FOUND_LENGTH) + ("…" if len(cell) > _FOUND_LENGTH else "")
