"""Runs one import inside one transaction: open the file, plan, load, file the rejected rows, finish."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from typing import Any, Protocol, cast

from django.db import transaction

from dataengine import access
from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import Conflict, NotFound
from dataengine.imports.converting.conversion import FormatsNeeded, MarkersFound
from dataengine.imports.converting.guards import GuardContradicted
from dataengine.imports.converting.patterns import NULL_MARKERS
from dataengine.imports.counts import Counts
from dataengine.imports.dialects.opening import Opening, examine
from dataengine.imports.loading.appending import Appending
from dataengine.imports.loading.loader import TRIES, Loader, Reporter, busy
from dataengine.imports.loading.merging_own import merging_for
from dataengine.imports.loading.new_records import TargetsChanged
from dataengine.imports.loading.replacing import NoLongerEmpty, Replacing
from dataengine.imports.parsing.parser import Block
from dataengine.imports.pipeline import TailFilled, find_formats, infer_types
from dataengine.imports.planning.modes import is_enforced
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import Plan, open_stored, plan_new, plan_onto
from dataengine.imports.planning.removal import TOO_MANY
from dataengine.imports.reading.reader import ColumnsAppeared
from dataengine.jobs.progress import ImportProgress
from dataengine.models import AuditEvent, Column, ImportJob, Table
from dataengine.models.shapes import ImportDetails, ReadAgain
from dataengine.postgres import ddl, statements
from dataengine.queries.references import named_references
from dataengine.queries.table_sizes import EXACT_BELOW
from dataengine.services.audit import record_event
from dataengine.services.import_again import take_the_place
from dataengine.services.import_references import check_rights, rules, targets_of, targets_of_new, tell_of_new
from dataengine.services.indexes import queue_again
from dataengine.services.removals import no_file_is_empty, removal_of
from dataengine.services.same_files import known as known_cautions
from dataengine.services.tables import catalog_fields, create_table_now

_CAUSES_TOLD = 3
_FINDING_TYPES = {"reading": 3.0, **Replacing.stages}


class Reports(Reporter, Protocol):
    """Receives the progress of an attempt and its end."""

    def snapshot(self) -> ImportProgress:
        """The counters as they are."""

    def phase_seconds(self) -> dict[str, float]:
        """How long each phase took until now."""

    def close(self) -> None:
        """Stop reporting; afterwards only the caller writes the job's row."""

    def complete(self, **changes: Any) -> None:
        """Write the end of the work. Raises Cancelled instead if that was requested."""


