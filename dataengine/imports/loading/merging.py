"""Loads through a staging table into a table that holds records, where rows may update records or be taken back.

Rows are staged, checked there against each other and the table, and then inserted, or written over the records that
have their key.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from psycopg import errors, sql

from dataengine.exceptions import Conflict
from dataengine.imports.pipeline import Conversion
from dataengine.imports.planning.modes import Mode
from dataengine.imports.planning.plan import Plan
from dataengine.imports.planning.removal import TOO_MANY, Removal
from dataengine.models import Column, ImportJob, Table
from dataengine.postgres import ddl
from dataengine.postgres.statements import run

from .inserting import insert_staged
from .loader import TRIES, Loader, Reporter, busy
from .matching import ChangedMeanwhile, Matching, examples_of_rows
from .removing import Removing
from .staging import Staging


class Merging(Loader):
    """Stages the rows, and merges them into ``table`` as the mode says."""

    stages = {"loading": 1.0, "checking": 0.5, "finishing": 4.0}

    def __init__(
        self,
        job: ImportJob,
        plan: Plan,
        table: Table,
        columns: Sequence[Column],
        reporter: Reporter,
        *,
        mode: Mode,
        removal: Removal | None = None,
    ) -> None:
        self._table = table
        self._mode = mode
        staging = Staging(job.pk, plan.specs)
        self._held = Staging(job.pk, plan.specs, purpose="held")
        super().__init__(job, plan, columns, reporter, staging=staging, checked_against=table, mode=mode)
        checks = self._checks
        self._matching = Matching(staging, table, checks.update_key) if checks.update_key else None
        self._removing = Removing(job.pk, table, removal) if removal else None
        self._removes_last = False
        checks.skips_new = mode.on_conflict == "update_only"
        if mode.on_conflict == "skip":
            checks.skipped = [checks.key] if checks.key else checks.distinct

    def load(self) -> None:
        self._stage()
        self._stage_held()
        if self._checks.needed:
            self._reporter.update(phase="checking")
            self._staging.analyze()
        self._checks.reject_ambiguous()
        self._set_aside_unchanged()
        self._find_removed()
        self._checks.reject_impossible()
        self.counts.rows_skipped = self._skip()
        self._reject_known()
        # A row that repeats another leaves its record the value that a third counts on.
        while self._checks.reject_repeated(self._held if self._tells_repeats else None) and self._checks.exchanged:
            self._reject_known()
        self._settle()

    def finish(self) -> Table:
        """Insert what was staged. Others may write meanwhile, so after a clash the rows are checked again."""
        relation = ddl.qualified(self._table.name).as_string()
        self._reporter.growing(relation, self._staging.heap_bytes())
        for _ in range(TRIES):
            try:
                with transaction.atomic():
                    removed = self._remove()
                    updated, unchanged = self._update()
                    if self._removing is not None and self._removes_last:
                        self._removing.end()
                    inserted = self._insert()
            except Conflict:
                # Rows may let go of records of their own table that are to give way.
                if self._removes_last or not self._checks.refer_to_own:
                    raise
                self._removes_last = True
                continue
            except ChangedMeanwhile:
                self._look_again()
                continue
            except IntegrityError as error:
                self._left_to_default.refuse(error)
                if not isinstance(error.__cause__, errors.UniqueViolation | errors.ForeignKeyViolation):
                    raise
                self._look_again()
                continue
            self.counts.rows_updated, self.counts.rows_imported = updated, inserted
            self.counts.rows_removed = removed
            self.counts.rows_unchanged += unchanged
            return self._table
        raise busy()

    def _show(self) -> None:
        """Keep examples of what would become of records."""
        matching, removing, shown = self._matching, self._removing, self.examples
        shown["new"] = (
            matching.examples_of_new(self._line_of)
            if matching is not None
            else examples_of_rows(self._staging, self._line_of, sql.SQL("true"))
        )
        shown["changed"] = matching.examples_of_differing(self._line_of) if matching is not None else []
        if removing is not None:
            shown.setdefault("removed" if removing.deletes else "changed", []).extend(removing.some_examples())

    def _line_of(self, staged_id: int) -> int:
        return self._reading.lines.one(self._reading.ids.row_of(staged_id))

    def removed_ids(self) -> list[int]:
        """The first records that give way."""
        return self._removing.some_ids() if self._removing else []

    def _find_removed(self) -> None:
        removing, checks = self._removing, self._checks
        if removing is None:
            return
        if self._matching is not None:
            found = removing.take(self._matching.lacking(checks.rejected))
        else:
            found = removing.find(checks.key, [self._staging.relation, checks.rejected])
        self.counts.rows_removed = found
        self._scope_size = removing.scope_size
        if removing.deletes:
            checks.leaving, checks.all_leave = removing.relation, self._mode.replace

    def _remove(self) -> int:
        if self._removing is None:
            return 0
        if self._mode.replace:
            # What others add until the end would stay beside the file.
            run(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(ddl.qualified(self._table.name)))
            self._removing.find(None, [])
        return self._removing.begin(self.changes) if self._removes_last else self._removing.perform(self.changes)

    def _update(self) -> tuple[int, int]:
        """Write rows over their records. Returns how many differed, and how many did not."""
        if self._matching is None:
            self._insert_first()
            return 0, 0
        line = self.changes.line_of(sql.Identifier("s", "id"), self._reading.lines)
        with self._matching.exchanging(self._table, self._checks.exchanged):
            updated = self._matching.update(self._columns, self.changes, line, self._insert_first)
        known = self._matching.drop_known()
        if updated > known:
            raise ChangedMeanwhile
        return updated, known - updated

    def _insert_first(self) -> None:
        """What is to be inserted before records are written over: nothing, unless these may refer to it."""

    def _insert(self) -> int:
        """What is not an update. Raises ChangedMeanwhile where records are gone, and none is to be made for them."""
        if not (self.plan.only_updates or self.plan.lacking or self._checks.skips_new):
            return insert_staged(self._staging, self._table, self.changes, self._reading.lines)
        if self._staging.has_rows():
            raise ChangedMeanwhile
        return 0

    def _reject_known(self) -> None:
        self._checks.reject_new()
        self._checks.reject_known()

    def rehearse(self) -> None:
        super().rehearse()
        self._show()
        if self._matching is not None:
            counts, known = self.counts, self._matching.count_known()
            counts.rows_updated = self._matching.count_differing()
            counts.rows_unchanged += known - counts.rows_updated
            counts.rows_imported -= known
        self._left_to_default.refuse_several(self.counts.rows_imported)

    def _convert(self) -> Conversion:
        return Conversion(
            self.plan, give_ids=self._own_id, keys=self._checks.keys, report=self._report, unique=self._unique
        )

    @property
    def _tells_repeats(self) -> bool:
        """Whether all rows that may repeat others were held back."""
        return all(len(key.columns) == 1 for key in self._checks.distinct)

    def _stage_held(self) -> None:
        """Stage the rows that may repeat others, too, and remember which they are."""
        self._held.create()
        if self._reading.held:
            self._held.copy(self._conversion.back_stream())
            self._staging.take_from(self._held)

    def _set_aside_unchanged(self) -> None:
        if self._matching is None:
            return
        doubtful = []
        if self._reading.held:
            doubtful.append(self._held.relation)
        if self._reading.keyed or self._checks.found:
            doubtful.append(self._checks.rejected)
        self.counts.rows_unchanged = self._matching.set_aside_unchanged(
            doubtful,
            repeats_known=self._tells_repeats,
            may_go=self._removing.may_go if self._removing is not None else None,
        )

    def _skip(self) -> int:
        """Unstage the rows that are neither to be written nor at fault. Returns how many there were."""
        if self._checks.skips_new:
            return self._matching.drop_new() if self._matching else 0
        return sum(Matching(self._staging, self._table, key).drop_known() for key in self._checks.skipped)

    def _look_again(self) -> None:
        """Reject or skip the staged rows whose values others took, or whose references they deleted, meanwhile."""
        self.shelf.forget()
        self._check_again()
        if self._filing is not None:
            self._filing.close()
            self._filing = None
        self._begin_filing()
        self.file_rejected()
        if self._mode.mirrors and (reason := self.refusal(self._mode)):
            raise Conflict(f"Nothing was changed. {reason}", code=TOO_MANY)

    def _check_again(self) -> None:
        checks, before = self._checks, self._checks.found
        checks.reject_ambiguous()
        self.counts.rows_skipped += self._skip()
        checks.reject_impossible()
        self._reject_known()
        self.counts.rows_rejected += checks.found - before
        checks.forget_errors()
        checks.explain()
