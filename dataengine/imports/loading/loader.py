"""What all ways of loading share: one pass over the file, checks in SQL, rejected rows filed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, Protocol

from dataengine.exceptions import Unavailable
from dataengine.imports.counts import Counts, FoundChange
from dataengine.imports.parsing.parser import Block
from dataengine.imports.pipeline import Conversion, Reading
from dataengine.imports.planning.modes import Mode, is_enforced
from dataengine.imports.planning.plan import RECORD_KEY, Plan
from dataengine.imports.rejecting import rejected_rows
from dataengine.models import Column, ImportJob, Table
from dataengine.postgres import statements

from .change_set import ChangeSet
from .checks import Checks
from .defaults import LeftToDefault
from .filing import Filing, described
from .keys import Key
from .new_records import MadeRecords, NewRecords
from .removing import refusal
from .staging import Staging, staged_name

TRIES = 5
"""How many times to insert rows that clash with what others write meanwhile."""


_RECORD_KEY = Column(name=RECORD_KEY.name, type=RECORD_KEY.type, unique=True)
"""The system's key as a column, for an import that goes by it; it is in no catalog."""


_ADDING = Mode()


class Reporter(Protocol):
    """Receives a loader's progress. Any of its methods may raise to stop the import."""

    def plan(self, **stages: float) -> None:
        """The phases to come, and how long each takes in relation to the others."""

    def update(self, *, share: float | None = None, **changes: Any) -> None:
        """Counters have changed; ``share`` of the phase is done."""

    def building(self, done: int, of: int) -> None:
        """``done`` of ``of`` indexes are built, and the next one begins."""

    def growing(self, relation: str, expected: int) -> None:
        """The table ``relation`` (quoted) is about to grow by about ``expected`` bytes."""


