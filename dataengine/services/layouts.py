"""Keeping how a user has the columns of a table shown. Nobody else sees it, so no audit event is written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from django.db import transaction

from dataengine.models import ColumnLayout, Table

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Of a column, in pixels; grid-widths.js stops there too.
NARROWEST, WIDEST = 48, 1200


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


def keep_width(*, user: User, table: Table, column: int, width: int | None) -> None:
    """Keep how wide ``column`` (its key) is, in pixels; None: as wide as what it holds.

    Of a key of no column of the table nothing is kept.
    """
    with transaction.atomic():
        layout, _ = ColumnLayout.objects.select_for_update().get_or_create(user=user, table=table)
        widths = {pk: kept for pk, kept in layout.widths.items() if pk != str(column)}
        if width is not None and table.columns.filter(pk=column).exists():
            widths[str(column)] = min(max(width, NARROWEST), WIDEST)
        layout.widths = widths
        layout.save(update_fields=["widths"])


def forget_layout(*, user: User, table: Table) -> None:
    """Back to all columns, in the designer's order, as wide as what they hold."""
    ColumnLayout.objects.filter(user=user, table=table).delete()
