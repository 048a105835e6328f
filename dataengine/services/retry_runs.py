"""Tries rejected rows of an import again: a worker's change, in one transaction.

The rows go through the import's own loader. Those that are accepted become records and are rejected rows no more, the
others get their new reasons; the counts of the import, the event and the end of the change commit with them. So,
whatever is killed meanwhile, every row is either a record or rejected, and never both.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import F, Q

from dataengine import access
from dataengine.imports.counts import Counts
from dataengine.imports.loading.judging import load
from dataengine.imports.planning.plan import Plan
from dataengine.imports.rejecting.fed_rows import FedRows
from dataengine.imports.rejecting.mended_cells import RowReader
from dataengine.imports.rejecting.rejected_rows import causes_now, rows_of
from dataengine.jobs.memory import keep_arrow_flat
from dataengine.jobs.stage_watch import StageWatch
from dataengine.models import AuditEvent, ChangeJob, Column, ImportJob, Table
from dataengine.models.shapes import RetryDetails
from dataengine.postgres import statements
from dataengine.services.audit import record_event
from dataengine.services.import_references import tell_of_new
from dataengine.services.rejected_plans import check_rights, planned
from dataengine.services.rejected_rows import locked

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_NOT_ADDED = ("rows_read", "rows_rejected")
_SETTINGS = (
    ("statement_timeout", "0"), ("idle_in_transaction_session_timeout", "0"),
    ("client_connection_check_interval", "2s"),
)  # fmt: skip


def perform(change: ChangeJob, watch: StageWatch) -> None:
    """Try the rows, and write the end of the change."""
    keep_arrow_flat()
    with transaction.atomic():
        with connection.cursor() as cursor:
            for name, value in _SETTINGS:
                cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
        statements.give_memory()
        # What was allowed when it was requested may not be allowed any more.
        table = access.get_table(change.user, change.table.name, "edit")
        job = locked(change.parameters["retries"])
        event = record_event(user=change.user, table=table, action="import.retried", details=_details(job))
        check_rights(change.user, job, table)
        chosen = change.parameters.get("lines")
        among = None if chosen is None else Q(line__in=chosen)
        counts, accepted = _tried(job, table, change.user, event, _Reporter(watch), among)
        gained = {name: count for name, count in asdict(counts).items() if name not in _NOT_ADDED}
        ImportJob.objects.filter(pk=job.pk).update(
            rows_rejected=F("rows_rejected") - accepted,
            rows_retried=F("rows_retried") + accepted,
            errors=causes_now(job),
            **{name: F(name) + count for name, count in gained.items()},
        )
        event.details |= {**gained, "rows_retried": accepted, "rows_rejected": job.rows_rejected - accepted}
        event.save(update_fields=["details"])
        access.check_still(change.user, table, "edit")
        watch.complete(count=accepted, count_exact=True, progress=1.0)


def _details(job: ImportJob) -> RetryDetails:
    return {"import": job.pk, "filename": job.filename}


def _tried(
    job: ImportJob, table: Table, user: User, event: AuditEvent, reporter: _Reporter, among: Q | None
) -> tuple[Counts, int]:
    """What became of the rows ``among``, and how many were accepted. ``event`` is that of the retry."""
    columns = list(table.columns.all())
    reader = RowReader(job, columns)
    plan = planned(job, table, reader)
    with closing(FedRows(len(reader.slots))) as fed:
        for row in rows_of(job, among):
            said = reader.cells(row)
            if said.is_whole:  # what is no row stays what it is
                fed.add(row, said)
            reporter.update()
        if not fed.count:
            return Counts(), 0
        loader, verdicts = load(job, table, columns, fed, plan, reporter)
        with closing(loader):
            keeper = _keeper(job, event, columns, plan[0])
            loader.changes.begin(keeper)
            loader.finish()
            loader.changes.store(table)
            tell_of_new(user, job, loader.made_elsewhere())
        if keeper is event:
            event.details["columns"] = sorted(loader.changes.columns)
        accepted = verdicts.take_out_accepted()
    if accepted != loader.counts.rows_read - loader.counts.rows_rejected:
        raise AssertionError(f"{accepted} rows were accepted of {loader.counts}")
    return loader.counts, accepted


def _keeper(job: ImportJob, event: AuditEvent, columns: Sequence[Column], plan: Plan) -> AuditEvent:
    """The event that images of records belong to: the import's, if it tells of their columns; the trail is append-only.

    Those of imports from before that was told belong to the ``event`` of the retry.
    """
    names = {spec.name for spec in plan.specs}
    filled = {column.attribute for column in columns if column.name in names}
    return job.event if job.event is not None and filled <= set(job.event.details.get("columns", ())) else event


class _Reporter:
    """Tells a change's watch how far its loader is."""

    def __init__(self, watch: StageWatch) -> None:
        self._watch = watch

    def plan(self, **stages: float) -> None:
        self._watch.plan(**stages)

    def update(self, *, share: float | None = None, **changes: Any) -> None:
        if "phase" in changes:
            self._watch.at(str(changes["phase"]), share or 0.0)
        self._watch.check()

    def building(self, done: int, of: int) -> None:
        self._watch.check()

    def growing(self, relation: str, expected: int) -> None:
        self._watch.check()
