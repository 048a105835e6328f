"""Loads through a staging table into a table that holds records, where rows may update records or be taken back.

Rows are staged, checked there against each other and the table, and then inserted, or written over the records that
have their key.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from psycopg import errors, sql

from dataengine.imports.pipeline import Conversion
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import Plan
from dataengine.imports.rejecting import rejected_rows
from dataengine.models import Column, ImportJob, Table
from dataengine.postgres import ddl

from .inserting import insert_staged
from .loader import TRIES, Loader, Reporter, busy
from .staging import Staging


class _RecordsGone(Exception):
    """Records that rows were to update are there no more."""


class Merging(Loader):
    """Stages the rows, and merges them into ``table`` as the options say."""

    stages = {"loading": 1.0, "checking": 0.5, "finishing": 4.0}

    def __init__(
        self,
        job: ImportJob,
        plan: Plan,
        table: Table,
        columns: Sequence[Column],
        reporter: Reporter,
        *,
        options: ImportOptions,
    ) -> None:
        self._table = table
        self._key = options.key
        self._update_key = options.key if options.on_conflict == "update" else None
        self._skips_known = options.on_conflict == "skip"
        staging = Staging(job.pk, plan.specs)
        super().__init__(job, plan, columns, reporter, staging=staging, checked_against=table)

    def load(self) -> None:
        self._stage()
        self._checks.reject_impossible()
        if self._checks.needed:
            self._reporter.update(phase="checking")
            self._staging.analyze()
        self.counts.rows_skipped = self._skip_known()
        self._reject_known()
        self._checks.reject_repeated()
        self._settle(update_key=self._update_key)

    def finish(self) -> Table:
        """Insert what was staged. Others may write meanwhile, so after a clash the rows are checked again."""
        relation = ddl.qualified(self._table.name).as_string()
        self._reporter.growing(relation, self._staging.heap_bytes())
        for _ in range(TRIES):
            try:
                with transaction.atomic():
                    updated = self._update(self._update_key) if self._update_key else 0
                    inserted = self._insert()
            except _RecordsGone:
                self._look_again()
                continue
            except IntegrityError as error:
                if not isinstance(error.__cause__, errors.UniqueViolation | errors.ForeignKeyViolation):
                    raise
                self._look_again()
                continue
            self.counts.rows_updated, self.counts.rows_imported = updated, inserted
            return self._table
        raise busy()

    def _update(self, key: str) -> int:
        filled = {spec.name for spec in self._staging.specs} - {key}
        changed = [column for column in self._columns if column.name in filled]
        if changed:
            line = self.changes.line_of(sql.Identifier("s", "id"), self._reading.lines)
            self.changes.updated(changed, self._staging.known(self._table, key), line=line)
        return self._staging.update(self._table, key)

    def _insert(self) -> int:
        """What is not an update. Raises _RecordsGone where others deleted records, and none is to be made for them."""
        if not (self.plan.only_updates or self.plan.lacking):
            return insert_staged(self._staging, self._table, self.changes, self._reading.lines)
        if not self._staging.is_empty():
            raise _RecordsGone
        return 0

    def _reject_known(self) -> None:
        if self._update_key is not None:
            self._checks.reject_new(self._update_key)
        self._checks.reject_known(update_key=self._update_key)

    def rehearse(self) -> None:
        super().rehearse()
        if self._update_key is not None:
            self.counts.rows_updated = self._staging.count_known(self._table, self._update_key)
            self.counts.rows_imported -= self.counts.rows_updated

    def _convert(self) -> Conversion:
        return Conversion(self.plan, give_ids=self._own_id, keys=self._checks.keys, report=self._report)

    def _skip_known(self) -> int:
        if not self._skips_known:
            return 0
        self._checks.skipped = [self._key] if self._key else self._unique
        return self._staging.skip_known(self._table, self._checks.skipped)

    def _look_again(self) -> None:
        """Reject or skip the staged rows whose values others took, or whose references they deleted, meanwhile."""
        rejected_rows.forget(self._job)
        self._check_again()
        if self._filing is not None:
            self._filing.close()
            self._filing = None
        self._begin_filing()
        self.file_rejected()

    def _check_again(self) -> None:
        checks, before = self._checks, self._checks.found
        self.counts.rows_skipped += self._skip_known()
        checks.reject_impossible()
        self._reject_known()
        self.counts.rows_rejected += checks.found - before
        checks.forget_errors()
        checks.explain(update_key=self._update_key)
