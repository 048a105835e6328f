"""Runs the plan of one import inside one transaction: load, check, index, swap or insert, file what was rejected."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from psycopg import errors as pg

from dataengine.exceptions import NotFound, Unavailable
from dataengine.imports.converting.conversion import FormatsNeeded, MarkersFound
from dataengine.imports.converting.patterns import NULL_MARKERS
from dataengine.imports.loading import merges, shadow
from dataengine.imports.loading.appending import Appender, reserve_ids
from dataengine.imports.loading.building import build_indexes
from dataengine.imports.loading.checks import Checks
from dataengine.imports.loading.filing import Filing, described
from dataengine.imports.loading.rehearsal import rehearse
from dataengine.imports.loading.shadow import NotEmptyAnyMore, Shadow
from dataengine.imports.loading.staging import Staging
from dataengine.imports.parsing.parser import Block
from dataengine.imports.pipeline import Conversion, Counts, Reading, find_formats, infer_types
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import Plan, examine, open_stored, plan_new, plan_onto
from dataengine.imports.rejecting import rejected_rows
from dataengine.jobs.progress import ProgressReporter
from dataengine.models import Column, ImportJob, Table
from dataengine.postgres import statements
from dataengine.services.audit import record_event
from dataengine.services.indexes import queue_again
from dataengine.services.tables import create_table_now

_INSERT_TRIES = 5
_FEW = 20
# How long the phases take in relation to each other, as measured with 400,000 rows of ten columns.
_REPLACING = {"loading": 4.0, "indexing": 1.0, "finishing": 0.1}
_APPENDING = {"loading": 1.0, "finishing": 0.02}
_MERGING = {"loading": 1.0, "checking": 0.5, "finishing": 4.0}
_FINDING_TYPES = {"reading": 3.0, **_REPLACING}


@dataclass(slots=True)
class _Loaded:
    """A filled and checked staging table, and what was found on the way."""

    plan: Plan
    staging: Staging
    checks: Checks
    reading: Reading
    counts: Counts
    appended: bool = False
    """Whether the rows are in the table already."""
    is_text_kept: bool = False
    """Whether the text of every rejected row was kept while the file was read."""
    causes: rejected_rows.Causes = field(default_factory=rejected_rows.Causes)
    filing: Filing | None = None

    def close(self) -> None:
        if self.filing is not None:
            self.filing.close()
        self.reading.close()


class Execution:
    """One attempt at one job. ``run`` leaves the job's final row in the transaction that it opens."""

    def __init__(self, job: ImportJob, reporter: ProgressReporter) -> None:
        self.job = job
        self.options = ImportOptions.read(job.options)
        self.reporter = reporter
        self.table: Table | None = None
        self.columns: list[Column] = []
        self._may_replace = True

    def run(self) -> None:
        """Do the import. Raises DataEngineError where it cannot be done, Cancelled when asked to stop."""
        with ExitStack() as stack:
            file = stack.enter_context(closing(open_stored(self.job)))
            source, dialect, headers = examine(file, self.job.filename, self.options)
            stack.enter_context(transaction.atomic())
            statements.give_memory()
            if self.options.create_table:
                plan = plan_new(source, dialect, headers, self.options)
                self.reporter.plan(**_FINDING_TYPES)
                infer_types(plan, self.options, self._report_look)
            else:
                self._fetch_table()
                plan = plan_onto(source, dialect, headers, self.options, self.columns)
            loaded = self._load(plan)
            try:
                self._finish(loaded)
            finally:
                loaded.close()

    def _fetch_table(self) -> None:
        if self.job.table_id is None:
            raise NotFound(f"There is no table “{self.job.table_name}” any more.", code="table_not_found")
        self.table = Table.objects.get(pk=self.job.table_id)
        self.columns = list(self.table.columns.select_related("references"))

    # Reading --------------------------------------------------------------------------------------------------

    def _report_look(self, block: Block, rows: int) -> None:
        self.reporter.update(phase="reading", rows_read=rows, **self._reach(block))

    def _report_load(self, block: Block, reading: Reading) -> None:
        self.reporter.update(
            phase="loading",
            **self._reach(block),
            rows_read=reading.rows + reading.damaged,
            rows_rejected=reading.rejected.count,
            errors=reading.causes.as_list(),
        )

    def _reach(self, block: Block) -> dict[str, Any]:
        return {"bytes_read": block.bytes_read, "share": block.bytes_read / max(self.job.bytes_total, 1)}

    def _load(self, plan: Plan) -> _Loaded:
        """Fill and check a staging table; start again where the file shows that it was read the wrong way."""
        while True:
            try:
                with transaction.atomic():
                    return self._load_once(plan)
            except MarkersFound as error:
                plan.markers = NULL_MARKERS
                plan.notes.append(f"NA and the like are read as NULL: “{error}” holds them and is not text.")
            except FormatsNeeded:
                self.reporter.plan(**_FINDING_TYPES)
                find_formats(plan, self._report_look)
            except NotEmptyAnyMore:
                self._may_replace = False

    def _load_once(self, plan: Plan) -> _Loaded:
        staging = self._staging(plan)
        appends = self.table is not None and not isinstance(staging, Shadow) and self._may_append()
        if not appends:
            staging.create()
        by_name = {column.name: column for column in self.columns}
        filled = [by_name[spec.name] for spec in plan.specs] if self.table else []
        checks = Checks(staging, filled, None if isinstance(staging, Shadow) else self.table)
        checks.create()
        self.reporter.plan(**(_APPENDING if appends else _REPLACING if isinstance(staging, Shadow) else _MERGING))
        base, table = staging.base, self.table

        def give_ids(first_row: int, count: int) -> int:
            return reserve_ids(table, count) if appends and table else base + first_row + 1

        loaded: _Loaded | None = None
        unique = [column.name for column in checks.unique]
        conversion = Conversion(
            plan,
            give_ids=give_ids,
            keys=checks.keys,
            report=self._report_load,
            unique=unique if appends or isinstance(staging, Shadow) else (),
            sorted_by=unique[0] if appends and unique else None,
        )
        try:
            if appends and table is not None:
                loaded = self._append(Appender(table, staging, checks), conversion)
            else:
                loaded = self._stage(staging, checks, conversion)
            self._store_rejects(loaded)
            replaces = self.table if isinstance(staging, Shadow) and self._goes_in(loaded) else None
            if replaces is not None and not (shadow.lock_for_swap(replaces) and shadow.is_empty(replaces)):
                raise NotEmptyAnyMore
        except BaseException:
            conversion.close()
            if loaded is not None and loaded.filing is not None:
                loaded.filing.close()
            conversion.reading.close()
            raise
        return loaded

    def _may_append(self) -> bool:
        """Whether rows can go straight in: none of them may have to be taken back, and none meets a record."""
        options = self.options
        return options.on_conflict == "reject" and options.on_error == "skip_rows" and not options.dry_run

    def _stage(self, staging: Staging, checks: Checks, conversion: Conversion) -> _Loaded:
        stored = statements.copy_into(staging.relation, staging.columns, conversion.stream(), freeze=staging.freeze)
        reading = conversion.reading
        if stored + reading.held != reading.good:
            raise AssertionError(f"PostgreSQL took {stored} rows of {reading.good - reading.held}")
        if reading.keyed:
            names = ["id", *(spec.name for spec in checks.keys)]
            statements.copy_into(checks.rejected, names, conversion.key_stream())
        counts = Counts(rows_read=reading.rows + reading.damaged, rows_rejected=reading.rejected.count)
        loaded = _Loaded(conversion.plan, staging, checks, reading, counts)
        if isinstance(staging, Shadow):
            self._check_shadow(loaded, staging, self._held(conversion))
        else:
            self._check(loaded)
        return loaded

    def _held(self, conversion: Conversion) -> Staging | None:
        """The rows that were held back, staged beside the others."""
        if not conversion.reading.held:
            return None
        held = Staging(self.job.pk, conversion.plan.specs)
        held.create()
        statements.copy_into(held.relation, held.columns, conversion.back_stream())
        return held

    def _append(self, appender: Appender, conversion: Conversion) -> _Loaded:
        appender.load(conversion, lambda inserted: self.reporter.update(rows_imported=inserted))
        reading, checks = conversion.reading, appender.checks
        counts = Counts(
            rows_read=reading.rows + reading.damaged,
            rows_imported=appender.inserted,
            rows_rejected=reading.rejected.count + checks.found,
        )
        loaded = _Loaded(conversion.plan, appender.staging, checks, reading, counts, appended=True)
        loaded.is_text_kept = appender.is_text_kept
        self._begin_filing(loaded)
        return loaded

    def _staging(self, plan: Plan) -> Staging:
        if self.table is None:
            return Shadow(self.job.pk, plan.specs, plan.specs)
        if self._may_replace and shadow.is_empty(self.table) and shadow.can_be_replaced(self.table, self.columns):
            every = [column.to_spec() for column in self.columns]
            return Shadow(self.job.pk, plan.specs, every, base=shadow.last_id(self.table))
        return Staging(self.job.pk, plan.specs)

    # Checking -------------------------------------------------------------------------------------------------

    def _check_shadow(self, loaded: _Loaded, shadow: Shadow, held: Staging | None) -> None:
        checks, reading = loaded.checks, loaded.reading
        loaded.is_text_kept = not checks.reject_impossible()
        build_indexes(shadow, self.columns, self.reporter.building)
        if held is not None:
            self.reporter.update(phase="checking")
            checks.take_in(held)
        self._settle(loaded, few=_FEW * (reading.keyed + checks.found) < reading.good)
        if self.table is not None:
            self.reporter.update(phase="indexing")
            shadow.add_other_constraints(self.columns)

    def _check(self, loaded: _Loaded) -> None:
        staging, checks, counts = loaded.staging, loaded.checks, loaded.counts
        checks.reject_impossible()
        if checks.needed:
            self.reporter.update(phase="checking")
            statements.run(statements.analyze(staging.relation))
        if self.table is not None:
            counts.rows_skipped = self._skip_known(staging, checks, self.table)
            checks.reject_known(update_key=self._update_key)
            checks.reject_repeated()
        self._settle(loaded)

    @property
    def _update_key(self) -> str | None:
        return self.options.key if self.options.on_conflict == "update" else None

    def _skip_known(self, staging: Staging, checks: Checks, table: Table) -> int:
        if self.options.on_conflict != "skip":
            return 0
        key = self.options.key
        checks.skipped = [key] if key else [column.name for column in checks.unique]
        return merges.skip_known(staging, table, checks.skipped)

    def _settle(self, loaded: _Loaded, *, few: bool = False) -> None:
        """All rows are judged: count them, and begin to file the rejected ones."""
        checks, counts = loaded.checks, loaded.counts
        counts.rows_rejected += checks.found
        counts.rows_imported = counts.rows_read - counts.rows_rejected - counts.rows_skipped
        if checks.found or (checks.needed and loaded.reading.keyed):
            checks.explain(update_key=self._update_key, few=few)
        self._begin_filing(loaded)

    # Rejected rows --------------------------------------------------------------------------------------------

    def _begin_filing(self, loaded: _Loaded) -> None:
        """Start to put the rejected rows together, if SQL found anything that conversion did not."""
        checks = loaded.checks
        if checks.found or (checks.needed and checks.any_errors()):
            describe = partial(described, loaded.reading, checks)
            loaded.filing = Filing(
                loaded.plan, loaded.reading, checks.late_errors(), describe, is_text_kept=loaded.is_text_kept
            )

    def _store_rejects(self, loaded: _Loaded) -> None:
        """Store the rejected rows in the order of the file, with every error of each."""
        filing = loaded.filing
        if filing is None:
            loaded.causes = loaded.reading.causes
            rejected_rows.store(self.job, loaded.reading.rejected)
            return
        self.reporter.update(phase="checking")
        filing.finish()
        loaded.causes = filing.causes
        rejected_rows.store(self.job, filing.rejected)

    # Ending ---------------------------------------------------------------------------------------------------

    def _goes_in(self, loaded: _Loaded) -> bool:
        refused = self.options.on_error == "abort" and loaded.counts.rows_rejected
        return not self.options.dry_run and not refused

    def _finish(self, loaded: _Loaded) -> None:
        counts = loaded.counts
        state, code, reason = ImportJob.State.COMPLETED, "", ""
        if self._goes_in(loaded):
            self.reporter.update(phase="finishing")
            if isinstance(loaded.staging, Shadow):
                self._replace(loaded.staging)
            elif not loaded.appended:
                self._insert(loaded)
            assert self.table is not None
            details = {"import": self.job.pk, "filename": self.job.filename, **asdict(counts)}
            record_event(user=self.job.user, table=self.table, action="import.completed", details=details)
        else:
            if self.options.dry_run:
                counts.rows_updated, loaded.plan.sample = rehearse(loaded.staging, self.table, self._update_key)
                counts.rows_imported -= counts.rows_updated
            else:
                state, code = ImportJob.State.FAILED, "rows_rejected"
                reason = f"{counts.rows_rejected:,} rows are at fault and on_error is “abort”, so nothing was imported."
                counts.rows_imported = counts.rows_updated = counts.rows_skipped = 0
            loaded.staging.drop()
        # From here to the commit the job's row is locked: the reporter must not touch it any more.
        self.reporter.update(share=1.0, bytes_read=self.job.bytes_total, **asdict(counts))
        self.reporter.close()
        self.reporter.complete(
            state=state,
            table=self.table,
            phase=ImportJob.Phase.NONE,
            progress=1.0,
            bytes_read=self.job.bytes_total,
            rows_per_second=self.reporter.snapshot().rows_per_second,
            eta_seconds=None,
            errors=loaded.causes.as_list(),
            error_code=code,
            error=reason,
            findings=loaded.plan.findings(),
            **asdict(counts),
        )

    def _replace(self, shadow: Shadow) -> None:
        if self.table is None:
            self.table = create_table_now(user=self.job.user, name=self.job.table_name, columns=shadow.all_specs)
            self.columns = list(self.table.columns.select_related("references"))
        highest = statements.value(merges.highest_id(shadow.relation))
        shadow.replace(self.table, self.columns, max(shadow.base, highest or 0) + 1)
        queue_again(self.table)

    def _insert(self, loaded: _Loaded) -> None:
        """Insert what was staged. Others may write meanwhile, so a clash is met by looking again."""
        assert self.table is not None
        self.reporter.growing(merges.quoted(self.table), merges.heap_bytes(loaded.staging))
        for _ in range(_INSERT_TRIES):
            try:
                with transaction.atomic():
                    counts = loaded.counts
                    if self.options.on_conflict == "update" and self.options.key:
                        updated = merges.update_from(loaded.staging, self.table, self.options.key)
                    else:
                        updated = 0
                    inserted = merges.insert_from(loaded.staging, self.table)
            except IntegrityError as error:
                if not isinstance(error.__cause__, pg.UniqueViolation | pg.ForeignKeyViolation):
                    raise
                self._look_again(loaded)
                continue
            counts.rows_updated, counts.rows_imported = updated, inserted
            return
        raise Unavailable("The table changes too fast to import into it; try again.", code="table_busy")

    def _look_again(self, loaded: _Loaded) -> None:
        """Others took values, or deleted records, that staged rows need: reject or skip those rows now."""
        rejected_rows.forget(self.job)
        self._check_again(loaded)
        if loaded.filing is not None:
            loaded.filing.close()
        self._begin_filing(loaded)
        self._store_rejects(loaded)

    def _check_again(self, loaded: _Loaded) -> None:
        checks, counts, before = loaded.checks, loaded.counts, loaded.checks.found
        assert self.table is not None
        counts.rows_skipped += self._skip_known(loaded.staging, checks, self.table)
        checks.reject_impossible()
        checks.reject_known(update_key=self._update_key)
        counts.rows_rejected += checks.found - before
        checks.forget_errors()
        checks.explain(update_key=self._update_key)
