"""A list of records as API and console ask for it: filtered, ordered, one page of it, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from dataengine.counts import Count, count_records
from dataengine.filtersets import record_filterset
from dataengine.paging import Page, Term, ordered, page_by_cursor, page_by_number, parse_ordering
from dataengine.records import Record


@dataclass(frozen=True, slots=True)
class Selection:
    """The records that filters select, and their order."""

    records: QuerySet[Record]
    terms: list[Term]

    def ordered(self) -> QuerySet[Record]:
        return ordered(self.records, self.terms)

    def page(self, *, number: int, limit: int, cursor: str = "") -> Page:
        """One page: by cursor where there is one, else by number (from 1)."""
        if cursor:
            return page_by_cursor(self.records, self.terms, cursor=cursor, limit=limit)
        return page_by_number(self.records, self.terms, number=number, limit=limit)

    def count(self, *, exact: bool = False) -> Count:
        return count_records(self.records, exact=exact)


def select(model: type[Record], parameters: Mapping[str, Any], *, order_by: str = "", direction: str = "") -> Selection:
    """What filters (and ``search``) among ``parameters`` select, in the order asked for. Raises InvalidInput."""
    terms = parse_ordering(model, order_by, direction)
    return Selection(record_filterset(model)(parameters).records(), terms)
