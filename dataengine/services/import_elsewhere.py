"""Records that an import made in other tables because its rows refer to them: they go and come back with the import.

They stay where somebody has changed them since, where other records refer to them, and where whoever undoes the import
may not delete them: nobody else's work is undone with it. A worker knows the user and not the token that the request
came with, so what that token leaves is written down when the request is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dataengine import access
from dataengine.exceptions import AccessDenied
from dataengine.models import AuditEvent, ImportJob, Table
from dataengine.models.shapes import ImportUndoDetails
from dataengine.postgres import kept_records
from dataengine.postgres.trash import hidden_columns
from dataengine.records.imported import Imported
from dataengine.records.model import record_model
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def editable(user: User, job: ImportJob) -> list[int]:
    """The tables out of which this user may take them: of a request, no more than its token leaves."""
    return [table.pk for table, _ in _places(user, job)]


def check_may_bring_back(user: User, job: ImportJob) -> None:
    """Raise AccessDenied unless ``bring_back`` would bring all of them back for this user."""
    kept = set(_kept_in(job))
    if access.tables_for(user, "edit").filter(pk__in=kept).count() < Table.objects.filter(pk__in=kept).count():
        raise AccessDenied("The import made records in another table, too, where you may not change any.")


def remove(user: User, job: ImportJob, among: Iterable[int] | None = None) -> int:
    """Take them out of their tables, or only ``among`` these; returns how many.

    Only once the import's own records are gone.
    """
    removed = 0
    wanted = None if among is None else set(among)
    for table, ranges in _places(user, job):
        if wanted is not None and table.pk not in wanted:
            continue
        model = record_model(table)
        made = Imported(job, model, [*model.columns, *hidden_columns(table)], ranges, is_own=False)
        left = made.keep_needed()
        count = made.remove_made()
        if count:
            _tell(user, job, made.model.table, "import.undone", count, left)
        removed += count
    return removed


def bring_back(user: User, job: ImportJob) -> int:
    """Undo ``remove``, before records refer to them again, where this user may; returns how many."""
    restored = 0
    for table in access.tables_for(user, "edit").filter(pk__in=_kept_in(job)).order_by("pk"):
        model = record_model(table)
        count = kept_records.bring_back(job.pk, table, [*model.columns, *hidden_columns(table)])
        _tell(user, job, table, "import.redone", count, 0)
        restored += count
    return restored


def _kept_in(job: ImportJob) -> list[int]:
    return [pk for pk in kept_records.tables_of(job.pk) if pk != job.table_id]


def _places(user: User, job: ImportJob) -> list[tuple[Table, list[tuple[int, int]]]]:
    """The tables with such records that the user may edit, and the ranges of their ids."""
    options = job.options.get("references") or {}
    if not any(option.get("missing") == "create" for option in options.values()):
        return []
    ranges: dict[int, list[tuple[int, int]]] = {}
    events = AuditEvent.objects.filter(
        action="import.referenced", created_at__gte=job.created_at, details__import=job.pk
    ).exclude(table=job.table_id)
    for table_id, details in events.values_list("table_id", "details"):
        ranges.setdefault(table_id or 0, []).extend((low, high) for low, high in details["ids"])
    tables = access.tables_for(user, "edit").filter(pk__in=ranges).order_by("pk")
    return [(table, sorted(ranges[table.pk])) for table in tables]


def _tell(user: User, job: ImportJob, table: Table, action: str, count: int, left: int) -> None:
    details: ImportUndoDetails = {
        "import": job.pk, "filename": job.filename, "count": count, "left": left, "columns": [],
    }  # fmt: skip
    record_event(user=user, table=table, action=action, details=details)
