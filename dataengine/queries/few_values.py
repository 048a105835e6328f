"""Lists sorted by a text that has few different values and no index: which values the first records have.

What a text is sorted by takes much longer to make than to compare (measured: seven eighths of such a list). So it is
made once for each different value, and then only for the records that have one of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet
from django.db.models.lookups import GreaterThan, LessThan

from dataengine.models import Index
from dataengine.postgres import usage
from dataengine.postgres.text_expressions import SortKey
from dataengine.postgres.text_functions import SORTED_CHARACTERS
from dataengine.queries.ordering import Term
from dataengine.records.model import Record

_LARGE = 20_000
"""Smaller tables are sorted as they are."""
_MOST = 2_000
_FEW = 0.1
"""The largest share of different values: of more, not enough is saved."""


def narrowed(
    queryset: QuerySet[Record], terms: Sequence[Term], boundary: Sequence[Any] | None, count: int
) -> QuerySet[Record]:
    """Records among which are the first ``count`` of the list after ``boundary`` (None: from its start).

    They are ``queryset`` itself where that is as fast.
    """
    term, known = terms[0], queryset.model.table.known
    after = None if boundary is None else boundary[0]
    if (
        term.column is None
        or not term.column.kind.is_text
        or term.column.sort_state == Index.ShownState.READY
        or term.nulls_first
        or count > _MOST
        or known is None
        or known.records < _LARGE
        or queryset.query.where
        or (boundary is not None and (after is None or len(after) >= SORTED_CHARACTERS))
        or not _has_few(queryset.model, term)
    ):
        return queryset
    chosen: list[str] = [] if after is None else [after]
    seen = 0
    for value, records in _values(queryset, term, after, count):
        if len(value) >= SORTED_CHARACTERS:
            return queryset  # others may be sorted as the same
        chosen.append(value)
        seen += records
        if seen >= count:
            return queryset.filter(Q((f"{term.attribute}__in", chosen)))
    return queryset.filter(Q((f"{term.attribute}__in", chosen)) | Q((f"{term.attribute}__isnull", True)))


def _has_few(model: type[Record], term: Term) -> bool:
    """Whether PostgreSQL knows that there are few different values."""
    assert term.column is not None
    different = usage.different_values(model.table.name, term.column.name)
    assert model.table.known is not None
    return different is not None and different <= _FEW * model.table.known.records


def _values(queryset: QuerySet[Record], term: Term, after: str | None, most: int) -> list[tuple[str, int]]:
    """The first values after one, with how many records have each."""
    name = term.attribute
    rows = queryset.order_by().filter(**{f"{name}__isnull": False}).values(name)
    rows = rows.annotate(how_many=Count("*"), place=SortKey(Min(F(name))))
    if after is not None:
        rows = rows.filter((LessThan if term.descending else GreaterThan)(F("place"), SortKey(after)))
    rows = rows.order_by(F("place").desc() if term.descending else F("place").asc())
    return list(rows.values_list(name, "how_many")[:most])
