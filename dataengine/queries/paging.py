"""Pages of records by key: as fast after a million records as at the start, and stable while records come and go.

A cursor contains the ordering and the values of a page's first or last record. It is signed, so nobody can ask for an
ordering or a comparison that was not offered. ``id`` breaks ties.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from dataengine.columns import durations
from dataengine.exceptions import InvalidInput
from dataengine.postgres.text_functions import SORTED_CHARACTERS
from dataengine.queries import far_pages_by_sample, far_pages_by_statistics, few_values, index_walks
from dataengine.queries.counts import Count
from dataengine.queries.ordering import Stretch, Term, ordered, stretches_after
from dataengine.records.model import Record, bound_field

_SALT = "tablekeep.cursor"
LAST_PAGE_NUMBER = 10**12
"""No table has so many pages, whatever their size: PostgreSQL stores at most 32 TB in one."""
EXACT_OFFSET = 50_000
"""To reach a page, at most so many records are walked; farther pages are estimated where possible."""
_LARGE = 1_000_000
_EXACT_OFFSET_OF_TEXTS = EXACT_OFFSET // 10
"""The same for texts in tables with more records than that: 45,000 of ten million take 0.6 s, and 4 s from disk."""
KEYS_FIRST = 2_000


@dataclass(frozen=True, slots=True)
class Page:
    """Records in order. ``next`` and ``previous`` are cursors, None at either end.

    ``number`` is the page's number: exact for pages near the start and those reached from there, else approximate
    (``is_exact`` False).
    """

    records: list[Record]
    next: str | None
    previous: str | None
    number: int
    is_exact: bool = True


def exact_until(queryset: QuerySet[Record], terms: Sequence[Term]) -> int:
    """How many records are walked to reach a page of the list. Beyond, its place is estimated, given their number."""
    column, known = terms[0].column, queryset.model.table.known
    is_of_texts = column is not None and column.kind.is_text and terms[0].is_indexed
    is_large = known is not None and known.records > _LARGE
    is_plain = not queryset.query.where and len(terms) == 2 and terms[0].descending == terms[1].descending
    return _EXACT_OFFSET_OF_TEXTS if is_of_texts and is_large and is_plain else EXACT_OFFSET


def page_by_number(
    queryset: QuerySet[Record], terms: Sequence[Term], *, number: int, limit: int, count: Count | None = None
) -> Page:
    """Page ``number`` (1 to ``LAST_PAGE_NUMBER``). Beyond the end it is empty, and ``previous`` leads to the last page.

    ``count`` is the number of records, or an estimate. With it, a page far into a list ordered by an indexed column is
    found by estimate (``is_exact`` False); every other page is exact.
    """
    offset = (number - 1) * limit
    model: type[Record] = queryset.model
    if count is not None and count.is_exact and offset >= count.value:
        return _beyond_the_end(queryset, terms, number)
    if count is not None and offset > exact_until(queryset, terms) and terms[0].is_indexed:
        page = _page_by_estimate(queryset, terms, number=number, limit=limit, count=count.value)
        if page is not None:
            return page
    if offset > KEYS_FIRST and terms[0].is_indexed:
        keys = _key_at(queryset, terms, offset)
        found = _take(queryset, terms, limit + 1, keys[0], inclusive=True) if keys else []
    else:
        narrowed = few_values.narrowed(queryset, terms, None, offset + limit + 1)
        found = _slice(narrowed, index_walks.of_list(queryset, terms), offset, limit + 1)
    if not found and number > 1:
        return _beyond_the_end(queryset, terms, number)
    return _page(model, terms, found, limit, number)


def page_by_cursor(queryset: QuerySet[Record], terms: Sequence[Term], *, cursor: str, limit: int) -> Page:
    """The page that a cursor of this table and ordering leads to. Raises InvalidInput filed under ``cursor``."""
    model: type[Record] = queryset.model
    boundary, number, backwards, exact = _read(model, terms, cursor)
    direction = [term.reversed() for term in terms] if backwards else terms
    found = _take(queryset, direction, limit + 1, boundary)
    records, more = found[:limit], len(found) > limit
    if not backwards:
        before = _cursor(model, terms, records[0] if records else None, max(number - 1, 1), backwards=True, exact=exact)
        after = _cursor(model, terms, records[-1], number + 1, exact=exact) if more else None
        return Page(records, after, before, number, exact)
    records.reverse()
    if not more:
        number, exact = 1, True
    first = _cursor(model, terms, records[0], max(number - 1, 1), backwards=True, exact=exact) if more else None
    after = _cursor(model, terms, records[-1], number + 1, exact=exact) if records and boundary is not None else None
    return Page(records, after, first, number, exact)


def last_page_cursor(model: type[Record], terms: Sequence[Term], *, number: int) -> str:
    """A cursor to the last page, which has about this number."""
    return _cursor(model, terms, None, number, backwards=True, exact=False)


def _page(
    model: type[Record], terms: Sequence[Term], found: list[Record], limit: int, number: int, *, exact: bool = True
) -> Page:
    records = found[:limit]
    before = _cursor(model, terms, records[0] if records else None, number - 1, backwards=True, exact=exact)
    after = _cursor(model, terms, records[-1], number + 1, exact=exact) if len(found) > limit else None
    return Page(records, after, before if number > 1 else None, number, exact)


def _beyond_the_end(queryset: QuerySet[Record], terms: Sequence[Term], number: int) -> Page:
    before = _cursor(queryset.model, terms, None, number - 1, backwards=True)
    return Page([], None, before if number > 1 else None, number)


def _page_by_estimate(
    queryset: QuerySet[Record], terms: Sequence[Term], *, number: int, limit: int, count: int
) -> Page | None:
    """A page at about the right place; None if PostgreSQL knows too little."""
    offset = (number - 1) * limit
    is_filtered = bool(queryset.query.where)
    if offset >= count and not is_filtered:
        # Only counting can tell whether there are so many; far beyond the estimate it is not worth it.
        count = queryset.count() if offset < count + count // 10 + EXACT_OFFSET else count
        if offset >= count:
            return _beyond_the_end(queryset, terms, number)
    if is_filtered or len(terms) > 2 or len({term.descending for term in terms}) > 1:
        sample = far_pages_by_sample.sample(ordered(queryset, terms), [term.attribute for term in terms])
        if sample is not None and offset >= sample.at_most:
            return _beyond_the_end(queryset, terms, number)
        if sample is None or not sample.tells:
            return None
        key = sample.key_at(offset)
    else:
        place = far_pages_by_statistics.place_of(
            queryset.model,
            terms[0].column,
            descending=terms[0].descending,
            nulls_first=terms[0].nulls_first,
            offset=offset,
            count=count,
        )
        if place is None:
            return None
        by_id_alone = len(terms) == 1
        start = [place.id if place.value is None else place.value] if by_id_alone else [place.value, place.id]
        key = _key_after(queryset, terms, start, place.skip) if place.skip else start
    found = [] if key is None else _take(queryset, terms, limit + 1, key, inclusive=True)
    if not found:  # the estimate led beyond the end
        return page_by_cursor(
            queryset, terms, cursor=last_page_cursor(queryset.model, terms, number=number), limit=limit
        )
    return _page(queryset.model, terms, found, limit, number, exact=False)


def _key_at(queryset: QuerySet[Record], terms: Sequence[Term], offset: int) -> Sequence[Any]:
    """The key of the record after ``offset`` others, exactly, as the only item; [] beyond the end.

    Walking the keys only reads the index, not the records. But PostgreSQL makes the key of each text that it walks
    over, which takes ten times as long as counting it (measured). So most of these are counted.
    """
    model, names = queryset.model, [term.attribute for term in terms]
    stretches = index_walks.of_list(queryset, terms)
    known = model.table.known
    is_of_texts = terms[0].column is not None and terms[0].column.kind.is_text
    by_one = len(terms) == 2 and len({term.descending for term in terms}) == 1
    if is_of_texts and by_one and known is not None and not queryset.query.where:
        place = far_pages_by_statistics.place_before(
            model,
            terms[0].column,
            descending=terms[0].descending,
            nulls_first=terms[0].nulls_first,
            offset=offset,
            count=known.records,
        )
        if place is not None:
            start = [place.value, place.id]
            back = stretches_after(model, [term.reversed() for term in terms], start)
            before = sum(stretch.of(queryset).order_by().count() for stretch in back)
            if before <= offset:
                stretches, offset = stretches_after(model, terms, start, inclusive=True), offset - before
    return _slice(queryset, stretches, offset, 1, names=names)


def _key_after(
    queryset: QuerySet[Record], terms: Sequence[Term], key: Sequence[Any], skip: int
) -> Sequence[Any] | None:
    """The key of the record ``skip`` places after ``key``; None beyond the end."""
    names = [term.attribute for term in terms]
    for stretch in stretches_after(queryset.model, terms, key, inclusive=True):
        rows = stretch.of(queryset).values_list(*names)
        found: Sequence[Any] | None = rows[skip : skip + 1].first()
        if found is not None:
            return found
        skip = 0  # the NULLs follow here, and the estimate was no better than that
    return None


def _take(
    queryset: QuerySet[Record],
    terms: Sequence[Term],
    count: int,
    boundary: Sequence[Any] | None,
    *,
    inclusive: bool = False,
) -> list[Record]:
    """The first ``count`` records after ``boundary`` (or from it on); without one, from the start."""
    narrowed = few_values.narrowed(queryset, terms, boundary, count)
    return _slice(narrowed, index_walks.of_list(queryset, terms, boundary, inclusive=inclusive), 0, count)


def _slice(
    queryset: QuerySet[Record],
    stretches: Iterable[Stretch],
    offset: int,
    count: int,
    *,
    names: Sequence[str] | None = None,
) -> list[Any]:
    """``count`` records (with ``names``: tuples of these values) after ``offset``, from one stretch after another."""
    found: list[Any] = []
    for stretch in stretches:
        records: QuerySet[Any] = stretch.of(queryset)
        rows = records.values_list(*names) if names else records
        taken = list(rows[offset : offset + count - len(found)])
        found += taken
        if len(found) >= count:
            break
        if offset:
            # Counting it goes no farther than the search for more records did.
            offset = 0 if taken else offset - records.order_by().count()
    return found


def _cursor(
    model: type[Record],
    terms: Sequence[Term],
    record: Record | None,
    number: int,
    *,
    backwards: bool = False,
    exact: bool = True,
) -> str:
    boundary = None if record is None else [_packed(getattr(record, term.attribute)) for term in terms]
    content = [model.table.pk, _signature(terms), boundary, max(number, 1), backwards, exact]
    return signing.dumps(content, salt=_SALT, compress=True)


def _signature(terms: Sequence[Term]) -> str:
    marks = {(False, False): "", (True, False): "-", (False, True): "^", (True, True): "-^"}
    return ",".join(f"{marks[term.descending, term.nulls_first]}{term.attribute}" for term in terms)


def _packed(value: Any) -> Any:
    """A value as JSON from which exactly the same value can be restored, as far as it decides the order."""
    if isinstance(value, str):
        return value[:SORTED_CHARACTERS]
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return durations.written(value)
    if isinstance(value, Decimal | uuid.UUID):
        return str(value)
    return repr(value) if isinstance(value, float) else value


def _read(model: type[Record], terms: Sequence[Term], cursor: str) -> tuple[list[Any] | None, int, bool, bool]:
    reason = "This cursor does not belong to this list."
    wrong = InvalidInput(reason, code="invalid_cursor", fields={"cursor": reason})
    try:
        table_id, signature, boundary, number, backwards, exact = signing.loads(cursor, salt=_SALT)
        if table_id != model.table.pk or signature != _signature(terms):
            raise wrong
        if boundary is not None:
            pairs = zip(terms, boundary, strict=True)
            boundary = [bound_field(model, term.attribute).to_python(value) for term, value in pairs]
    except (signing.BadSignature, ValidationError, ValueError, TypeError) as error:
        raise wrong from error
    return boundary, int(number), bool(backwards), bool(exact)
