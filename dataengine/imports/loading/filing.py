"""Collects everything that is wrong with each rejected row: what conversion found, and what SQL found later.

Errors found in SQL need the row's text. If it was not kept while the file was read, the file is read once more, in a
thread while PostgreSQL goes on.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from dataengine import origin
from dataengine.imports.parsing.parser import Block
from dataengine.imports.pipeline import Reading, blocks_of
from dataengine.imports.planning.plan import RECORD_KEY, Plan
from dataengine.imports.rejecting.rejected_rows import Causes
from dataengine.imports.rejecting.spill import LateError, LateSpill, Rejected, RejectSpill
from dataengine.models.shapes import RowError

from .checks import Checks
from .keys import WHOLE_ROW

type Describe = Callable[[LateError], RowError]


@dataclass(slots=True)
class _Late:
    """The late errors of one row, read ahead."""

    row: int
    errors: list[LateError]


class Filing:
    """Merges rejected rows into ``rejected`` and ``causes`` in the order of the file; ``finish`` waits for the end."""

    def __init__(
        self, plan: Plan, reading: Reading, late: LateSpill, describe: Describe, *, is_text_kept: bool
    ) -> None:
        self.causes = Causes()
        self.rejected = RejectSpill()
        self._plan = plan
        self._reading = reading
        self._late = late
        self._describe = describe
        self._order = {spec.name: place for place, spec in enumerate(plan.specs)}
        self._is_text_kept = is_text_kept
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = origin.thread(self._work, "filing")
        self._thread.start()

    def finish(self) -> None:
        """Wait for the end, and raise the error if there was one."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.rejected.close()
        self._late.close()

    def _work(self) -> None:
        try:
            if self._is_text_kept:
                self._merge_kept()
            else:
                self._merge_file()
        except BaseException as error:  # noqa: BLE001  (raised again by ``finish``)
            self._error = error

    def _merge_kept(self) -> None:
        """Merge from the rows whose text was kept: those rejected early, and those that might repeat others."""
        late = self._rows_of_late()
        coming = next(late, None)
        reading = self._reading
        for item in heapq.merge(reading.rejected, reading.suspects, key=lambda item: item.line):
            if self._stop.is_set():
                return
            errors = item.errors
            if coming is not None and coming.row == item.row:
                errors = self._all_errors(errors, coming)
                coming = next(late, None)
            if errors:
                self._file(replace(item, errors=errors))

    def _merge_file(self) -> None:
        """Merge while the whole file is read again."""
        early = iter(self._reading.rejected)
        waiting = next(early, None)
        late = self._rows_of_late()
        coming = next(late, None)
        first = 0
        for block in blocks_of(self._plan):
            if self._stop.is_set():
                return
            found: list[Rejected] = []
            known: dict[int, Rejected] = {}
            last = _last_line(block)
            while waiting is not None and waiting.line <= last:
                if waiting.row < 0:
                    found.append(waiting)
                else:
                    known[waiting.row] = waiting
                waiting = next(early, None)
            end = first + len(block)
            while coming is not None and coming.row < end:
                known[coming.row] = self._merged(block, coming.row - first, known.get(coming.row), coming)
                coming = next(late, None)
            for item in sorted([*found, *known.values()], key=lambda item: (item.line, item.row)):
                self._file(item)
            first = end

    def _file(self, item: Rejected) -> None:
        self.causes.add(item.line, item.errors)
        self.rejected.append(item)

    def _rows_of_late(self) -> Iterator[_Late]:
        group: _Late | None = None
        for error in self._late:
            row = self._reading.ids.row_of(error.id)
            if group is not None and group.row == row:
                group.errors.append(error)
                continue
            if group is not None:
                yield group
            group = _Late(row, [error])
        if group is not None:
            yield group

    def _merged(self, block: Block, place: int, early: Rejected | None, late: _Late) -> Rejected:
        errors = self._all_errors(early.errors if early else [], late)
        return Rejected(int(block.lines[place]), late.row, block.raw(place), errors)

    def _all_errors(self, early: list[RowError], late: _Late) -> list[RowError]:
        errors = [*early, *(self._describe(error) for error in late.errors)]
        return sorted(errors, key=lambda error: self._order.get(error["column"], -1))


def described(reading: Reading, checks: Checks, error: LateError) -> RowError:
    """A late error with its message, as the job stores it."""
    match error.code:
        case "duplicate_in_file":
            assert error.first is not None
            message = f"line {reading.lines.one(reading.ids.row_of(error.first))} has the same {_what(error, checks)}"
        case "duplicate_in_table" if checks.is_ambiguous(error):
            message = (
                f"several records of the table have this {_what(error, checks)}, so which one is meant is not clear"
            )
        case "duplicate_in_table" if error.column == WHOLE_ROW:
            message = f"a record of the table has the same {_what(error, checks)}"
        case "duplicate_in_table":
            message = "a record of the table has the same value"
        case "unknown_reference" if error.column == RECORD_KEY.name:
            message = "there is no record of this id"
        case "missing_value":
            message = "no record has the row's key, and a new one needs a value here"
        case "unknown_reference" if (own := checks.own_references.get(error.column)) is not None:
            message = f"no record and no accepted row has this value as {own.words}"
        case "ambiguous_reference":
            message = f"several rows have this value as {checks.own_references[error.column].words}"
        case "unknown_reference":
            column = next(column for column in checks.references if column.name == error.column)
            target = column.references.name if column.references else ""
            message = f"“{target}” has no record with this id"
        case _:
            message = "the column's rules do not allow this value"
    return {"column": error.column, "code": error.code, "message": message}


def _what(error: LateError, checks: Checks) -> str:
    """What a row has in common with another."""
    if error.column != WHOLE_ROW or checks.key is None:
        return "value"
    return f"key ({', '.join(checks.key.names)})"


def _last_line(block: Block) -> int:
    rows = int(block.lines[-1]) if len(block) else -1
    return max(rows, block.rejects[-1].line if block.rejects else -1)
