"""Deletes tables and columns into the trash, restores them from there, and deletes them for good.

What is in the trash is out of everybody's sight and its name is free at once. References out of it are suspended, so
that it keeps no record of other tables from being deleted; see ``restore`` for what becomes of them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from dataengine import access
from dataengine.columns.types import ID
from dataengine.exceptions import Conflict, NotFound, Unavailable
from dataengine.models import Column, ImportJob, Index, Source, Table, TrashItem
from dataengine.models.shapes import ColumnDetails
from dataengine.postgres import ddl, kept_records, trash
from dataengine.queries.table_sizes import size_of
from dataengine.services import import_elsewhere, indexes
from dataengine.services.audit import record_event
from dataengine.services.schema_changes import change_schema
from dataengine.services.tables import check_new_column_name, check_table_name, current_column, locked_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and what of it could not be as it was."""

    table: Table
    column: Column | None
    notes: list[str]


def delete_table(*, user: User, table: Table) -> TrashItem:
    """Move the table with all its records to the trash. Raises Conflict while other tables refer to it."""
    return change_schema(lambda: delete_table_now(user=user, table=table), table=table)


def delete_table_now(*, user: User, table: Table) -> TrashItem:
    """``delete_table`` inside a transaction that is already open."""
    locked = locked_table(table)
    _refuse_if_referenced(user, locked)
    item = TrashItem.objects.create(
        table=locked, name=locked.name, records=size_of(locked).records, deleted_by=user, indexed=_indexed(locked)
    )
    record_event(user=user, table=locked, action="table.deleted")
    Source.objects.filter(table=locked, paused=Source.Paused.NOT).update(
        paused=Source.Paused.TRASHED, paused_reason="The table was deleted.", next_run_at=None
    )
    trash.move_table(locked, _references(locked.columns.all()))
    # What is not built yet is built when it is back.
    Index.objects.filter(table=locked).exclude(state=Index.State.COMPLETED).delete()
    locked.trashed_at = item.deleted_at
    locked.save(update_fields=["trashed_at", "updated_at"])
    return item


def delete_column(*, user: User, table: Table, column: Column) -> TrashItem:
    """Move a column with all its values to the trash."""

    return change_schema(lambda: delete_column_now(user=user, table=table, column=column), table=table)


def delete_column_now(*, user: User, table: Table, column: Column) -> TrashItem:
    """``delete_column`` inside a transaction that is already open."""
    locked = locked_table(table)
    current = current_column(locked, column)
    index = current.index_or_none
    item = TrashItem.objects.create(
        table=locked,
        column=current,
        name=current.name,
        records=size_of(locked).records,
        deleted_by=user,
        indexed=[] if index is None or index.automatic else [current.pk],
    )
    record_event(user=user, table=locked, action="column.deleted", details={"column": current.name})
    trash.hide_column(locked, current)
    if index is not None:
        index.delete()
    current.trashed_at = item.deleted_at
    current.save(update_fields=["trashed_at"])
    if current.kind.is_searched_as_text:
        indexes.queue_search_again(locked)
    return item


def restore(*, user: User, item: TrashItem, name: str = "") -> Restored:
    """Bring a table or column back, under its old name or under ``name``.

    References to records that are gone since are cleared. A column that was required and has records without a value
    now (added or cleared meanwhile) comes back as one that is not, as does a unique one whose values repeat, because
    changes were undone meanwhile; ``notes`` says so. Raises Conflict if the name is taken or if what it refers to is
    in the trash itself.
    """
    if item.column is not None:
        return _restore_column(user, item, name)
    return change_schema(lambda: restore_table_now(user=user, item=item, name=name))


def purge(*, user: User | None, item: TrashItem) -> None:
    """Delete for good."""

    def change() -> None:
        current = TrashItem.objects.select_for_update().filter(pk=item.pk).first()
        if current is None:
            return
        table = Table.everything.get(pk=current.table_id)
        column = current.column
        action = "table.purged" if column is None else "column.purged"
        details: ColumnDetails | None = None if column is None else {"column": current.name}
        if current.successor_id is None:
            record_event(user=user, table=table, action=action, details=details)
        if column is not None:
            # With a column go its values from before its type was changed.
            for hidden in [*Column.everything.filter(trash_item__successor=column), column]:
                trash.drop_hidden_column(table, hidden)
                hidden.delete()
            return
        trash.drop_table(table)
        for job_id in kept_records.imports_into(table.pk):
            kept_records.drop(job_id, table.pk)
        # References to it that are in the trash themselves keep their numbers and refer to nothing.
        Column.everything.filter(references=table).exclude(table=table).update(type=ID.name, references=None)
        Column.everything.filter(table=table).delete()
        table.delete()

    change_schema(change)


def sweep() -> int:
    """Delete for good what has been in the trash for ``TRASH_DAYS``; returns how much that was.

    What is in use at the moment is left for the next time.
    """
    old = TrashItem.objects.filter(deleted_at__lt=timezone.now() - timedelta(days=settings.TRASH_DAYS))
    purged = 0
    for item in old.order_by("id"):
        try:
            purge(user=None, item=item)
        except Unavailable as error:
            logger.info("%s stays in the trash for now: %s", item, error)
            continue
        purged += 1
    return purged


