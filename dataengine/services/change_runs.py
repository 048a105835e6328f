"""Runs changes of very many records.

One attempt is one transaction: the records, their images, the audit event and the job's end commit together, so a
change that was rung for twice or whose worker died has happened once or not at all.

What makes the changes is only loaded when there is one: processes that sweep or import do without its 15 MB.
"""

from __future__ import annotations

from django.db import connection, transaction

from dataengine import access
from dataengine.jobs.runner import Runner, Session
from dataengine.jobs.stage_watch import StageWatch
from dataengine.jobs.watch import Watch
from dataengine.models import ChangeJob, Table
from dataengine.models.shapes import ChangeParameters
from dataengine.postgres import ddl, locks
from dataengine.queries.table_sizes import size_of
from dataengine.services import table_copying

_SETTINGS = (
    ("statement_timeout", "0"), ("idle_in_transaction_session_timeout", "0"),
    # Somebody who locks a record for so long is no reason to keep imports away from the table.
    ("lock_timeout", "60s"),
    # A killed worker cannot commit, so its statement need not go on.
    ("client_connection_check_interval", "2s"),
    ("work_mem", "64MB"),
)  # fmt: skip


class ChangeRunner(Runner[ChangeJob, StageWatch]):
    """Changes, each of which happens in one transaction."""

    model = ChangeJob
    namespace = locks.CHANGE_NAMESPACE
    stops_builds = True  # nobody waits for an index, but people wait for this

    def watch(self, job: ChangeJob, session: Session) -> StageWatch:
        return StageWatch(job, session)

    def work(self, job: ChangeJob, watch: StageWatch) -> None:
        from dataengine.services import indexes, retry_runs, retype_runs, undo_runs

        if job.action == ChangeJob.Action.RETYPE:
            perform_on_column = undo_runs.perform if "undoes" in job.parameters else retype_runs.perform
            perform_on_column(job, watch)
            return
        if job.action == ChangeJob.Action.RETRY:
            retry_runs.perform(job, watch)
            return
        if _writes_most_of_the_table(job):
            indexes.set_search_aside(job.table)
        with transaction.atomic():
            _change(job, watch)

    def after(self, job: ChangeJob) -> None:
        if job.action == ChangeJob.Action.RETYPE:
            table_copying.sweep()


def run(job_id: int) -> ChangeJob | None:
    """Run the change (see ``Runner.run``)."""
    return ChangeRunner().run(job_id)


def sweep() -> list[int]:
    """Clean up after crashes. Returns the changes to ring for. Safe to call at any time, and often."""
    table_copying.sweep()
    return ChangeRunner().sweep()


def _change(job: ChangeJob, watch: Watch) -> None:
    from dataengine.services import import_undo
    from dataengine.services.changes import perform

    with connection.cursor() as cursor:
        for name, value in _SETTINGS:
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
    if "imported" in job.parameters:
        event = import_undo.perform(job)
        table = Table.objects.filter(pk=job.table_id).first()  # may be in the trash now
    else:
        # What was allowed when it was requested may not be allowed any more.
        table = access.get_table(job.user, job.table.name, "edit")
        event = perform(user=job.user, table=table, parameters=job.parameters)
        access.check_still(job.user, table, "edit")
    if table is not None:
        # Lists estimate their length from these statistics; autovacuum would refresh them a minute later.
        ddl.execute(ddl.analyze(table, patient=False))
    watch.complete(event=event, count=event.details["count"], count_exact=True)


def _writes_most_of_the_table(job: ChangeJob) -> bool:
    """Whether at least half of the table's records are written (not deleted)."""
    parameters: ChangeParameters = job.parameters
    if "imported" in parameters:
        writes = parameters["verb"] == "redone" and job.table.trashed_at is None
    else:
        writes = "image" in parameters or ("event" in parameters and parameters["verb"] != "deleted")
    if not writes:
        return False
    return job.count >= size_of(job.table).records / 2
