"""The tables to which a reference column can refer, each with the column that names its records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataengine import access
from dataengine.columns.types import REGISTRY
from dataengine.models import Column

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Referable:
    """A table by name; ``named_by`` is the title of the column that names its records, '' without one."""

    name: str
    title: str
    named_by: str


def referable(user: User) -> list[Referable]:
    """The tables that ``user`` may see, by two queries or three."""
    tables = list(access.tables_for(user).order_by("name"))
    naming = [name for name, kind in REGISTRY.items() if kind.can_name_records]
    first = Column.objects.filter(table__in=tables, type__in=naming).order_by("table_id", "position", "id")
    named = {column.table_id: column.title for column in first.distinct("table_id")}
    chosen = [table.naming_column_id for table in tables if table.naming_column_id is not None]
    if chosen:
        named |= {column.table_id: column.title for column in Column.objects.filter(pk__in=chosen, type__in=naming)}
    return [Referable(table.name, table.title, named.get(table.pk, "")) for table in tables]