def restore_table_now(*, user: User, item: TrashItem, name: str = "") -> Restored:
    """``restore`` of a table inside a transaction that is already open."""
    current = _locked_item(item)
    table = Table.everything.get(pk=current.table_id)
    columns = list(Column.everything.filter(table=table, trashed_at=None).select_related("references"))
    _refuse_if_target_is_trashed([c for c in columns if c.references_id != table.pk])
    table.name = check_table_name(name or current.name, field="name")
    table.trashed_at = None
    table.save(update_fields=["name", "trashed_at", "updated_at"])
    trash.bring_table_back(table)
    # With it comes the import that made it, if undoing that was what deleted it.
    undone = ImportJob.objects.filter(table=table, state=ImportJob.State.UNDONE, undo_event__details__trash=current.pk)
    for job in undone:
        import_elsewhere.bring_back(user, job)
    undone.update(state=ImportJob.State.COMPLETED)
    notes = _restore_references(table, columns)
    current.delete()
    record_event(user=user, table=table, action="table.restored")
    _build_again(table, current.indexed)
    return Restored(table, None, notes)


def _restore_column(user: User, item: TrashItem, name: str) -> Restored:
    table = Table.objects.filter(pk=item.table_id).first()
    if table is None:
        raise Conflict("The column's table is in the trash; restore that first.", code="table_in_trash")
    return change_schema(lambda: restore_column_now(user=user, table=table, item=item, name=name), table=table)


def restore_column_now(*, user: User, table: Table, item: TrashItem, name: str = "") -> Restored:
    """``restore`` of a column inside a transaction that is already open."""
    current = _locked_item(item)
    locked = locked_table(table)
    column = Column.everything.select_related("references").get(trash_item=current)
    _refuse_if_target_is_trashed([column])
    taken = list(locked.columns.values_list("name", flat=True))
    column.name = check_new_column_name(locked, name or current.name, taken, field="name")
    column.trashed_at = None
    column.position = 1 + max(locked.columns.values_list("position", flat=True), default=-1)
    column.save(update_fields=["name", "trashed_at", "position"])
    trash.bring_column_back(locked, column)
    notes = _restore_references(locked, [column])
    if column.required and not trash.require(locked, column):
        column.required = False
        column.save(update_fields=["required"])
        notes.append(f"“{column.title}” is not required any more: some records have no value in it.")
    if column.unique and trash.has_repeats(locked, column):
        column.unique = column.unique_ignores_case = False
        column.save(update_fields=["unique", "unique_ignores_case"])
        notes.append(f"“{column.title}” is not unique any more: some records have the same value in it.")
    if column.unique:
        ddl.set_unique(locked, column)
    current.delete()
    record_event(user=user, table=locked, action="column.restored", details={"column": column.name})
    _build_again(locked, current.indexed)
    if column.kind.is_searched_as_text:
        indexes.queue_search_again(locked)
    return Restored(locked, column, notes)


def _locked_item(item: TrashItem) -> TrashItem:
    current = TrashItem.objects.select_for_update(of=("self",)).filter(pk=item.pk).first()
    if current is None:
        raise NotFound(f"There is nothing with the number {item.pk} in the trash.", code="trash_not_found")
    return current


def _refuse_if_referenced(user: User, table: Table) -> None:
    referring = Column.objects.filter(references=table, table__trashed_at=None).exclude(table=table)
    if not referring.exists():
        return
    seen = referring.filter(table__in=access.tables_for(user)).select_related("table")[:5]
    names = [f"{column.table.name}.{column.name}" for column in seen]
    who = f": {', '.join(names)}" if names else ""
    raise Conflict(f"Other tables refer to “{table.name}”{who}.", code="referenced")


def _refuse_if_target_is_trashed(columns: Sequence[Column]) -> None:
    """Also keeps the tables that the columns refer to from being deleted until the columns are back."""
    keys = [column.references_id for column in columns if column.references_id is not None]
    held = Table.everything.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk")
    trashed = {table.pk for table in held if table.trashed_at is not None}
    for column in columns:
        if column.references is not None and column.references_id in trashed:
            raise Conflict(
                f"“{column.name}” refers to the table “{column.references.name}”, which is in the trash; restore that"
                " first.",
                code="reference_in_trash",
            )


def _restore_references(table: Table, columns: Sequence[Column]) -> list[str]:
    """Have references checked again; those to records that are gone are cleared, which is noted."""
    notes: list[str] = []
    for column in _references(columns):
        if column.required and trash.count_dangling(table, column):
            column.required = False
            column.save(update_fields=["required"])
            ddl.set_required(table, column)
            notes.append(f"“{column.title}” is not required any more: records that it refers to are gone.")
        cleared = trash.restore_reference(table, column)
        if cleared:
            notes.append(f"{cleared:,} references of “{column.title}” to records that are gone are cleared.")
    return notes


def _references(columns: Iterable[Column]) -> list[Column]:
    return [column for column in columns if column.references_id is not None]


def _indexed(table: Table) -> list[int | None]:
    """The keys of the columns whose requested indexes are still to be built; null stands for the search index.

    A list that needs an automatic one has it queued again.
    """
    unbuilt = Index.objects.filter(table=table, automatic=False).exclude(state=Index.State.COMPLETED)
    return list(unbuilt.values_list("column_id", flat=True))


def _build_again(table: Table, indexed: Sequence[int | None]) -> None:
    for key in indexed:
        indexes.build_again(table, key)
