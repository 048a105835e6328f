"""What happens to records when an import is undone or done again, inside the transaction of the worker that does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from django.db import transaction

from dataengine import access
from dataengine.exceptions import Conflict, InvalidInput, Unavailable, some_of
from dataengine.models import AuditEvent, ImportJob, TrashItem
from dataengine.models.shapes import ImportUndoDetails
from dataengine.postgres.statements import limit_locks
from dataengine.records.database_errors import translated
from dataengine.records.imported import Imported
from dataengine.services import import_elsewhere, trash
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_TRIES = 5
_LOCK_MS = 500
"""So long a table waits for whoever uses it until it goes to the trash; everybody else waits behind it."""


class _ChangedMeanwhile(Exception):
    """Somebody changed records that the import made while they were taken out."""


def undo_records(
    user: User, job: ImportJob, made: Imported, *, rest: bool, elsewhere: Iterable[int] | None
) -> AuditEvent:
    """Take the import back; its event has what is needed to do it again.

    Records that it made in other tables go, too: in those ``elsewhere`` (None: in all that the user may edit).
    """
    assert job.event is not None  # see ``import_undo.check_undoable``

    def attempt() -> AuditEvent:
        assert job.event is not None
        touched = made.later_changes()
        left = made.keep_changed(job.event, with_made=True, with_others=job.makes_its_table)
        if left and not rest:
            refuse_changed(left, made.some_changed())
        if rest:
            left += made.keep_needed_too()
        # What undoes an undoing of an undoing undoes the latest doing.
        undoes = getattr(job.undo_event, "undone_by", None) or job.event
        event = _event(user, job, made, "import.undone", undoes=undoes, left=left)
        if job.makes_its_table and not left and not (rest and made.is_referred_to):
            limit_locks(_LOCK_MS)
            item = trash.delete_table_now(user=user, table=made.model.table)
            import_elsewhere.remove(user, job, elsewhere)
            return _completed(event, count=item.records, trash=item.pk)
        count = _write_images(made, event, job.event, again=False)
        import_elsewhere.remove(user, job, elsewhere)
        if made.later_changes() != touched:
            raise _ChangedMeanwhile
        return _completed(event, count=count)

    try:
        return _tried(made, attempt)
    except Conflict as error:
        if error.error_code == "referenced" and not rest:
            refuse_needed(user, made, job.event)
        raise


def redo_records(user: User, job: ImportJob, made: Imported, *, rest: bool) -> AuditEvent:
    """Undo the undoing of the import."""
    undone = job.undo_event
    assert undone is not None  # the import is undone

    def attempt() -> AuditEvent:
        left = made.keep_changed(undone, with_made=False)
        if left and not rest:
            refuse_changed(left, made.some_changed())
        event = _event(user, job, made, "import.redone", undoes=undone, left=left)
        import_elsewhere.bring_back(user, job)
        return _completed(event, count=_write_images(made, event, undone, again=True))

    return _tried(made, attempt)


def restore_table(user: User, job: ImportJob, item: TrashItem) -> AuditEvent:
    """Bring the table back that the import made, from the trash."""
    assert job.undo_event is not None  # the import is undone
    details: ImportUndoDetails = {
        "import": job.pk, "filename": job.filename, "count": item.records, "left": 0, "columns": [],
    }  # fmt: skip
    limit_locks(_LOCK_MS)
    table = trash.restore_table_now(user=user, item=item).table
    return record_event(user=user, table=table, action="import.redone", details=details, undoes=job.undo_event)


def refuse_changed(count: int, ids: Sequence[int]) -> None:
    """Raise Conflict if there are records that were changed since; ``ids`` are the first of ``count``."""
    if not count:
        return
    raise Conflict(
        f"{count:,} record{'s were' if count > 1 else ' was'} changed since ({some_of(ids)}). With “rest” these stay as"
        " they are now, and all others go back.",
        code="changed_since",
        details={"count": count, "ids": list(ids)},
    )


def refuse_needed(user: User, made: Imported, event: AuditEvent) -> None:
    """Raise Conflict if records that would go are needed: others, which stay, refer to them."""
    count, ids, columns = made.needed(event)
    if not count:
        return
    seen = access.tables_for(user).filter(pk__in={column.table_id for column in columns})
    tables = sorted(seen.values_list("name", flat=True))
    by = f"records of {some_of(f'“{name}”' for name in tables)}" if tables else "records of other tables"
    raise Conflict(
        f"{count:,} of its records cannot go ({some_of(ids)}): {by} refer to"
        f" {'them' if count > 1 else 'it'}. With “rest” {'these stay' if count > 1 else 'it stays'}, and all others go"
        " back.",
        code="referenced",
        details={"count": count, "ids": ids, "tables": tables},
    )


def _tried(made: Imported, attempt: Callable[[], AuditEvent]) -> AuditEvent:
    try:
        for _ in range(_TRIES):
            try:
                with translated(made.model, deleting=True), transaction.atomic():
                    return attempt()
            except _ChangedMeanwhile:
                continue
    except InvalidInput as error:
        raise Conflict(f"This cannot be undone: {error.message}", code="undo_refused", fields=error.fields) from error
    raise Unavailable("The records are changing too fast. Try again later.", code="table_busy")


def _write_images(made: Imported, event: AuditEvent, of: AuditEvent, *, again: bool) -> int:
    """Give the records of ``of`` their state from before it. ``event`` gets their images.

    Records that the import made go before others get their values back, or come (``again``) once others have let theirs
    go: either may have a value that the other has, too. References among them are written last. Returns how many
    records there were.
    """
    made.lock(of)
    count = made.reverse(event, of)
    made.let_go(event)
    if not again:
        count += made.remove_made()
    made.delete(event)
    made.write_values(event)
    made.insert(event)
    if again:
        count += made.bring_made_back()
    made.hold_again(event)
    return count


def _event(user: User, job: ImportJob, made: Imported, action: str, *, undoes: AuditEvent, left: int) -> AuditEvent:
    of = job.event if action == "import.undone" else job.undo_event
    details: ImportUndoDetails = {
        "import": job.pk, "filename": job.filename, "count": 0, "left": left,
        "columns": of.details.get("columns", []) if of is not None else [],
    }  # fmt: skip
    return record_event(user=user, table=made.model.table, action=action, details=details, undoes=undoes)


def _completed(event: AuditEvent, **details: int) -> AuditEvent:
    event.details |= details
    event.save(update_fields=["details"])
    return event
