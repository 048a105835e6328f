"""Doing an import over that made its table: the same file once more, with other options, in the place of the first.

The old records stay until the new ones are in: one transaction takes out the columns and puts the new ones there, so
that nobody ever sees half of it, and the table stays the one that people were given rights to. It is refused where
anybody has changed the table since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.core.files.storage import default_storage
from django.db import transaction

from dataengine import access
from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import Conflict, DataEngineError, InvalidInput, NotFound, Unavailable
from dataengine.imports.loading.shadow import lock_for_swap
from dataengine.imports.planning.options import ImportOptions
from dataengine.models import AuditEvent, Column, ImportedSpan, ImportJob, Table
from dataengine.services import import_references
from dataengine.services.audit import CHANGE_NOTHING
from dataengine.services.imports import pass_on
from dataengine.services.tables import remake_table_now

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

_BY_COLUMN = ("types", "on_bad_cell", "date_formats", "decimal", "thousands")


def can_be_done_over(user: User | AnonymousUser, job: ImportJob) -> bool:
    """Whether ``do_over`` would take it from this user, if the file is still where it was stored."""
    try:
        _repeatable(user, job)
    except DataEngineError:
        return False
    return True


def _repeatable(user: User | AnonymousUser, job: ImportJob) -> tuple[Table, ImportJob]:
    """The table that the import made, and the import that has its file. Raises the errors of ``do_over``."""
    if not job.makes_its_table or job.state != ImportJob.State.COMPLETED:
        raise Conflict("Only an import that made its table can be done over.", code="not_repeatable")
    if (made := _table_of(job)) is None:
        raise NotFound(f"There is no table “{job.table_name}” any more.", code="table_not_found")
    table = access.get_table(user, made.name, "own")
    holder = holder_of(job)
    if holder is None:
        raise Conflict(_GONE, code="file_gone")
    check_unchanged(job, table)
    return table, holder


_GONE = "The file of this import is not kept any more; upload it again."


def _table_of(job: ImportJob) -> Table | None:
    """The table that the import made, unless it is in the trash."""
    return job.table if job.table is not None and job.table.trashed_at is None else None


def holder_of(job: ImportJob) -> ImportJob | None:
    """The import that has the file: itself, or one that was to do it over and came to nothing."""
    if job.source:
        return job
    failed = (ImportJob.State.FAILED, ImportJob.State.CANCELLED)
    return job.done_over_by.filter(state__in=failed).exclude(source="").order_by("pk").last()


def is_changed_since(job: ImportJob, table: Table) -> bool:
    """Whether anything but an index has changed in the table since the import was completed."""
    events = (
        AuditEvent.objects.filter(table=table).exclude(action__startswith="index.").exclude(action__in=CHANGE_NOTHING)
    )
    last = events.order_by("-pk").first()
    is_ours = last is not None and last.action == "import.completed" and last.details.get("import") == job.pk
    return not is_ours


def do_over(*, user: User, job: ImportJob, options: Mapping[str, Any]) -> ImportJob:
    """Queue a new job for the file of a completed import, with ``options`` besides those that it had.

    Raises NotFound, AccessDenied, InvalidInput, or Conflict: ``not_repeatable`` where it did not make its table,
    ``file_gone``, ``changed_since``, ``referenced``.
    """
    table, holder = _repeatable(user, job)
    if options.get("recipe") is not None:
        raise _refused("recipe", "A new table has no recipes.")
    if options.get("create_table") not in (None, True):
        raise _refused("create_table", "An import that is done over makes its table; leave this out, or give true.")
    read = ImportOptions.read(merged(job, options))
    if read.dry_run:
        raise _refused("dry_run", "An import that is done over cannot be a trial run.")
    targets = import_references.targets_of_new(user, read)
    if table.pk in {target.pk for target in targets.values()}:
        reason = f"“{table.name}” is made anew, so none of its columns can refer to it yet. Change the type afterwards."
        raise InvalidInput(reason, code="unknown_reference", fields={"types": reason})
    import_references.check_rights(user, targets, read)
    if not default_storage.exists(holder.source):
        raise Conflict(_GONE, code="file_gone")
    with transaction.atomic():
        return pass_on(
            holder,
            taken="This import is being done over already.",
            table=table,
            table_name=table.name,
            user=user,
            options=read.given,
            replaces=job,
        )


def _refused(option: str, reason: str) -> InvalidInput:
    message, place = f"Option {option}: {reason}", ("options", option)
    return InvalidInput(message, code="invalid_option", fields={option: reason}, pointers=[(place, reason)])


def check_unchanged(job: ImportJob, table: Table) -> None:
    """Raise Conflict where the import cannot be taken back without losing what others did."""
    if is_changed_since(job, table):
        reason = f"“{table.name}” was changed after the import, so it is not done over."
        raise Conflict(reason, code="changed_since")
    if Column.everything.filter(references=table).exclude(table=table).exists():  # in the trash, too
        raise Conflict(f"Other tables refer to “{table.name}”, so it is not made anew.", code="referenced")


def take_the_place(*, user: User, job: ImportJob, columns: Sequence[ColumnSpec]) -> Table:
    """Make the table anew that an earlier import made, inside the transaction of the import that does it over."""
    earlier = job.replaces
    table = Table.objects.filter(pk=job.table_id or 0).first()
    if earlier is None or table is None:
        raise NotFound(f"There is no table “{job.table_name}” any more.", code="table_not_found")
    access.get_table(user, table.name, "own")  # which it took when this was requested
    if not lock_for_swap(table):
        raise Unavailable("The table is busy; try again in a moment.", code="table_busy")
    check_unchanged(earlier, table)
    # Its records go, and others get their ids.
    ImportedSpan.objects.filter(job=earlier).delete()
    ImportJob.objects.filter(pk=earlier.pk).update(event=None)
    return remake_table_now(user=user, table=table, columns=columns)


def merged(job: ImportJob, more: Mapping[str, Any]) -> dict[str, Any]:
    """The options of an import with others: by column where both are, null markers added to one another."""
    options = {**job.options, "create_table": True}
    more = {name: value for name, value in more.items() if name != "create_table"}
    columns = list(job.findings.get("types", {}))
    for name, value in more.items():
        before = options.get(name)
        if name in _BY_COLUMN and isinstance(value, Mapping) and before:
            known = before if isinstance(before, Mapping) else dict.fromkeys(columns, before)
            options[name] = {**known, **value}
        elif name == "null_values" and isinstance(value, list) and isinstance(before, list):
            options[name] = list(dict.fromkeys([*before, *value]))
        else:
            options[name] = value
    return options
