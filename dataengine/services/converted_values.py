"""What the conversion of a stored column comes to: counted, or kept on disk.

It loads numpy and Arrow, so web processes import it when they first convert a column, if ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from dataengine.columns.types import ColumnSpec
from dataengine.imports.converting.binary_copy import HEADER, TRAILER, without_ends
from dataengine.imports.converting.conversion import message
from dataengine.imports.converting.kernels import Problem
from dataengine.imports.readings import Reading
from dataengine.imports.rejecting.spill import ByteSpill
from dataengine.imports.stored_columns import ColumnConversion, ConvertedBatch, Looker
from dataengine.postgres.column_values import Relation
from dataengine.postgres.statements import raw_connection
from dataengine.services.rehearsed import Cause, Numbers, example

_EXAMPLES = 5


class _Closable(Looker, Protocol):
    def close(self) -> None: ...


@contextmanager
def tallied(
    old: ColumnSpec, new: ColumnSpec, reading: Reading | None, records: Relation, *, are_kept: bool
) -> Iterator[Tally]:
    """What becomes of the values of ``records``; they can be copied in the block if they ``are_kept``."""
    conversion = ColumnConversion(old, new, reading, only_judges=not are_kept)
    tally = _carried_out(conversion, records, lambda: Tally(conversion, are_kept=are_kept))
    try:
        yield tally
    finally:
        tally.close()


def spilled(conversion: ColumnConversion, records: Relation) -> Spill:
    """The converted values of ``records``, on disk, to be closed."""
    return _carried_out(conversion, records, lambda: Spill(conversion))


def _carried_out[C: _Closable](conversion: ColumnConversion, records: Relation, make: Callable[[], C]) -> C:
    """What has seen all batches; what was begun before and broken off is closed."""
    begun: list[C] = []

    def begin() -> C:
        begun.append(make())
        return begun[-1]

    try:
        return begun.pop(begun.index(conversion.carry_out(raw_connection(), records, begin)))
    finally:
        for each in begun:
            each.close()


class Tally:
    """Counts what becomes of values, and keeps them for later if they ``are_kept``; memory does not grow."""

    def __init__(self, conversion: ColumnConversion, *, are_kept: bool) -> None:
        self._conversion = conversion
        self._spill = ByteSpill() if are_kept else None
        self._counts = Numbers(0, 0, 0, 0)
        self._causes: dict[tuple[str, str], Cause] = {}

    def look(self, batch: ConvertedBatch) -> None:
        """Take in a batch."""
        records, failing, unchanged = len(batch), int(batch.failed.sum()), int(batch.unchanged.sum())
        missing = sum(len(problem.rows) for problem in batch.problems if problem.code == "missing_value")
        so_far = self._counts
        self._counts = Numbers(
            so_far.records + records,
            so_far.converted + records - failing - unchanged,
            so_far.unchanged + unchanged,
            so_far.failing + failing,
            so_far.missing + missing,
        )
        for problem in batch.problems:
            self._add(batch, problem)
        if self._spill is not None and records:
            self._spill.write(without_ends(self._conversion.encoded(batch)))

    def _add(self, batch: ConvertedBatch, problem: Problem) -> None:
        key = (problem.code, problem.expected)
        cause = self._causes.setdefault(key, Cause(problem.code, "", 0, []))
        cause.count += len(problem.rows)
        ids = batch.ids.to_numpy()[problem.rows]
        first = problem.rows[np.argsort(ids, kind="stable")[:_EXAMPLES]].tolist()
        found = [example(batch.ids[row].as_py(), batch.cells[row].as_py()) for row in first]
        cause.examples = sorted([*cause.examples, *found], key=lambda each: int(each["id"]))[:_EXAMPLES]
        if found and cause.examples[0] == found[0]:
            cause.message = message(problem, found[0]["value"])

    @property
    def numbers(self) -> Numbers:
        return self._counts

    @property
    def causes(self) -> list[Cause]:
        return list(self._causes.values())

    @property
    def reading(self) -> Reading:
        """How texts were read, once all were."""
        return self._conversion.reading or Reading()

    def copy(self) -> Iterator[bytes | memoryview]:
        """All values as one binary COPY."""
        yield HEADER
        if self._spill is not None:
            yield from self._spill
        yield TRAILER

    def close(self) -> None:
        if self._spill is not None:
            self._spill.close()


class Spill:
    """Keeps all converted batches on disk, and the ids of values that failed."""

    def __init__(self, conversion: ColumnConversion) -> None:
        self._conversion = conversion
        self._spill = ByteSpill()
        self.failing: list[int] = []

    def look(self, batch: ConvertedBatch) -> None:
        if len(batch):
            self._spill.write(without_ends(self._conversion.encoded(batch)))
        if batch.failed.any():
            self.failing += batch.ids.to_numpy()[batch.failed].tolist()

    def copy(self) -> Iterator[bytes | memoryview]:
        """All of it as one binary COPY."""
        yield HEADER
        yield from self._spill
        yield TRAILER

    def close(self) -> None:
        self._spill.close()
