"""Which columns of a table a user sees, in which order and how wide: personal, so no audit event is written.

It only changes what the grid shows: search, filters, exports and the API include every column.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction

from dataengine.models import Column, ColumnLayout, Table

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Of a column, in pixels; grid-widths.js stops there too.
NARROWEST, WIDEST = 48, 1200


def keep_layout(*, user: User, table: Table, order: Sequence[int], shown: Collection[int], charts: bool) -> None:
    """Store which columns are shown in which order; ``order`` and ``shown`` are keys of columns.

    Unknown keys are dropped; columns that ``order`` does not name (made meanwhile) come last and are shown.
    """
    table.known = None
    known = set(table.columns.values_list("pk", flat=True))
    order = [pk for pk in dict.fromkeys(order) if pk in known]
    hidden = [pk for pk in order if pk not in shown]
    ColumnLayout.objects.update_or_create(
        user=user, table=table, defaults={"order": order, "hidden": hidden, "charts": charts}
    )


def keep_width(*, user: User, table: Table, column: int, width: int | None) -> None:
    """Store the width of ``column`` (its key) in pixels; None: as wide as its content.

    A key of no column of the table is ignored.
    """
    table.known = None
    with transaction.atomic():
        layout, _ = ColumnLayout.objects.select_for_update().get_or_create(user=user, table=table)
        widths = {pk: kept for pk, kept in layout.widths.items() if pk != str(column)}
        if width is not None and table.columns.filter(pk=column).exists():
            widths[str(column)] = min(max(width, NARROWEST), WIDEST)
        layout.widths = widths
        layout.save(update_fields=["widths"])


def forget_layout(*, user: User, table: Table) -> None:
    """Show all columns again, in the designer's order and as wide as their content."""
    table.known = None
    ColumnLayout.objects.filter(user=user, table=table).delete()


@dataclass(frozen=True, slots=True)
class Layout:
    """``columns`` are all of the table's, in the user's order; ``hidden`` the keys of those not shown.

    ``widths`` are in pixels, by key, for columns that were given one.
    """

    columns: list[Column]
    hidden: frozenset[int]
    charts: bool
    widths: Mapping[int, int] = field(default_factory=dict)

    @property
    def shown(self) -> list[Column]:
        return [column for column in self.columns if column.pk not in self.hidden]

    @property
    def count_hidden(self) -> int:
        return len(self.columns) - len(self.shown)

    @property
    def stamp(self) -> str:
        """A short text that changes with the shown columns and their order."""
        return f"{zlib.crc32(repr([column.pk for column in self.shown]).encode()):08x}"


def layout_of(user: User, table: Table, columns: Sequence[Column]) -> Layout:
    """How ``user`` sees ``columns`` (the table's, in the designer's order); columns made since come last."""
    if table.known is not None and table.known.user_id == user.pk:
        kept = table.known.layout
    else:
        kept = ColumnLayout.objects.filter(user=user, table=table).first()
    if kept is None:
        return Layout(list(columns), frozenset(), charts=True)
    place = {pk: number for number, pk in enumerate(kept.order)}
    ordered = sorted(columns, key=lambda column: place.get(column.pk, len(place)))  # stable: the rest as designed
    known = {column.pk for column in columns}
    widths = {int(pk): width for pk, width in kept.widths.items()}
    return Layout(ordered, frozenset(kept.hidden) & known, kept.charts, widths)
