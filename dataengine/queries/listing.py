"""A list of records for API and console: filtered, ordered, counted, one page at a time. Within a time limit."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import OperationalError
from django.db.models import QuerySet, Subquery

from dataengine.exceptions import Unavailable
from dataengine.models import ChangeJob
from dataengine.postgres.backend.reader import reading
from dataengine.postgres.time_limits import LIST_SECONDS, time_limit, timed_out
from dataengine.queries import index_walks, paging
from dataengine.queries.counts import Count, count_records
from dataengine.queries.filters import record_filterset
from dataengine.queries.needs import Needs, Remedy, needs_of
from dataengine.queries.ordering import Term, ordered, parse_ordering
from dataengine.queries.paging import Page
from dataengine.records.model import Record


class TooSlow(Unavailable):
    """A list took too long. ``remedies`` are the indexes that would help, if any are known.

    While very many records are being changed (``is_changing``), the new versions of them slow everybody down until the
    change is complete: that passes, and no index would help.
    """

    def __init__(self, remedies: Sequence[Remedy], *, is_changing: bool = False) -> None:
        self.remedies = [] if is_changing else list(remedies)
        self.is_changing = is_changing
        advice = " ".join(remedy.sentence for remedy in self.remedies) or "Narrow it down with a filter."
        if is_changing:
            advice = "Many records of this table are being changed; try again when that is done."
        super().__init__(
            f"This takes too long. {advice}",
            code="query_timeout",
            details={
                "needs_index": [
                    {"column": remedy.column.name if remedy.column else None, "for": remedy.what, "state": remedy.state}
                    for remedy in self.remedies
                ]
            },
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """One page and how many records there are.

    ``last`` is a cursor to the last records, None if this page has them; ``last_number`` is the number of the last
    page, if it is known and near enough to be reached by number. ``on_the_way`` are indexes that are being built and
    that will make the list faster. ``instead`` tells why the records are in the order of their ids, if they should be
    in another.
    """

    page: Page
    count: Count
    last: str | None
    last_number: int | None
    on_the_way: Sequence[Remedy] = ()
    instead: TooSlow | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """The records that filters select, and their order. ``needs`` are the indexes that are missing for it.

    ``began`` is when the user began to wait (by ``time.monotonic``): reading the filters takes time too.
    """

    records: QuerySet[Record]
    terms: list[Term]
    needs: Needs = field(default_factory=Needs)
    began: float = field(default_factory=time.monotonic)

    def ordered(self) -> QuerySet[Record]:
        return ordered(self.records, self.terms)

    @property
    def is_filtered(self) -> bool:
        return bool(self.records.query.where)

    def by_id(self) -> Selection:
        """The same records in the order of their ids, for somebody who begins to wait now."""
        terms = parse_ordering(self.records.model)
        return Selection(self.records, terms, replace(self.needs, order=None))

    def with_largest_id(self) -> Selection:
        """The same; each record also has the largest id of its table (``largest_id``), read by the same query."""
        largest = self.records.model.objects.order_by("-id").values("pk")[:1]
        return replace(self, records=self.records.annotate(largest_id=Subquery(largest)))

    def listing(
        self, *, number: int, limit: int, cursor: str = "", exact: bool = False, seconds: float | None = None
    ) -> Listing:
        """One page, by cursor if there is one, else by number (from 1), and the count. Raises TooSlow.

        ``seconds`` is for lists that may take less time than others.
        """
        try:
            with reading(), time_limit(self._seconds_left(seconds)):
                far = not cursor and (number - 1) * limit > paging.exact_until(self.records, self.terms)
                count = count_records(self.records) if far else None
                if cursor:
                    page = paging.page_by_cursor(self.records, self.terms, cursor=cursor, limit=limit)
                else:
                    page = paging.page_by_number(self.records, self.terms, number=number, limit=limit, count=count)
                if exact or count is None:
                    count = self._count(page, exact=exact)
        except OperationalError as error:
            if not timed_out(error):
                raise
            raise self._too_slow() from error
        if page.next is None:
            return Listing(page, count, None, None)
        model: type[Record] = self.records.model
        number = max(-(-count.value // limit), page.number + 1)
        is_known = count.is_exact and page.is_exact and count.value <= paging.EXACT_OFFSET
        last = paging.last_page_cursor(model, self.terms, number=number)
        return Listing(page, count, last, number if is_known else None)

    @contextmanager
    def in_time(self) -> Iterator[None]:
        """Limit what is asked in the block to the time that a list has. Raises TooSlow."""
        try:
            with reading(), time_limit(self._seconds_left()):
                yield
        except OperationalError as error:
            if not timed_out(error):
                raise
            raise self._too_slow() from error

    def count(self, *, exact: bool = False) -> Count:
        """How many records there are. Raises TooSlow."""
        try:
            with reading(), time_limit(self._seconds_left() if exact else LIST_SECONDS):
                return count_records(self.records, exact=exact)
        except OperationalError as error:
            if not timed_out(error):
                raise
            raise self._too_slow() from error

    def _too_slow(self) -> TooSlow:
        jobs = ChangeJob.objects.filter(table=self.records.model.table, state=ChangeJob.State.RUNNING)
        return TooSlow(self.needs.remedies, is_changing=jobs.exists())

    def _seconds_left(self, seconds: float | None = None) -> float:
        return (LIST_SECONDS if seconds is None else seconds) - (time.monotonic() - self.began)

    def _count(self, page: Page, *, exact: bool) -> Count:
        """The number of records; a list that fits on one page has already been counted."""
        if page.next is None and page.previous is None:
            return Count(len(page.records), is_exact=True)
        return count_records(self.records, exact=exact, is_helped=not self.needs.filters and self.needs.parts is None)


def select(model: type[Record], parameters: Mapping[str, Any]) -> Selection:
    """The records that the filters (and ``search``) in ``parameters`` select, in their order. Raises InvalidInput.

    The order is given by ``order_by``, ``order_direction`` and ``nulls``; ``match`` says whether all filters have to be
    met.
    """
    began = time.monotonic()
    asked = [parameters.get(name, "").strip() for name in ("order_by", "order_direction", "nulls")]
    terms = parse_ordering(model, *asked)
    filters = record_filterset(model)(parameters)
    records = filters.records()
    searched = bool(filters.form.cleaned_data.get("search"))
    order = index_walks.slow_column(records, terms)
    needs = needs_of(model.table, model.columns, order, filters.used(), searched=searched, is_any=filters.is_any)
    terms = index_walks.with_ranges(model, terms, filters.beginnings())
    if len(terms) == 1 and (missing := filters.missing()) is not None:
        # The same order, but as the index has it, so that PostgreSQL need not sort what it finds there.
        down = terms[0].descending
        terms.insert(0, Term(missing, descending=down, nullable=True, nulls_first=down))
    return Selection(records, terms, needs, began)
