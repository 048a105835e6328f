"""Values that a column already holds, converted to another type by the very rules of an import.

A column's values are read as text, block by block, in one COPY, and go through the kernels that convert the cells of
files. How dates and numbers are written, and whether words such as ``N/A`` stand for nothing, is found over the whole
column: where the beginning misleads, reading starts again. Nothing is written, and memory does not grow.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property, partial
from typing import IO, Any, Protocol

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings
from psycopg import sql
from pyarrow import csv

from dataengine.columns.types import ColumnSpec
from dataengine.columns.types.aspects import NUMBER_KERNELS
from dataengine.columns.types.logic import Boolean
from dataengine.columns.types.numbers import BigInteger, Integer, Numeric, SmallInteger
from dataengine.imports.ahead import ahead
from dataengine.imports.converting import kernels as k
from dataengine.imports.converting.binary_copy import whole_copy
from dataengine.imports.converting.conversion import (
    Converter,
    FormatsNeeded,
    MarkersFound,
    target_of,
)
from dataengine.imports.converting.date_formats import BY_NAME
from dataengine.imports.converting.format_votes import FormatVotes
from dataengine.imports.converting.guards import meant
from dataengine.imports.converting.kernels import Converted, Problem, Target
from dataengine.imports.converting.kernels_written import StyleVotes
from dataengine.imports.converting.number_styles import POINT
from dataengine.imports.converting.patterns import NULL_MARKERS
from dataengine.imports.converting.shapes import Mask
from dataengine.imports.readings import Reading, says_the_same
from dataengine.postgres.copying import copied_out

_BARE = {"integer": "^-?[0-9]+$", "numeric": r"^-?[0-9]+(?:\.[0-9]+)?$", "date": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_PLAIN = {SmallInteger.name, Integer.name, BigInteger.name, Numeric.name}
"""Types."""
_BLOCKS_AHEAD = 3
_CELLS = pa.schema([("id", pa.int64()), ("cell", pa.string())])
_SMALL = {"precision": 18, "scale": 6}
"""Of numbers that fit into 64 bits."""
_MARKERS_NOTE = "NA and the like are read as NULL, since the new type is not text and some values are such words."


@dataclass(frozen=True, slots=True)
class ConvertedBatch:
    """Some records: their ids, values as text (``cells``) and as the new type (``values``), and what is wrong.

    ``values`` are NULL where there is none, or where it ``failed``; those ``unchanged`` say the same as before.
    """

    ids: pa.Array
    cells: pa.Array
    values: pa.Array
    failed: Mask
    unchanged: Mask
    problems: list[Problem]

    def __len__(self) -> int:
        return len(self.ids)


class Looker(Protocol):
    """What takes in the batches of one reading of the column."""

    def look(self, batch: ConvertedBatch) -> None: ...


class ColumnConversion:
    """The conversion of a column from ``old`` to ``wanted``. Without a ``reading`` it is found (``carry_out``).

    ``only_judges``: what matters is which values fail; the values themselves are not to be ``encoded``.
    """

    def __init__(
        self, old: ColumnSpec, wanted: ColumnSpec, reading: Reading | None = None, *, only_judges: bool = False
    ) -> None:
        self.old, self.wanted = old, wanted
        self.only_judges = only_judges
        # Only texts say things in several ways; values of other types are what they are.
        self.are_values = not old.kind.is_text
        self.reading = Reading() if reading is None and self.are_values else reading
        self._markers: tuple[str, ...] | None = None
        self._formats: Reading | None = None
        self._notes: list[str] = []
        self._kept: IO[bytes] | None = None
        """The cells of a pass that found out how they are to be read: the next pass need not ask PostgreSQL again."""

    def carry_out[L: Looker](
        self, session: psycopg.Connection[Any], relation: sql.Composable, begin: Callable[[], L]
    ) -> L:
        """Show all records of ``relation`` to what ``begin`` returns, which is called anew for each reading.

        ``reading`` says afterwards how the texts were read.
        """
        try:
            return self._carried_out(session, relation, begin)
        finally:
            if self._kept is not None:
                self._kept.close()
                self._kept = None

    def _carried_out[L: Looker](
        self, session: psycopg.Connection[Any], relation: sql.Composable, begin: Callable[[], L]
    ) -> L:
        while True:
            looker = begin()
            try:
                # What is broken off would otherwise take the caller's transaction with it.
                with session.transaction(), closing(self.batches(session, relation)) as batches:
                    for batch in batches:
                        looker.look(batch)
            except MarkersFound:
                self._markers = NULL_MARKERS
                self._notes.append(_MARKERS_NOTE)
            except FormatsNeeded:
                self._formats = self._found(session, relation)
            else:
                if self.reading is None:
                    found = self._formats or Reading()
                    self.reading = replace(found, markers=self._markers or (), notes=tuple(self._notes))
                return looker

    def batches(
        self, session: psycopg.Connection[Any], relation: sql.Composable, among: sql.Composable | None = None
    ) -> Generator[ConvertedBatch]:
        """The converted values of all records of ``relation``, or of those whose ids the query ``among`` returns.

        ``relation`` has the columns ``id`` and ``old.name``. The session can do nothing else until the end.
        """
        target, converter = self._target(), self._converter()
        with closing(ahead(partial(self._cells, session, relation, among), _BLOCKS_AHEAD)) as blocks:
            for ids, cells in blocks:
                converter.oddities.look(target, cells)
                yield self._batch(ids, cells, target, converter)
        if self.reading is None:
            self._notes += [note.partition(": ")[2] for note in converter.oddities.notes]

    def encoded(self, batch: ConvertedBatch) -> bytes:
        """A batch as one binary COPY of id, value, whether it failed, and whether it is unchanged."""
        flag = target_of(ColumnSpec(name="flag", type=Boolean.name))
        values = [batch.values, pa.array(batch.failed), pa.array(batch.unchanged)]
        return whole_copy([self._target(), flag, flag], batch.ids, values)

    @property
    def reads_as_postgres_writes(self) -> bool:
        """Whether texts that PostgreSQL writes for finite values of the new type are read as these, or refused."""
        return self._bare is not None

    @property
    def _bare(self) -> str | None:
        """A pattern of texts of which each is read as PostgreSQL reads it, or is refused; None if there is none."""
        reading = self.reading or Reading()
        if self.are_values or reading.formats or reading.style not in (None, POINT):
            return None
        return _BARE.get(self.wanted.kind.kernel)

    @property
    def takes_canonical_texts(self) -> bool:
        """Whether short texts that PostgreSQL writes for a number are surely accepted, as that number."""
        is_bound = self.wanted.constraints or self.wanted.parameters or self.wanted.required
        return not is_bound and self.reading is not None and self._bare is not None and self.wanted.kind.name in _PLAIN

    def is_postgres_cast(self, batch: ConvertedBatch) -> bool:
        """Whether PostgreSQL's own cast of the texts surely gives the same values.

        Whatever a kernel accepts has the value that PostgreSQL reads in it; these texts it reads without doubt.
        """
        pattern = self._bare
        if pattern is None or batch.failed.any() or batch.values.null_count != batch.cells.null_count:
            return False
        return bool(k.matches(batch.cells, pattern).sum() == len(batch) - batch.cells.null_count)

    # ------------------------------------------------------------------------------------------------------------

    def _target(self) -> Target:
        return self._target_of(self.wanted)

    def _target_of(self, spec: ColumnSpec) -> Target:
        reading = self.reading or self._formats or Reading()
        formats = [BY_NAME[name] for name in reading.formats]
        return target_of(spec, formats, None, reading.style, allow_infinity=self.are_values)

    @cached_property
    def _quick_spec(self) -> ColumnSpec | None:
        """A type whose values are all among those of the new one, where these cost much more to make."""
        is_plain = self.wanted.kind.name == Numeric.name and not self.wanted.parameters.get("precision")
        return replace(self.wanted, parameters=_SMALL) if self.only_judges and is_plain else None

    def _converter(self) -> Converter:
        is_open = self.reading is None
        return Converter(
            [],
            [],
            markers=self._markers if is_open else (self.reading or Reading()).markers,
            formats_open=is_open and self._formats is None,
            are_values=self.are_values,
        )

    def _batch(self, ids: pa.Array, cells: pa.Array, target: Target, converter: Converter) -> ConvertedBatch:
        converted = self._converted(cells, target, converter)
        failed = np.zeros(len(cells), dtype=np.bool_)
        for problem in converted.problems:
            failed[problem.rows] = True
        # Kernels leave NULL where a cell is at fault, but not where only a rule of the column is broken.
        values = k.only(converted.values, ~failed) if failed.any() else converted.values
        return ConvertedBatch(ids, cells, values, failed, self._unchanged(cells, values, failed), converted.problems)

    def _converted(self, cells: pa.Array, target: Target, converter: Converter) -> Converted:
        if not self.are_values and target.kind.kernel != "text":
            cells = meant(cells, "none")
        if self._quick_spec is not None:
            quick = converter.column(cells, self._target_of(self._quick_spec))
            if not quick.problems:
                return quick
        if not self.are_values:
            return converter.column(cells, target)
        if target.kind.is_list:  # where one text would be read as a list of one
            is_list = k.mask_of(pc.starts_with(cells, "["))
            converted = converter.column(k.only(cells, is_list), target)
            problems = k.fault(k.present(cells) & ~is_list, "invalid_type", target.kind.expected)
            return Converted(converted.values, converted.problems + problems)
        converted = converter.column(cells, target)
        if pa.types.is_floating(target.arrow) and self.old.kind.kernel in NUMBER_KERNELS:
            return _exactly(cells, converted, target)
        return converted

    def _unchanged(self, cells: pa.Array, values: pa.Array, failed: Mask) -> Mask:
        old, new = self.old.kind, self.wanted.kind
        missing = ~k.present(cells)
        if not says_the_same(old, new):
            return missing & ~failed
        if old.is_text:
            return (missing | k.mask_of(pc.equal(cells, values))) & ~failed
        return (missing | k.present(values)) & ~failed

    def _found(self, session: psycopg.Connection[Any], relation: sql.Composable) -> Reading:
        """How the dates or numbers of the column are written."""
        dates, numbers = FormatVotes(self.wanted.name), StyleVotes(self.wanted.name, self._markers)
        votes: FormatVotes | StyleVotes = dates if self.wanted.kind.has_date else numbers
        file = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR, prefix="column-")  # noqa: SIM115  (kept)
        blocks = ahead(partial(self._cells, session, relation), _BLOCKS_AHEAD)
        with closing(blocks), pa.ipc.new_stream(file, _CELLS) as kept:
            for ids, cells in blocks:
                kept.write_batch(pa.record_batch([ids, cells], schema=_CELLS))
                votes.look(meant(cells, "none"))
        self._kept = file
        if self.wanted.kind.has_date:
            formats, note = dates.result()
            self._notes += [note] * bool(note)
            return Reading(formats=tuple(form.name for form in formats))
        style, note, _ = numbers.result(None, POINT)
        self._notes += [note] * bool(note)
        return Reading(style=style)

    def _cells(
        self, session: psycopg.Connection[Any], relation: sql.Composable, among: sql.Composable | None = None
    ) -> Generator[tuple[pa.Array, pa.Array]]:
        """Ids, and values as text, in the order in which they are stored."""
        if self._kept is not None:
            self._kept.seek(0)
            with pa.ipc.open_stream(self._kept) as batches:
                for batch in batches:
                    yield batch.column(0), batch.column(1)
            return
        cell = sql.SQL(self.old.kind.csv_sql)
        if self.old.kind.kernel == "float" and self.wanted.kind.kernel in {"integer", "numeric"}:
            cell = sql.SQL("{}::text::numeric")  # its shortest digits without an exponent; a cast alone would keep 15
        query = sql.SQL("SELECT id, {} FROM {}").format(cell.format(sql.Identifier(self.old.name)), relation)
        if among is not None:
            query += sql.SQL(" WHERE id IN ({})").format(among)
        statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(query)
        with closing(copied_out(session, statement)) as pieces:
            for piece in pieces:
                yield _parsed(piece)


def _parsed(piece: bytes) -> tuple[pa.Array, pa.Array]:
    """Ids and texts from whole lines of CSV as PostgreSQL writes it: NULL is bare, an empty text is in quotes."""
    rows = csv.read_csv(
        pa.BufferReader(piece),
        csv.ReadOptions(column_names=["id", "cell"], block_size=len(piece) + 1, use_threads=False),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types={"id": pa.int64(), "cell": pa.string()},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    ).combine_chunks()
    return rows["id"].chunk(0), rows["cell"].chunk(0)


def _exactly(cells: pa.Array, converted: Converted, target: Target) -> Converted:
    """Numbers that became floating point, with those at fault that would lose digits; NaN stays NaN."""
    values = converted.values
    nan = k.mask_of(pc.equal(cells, "NaN"))
    problems = converted.problems
    if nan.any():
        values = pc.if_else(pa.array(nan), pa.scalar(float("nan"), values.type), values)
        problems = [replace(p, rows=p.rows[~nan[p.rows]]) for p in problems]
        problems = [p for p in problems if len(p.rows)]
    odd = k.mask_of(pc.not_equal(cells, pc.cast(values, pa.string()))) & ~nan
    lossy = np.zeros(len(cells), dtype=np.bool_)
    shortest = values.to_numpy(zero_copy_only=False)
    for row in np.flatnonzero(odd).tolist():
        text = cells[row].as_py()
        if not text.lower().endswith("infinity") and Decimal(str(shortest[row])) != Decimal(text):
            lossy[row] = True
    expected = f"a number whose digits {target.kind.label} keeps"
    return Converted(k.only(values, ~lossy), problems + k.fault(lossy, "out_of_range", expected))
