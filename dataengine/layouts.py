"""Which columns of a table a user sees, in which order and how wide: personal, kept for good, and nobody else's affair.

It changes what the grid shows and nothing else: search, filters, exports and the API know every column.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataengine.models import Column, ColumnLayout, Table

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Layout:
    """``columns`` are all of the table's, in the user's order; ``hidden`` the keys of those left out.

    ``widths`` are pixels, by the keys of columns that were given one.
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
        """A short text that differs when other columns are shown, or in another order."""
        return f"{zlib.crc32(repr([column.pk for column in self.shown]).encode()):08x}"


def layout_of(user: User, table: Table, columns: Sequence[Column]) -> Layout:
    """How ``user`` has ``columns`` (the table's, in the designer's order) shown; columns made since come last."""
    kept = ColumnLayout.objects.filter(user=user, table=table).first()
    if kept is None:
        return Layout(list(columns), frozenset(), charts=True)
    place = {pk: number for number, pk in enumerate(kept.order)}
    ordered = sorted(columns, key=lambda column: place.get(column.pk, len(place)))  # stable: the rest as designed
    known = {column.pk for column in columns}
    widths = {int(pk): width for pk, width in kept.widths.items()}
    return Layout(ordered, frozenset(kept.hidden) & known, kept.charts, widths)
