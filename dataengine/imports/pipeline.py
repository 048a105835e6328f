"""The rows of a source file on their way to PostgreSQL: read, parsed, converted and encoded, chunk by chunk.

One thread reads, another converts and encodes, and a third feeds PostgreSQL
(``services/import_execution.py``). Rejected rows are kept on disk until the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection

from dataengine.columns.types import ColumnSpec
from dataengine.columns.types.aspects import NUMBER_KERNELS
from dataengine.exceptions import InvalidInput
from dataengine.imports.converting.binary_copy import HEADER, TRAILER, without_ends
from dataengine.imports.converting.chunks import Chunk, ChunkEncoder, Part
from dataengine.imports.converting.conversion import Batch, Converter, target_of
from dataengine.imports.converting.format_votes import FormatVotes
from dataengine.imports.converting.guards import GuardContradicted, are_guards, meant
from dataengine.imports.converting.inference import Inference, Inferred, Known
from dataengine.imports.converting.kernels import Target
from dataengine.imports.converting.kernels_written import StyleVotes, common_style
from dataengine.imports.converting.number_styles import COMMA, POINT
from dataengine.imports.converting.patterns import GUARDED
from dataengine.imports.converting.repeats import Repeats
from dataengine.imports.converting.shapes import Mask
from dataengine.imports.dialects.grammar import Grammar
from dataengine.imports.parsing.drawn import unpadded
from dataengine.imports.parsing.inside import RowsInside
from dataengine.imports.parsing.parser import Block, parse
from dataengine.imports.parsing.repeated import RepeatedHeads
from dataengine.imports.parsing.unmended import without_unmended
from dataengine.imports.planning.footers import footer_of, may_be_sums
from dataengine.imports.planning.gaps import leave_out_gaps
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import Plan
from dataengine.imports.reading.kinds import WORKBOOKS
from dataengine.imports.references.lookup import Lookups
from dataengine.imports.rejecting.bad_rows import bad_rows
from dataengine.imports.rejecting.rejected_rows import Causes
from dataengine.imports.rejecting.spill import ByteSpill, IdMap, LineIndex, Rejected, RejectSpill

from .ahead import ahead
from .endings import Ending, ends_in_sums, without_last

_CHUNKS_AHEAD = 3
_BLOCKS_AHEAD = 2
_SORTED_BYTES = 4 << 20
"""Bytes of rows that are sorted together: the more, the closer their entries are in the index."""


def targets_of(plan: Plan) -> list[Target]:
    """How the cells of each column are to be converted, in the order of ``plan.specs``."""
    formats, styles = plan.formats, plan.styles
    return [
        target_of(
            spec, formats.get(spec.name, ()), plan.trim, styles.get(spec.name), allow_infinity=plan.allow_infinity
        )
        for spec in plan.specs
    ]


def blocks_of(plan: Plan) -> Generator[Block]:
    """The file's rows, from its beginning."""
    nulls = ["", *(plan.markers or ())]
    if plan.guard == "corrected":
        nulls += [f"'{marker}" for marker in nulls if re.match(GUARDED, f"'{marker}")]  # as written in rejected.csv
    return _read(plan, nulls)


def _read(plan: Plan, nulls: Sequence[str] = ("",)) -> Generator[Block]:
    """The rows, with cells that are NULL by ``nulls``, else only empty ones. At the end, ``plan`` has what it told."""
    if plan.feed is not None:
        yield from plan.feed(nulls)
        return
    ending = Ending(plan.dialect.delimiter, lines_are_records=plan.source.lines_are_records)
    inside = RowsInside(plan.dialect, len(plan.mapping.headers), lines_are_records=plan.source.lines_are_records)
    heads = RepeatedHeads(plan.dialect, plan.lines_of_head, is_padded=plan.is_padded)
    with closing(_kept(plan, nulls, heads)) as kept:
        for block in kept:
            ending.look(block)
            inside.look(block)
            yield block
            if plan.enough is not None and plan.enough(block):
                return
    plan.told_of_rows = [note for note in (heads.note, inside.note) if note]
    rows, columns = ending.rows(), ending.columns()
    if plan.ends_in_sums is None and len(rows) > 1 and columns is None and may_be_sums(rows):
        plan.ends_in_sums = ends_in_sums(_kept(plan, nulls, heads), rows[-1].cells)
    plan.footer = footer_of(rows, columns, are_sums=bool(plan.ends_in_sums))


