"""The column with what failed: it goes to the trash when its change is undone, and comes back when that is undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataengine.models import Column, Table, TrashItem
from dataengine.models.shapes import ColumnChangeFacts
from dataengine.services import trash
from dataengine.services.column_records import free_name, move

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def note_undoing(table: Table, facts: ColumnChangeFacts, undone: ColumnChangeFacts) -> None:
    """Note in ``undone``, the facts of an undoing, what becomes of the kept column of the undone ``facts``."""
    key = facts.get("kept")
    if key is None:
        return
    if facts.get("kept_is_gone"):
        undone["kept"] = key
    elif table.columns.filter(pk=key).exists():
        undone["kept"], undone["kept_is_gone"] = key, True


def settle(user: User, table: Table, column: Column, facts: ColumnChangeFacts) -> None:
    """Delete the kept column, which is of no use any more, or bring it back beside ``column``.

    Inside a transaction that is open, after what ``facts`` are of has been undone.
    """
    key = facts.get("kept")
    if key is None:
        return
    if facts.get("kept_is_gone"):
        _bring_back(user, table, column, TrashItem.objects.filter(column_id=key, table=table).first())
        return
    kept = table.columns.filter(pk=key).first()
    if kept is not None:
        trash.delete_column_now(user=user, table=table, column=kept)


def _bring_back(user: User, table: Table, column: Column, item: TrashItem | None) -> None:
    if item is None:  # somebody has restored it already, or deleted it for good
        return
    taken = {name.casefold() for name in table.columns.values_list("name", flat=True)}
    name = free_name(column.name, taken) if item.name.casefold() in taken else item.name
    restored = trash.restore_column_now(user=user, table=table, item=item, name=name).column
    assert restored is not None  # since it was one
    others = [other.pk for other in table.columns.all() if other.pk != restored.pk]
    move(table, restored, 1 + others.index(column.pk))