class Loader(ABC):
    """One way of loading the rows of a plan into a table. Everything happens in the caller's transaction.

    First call ``load`` and ``file_rejected``. If the rows are to go in, call ``secure``, and then ``finish`` outside of
    the savepoint that can undo all the rest; if not, ``rehearse`` (for a dry run) and ``discard``. Call ``close`` last,
    whatever happened. ``counts`` and ``causes`` tell what became of the rows so far.

    ``load`` raises MarkersFound or FormatsNeeded if the file turns out to need other settings, ``secure`` raises
    NoLongerEmpty if the table has changed; both raise TargetsChanged if the records have that rows refer to. Everything
    is then done anew by another loader.
    """

    stages: ClassVar[dict[str, float]]
    """How long the phases take in relation to each other, as measured with 400,000 rows of ten columns."""

    def __init__(
        self,
        job: ImportJob,
        plan: Plan,
        columns: Sequence[Column],
        reporter: Reporter,
        *,
        staging: Staging,
        checked_against: Table | None,
        mode: Mode = _ADDING,
    ) -> None:
        by_name = {column.name: column for column in columns} | {RECORD_KEY.name: _RECORD_KEY}
        self.plan = plan
        self.counts = Counts()
        self.causes = rejected_rows.Causes()
        self.changes = ChangeSet(job)
        self.shelf: rejected_rows.Shelf = rejected_rows.Catalog(job)
        """Where the rejected rows go."""
        self._job = job
        self._columns = columns
        self._reporter = reporter
        self._staging = staging
        filled = [by_name[spec.name] for spec in plan.specs]
        key = Key([by_name[name] for name in mode.key], is_enforced=is_enforced(mode, plan.specs)) if mode.key else None
        self._checks = Checks(staging, filled, checked_against, plan.lacking, key=key, updates=mode.updates)
        # Whatever rows may yet be tried again, the images of this import have no other columns.
        self.changes.columns.update(column.attribute for column in filled if column is not _RECORD_KEY)
        self._left_to_default = LeftToDefault(columns, {column.name for column in filled})
        self._is_text_kept = False
        """Whether the text of every rejected row has been kept since the file was read."""
        self.examples: dict[str, list[FoundChange]] = {}
        """After ``rehearse``, by kind: some of what would become of records."""
        self._scope_size = 0
        """How many records could give way to the file."""
        self._filing: Filing | None = None
        self._conversion = self._convert()
        self._new = NewRecords(job.pk, self._conversion.lookups)
        self._checks.promised = self._new.of_columns

    @abstractmethod
    def load(self) -> None:
        """Read the file and check its rows. ``counts`` are complete afterwards."""

    def file_rejected(self) -> None:
        """Store the rejected rows in the order of the file, with every error of each."""
        if self._filing is None:
            self.causes = self._reading.causes
            self.shelf.store(self._reading.rejected)
            return
        self._reporter.update(phase="checking")
        self._filing.finish()
        self.causes = self._filing.causes
        self.shelf.store(self._filing.rejected)

    def refusal(self, mode: Mode) -> str | None:
        """Why nothing is to be imported, if records would give way to the file that had better stay."""
        return refusal(mode, self.counts, scope_size=self._scope_size, is_cut=self._reading.ends_damaged)

    def removed_ids(self) -> list[int]:
        """The first records that give way."""
        return []

    def secure(self) -> None:
        """Make sure that ``finish`` will succeed. Makes the records that rows refer to and that are new."""
        self._new.make_for(self._staging)

    @abstractmethod
    def finish(self) -> Table:
        """Turn the rows into records, unless they already are, and note in ``changes`` which. Returns their table."""

    def rehearse(self) -> None:
        """Only count what would become of the rows, and put the first of them into the plan."""
        self.plan.sample = self._staging.sample()

    def discard(self) -> None:
        """Forget the rows: none goes in."""
        self._staging.drop()

    def made_elsewhere(self) -> list[MadeRecords]:
        """The records that were made in other tables because rows refer to them."""
        return self._new.made()

    def note_references(self) -> None:
        """Put into the plan what became of the cells of reference columns, before ``finish`` or ``discard``."""
        self.plan.found_references = self._conversion.lookups.found()
        for name, count in self._new_ones().items():
            self.plan.found_references[name]["new"] = count

    def _new_ones(self) -> dict[str, int]:
        """By column: how many new records the accepted rows refer to."""
        return self._new.count_for(self._staging)

    def close(self) -> None:
        """Stop all threads and free the space on disk."""
        self._conversion.close()
        if self._filing is not None:
            self._filing.close()
        self._reading.close()

    @abstractmethod
    def _convert(self) -> Conversion:
        """The pass over the file, not started yet."""

    # What they share ------------------------------------------------------------------------------------------

    @property
    def _reading(self) -> Reading:
        return self._conversion.reading

    @property
    def _unique(self) -> list[str]:
        """Single columns in which no two rows may have the same value."""
        return [key.names[0] for key in self._checks.distinct if len(key.columns) == 1]

    def _begin(self) -> None:
        self._checks.create()
        self._new.create()
        self._reporter.plan(**self.stages)

    def _report(self, block: Block, reading: Reading) -> None:
        self._reporter.update(
            phase="loading",
            share=block.bytes_read / max(self._job.bytes_total, 1),
            bytes_read=block.bytes_read,
            rows_read=reading.rows + reading.damaged,
            rows_rejected=reading.rejected.count,
            errors=reading.causes.as_list(),
        )

    def _own_id(self, first_row: int, count: int) -> int:
        """The id of a staged row: its number in the file."""
        return self._staging.base + first_row + 1

    def _stage(self) -> None:
        """Read the file into the staging table."""
        self._staging.create()
        self._begin()
        stored = self._staging.copy(self._conversion.stream())
        self._new.take_in()
        reading = self._reading
        if stored + reading.held != reading.good:
            raise AssertionError(f"PostgreSQL took {stored} rows of {reading.good - reading.held}")
        if reading.keyed:
            names = ["id", *(staged_name(spec.name) for spec in self._checks.keys)]
            statements.copy_into(self._checks.rejected, names, self._conversion.key_stream())
        self.counts.rows_read = reading.rows + reading.damaged
        self.counts.rows_rejected = reading.rejected.count

    def _settle(self, *, few: bool = False) -> None:
        """Count the rows, now that all are judged, and start to file the rejected ones."""
        checks, counts = self._checks, self.counts
        counts.rows_rejected += checks.found
        counts.rows_imported = counts.rows_read - counts.rows_rejected - counts.rows_skipped - counts.rows_unchanged
        if checks.found or (checks.needed and self._reading.keyed):
            checks.explain(few=few)
        self._begin_filing()

    def _begin_filing(self) -> None:
        """Start to collect the rejected rows, if SQL found anything that conversion did not."""
        checks = self._checks
        if checks.found or (checks.needed and checks.any_errors()):
            describe = partial(described, self._reading, checks)
            self._filing = Filing(
                self.plan, self._reading, checks.late_errors(), describe, is_text_kept=self._is_text_kept
            )


def busy() -> Unavailable:
    """Others write to the table so much that the rows cannot be inserted."""
    return Unavailable("The table is changing too fast to import into it. Try again later.", code="table_busy")