def _kept(plan: Plan, nulls: Sequence[str], heads: RepeatedHeads) -> Generator[Block]:
    blocks = parse(plan.source, plan.dialect, len(plan.mapping.headers), nulls)
    if plan.is_padded:
        blocks = unpadded(blocks, nulls)
    if plan.mapping.guarded:
        blocks = without_unmended(blocks, plan.mapping.headers)
    return without_last(_without_tail(plan, heads.left_out(blocks)), plan.skip_last)


def _without_tail(plan: Plan, blocks: Generator[Block]) -> Generator[Block]:
    """The same blocks. Raises TailFilled if a column at the end that seemed to be empty holds a value."""
    with closing(blocks):
        for block in blocks:
            for column in block.columns[len(block.columns) - plan.empty_tail :] if plan.empty_tail else ():
                filled = column.drop_null()
                if len(filled) and pc.any(pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(filled)), 0)).as_py():
                    raise TailFilled
            yield block


class TailFilled(Exception):
    """There is a value behind separators at the ends of lines that seemed to be too many."""


@dataclass(slots=True)
class Reading:
    """What is kept of one pass over the file. Whatever grows with the file is on disk."""

    rows: int = 0
    good: int = 0
    damaged: int = 0
    lines: LineIndex = field(default_factory=LineIndex)
    ids: IdMap = field(default_factory=IdMap)
    rejected: RejectSpill = field(default_factory=RejectSpill)
    keys: ByteSpill = field(default_factory=ByteSpill)
    keyed: int = 0
    """The number of rows whose key cells ``keys`` holds."""
    back: ByteSpill = field(default_factory=ByteSpill)
    ends_damaged: bool = False
    """Whether the last line so far is none that can be read."""
    held: int = 0
    """Good rows that may repeat an earlier one: ``back`` holds their values, ``suspects`` their text."""
    suspects: RejectSpill = field(default_factory=RejectSpill)
    causes: Causes = field(default_factory=Causes)

    def close(self) -> None:
        self.lines.close()
        self.rejected.close()
        self.keys.close()
        self.back.close()
        self.suspects.close()


def infer(plan: Plan, options: ImportOptions, report: Callable[[Block, int], None]) -> Inferred:
    """Read the whole file to find types, null markers, date formats and how numbers are written."""
    open_specs = [spec for spec in plan.specs if spec.name not in options.types]
    inference = Inference(
        [spec.name for spec in open_specs],
        replace(plan, specs=open_specs).places,
        nulls=options.null_values,
        guard=plan.guard,
        known=partial(_known, options),
        allow_infinity=options.allow_infinity,
        default=COMMA if plan.dialect.delimiter == ";" else POINT,
    )
    grammar = Grammar(plan.dialect, len(plan.mapping.headers))
    with closing(ahead(partial(_read, plan), _BLOCKS_AHEAD)) as blocks:
        for block in blocks:
            _look_for_guards(plan, block)
            # In a workbook texts are quoted only where CSV needs it.
            has_quoted = None if plan.source.kind in WORKBOOKS else partial(block.has_quoted, grammar)
            inference.look(block.columns, block.lines, has_quoted)
            report(block, inference.rows)
    plan.guard_open = False
    inference.take_told(plan.source.told)
    return inference.result()


def _known(options: ImportOptions, column: str) -> Known:
    style = options.style_of(column)
    tolerance = 0.0 if options.bad_cells_of(column) == "text" else options.tolerance
    return Known(options.formats_of(column), tolerance, (style,) if style else ())


def _look_for_guards(plan: Plan, block: Block) -> None:
    """Treat the file as unguarded once it has a cell that no export would write."""
    if plan.guard_open:
        try:
            for place in plan.places:
                are_guards(block.columns[place])
        except GuardContradicted:
            plan.keep_guards()


