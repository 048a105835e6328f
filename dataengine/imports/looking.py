"""What an import would make of a file, told before there is any: the import's own code, over as much of it as is quick.

Web processes do not load what converts; they ask a process of its own (``services/import_looks.py``).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import islice
from typing import Any, BinaryIO, TypedDict

import pyarrow as pa
import pyarrow.compute as pc

from dataengine.columns.types import ColumnSpec
from dataengine.imports.converting.conversion import Converter, MarkersFound
from dataengine.imports.converting.found import ColumnFinding
from dataengine.imports.converting.patterns import NULL_MARKERS
from dataengine.imports.dialects.opening import Opening, examine
from dataengine.imports.parsing.parser import Block
from dataengine.imports.pipeline import TailFilled, blocks_of, find_formats, infer_types, targets_of
from dataengine.imports.planning import unique_keys
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import Plan, SupportsBytesRead, plan_new, plan_onto
from dataengine.imports.planning.proposals import Proposal
from dataengine.imports.planning.references import ByValue, FoundReference
from dataengine.imports.reading.reader import ColumnsAppeared
from dataengine.imports.references.lookup import Lookups

MOST_BYTES = 16 << 20
MOST_SECONDS = 2.0


class Look(TypedDict, total=False):
    """What was found. ``is_whole`` says that all of the file was looked at, and not its beginning alone."""

    columns: list[ColumnFinding]
    specs: list[dict[str, Any]]  # of a new table: its columns, as ``ColumnSpec`` has them
    notes: list[str]
    proposals: list[dict[str, Any]]
    rows: int
    damaged: int
    is_whole: bool
    problem: str


class Looker:
    """Looks at one file, for at most some seconds."""

    def __init__(
        self,
        opening: Opening,
        options: ImportOptions,
        columns: Sequence[ColumnSpec] | None,
        references: Mapping[str, ByValue],
    ) -> None:
        self._references = references
        self._opening = opening
        self._options = options
        self._columns = columns
        self._cells: dict[str, list[pa.Array]] = {}
        """Of a new table: the cells looked at, by column, for the question whether they tell rows apart."""

    def look(self) -> Look:
        """The columns as they would be, with what speaks for and against it. Raises InvalidInput."""
        while True:
            try:
                return self._look()
            except TailFilled:
                self._opening.empty_tail = 0
            except ColumnsAppeared:
                # The whole file is surveyed for its columns, which reads it without converting anything.
                self._opening.source.survey()
                self._opening = Opening(self._opening.source, self._options.dialect)

    def _look(self) -> Look:
        self._until = time.monotonic() + MOST_SECONDS
        self._rows = self._damaged = 0
        self._is_whole = True
        plan = self._plan()
        if self._columns is None:
            infer_types(plan, self._options, partial(self._keep, plan))
            found = plan.columns
            plan.proposed += self._keys(plan.specs)
        else:
            find_formats(plan, self._count)
            found = self._fitting(plan)
        told = plan.findings()
        return {
            "columns": found,
            "specs": [asdict(spec) for spec in plan.specs] if self._columns is None else [],
            "notes": told["notes"],
            "proposals": [dict(proposal) for proposal in told.get("proposals", ())],
            "rows": self._rows,
            "damaged": self._damaged,
            "is_whole": self._is_whole,
        }

    def _plan(self) -> Plan:
        if self._columns is None:
            plan = plan_new(self._opening, self._options)
        else:
            plan = plan_onto(self._opening, self._options, self._columns)
            plan.references = dict(self._references)
        plan.enough = self._enough
        return plan

    def _enough(self, block: SupportsBytesRead) -> bool:
        enough = block.bytes_read >= MOST_BYTES or time.monotonic() > self._until
        self._is_whole = self._is_whole and not enough
        return enough

    def _count(self, block: Block, rows: int) -> None:
        self._rows = rows
        self._damaged += len(block.rejects)

    def _keep(self, plan: Plan, block: Block, rows: int) -> None:
        self._count(block, rows)
        if rows == len(block):  # from the start, perhaps once more
            self._cells = {}
        likely = {spec.name for spec in unique_keys.candidates(plan.specs)}
        for spec, place in zip(plan.specs, plan.places, strict=True):
            if spec.name in likely:
                self._cells.setdefault(spec.name, []).append(block.columns[place])

    def _keys(self, specs: Sequence[ColumnSpec]) -> list[Proposal]:
        """The column that tells the rows apart, as far as they were looked at."""
        if self._rows < unique_keys.FEWEST_ROWS:
            return []
        likely = (spec for spec in unique_keys.candidates(specs) if spec.name in self._cells)
        names = (spec.name for spec in likely if _all_differ(self._cells[spec.name], spec))
        return [unique_keys.proposal_for(name, self._rows, is_whole=self._is_whole) for name in islice(names, 1)]

    def _fitting(self, plan: Plan) -> list[ColumnFinding]:
        """What of the cells fits the columns that there are."""
        try:
            return self._converted(plan)
        except MarkersFound:
            plan.markers = NULL_MARKERS
            return self._converted(plan)

    def _converted(self, plan: Plan) -> list[ColumnFinding]:
        self._until = time.monotonic() + MOST_SECONDS
        alternatives = {column["column"]: column for column in plan.columns}
        lookups = Lookups(plan, promises=False)
        converter = Converter(
            targets_of(plan), plan.places, markers=plan.markers, guard=plan.guard, lookups=lookups.converting
        )
        found: dict[str, ColumnFinding] = {
            spec.name: {
                **alternatives.get(spec.name, {}),
                "column": spec.name,
                "type": spec.type,
                "failing": 0,
                "values": 0,
            }
            for spec in plan.specs
        }
        said: dict[str, str] = {}
        for block in blocks_of(plan):
            batch = converter.convert(block.columns)
            for place, spec in zip(plan.places, plan.specs, strict=True):
                column = block.columns[place]
                found[spec.name]["values"] += len(column) - column.null_count
            for row, errors in sorted(batch.errors.items()):
                for error in errors:
                    one = found[error.column]
                    if not one["failing"]:
                        one["line"], said[error.column] = int(block.lines[row]), error.message
                    one["failing"] += 1
        plan.take_in(converter.oddities)
        for name, one in found.items():
            count, total = one["failing"], one["values"]
            one["message"] = (
                f"{count:,} of {total:,} cells {'do' if count > 1 else 'does'} not fit"
                f" (line {one['line']:,}: {said[name]})"
                if count
                else f"all {total:,} cells fit"
                if total > 1
                else "its only cell fits"
                if total
                else "no cell is filled"
            )
        for name, told in lookups.found().items():
            found[name]["message"] = f"{words_for(told)}; {found[name]['message']}"
        return list(found.values())


def words_for(found: FoundReference) -> str:
    """How many different records the cells of a reference column mean."""
    more = found["new"] + found["unknown"]
    return f"{found['known']:,} known, {more:,} {'new' if found['missing'] == 'create' else 'unknown'}"


def look(
    file: BinaryIO,
    filename: str,
    options: ImportOptions,
    columns: Sequence[ColumnSpec] | None,
    references: Mapping[str, ByValue] | None = None,
) -> Look:
    """Look at a file that is to go into a table with ``columns``, or into a new one (None).

    ``references`` says how the cells of reference columns are looked up.
    """
    return Looker(examine(file, filename, options.dialect), options, columns, references or {}).look()


def _all_differ(cells: Sequence[pa.Array], spec: ColumnSpec) -> bool:
    """Whether every cell is filled, and no two are the same but for spaces around them (and case)."""
    texts = pc.utf8_trim_whitespace(pa.chunked_array(cells, pa.string()))
    if spec.kind.unique_ignores_case:
        texts = pc.utf8_lower(texts)
    if texts.null_count or pc.any(pc.equal(texts, "")).as_py():
        return False
    return bool(pc.count_distinct(texts).as_py() == len(texts))
