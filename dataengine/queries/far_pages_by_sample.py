"""Estimates positions in a filtered list from a sample of the table, spread evenly over its blocks.

PostgreSQL's statistics describe whole tables and single columns. With filters, or an order by several columns, a sample
shows how the matching records are really spread: to read 20,000 of ten million by their places in the table's file
takes 20 ms (measured).
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
"""How many records are sampled."""
FEWEST = 100
"""If fewer of them match, the sample is too small to tell anything."""
# Updated records leave holes in a block.
_ROOM = 1.2


@dataclass(frozen=True, slots=True)
class SpreadSample:
    """The ``keys`` of the matching ones among ``looked_at`` of ``total`` records, in the list's order."""

    keys: Sequence[Sequence[Any]]
    looked_at: int
    total: int

    @property
    def at_most(self) -> int:
        """An upper bound for the number of matching records, wrong once in many thousands."""
        found = len(self.keys)
        return int((found + 4 * math.sqrt(found) + 10) / self.looked_at * self.total)

    @property
    def tells(self) -> bool:
        """Whether enough of the sampled records match."""
        return len(self.keys) >= FEWEST

    def key_at(self, offset: int) -> Sequence[Any] | None:
        """The approximate key of the record after ``offset`` matching ones; None if that is about beyond the end."""
        about = len(self.keys) / self.looked_at * self.total
        return self.keys[int(offset / about * len(self.keys))] if offset < about else None


def sample(records: QuerySet[Record], names: Sequence[str]) -> SpreadSample | None:
    """A sample of ``records``, which are ordered; its keys are the values of ``names``. None if there is none."""
    model: type[Record] = records.model
    places = _places(model)
    looked_at = model.objects.order_by().filter(_AtPlaces(places)).count() if places else 0
    if not looked_at:
        return None
    keys = list(records.filter(_AtPlaces(places)).values_list(*names))
    return SpreadSample(keys, looked_at, planned_rows(model.objects.order_by()))


def _places(model: type[Record]) -> list[str]:
    """The places of about ``SAMPLED`` records: whole blocks, a random one in each of as many equal stretches."""
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
    """The records at these places in the table's file."""

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