def infer_types(plan: Plan, options: ImportOptions, report: Callable[[Block, int], None]) -> None:
    """Find the types of a new table's columns that the options do not give."""
    found = infer(plan, options, report)
    kinds = {spec.name: spec.type for spec in found.specs}
    said = {name: spec for name, spec in plan.said_types().items() if name in kinds}
    shown = {column["column"]: column.get("display", {}) for column in found.columns}
    plan.specs = [
        replace(spec, type=kinds[spec.name], display=shown.get(spec.name, {})) if spec.name in kinds else spec
        for spec in plan.specs
    ]
    plan.specs = [replace(said[spec.name], label=spec.label) if spec.name in said else spec for spec in plan.specs]
    plan.markers, plan.formats, plan.styles = found.markers, found.formats, found.styles
    for spec in plan.specs:
        if formats := options.formats_of(spec.name):
            plan.formats[spec.name] = list(formats)
        if style := options.style_of(spec.name):
            plan.styles[spec.name] = style
    plan.specs = [_unique(spec) if spec.name in options.unique else spec for spec in plan.specs]
    plan.columns = found.columns
    plan.formats_open = any(spec.name not in kinds for spec in plan.specs)
    plan.notes += [note for note in found.notes if note.partition(": ")[0] not in said]
    leave_out_gaps(plan)


def _unique(spec: ColumnSpec) -> ColumnSpec:
    if not spec.kind.can_be_unique:
        reason = f"“{spec.name}” would be “{spec.kind.label}”, and such columns cannot be unique."
        raise InvalidInput(reason, code="invalid_option", fields={"unique": reason})
    return spec.made_unique(True)


def find_formats(plan: Plan, report: Callable[[Block, int], None]) -> None:
    """Read the whole file to find how the dates and numbers of columns of known types are written."""
    specs = [spec for spec in plan.specs if spec.name not in plan.references]
    dated = [spec for spec in specs if spec.kind.has_date and not plan.formats.get(spec.name)]
    numbered = [spec for spec in specs if spec.kind.kernel in NUMBER_KERNELS and spec.name not in plan.styles]
    places = replace(plan, specs=dated + numbered).places
    votes = [FormatVotes(spec.name) for spec in dated]
    numbers = [StyleVotes(spec.name, plan.markers, are_whole=spec.kind.kernel == "integer") for spec in numbered]
    lookers: list[FormatVotes | StyleVotes] = [*votes, *numbers]
    rows = 0
    for block in _read(plan):
        for column, place in zip(lookers, places, strict=True):
            column.look(meant(block.columns[place], plan.guard))
        rows += len(block)
        report(block, rows)
    for dates in votes:
        plan.formats[dates.name], note = dates.result()
        if note:
            plan.notes.append(f"{dates.name}: {note}")
        if rivals := dates.rivals():
            plan.columns.append({"column": dates.name, "date_formats": rivals})
    hint = common_style([styled.votes for styled in numbers])
    for styled in numbers:
        plan.styles[styled.name], note, marks = styled.result(hint, COMMA if plan.dialect.delimiter == ";" else POINT)
        if note:
            plan.notes.append(f"{styled.name}: {note}")
        if marks:
            plan.columns.append({"column": styled.name, "decimals": marks})
    plan.formats_open = False


