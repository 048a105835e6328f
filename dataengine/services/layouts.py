"""Keeping how a user has the columns of a table shown. Nobody else sees it, so no audit event is written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from dataengine.models import ColumnLayout, Table

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def keep_layout(*, user: User, table: Table, order: Sequence[int], shown: Collection[int], charts: bool) -> None:
    """Keep it: ``order`` and ``shown`` are keys of columns.

    Keys of no column of the table are dropped; columns that ``order`` does not name (made meanwhile) come last, seen.
    """
    known = set(table.columns.values_list("pk", flat=True))
    order = [pk for pk in dict.fromkeys(order) if pk in known]
    hidden = [pk for pk in order if pk not in shown]
    ColumnLayout.objects.update_or_create(
        user=user, table=table, defaults={"order": order, "hidden": hidden, "charts": charts}
    )


def forget_layout(*, user: User, table: Table) -> None:
    """Back to all columns, in the designer's order."""
    ColumnLayout.objects.filter(user=user, table=table).delete()
