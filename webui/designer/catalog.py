"""The list of tables: its entries and its order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import django_tables2 as tables2

from dataengine import access
from dataengine.models import ImportJob, Table
from dataengine.queries.table_sizes import TableSize, sizes_of
from webui.sorting import Order, SortableTable

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One table in the list."""

    table: Table
    size: TableSize
    last_import: ImportJob | None

    # The values by which the list is sorted.
    @property
    def name(self) -> str:
        return self.table.title.casefold()

    @property
    def records(self) -> int:
        return self.size.records

    @property
    def bytes(self) -> int:
        return self.size.bytes

    @property
    def imported(self) -> int:
        return self.last_import.pk if self.last_import else 0


def listing(user: User, order: Order, search: str = "") -> CatalogTable:
    """The tables that ``user`` may see, sorted by ``order`` (of ``records``, ``bytes``, …; else by name).

    With ``search`` those whose name, label or owner has every word of it.
    """
    words = search.casefold().split()
    tables = [table for table in access.tables_for(user) if _has(words, table.name, table.label, str(table.owner))]
    return CatalogTable(entries(tables), order=order)


def _has(words: Sequence[str], *texts: str) -> bool:
    return all(any(word in text.casefold() for text in texts) for word in words)


def entries(tables: Sequence[Table]) -> list[TableEntry]:
    """The entries, by three queries, however many tables there are, and a bounded count for each small table."""
    sizes = sizes_of(tables)
    newest = ImportJob.objects.filter(table__in=tables).order_by("table_id", "-id").distinct("table_id")
    imports = {job.table_id: job for job in newest}
    return [TableEntry(table, sizes[table.pk], imports.get(table.pk)) for table in tables]


class CatalogTable(SortableTable):
    """The tables that a user may see."""

    name = tables2.Column("Table")
    records = tables2.Column("Records", initial_sort_descending=True)
    bytes = tables2.Column("Size", initial_sort_descending=True)
    imported = tables2.Column("Last import", initial_sort_descending=True)

    class Meta:
        order_by = "name"

    def css_of(self, name: str) -> str:
        """Numbers are aligned to the right."""
        return {"records": "num", "bytes": "num wide-only", "imported": "wide-only"}.get(name, "")