class Conversion:
    """One pass over the file: blocks to encoded chunks, in threads of its own.

    ``chunks`` yields chunks that are complete COPYs each; ``stream`` yields one COPY of everything, and spills the keys
    to ``reading.keys`` and the rows held back to ``reading.back``. ``reading`` also gets the rejected rows, and the
    line and id of every row. ``give_ids(first_row, count)`` returns the first id for that many rows; it is called in
    the thread. ``unique`` names the columns whose repeated values are held back. ``sorted_by`` names a column whose
    index grows during the import: rows reach it in its order, chunk by chunk, which saves a tenth to a quarter of the
    time (measured). Ids still ascend in the order of the file.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        give_ids: Callable[[int, int], int],
        keys: Sequence[ColumnSpec],
        report: Callable[[Block, Reading], None],
        unique: Sequence[str] = (),
        sorted_by: str | None = None,
    ) -> None:
        self.plan = plan
        self.reading = Reading()
        self.lookups = Lookups(plan)
        self._unique = unique
        self._repeats: dict[int, Repeats] | None = None
        self._targets = targets_of(plan)
        self._converter = Converter(
            self._targets,
            plan.places,
            markers=plan.markers,
            formats_open=plan.formats_open,
            guard=plan.guard,
            guard_open=plan.guard_open,
            bad_is_null=plan.bad_is_null,
            lookups=self.lookups.converting,
        )
        names = [spec.name for spec in plan.specs]
        order = None if sorted_by is None else names.index(sorted_by)
        self._encoder = ChunkEncoder(self._targets, [names.index(spec.name) for spec in keys], order)
        self._chunk_bytes = 0 if order is None else _SORTED_BYTES
        self._give_ids = give_ids
        self._report = report
        self._running: Generator[Chunk] | None = None

    def stream(self) -> Iterator[bytes | memoryview]:
        """The good rows as one binary COPY."""
        yield HEADER
        for chunk in self.chunks():
            if chunk.keyed:
                self.reading.keys.write(without_ends(chunk.keys))
                self.reading.keyed += chunk.keyed
            if chunk.held:
                self.reading.back.write(without_ends(chunk.back))
            if chunk.count:
                yield without_ends(chunk.data)
        yield TRAILER

    def key_stream(self) -> Iterator[bytes]:
        """After ``stream``: the key cells of the rejected rows, as one binary COPY."""
        yield from _whole(self.reading.keys)

    def back_stream(self) -> Iterator[bytes]:
        """After ``stream``: the rows that were held back, as one binary COPY."""
        yield from _whole(self.reading.back)

    def chunks(self) -> Iterator[Chunk]:
        """All rows, good and bad, in portions."""
        self._running = ahead(self._made, _CHUNKS_AHEAD)
        yield from self._running

    def close(self) -> None:
        """Stop at once. The caller closes ``reading`` afterwards."""
        if self._running is not None:
            self._running.close()

    def _made(self) -> Generator[Chunk]:
        try:
            parts: list[Part] = []
            size = 0
            with closing(ahead(partial(blocks_of, self.plan), _BLOCKS_AHEAD)) as blocks:
                for block in blocks:
                    if (part := self._part(block)) is not None:
                        parts.append(part)
                        size += part.size
                    self._report(block, self.reading)
                    if parts and size >= self._chunk_bytes:
                        yield self._encoder.encode(parts)
                        parts, size = [], 0
            if parts:
                yield self._encoder.encode(parts)
            self.plan.take_in(self._converter.oddities)
        finally:
            connection.close()  # the one of this thread; ``give_ids`` may have opened it

    def _part(self, block: Block) -> Part | None:
        """The rows of a block, None if it has none. Their errors go to ``reading``."""
        reading = self.reading
        first, count = reading.rows, len(block)
        batch = self._converter.convert(block.columns)
        self.plan.guards_found = self._converter.guards_found
        good = int(batch.good.sum())
        reading.lines.append(block.lines)
        reading.rows += count
        reading.good += good
        reading.damaged += len(block.rejects)
        if count or block.rejects:
            last = block.rejects[-1].line if block.rejects else -1
            reading.ends_damaged = last > (int(block.lines[-1]) if count else -1)
        rejected = list(bad_rows(block, batch, first))
        reading.rejected.extend(rejected)
        for item in rejected:
            reading.causes.add(item.line, item.errors)
        if not count:
            return None
        first_id = self._give_ids(first, count)
        reading.ids.add(first_id, first, count)
        held = self._held(block, batch)
        if held.any():
            places = np.flatnonzero(held).tolist()
            reading.held += len(places)
            reading.suspects.extend(
                Rejected(int(block.lines[place]), first + place, block.raw(place), []) for place in places
            )
        ids = pa.array(np.arange(first_id, first_id + count, dtype=np.int64))
        return Part(ids, batch.values, batch.good, held, self.lookups.new_in(batch.values, batch.good & ~held))

    def _held(self, block: Block, batch: Batch) -> Mask:
        """The good rows that may repeat a unique value of an earlier one."""
        if self._repeats is None:
            # An estimate of the file's rows from those so far. If it is too low, more rows are held back by chance.
            rows = len(block) * max(self.plan.source.bytes_total // max(block.bytes_read, 1), 1)
            places = [place for place, target in enumerate(self._targets) if target.name in self._unique]
            self._repeats = {place: Repeats(self._targets[place], rows) for place in places}
        held = np.zeros(len(block), np.bool_)
        for place, repeats in self._repeats.items():
            held |= repeats.seen(batch.values[place], batch.good)
        return held


def _whole(rows: ByteSpill) -> Iterator[bytes]:
    yield HEADER
    yield from rows
    yield TRAILER
