"""Records that an import made in other tables because its rows refer to them: they go and come back with the import.

They stay where somebody has changed them since, where other records refer to them, and where whoever undoes the import
may not delete them: nobody else's work is undone with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataengine import access
from dataengine.models import AuditEvent, ImportJob, Table
from dataengine.models.shapes import ImportUndoDetails
from dataengine.postgres import kept_records
from dataengine.postgres.trash import hidden_columns
from dataengine.records.imported import Imported
from dataengine.records.model import record_model
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def remove(user: User, job: ImportJob) -> int:
    """Take them out of their tables; returns how many. Only once the import's own records are gone."""
    removed = 0
    for made in _made(user, job):
        left = made.keep_needed()
        count = made.remove_made()
        if count:
            _tell(user, job, made.model.table, "import.undone", count, left)
        removed += count
    return removed


def bring_back(user: User, job: ImportJob) -> int:
    """Undo ``remove``, before records refer to them again; returns how many."""
    restored = 0
    for pk in kept_records.tables_of(job.pk):
        table = Table.objects.filter(pk=pk).first()
        if table is None or pk == job.table_id:
            continue
        model = record_model(table)
        count = kept_records.bring_back(job.pk, table, [*model.columns, *hidden_columns(table)])
        _tell(user, job, table, "import.redone", count, 0)
        restored += count
    return restored


def _made(user: User, job: ImportJob) -> list[Imported]:
    options = job.options.get("references") or {}
    if not any(option.get("missing") == "create" for option in options.values()):
        return []
    ranges: dict[int, list[tuple[int, int]]] = {}
    events = AuditEvent.objects.filter(
        action="import.referenced", created_at__gte=job.created_at, details__import=job.pk
    ).exclude(table=job.table_id)
    for table_id, details in events.values_list("table_id", "details"):
        ranges.setdefault(table_id or 0, []).extend((low, high) for low, high in details["ids"])
    found = []
    for table in access.tables_for(user, "edit").filter(pk__in=ranges).order_by("pk"):
        model = record_model(table)
        columns = [*model.columns, *hidden_columns(table)]
        found.append(Imported(job, model, columns, sorted(ranges[table.pk]), is_own=False))
    return found


def _tell(user: User, job: ImportJob, table: Table, action: str, count: int, left: int) -> None:
    details: ImportUndoDetails = {
        "import": job.pk, "filename": job.filename, "count": count, "left": left, "columns": [],
    }  # fmt: skip
    record_event(user=user, table=table, action=action, details=details)
