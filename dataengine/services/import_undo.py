"""Takes a completed import back, whole and exactly, and does it again: changes of records, made by a worker.

Records that it made go, unless others refer to them; those that it updated or removed are as they were, with their
ids; a table that it made goes to the trash. Records that were changed since are never overwritten: the undoing is
refused, or (``rest``) takes back the others.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.db import OperationalError, transaction
from django.utils import timezone

from dataengine import access
from dataengine.exceptions import Conflict, NotFound
from dataengine.jobs.doorbell import RUN_CHANGE, ring
from dataengine.models import AuditEvent, ChangeJob, ImportJob, Table, TrashItem
from dataengine.models.shapes import UndoImportParameters
from dataengine.postgres import kept_records
from dataengine.postgres.time_limits import time_limit, timed_out
from dataengine.postgres.trash import hidden_columns
from dataengine.queries.provenance import ranges_of
from dataengine.records.imported import Imported
from dataengine.records.model import record_model
from dataengine.services import import_elsewhere
from dataengine.services.import_undo_steps import (
    redo_records,
    refuse_changed,
    refuse_needed,
    restore_table,
    undo_records,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_PATIENCE_SECONDS = 4.0
"""So long a request looks for records that were changed since; a worker looks in any case."""


def undo(*, user: User, job: ImportJob, rest: bool = False) -> ChangeJob:
    """Leave the undoing of an import to a worker.

    Raises AccessDenied, or Conflict: ``not_undoable``, ``already_undone``, ``undo_expired``, ``changed_since`` with
    ``count`` and the first ``ids``, ``referenced`` (with ``tables``, too) where others refer to what it made.
    """
    check_undoable(job)
    table = _table_in_use(user, job)
    _refuse_twice(job)
    if not rest:
        _look(_imported(job, table), job.event, by=user)
    elsewhere = import_elsewhere.editable(user, job)
    return _queue(
        user, table, {"imported": job.pk, "verb": "undone", "rest": rest, "elsewhere": elsewhere}, _count(job)
    )


def redo(*, user: User, job: ImportJob, rest: bool = False) -> ChangeJob:
    """Leave undoing the undoing of an import to a worker. Raises what ``undo`` raises."""
    if job.state != ImportJob.State.UNDONE or job.undo_event is None:
        raise Conflict("This import has not been undone.", code="not_undone")
    if _ended_at(job) < _oldest():
        raise _expired()
    if item := _trash_item(job):
        table = Table.everything.get(pk=item.table_id)
        if "own" not in access.rights_of(user, table):
            raise NotFound(f"There is no import {job.pk}.", code="import_not_found")
        _refuse_twice(job)
        import_elsewhere.check_may_bring_back(user, job)
    else:
        table = _table_in_use(user, job)
        _refuse_twice(job)
        import_elsewhere.check_may_bring_back(user, job)
        if not rest:
            _look(_imported(job, table), job.undo_event)
    return _queue(user, table, {"imported": job.pk, "verb": "redone", "rest": rest}, job.undo_event.details["count"])


def check_undoable(job: ImportJob) -> None:
    """Raise Conflict if the import cannot be taken back, whatever its records say now."""
    if job.state == ImportJob.State.UNDONE:
        raise Conflict("This import has already been undone.", code="already_undone")
    if job.state != ImportJob.State.COMPLETED or job.options.get("dry_run"):
        raise Conflict("Only an import that was completed can be undone.", code="not_undoable")
    if job.event is None:
        reason = "What this import changed was not kept, so it cannot be undone."
        raise Conflict(reason, code="not_undoable")
    if _ended_at(job) < _oldest():
        raise _expired()


def can_be_undone(job: ImportJob) -> bool:
    """Whether it can be taken back, as far as the job itself tells."""
    try:
        check_undoable(job)
    except Conflict:
        return False
    return job.table is not None and job.table.trashed_at is None


def can_be_redone(job: ImportJob) -> bool:
    """The same of undoing the undoing."""
    if job.state != ImportJob.State.UNDONE or job.table is None or _ended_at(job) < _oldest():
        return False
    return job.table.trashed_at is None or TrashItem.objects.filter(table=job.table, column=None).exists()


def last_change(job: ImportJob) -> ChangeJob | None:
    """The latest change that undid the import or did it again, or is to."""
    changes = ChangeJob.objects.filter(action=ChangeJob.Action.UNDO, parameters__imported=job.pk)
    return changes.order_by("pk").last()


def import_of(event_id: int, table: Table) -> ImportJob | None:
    """The import that was completed, undone or redone by an event of this table."""
    event = AuditEvent.objects.filter(pk=event_id, table=table, action__startswith="import.").first()
    return None if event is None else ImportJob.objects.filter(pk=event.details["import"], table=table).first()


def perform(change: ChangeJob) -> AuditEvent:
    """Do it, inside the worker's transaction.

    What was allowed when it was requested may not be allowed any more, nor what was when the work began.
    """
    asked = cast("UndoImportParameters", change.parameters)
    job = ImportJob.objects.select_for_update(of=("self",)).filter(pk=asked["imported"]).first()
    if job is None:
        raise NotFound(f"There is no import {asked['imported']} any more.", code="import_not_found")
    if asked["verb"] == "undone":
        check_undoable(job)
        table = _table_in_use(change.user, job)
        made = _imported(job, table)
        event = undo_records(change.user, job, made, rest=asked["rest"], elsewhere=asked.get("elsewhere"))
        access.check_still(change.user, table, _right(job))
        state = ImportJob.State.UNDONE
        ImportJob.objects.filter(pk=job.pk).update(state=state, undo_event=event)
        return event
    if job.state != ImportJob.State.UNDONE:
        raise Conflict("This import has not been undone.", code="not_undone")
    import_elsewhere.check_may_bring_back(change.user, job)
    if item := _trash_item(job):
        event = restore_table(change.user, job, item)
    else:
        table = _table_in_use(change.user, job)
        event = redo_records(change.user, job, _imported(job, table), rest=asked["rest"])
    access.check_still(change.user, job.table, _right(job))
    ImportJob.objects.filter(pk=job.pk).update(state=ImportJob.State.COMPLETED)
    return event


def _table_in_use(user: User, job: ImportJob) -> Table:
    """The table, which the user may edit or, if the import made it, delete."""
    if job.table is None or job.table.trashed_at is not None:
        raise Conflict(f"The table “{job.table_name}” is not there any more.", code="table_not_found")
    return access.get_table(user, job.table.name, _right(job))


def _right(job: ImportJob) -> access.Right:
    return "own" if job.makes_its_table else "edit"


def _imported(job: ImportJob, table: Table) -> Imported:
    model = record_model(table)
    return Imported(job, model, [*model.columns, *hidden_columns(table)], ranges_of(job))


def _trash_item(job: ImportJob) -> TrashItem | None:
    """The item of the table that the import made and that went to the trash with it; None if it did not."""
    key = job.undo_event.details.get("trash") if job.undo_event is not None else None
    if key is None:
        return None
    item = TrashItem.objects.filter(pk=key).first()
    if item is None:
        raise Conflict(f"The table “{job.table_name}” is not there any more.", code="table_not_found")
    return item


def _look(made: Imported, event: AuditEvent | None, *, by: User | None = None) -> None:
    """Refuse at once what the worker would refuse, if that is found out soon enough.

    ``by`` takes the import back; None: it is done again.
    """
    undoes = by is not None
    if event is None:
        return
    try:
        with time_limit(_PATIENCE_SECONDS):
            refuse_changed(*made.changed(event, with_made=undoes, with_others=undoes and made.job.makes_its_table))
            if by is not None:
                refuse_needed(by, made, event)
    except OperationalError as error:
        if not timed_out(error):
            raise


def _refuse_twice(job: ImportJob) -> None:
    if ChangeJob.objects.filter(
        action=ChangeJob.Action.UNDO, state__in=ChangeJob.ACTIVE, parameters__imported=job.pk
    ).exists():
        raise Conflict("This is already being undone or done again.", code="already_undone")


def _queue(user: User, table: Table, parameters: UndoImportParameters, count: int) -> ChangeJob:
    table.known = None
    with transaction.atomic():
        # Of two requests at once, the second finds the change of the first.
        job = ImportJob.objects.select_for_update(of=("self",)).get(pk=parameters["imported"])
        _refuse_twice(job)
        change = ChangeJob.objects.create(
            table=table, user=user, action=ChangeJob.Action.UNDO, parameters=dict(parameters), count=count,
        )  # fmt: skip
        transaction.on_commit(lambda: ring(RUN_CHANGE, change.pk))
    return change


def _count(job: ImportJob) -> int:
    return job.rows_imported + job.rows_updated


def _ended_at(job: ImportJob) -> datetime:
    """When the import was completed, or undone last."""
    if job.state == ImportJob.State.UNDONE and job.undo_event is not None:
        return job.undo_event.created_at
    return job.finished_at or job.created_at


def _oldest() -> datetime:
    return timezone.now() - timedelta(days=settings.UNDO_DAYS)


def _expired() -> Conflict:
    return Conflict(f"Imports can be undone for {settings.UNDO_DAYS} days.", code="undo_expired")


def sweep() -> int:
    """Forget the records of undone imports that cannot come back any more. Returns of how many imports."""
    kept = kept_records.every()
    wanted = ImportJob.objects.filter(
        pk__in={job for job, _ in kept},
        state=ImportJob.State.UNDONE,
        undo_event__created_at__gte=_oldest(),
        table__isnull=False,
    )
    known = set(wanted.values_list("pk", flat=True))
    gone = [(job, table) for job, table in kept if job not in known]
    for job, table in gone:
        kept_records.drop(job, table)
    return len({job for job, _ in gone})