class Execution:
    """One attempt at one job. ``run`` writes the job's final state in the transaction that it opens."""

    def __init__(self, job: ImportJob, reporter: Reports) -> None:
        self.job = job
        self.options = ImportOptions.read(job.options)
        self.reporter = reporter
        self.table: Table | None = None
        self.columns: list[Column] = []
        self._may_replace = True

    def run(self) -> None:
        """Do the import. Raises DataEngineError if it cannot be done, Cancelled when asked to stop."""
        with ExitStack() as stack:
            file = stack.enter_context(closing(open_stored(self.job)))
            with no_file_is_empty(self.options.mode):
                opening = examine(file, self.job.filename, self.options.dialect)
            stack.enter_context(transaction.atomic())
            statements.give_memory()
            loader = stack.enter_context(closing(self._load(opening)))
            self._finish(loader)

    # Reading --------------------------------------------------------------------------------------------------

    def _plan(self, opening: Opening) -> Plan:
        if self.options.create_table:
            self._check_may_load()
            plan = plan_new(opening, self.options)
            self.reporter.plan(**_FINDING_TYPES)
            infer_types(plan, self.options, self._report_look)
            targets = targets_of_new(self.job.user, self.options)
            check_rights(self.job.user, targets, self.options)
            plan.references = rules(targets, self.options, None)
            self.columns = [Column(**catalog_fields(spec, targets.get(spec.name))) for spec in plan.specs]
            return plan
        found = Table.objects.filter(pk=self.job.table_id) if self.job.table_id is not None else Table.objects.none()
        self.table = found.first()
        if self.table is None:
            raise NotFound(f"There is no table “{self.job.table_name}” any more.", code="table_not_found")
        self._check_may_load()
        self.columns = list(self.table.columns.all())
        options = self._as_told(self.columns)
        plan = plan_onto(opening, options, [column.to_spec() for column in self.columns])
        targets = targets_of(self.columns)
        check_rights(self.job.user, targets, self.options)  # which may have been taken away since
        plan.references = rules(targets, self.options, self.table)
        return plan

    def _as_told(self, columns: Sequence[Column]) -> ImportOptions:
        """The options, with the columns that have another name than when it was told which ones the file fills.

        Raises Conflict where one of them is gone: its cells would be left out without a word.
        """
        told: ReadAgain = self.job.read_again
        then = self.job.findings.get("mapping", {})
        now = {column.pk: column.name for column in columns}
        renamed: dict[str, str | None] = {}
        for header, key in told.get("columns", {}).items():
            if key not in now:
                reason = f"The column “{then.get(header)}”, which “{header}” was to fill, has been deleted since."
                raise Conflict(f"{reason} Import the file again.", code="columns_changed")
            if now[key] != then.get(header):
                renamed[header] = now[key]
        return replace(self.options, mapping={**(self.options.mapping or {}), **renamed}) if renamed else self.options

    def _check_may_load(self) -> None:
        """What was allowed when the import was requested may not be allowed any more, nor what was when it began."""
        access.check_still(self.job.user, self.table, "edit")

    def _report_look(self, block: Block, rows: int) -> None:
        share = block.bytes_read / max(self.job.bytes_total, 1)
        self.reporter.update(phase="reading", share=share, bytes_read=block.bytes_read, rows_read=rows)

    # Loading --------------------------------------------------------------------------------------------------

    def _load(self, opening: Opening) -> Loader:
        """Plan, load and check; start again if the file turns out to have other columns than its beginning shows."""
        while True:
            try:
                return self._load_planned(self._plan(opening))
            except TailFilled:
                opening.empty_tail = 0
            except ColumnsAppeared:
                opening.source.survey()
                opening = Opening(opening.source, self.options.dialect)

    def _load_planned(self, plan: Plan) -> Loader:
        """Load and check; start again if the file turns out to need other settings."""
        tries = TRIES
        while True:
            try:
                with transaction.atomic():
                    return self._load_once(plan)
            except TargetsChanged as error:
                tries -= 1
                if not tries:
                    raise busy() from error
            except MarkersFound as error:
                plan.markers = NULL_MARKERS
                plan.notes.append(f"NA and the like are read as NULL, since “{error}” contains them and is not text.")
            except FormatsNeeded:
                self.reporter.plan(**_FINDING_TYPES)
                find_formats(plan, self._report_look)
            except GuardContradicted:
                plan.keep_guards()
            except NoLongerEmpty:
                self._may_replace = False

    def _load_once(self, plan: Plan) -> Loader:
        loader = self._loader(plan)
        try:
            loader.load()
            loader.file_rejected()
            if self._will_load(loader):
                loader.secure()
            loader.note_references()
        except BaseException:
            loader.close()
            raise
        return loader

    def _loader(self, plan: Plan) -> Loader:
        """The right loader for the plan and the present state of the table."""
        job, table, columns, reporter = self.job, self.table, self.columns, self.reporter
        mode = self.options.mode
        is_plain = not (plan.only_updates or plan.lacking or mode.on_conflict == "update_only")
        may_replace = self._may_replace and is_plain and (not mode.key or is_enforced(mode, plan.specs))
        if table is None or (may_replace and Replacing.suits(table, columns)):
            return Replacing(job, plan, table, columns, reporter, make_table=self._make_table, replaced=queue_again)
        if Appending.suits(self.options) and not plan.means_own_rows:
            return Appending(job, plan, table, columns, reporter)
        merging = merging_for(plan)
        return merging(job, plan, table, columns, reporter, mode=mode, removal=removal_of(table, mode))

    def _make_table(self, columns: Sequence[ColumnSpec]) -> Table:
        job = self.job
        if job.replaces_id is not None:
            return take_the_place(user=job.user, job=job, columns=columns)
        return create_table_now(user=job.user, name=job.table_name, columns=columns)

    def _will_load(self, loader: Loader) -> bool:
        counts = loader.counts
        refused = (self.options.on_error == "abort" and counts.rows_rejected) or self._refusal(loader)
        return not self.options.dry_run and not refused and not self._no_row_fits(counts)

    def _refusal(self, loader: Loader) -> str | None:
        """Why the table stays as it is, if records would give way to the file that had better not."""
        mode = self.options.mode
        return loader.refusal(mode) if mode.mirrors or mode.replace else None

    def _no_row_fits(self, counts: Counts) -> bool:
        """Whether a new table would be empty, with columns guessed from nothing, which helps nobody."""
        return self.options.create_table and counts.rows_imported == 0

    def _why_nothing_loads(self, loader: Loader) -> tuple[str, str]:
        """The code and message of a failed import."""
        counts = loader.counts
        if not self._no_row_fits(counts) and not (self.options.on_error == "abort" and counts.rows_rejected):
            return TOO_MANY, f"Nothing was changed. {self._refusal(loader)}"
        if not self._no_row_fits(counts):
            rows = "1 row has" if counts.rows_rejected == 1 else f"{counts.rows_rejected:,} rows have"
            good = counts.rows_read - counts.rows_rejected
            others = f" {good:,} without errors {'was' if good == 1 else 'were'} skipped, too." if good else ""
            reason = f"Nothing was imported, because {rows} errors and on_error is “abort”.{others}"
            return "rows_rejected", reason
        causes = [f"{cause['message']} ({cause['count']:,} ×)" for cause in loader.causes.as_list()[:_CAUSES_TOLD]]
        hint = " Try again with the option “encoding”." if "invalid_encoding" in _codes(loader) else ""
        why = "; ".join(causes) or "the file has none"
        return "no_row_fits", f"No table was made, because no row could be imported: {why}.{hint}"

    # Ending ---------------------------------------------------------------------------------------------------

    def _finish(self, loader: Loader) -> None:
        counts = loader.counts
        state, code, reason = ImportJob.State.COMPLETED, "", ""
        event: AuditEvent | None = None
        if self._will_load(loader):
            self.reporter.update(phase="finishing")
            self._check_may_load()
            event = self._finish_loading(loader)
        else:
            if self.options.dry_run:
                loader.rehearse()
                if refused := self._refusal(loader):
                    loader.plan.cautions.append({"code": TOO_MANY, "message": f"This would fail. {refused}"})
            else:
                state = ImportJob.State.FAILED
                code, reason = self._why_nothing_loads(loader)
                counts = counts.left_out()
            loader.discard()
        loader.plan.note_what_was_passed_over()
        loader.plan.cautions[:0] = known_cautions(self.job)
        loader.plan.recipe = self.job.findings.get("recipe")
        # From here until the commit the job's row is locked: the reporter must not touch it any more.
        self.reporter.update(share=1.0, bytes_read=self.job.bytes_total, **asdict(counts))
        self.reporter.close()
        self.reporter.complete(
            state=state,
            table=self.table or Table.objects.filter(pk=self.job.table_id or 0).first(),
            event=event,
            phase=ImportJob.Phase.NONE,
            progress=1.0,
            bytes_read=self.job.bytes_total,
            rows_per_second=self.reporter.snapshot().rows_per_second,
            eta_seconds=None,
            phase_seconds=self.reporter.phase_seconds(),
            errors=loader.causes.as_list(),
            error_code=code,
            error=reason,
            findings={**loader.plan.findings(), **({"changes": loader.examples} if loader.examples else {})},
            read_again=loader.plan.read_again(self._keys()),
            **asdict(counts),
        )

    def _finish_loading(self, loader: Loader) -> AuditEvent:
        """Turn the rows into records, and keep what is needed to take that back."""
        # The images of records belong to the event. A table without records has none, and may not be made yet.
        event = self._event(self.table) if self.table is not None else None
        if event is not None:
            loader.changes.begin(event)
        self.table = self._finished(loader)
        self._have_it_estimated(loader, self.table)
        loader.changes.store(self.table)
        event = event or self._event(self.table)
        counts = asdict(loader.counts)
        # The trail is append-only: what rejected rows may change, when they are tried again, is told now.
        changed = loader.changes.columns | (self._filled(loader.plan) if self.options.mode.updates else set())
        event.details |= {**counts, "columns": sorted(changed)}
        event.save(update_fields=["details"])
        tell_of_new(self.job.user, self.job, loader.made_elsewhere())
        return event

    def _have_it_estimated(self, loader: Loader, table: Table) -> None:
        """The counts of lists depend on it as soon as others see the records, not a minute later.

        Otherwise PostgreSQL takes the new records to be as wide as the old ones (measured: 18 to 63 % off). The records
        of a table that was empty have been counted by the indexes that were built.
        """
        counts = loader.counts
        if not isinstance(loader, Replacing) and counts.rows_imported + counts.rows_updated > EXACT_BELOW:
            ddl.execute(ddl.estimate_anew(table))

    def _finished(self, loader: Loader) -> Table:
        try:
            return loader.finish()
        except Conflict as error:
            if self.table is None or error.error_code != "referenced":
                raise
            with named_references(self.job.user, self.table, loader.removed_ids()):
                raise

    def _event(self, table: Table) -> AuditEvent:
        details = cast("ImportDetails", {"import": self.job.pk, "filename": self.job.filename})
        return record_event(user=self.job.user, table=table, action="import.completed", details=details)

    def _filled(self, plan: Plan) -> set[str]:
        """The attributes of the columns that the file fills."""
        names = {spec.name for spec in plan.specs}
        columns = self.table.columns.all() if self.table is not None else ()
        return {column.attribute for column in columns if column.name in names}

    def _keys(self) -> dict[str, int]:
        """The keys of the table's columns by name; none while there is no table."""
        return {column.name: column.pk for column in self.table.columns.all()} if self.table is not None else {}


def _codes(loader: Loader) -> set[str]:
    return {cause["code"] for cause in loader.causes.as_list()}
