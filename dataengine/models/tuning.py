"""What automatic indexes (``services/automatic_indexes.py``) have to remember."""

from __future__ import annotations

from django.db import models

from dataengine.models.tables import Column, Table


class DeclinedIndex(models.Model):
    """An index that a user dropped (``column`` null: the search index), so that it is not made again for some time."""

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="declined_indexes")
    column = models.OneToOneField(Column, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    declined_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["table"], condition=models.Q(column=None), name="one_declined_search"),
        ]

    def __str__(self) -> str:
        return f"no index of {self.column}" if self.column_id else f"no search index of {self.table}"


class TableUse(models.Model):
    """PostgreSQL's statistics of a large table at two times: about a day ago, and a day before that.

    PostgreSQL only has totals; the difference to these shows the recent use of the table.
    """

    table = models.OneToOneField(Table, on_delete=models.CASCADE, related_name="use")
    noted_at = models.DateTimeField()
    written = models.BigIntegerField()  # records inserted, updated and deleted
    scanned = models.BigIntegerField()  # records read by sequential scans
    written_before = models.BigIntegerField()
    scanned_before = models.BigIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"use of {self.table}"
