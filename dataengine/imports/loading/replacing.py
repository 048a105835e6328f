"""Loads into a new or empty table: the rows go into another one beside it, which then takes its place.

That one, the shadow, is filled without indexes and gets them afterwards. The table itself is only locked for the moment
of the swap; readers never wait while data flows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from django.db import IntegrityError, transaction
from psycopg import errors

from dataengine.columns.types import ColumnSpec
from dataengine.imports.pipeline import Conversion
from dataengine.imports.planning import unique_keys
from dataengine.imports.planning.plan import Plan
from dataengine.models import Column, ImportJob, Table
from dataengine.postgres import surroundings

from . import shadow
from .defaults import values_missing
from .loader import Loader, Reporter
from .shadow import Shadow
from .staging import Staging

_FEW = 20
"""Rejected rows are few if there are this many times as many good ones."""


class NoLongerEmpty(Exception):
    """Somebody has added records to the table, or uses it without pause, so it cannot be replaced."""


class Replacing(Loader):
    """Fills a shadow that takes the place of ``table`` or, if that is None, of the table that ``make_table`` makes.

    Then ``columns`` are those that it will have, in no catalog yet. ``replaced`` is called with the table afterwards.
    """

    stages = {"loading": 4.0, "indexing": 1.0, "finishing": 0.1}

    def __init__(
        self,
        job: ImportJob,
        plan: Plan,
        table: Table | None,
        columns: Sequence[Column],
        reporter: Reporter,
        *,
        make_table: Callable[[Sequence[ColumnSpec]], Table],
        replaced: Callable[[Table], None],
    ) -> None:
        self._table = table
        self._make_table = make_table
        self._replaced = replaced
        if table is None:
            self._shadow = Shadow(job.pk, plan.specs, plan.specs)
        else:
            every = [column.to_spec() for column in columns]
            self._shadow = Shadow(job.pk, plan.specs, every, base=surroundings.last_id(table))
        super().__init__(job, plan, columns, reporter, staging=self._shadow, checked_against=None)

    @staticmethod
    def suits(table: Table, columns: Sequence[Column]) -> bool:
        """Whether ``table`` is empty, and exactly what the catalog says."""
        return shadow.is_empty(table) and shadow.can_be_replaced(table, columns)

    def load(self) -> None:
        self._stage()
        held = self._held()
        self._is_text_kept = not self._checks.reject_impossible()
        self._build_indexes()
        if held is not None:
            self._reporter.update(phase="checking")
            self._checks.stage_held(held)
        self._settle(few=_FEW * (self._reading.keyed + self._checks.found) < self._reading.good)
        self._reporter.update(phase="indexing")
        self._add_constraints(promised=False)

    def secure(self) -> None:
        super().secure()
        self._add_constraints(promised=True)
        table = self._table
        if table is not None and not (shadow.lock_for_swap(table) and shadow.is_empty(table)):
            raise NoLongerEmpty

    def finish(self) -> Table:
        table, columns = self._table, self._columns
        if table is None:
            table = self._make_table(self._shadow.all_specs)
            columns = list(table.columns.all())
            self._shadow.add_other_constraints(columns)
        self.changes.added(self._reading.ids, self._reading.lines, last_id=self._shadow.highest_id())
        self._shadow.replace(table, columns)
        self._replaced(table)
        return table

    def rehearse(self) -> None:
        super().rehearse()
        rows = self.counts.rows_imported
        if self._table is None and rows >= unique_keys.FEWEST_ROWS:
            keys = (spec.name for spec in unique_keys.candidates(self.plan.specs) if self._staging.tells_apart(spec))
            self.plan.proposed += [unique_keys.proposal_for(name, rows) for name in islice(keys, 1)]

    def _add_constraints(self, *, promised: bool) -> None:
        """Add checks and references; those to records that are yet to be made are ``promised``.

        Those of a new table get their names once it is made.
        """
        if self._table is not None:
            columns = [column for column in self._columns if (column.name in self._checks.promised) == promised]
            self._shadow.add_other_constraints(columns)

    def _convert(self) -> Conversion:
        return Conversion(
            self.plan, give_ids=self._own_id, keys=self._checks.keys, report=self._report, unique=self._unique
        )

    def _held(self) -> Staging | None:
        """Stage the rows that were held back in a table of their own."""
        if not self._reading.held:
            return None
        held = Staging(self._job.pk, self.plan.specs)
        held.create()
        held.copy(self._conversion.back_stream())
        return held

    def _build_indexes(self) -> None:
        """Build the indexes of the unique columns, then the primary key's.

        Rows that may repeat others were held back, so no value of the file occurs twice. Raises InvalidInput if the
        file leaves a unique column to its default.
        """
        unique = {column.name for column in self._columns if column.unique}
        wanted = [(place, spec) for place, spec in enumerate(self._shadow.all_specs) if spec.name in unique]
        for done, (place, spec) in enumerate(wanted):
            self._reporter.building(done, len(wanted) + 1)
            try:
                with transaction.atomic():
                    self._shadow.add_unique(spec, place)
            except IntegrityError as error:
                if not isinstance(error.__cause__, errors.UniqueViolation) or spec.name in self._shadow.columns:
                    raise
                raise values_missing(spec.name) from error
        self._reporter.building(len(wanted), len(wanted) + 1)
        self._shadow.add_primary_key()
