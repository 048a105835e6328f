"""Where in a filtered list a record stands: by a sample of the table, spread evenly over its blocks.

PostgreSQL's statistics are of whole tables and single columns. Where filters select, or several columns order, a sample
shows how the records at hand are spread, whatever depends on whatever: 20,000 of ten million take 20 ms to look at
(measured), by their places in the table's file.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from django.db.models import F, Func, QuerySet, Value

from dataengine.postgres import ddl
from dataengine.queries.counts import planned_rows
from dataengine.records.model import Record

SAMPLED = 20_000
"""Records looked at."""
FEWEST = 100
"""With fewer that match among them, a sample says too little."""
# Updated records leave holes among the places of a block.
_ROOM = 1.2


@dataclass(frozen=True, slots=True)
class SpreadSample:
    """The ``keys`` of those that match among ``looked_at`` of ``total`` records, in the list's order."""

    keys: Sequence[Sequence[Any]]
    looked_at: int
    total: int

    @property
    def at_most(self) -> int:
        """More records than that do not match, but for a chance of one in many thousands."""
        found = len(self.keys)
        return int((found + 4 * math.sqrt(found) + 10) / self.looked_at * self.total)

    @property
    def tells(self) -> bool:
        """Whether enough of the records looked at match."""
        return len(self.keys) >= FEWEST

    def key_at(self, offset: int) -> Sequence[Any] | None:
        """About the key of the record that has ``offset`` matching ones before it; None about beyond the end."""
        about = len(self.keys) / self.looked_at * self.total
        return self.keys[int(offset / about * len(self.keys))] if offset < about else None


def sample(records: QuerySet[Record], names: Sequence[str]) -> SpreadSample | None:
    """A sample of ``records``, which are in order; a key is the values of ``names``. None where there is no telling."""
    model: type[Record] = records.model
    places = _places(model)
    looked_at = model.objects.order_by().filter(_AtPlaces(places)).count() if places else 0
    if not looked_at:
        return None
    keys = list(records.filter(_AtPlaces(places)).values_list(*names))
    return SpreadSample(keys, looked_at, planned_rows(model.objects.order_by()))


def _places(model: type[Record]) -> list[str]:
    """Places of about ``SAMPLED`` records: whole blocks, one anywhere in each of as many equal stretches."""
    with connection.cursor() as cursor:
        cursor.execute(ddl.blocks_of(model.table))
        blocks, per_block = cursor.fetchone() or (0, 0.0)
    if not blocks or per_block <= 0:
        return []
    stretches = min(blocks, max(1, int(SAMPLED / per_block)))
    chance = random.Random(blocks)  # noqa: S311  the same place for whoever asks twice
    chosen = {int((stretch + chance.random()) * blocks / stretches) for stretch in range(stretches)}
    return [f"({block},{item})" for block in sorted(chosen) for item in range(1, int(per_block * _ROOM) + 2)]


class _AtPlaces(Func):
    """The records at these places of the table's file."""

    output_field = models.BooleanField()
    conditional = True

    def __init__(self, places: Sequence[str]) -> None:
        listed = ",".join(f'"{place}"' for place in places)
        super().__init__(F("id"), Value(f"{{{listed}}}"))

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> tuple[str, tuple[Any, ...]]:
        key, places = self.source_expressions
        named, _ = compiler.compile(key)
        listed, parameters = compiler.compile(places)
        return f"{named.rpartition('.')[0]}.ctid = ANY({listed}::tid[])", tuple(parameters)
