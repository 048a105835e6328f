"""Loads into a table that holds records: chunk by chunk, straight into the table as long as no row clashes.

Binary COPY straight into the table costs about half as much as ``\\copy`` (measured, 1M rows into 1M records); through
a staging table and INSERT … SELECT it costs more than twice that. So every chunk is tried straight, under a savepoint;
one that clashes (a duplicate, an unknown reference, a broken check) is staged, cleaned and inserted. Either way a chunk
is settled before the next one, so earlier rows are already in the table and the first of the file wins.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from django.db import IntegrityError, transaction

from dataengine.imports.converting.chunks import Chunk
from dataengine.imports.pipeline import Conversion
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import Plan
from dataengine.models import Column, ImportJob, Table
from dataengine.postgres import ddl, statements
from dataengine.postgres.record_ids import reserve_ids

from .loader import TRIES, Loader, Reporter, busy
from .staging import Staging


class Appending(Loader):
    """Appends the rows to ``table`` while they are read. A staging table is made for chunks that clash."""

    stages = {"loading": 1.0, "finishing": 0.02}

    def __init__(self, job: ImportJob, plan: Plan, table: Table, columns: Sequence[Column], reporter: Reporter) -> None:
        self._table = table
        staging = Staging(job.pk, plan.specs)
        super().__init__(job, plan, columns, reporter, staging=staging, checked_against=table)
        self._is_text_kept = True
        self._is_staging_made = False
        self._goes_straight = not self._checks.refer_to_own

    @staticmethod
    def suits(options: ImportOptions) -> bool:
        """Whether rows can go straight in: no row may have to be taken back or be merged with a record."""
        return options.mode.only_adds and options.on_error == "skip_rows" and not options.dry_run

    def load(self) -> None:
        self._begin()
        checks, counts, reading = self._checks, self.counts, self._reading
        keys = ["id", *(spec.name for spec in checks.keys)]
        for chunk in self._conversion.chunks():
            checks.own = reading.ids.multirange()
            found = checks.found
            self._new.take_in()
            if chunk.count:
                if self._goes_straight:
                    self._goes_straight = self._copy(chunk)
                    settled = self._goes_straight
                else:
                    settled = False
                if not settled:
                    # After a chunk that clashed the next one usually clashes too; a clean one leads back to the short
                    # way.
                    self._goes_straight = self._take_long_way(chunk.data) == 0 and not checks.refer_to_own
                    self._is_text_kept &= self._goes_straight
            if chunk.held:
                self._take_long_way(chunk.back)
            counts.rows_imported += chunk.count + chunk.held - (checks.found - found)
            if chunk.keyed:
                statements.copy_into(checks.rejected, keys, [chunk.keys])
            if checks.needed and (chunk.keyed or checks.found > found):
                checks.explain_chunk()
            self._reporter.update(rows_imported=counts.rows_imported)
        counts.rows_read = reading.rows + reading.damaged
        counts.rows_rejected = reading.rejected.count + checks.found
        self._begin_filing()

    def secure(self) -> None:
        """Nothing is left to do: every chunk has made what its rows refer to."""

    def finish(self) -> Table:
        self.changes.added(self._reading.ids, self._reading.lines)
        return self._table

    def _new_ones(self) -> dict[str, int]:
        return self._new.count_made()

    def rehearse(self) -> None:
        raise AssertionError("a dry run does not append, see suits")

    def discard(self) -> None:
        raise AssertionError("a dry run does not append, see suits")

    def _convert(self) -> Conversion:
        return Conversion(
            self.plan,
            give_ids=lambda first_row, count: reserve_ids(self._table.pk, count),
            keys=self._checks.keys,
            report=self._report,
            unique=self._unique,
            sorted_by=next(iter(self._unique), None),
        )

    def _copy(self, chunk: Chunk) -> bool:
        try:
            with transaction.atomic():
                self._new.make(chunk.new)
                statements.copy_into(ddl.qualified(self._table.name), self._staging.columns, [chunk.data])
        except psycopg.errors.IntegrityError:
            return False
        return True

    def _take_long_way(self, data: bytes) -> int:
        """Stage, clean, insert; check again if others write meanwhile. Returns how many rows were rejected."""
        staging, checks = self._staging, self._checks
        if not self._is_staging_made:
            staging.create()
            self._is_staging_made = True
        staging.copy([data])
        staging.analyze()
        before = checks.found
        checks.reject_for()
        self._new.make_for(staging)
        for _ in range(TRIES):
            try:
                with transaction.atomic():
                    staging.insert_with_ids(self._table)
                break
            except IntegrityError as error:
                self._left_to_default.refuse(error)
                # Others took values or deleted records meanwhile, and may go on doing so.
                checks.reject_for()
                # What does not fit because of a default would be left out without a word.
                if not self._left_to_default and self._insert_what_fits():
                    break
        else:
            raise busy()
        staging.clear()
        return checks.found - before

    def _insert_what_fits(self) -> bool:
        """Insert the staged rows whose unique values are free; False if a reference is in the way."""
        try:
            with transaction.atomic():
                self._staging.insert_with_ids(self._table, what_fits=True)
        except IntegrityError:
            return False
        with statements.by_index():
            self._checks.reject_missing(self._table)
        return True
