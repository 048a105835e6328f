"""The catalog's part about the trash: deleted tables and columns that can still be restored."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models

from dataengine.models.tables import Column, Table


class TrashItem(models.Model):
    """A deleted table, or a deleted column of a table (``column`` set). Its catalog rows have ``trashed_at``.

    A table's records are in the schema of the trash; a column's values are where they were, under a name of ours.
    """

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="trash_items")
    column = models.OneToOneField(Column, on_delete=models.CASCADE, null=True, blank=True, related_name="trash_item")
    # The column whose earlier values these are: they are kept for taking a change back, and not shown as deleted.
    successor = models.ForeignKey(Column, on_delete=models.CASCADE, null=True, blank=True, related_name="predecessors")
    name = models.CharField(max_length=63)
    records = models.BigIntegerField(default=0)
    # The keys of the columns whose indexes are to be built again; null stands for the table's search index.
    indexed = models.JSONField(default=list, blank=True)
    deleted_at = models.DateTimeField(auto_now_add=True)
    deleted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def kind(self) -> str:
        return "table" if self.column_id is None else "column"

    @property
    def purged_at(self) -> datetime:
        """When it is deleted for good."""
        return self.deleted_at + timedelta(days=settings.TRASH_DAYS)
