"""Indexes that are made automatically for lists that read very many records, and dropped when no list uses them.

After a list has been read, the index that it lacked most (``queries/needs.py``) is queued like a requested one, and a
worker builds it. Later requests see it in the catalog, so it is queued once. An index that a user dropped, or that
failed, is not made again for ``KEPT_FOR``.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models.functions import Greatest
from django.utils import timezone

from dataengine.models import Column, DeclinedIndex, Index, Table, TableUse
from dataengine.models.shapes import IndexDetails
from dataengine.postgres import names, usage
from dataengine.queries import groups
from dataengine.queries.counts import Count
from dataengine.queries.groups import Groups
from dataengine.queries.listing import Listing, Selection, TooSlow
from dataengine.queries.needs import Remedy, sorting
from dataengine.queries.table_sizes import EXACT_BELOW
from dataengine.services.audit import record_event
from dataengine.services.indexes import called, ring_on_commit, text_columns

logger = logging.getLogger(__name__)

MOST_OF_A_TABLE = 6
KEPT_FOR = timedelta(days=30)
"""How long an unused index is kept, and how long none is made after a user dropped it or its build failed."""
_YIELDS_AFTER = timedelta(days=1)
"""An index that was not used for this long is replaced if the table already has the maximum. A search does not wait: to
read all texts takes longer than to sort by any column, and no index of a column helps it."""
_SIZE = 3
"""The indexes together may be this many times as large as the table."""
_WRITE_COST = 100
"""Updating one index for a write costs about as much as scanning this many records."""
_PATIENCE_SECONDS = 1.0
"""How long a list may take for which an index is being built, if its records can also be shown in another order."""
_ENTRY_BYTES = 28
"""What an entry of an index needs besides the value: the id, the record's address, free space."""
_USE_PERIOD = timedelta(days=1)


def listing(
    selection: Selection, *, number: int, limit: int, cursor: str = "", exact: bool = False, or_by_id: bool = False
) -> Listing:
    """``selection.listing``; afterwards queue the index that it lacked, if it read very many records.

    ``Listing.on_the_way`` and the remedies of TooSlow tell which indexes are being built for it. With ``or_by_id``, a
    list that cannot be sorted in time has its records in the order of their ids (``Listing.instead``), and while an
    index for its order is being built, it is not tried for long.
    """
    seconds = None
    if or_by_id and selection.needs.order is not None:
        selection = _prepared(selection, selection.needs.order)
        seconds = _PATIENCE_SECONDS if selection.needs.order and selection.needs.order.is_under_way else None
    try:
        made = selection.listing(number=number, limit=limit, cursor=cursor, exact=exact, seconds=seconds)
    except TooSlow as error:
        reason = error if error.is_changing else TooSlow(_remedies(selection, None, above=EXACT_BELOW))
        instead = _by_id(selection, number=1 if cursor else number, limit=limit) if or_by_id else None
        if instead is None:
            raise reason from error.__cause__
        return replace(instead, on_the_way=_under_way(reason.remedies), instead=reason)
    return replace(made, on_the_way=_under_way(_remedies(selection, made.count)))


def grouped(selection: Selection, column: Column, *, number: int) -> tuple[Groups, Sequence[Remedy]]:
    """``queries.groups.grouped``; afterwards queue the index on the column, if very many records were read without it.

    The second are the indexes that are being built for it.
    """
    missing = sorting(column, None)
    selection = replace(selection, needs=replace(selection.needs, order=missing))
    try:
        made = groups.grouped(selection, column, number=number)
    except TooSlow as error:
        reason = error if error.is_changing else TooSlow(_remedies(selection, None, above=EXACT_BELOW))
        raise reason from error.__cause__
    return made, _under_way(_remedies(selection, None))


def _prepared(selection: Selection, missing: Remedy) -> Selection:
    """The list after the index for its order was queued, if it is clear beforehand that it will be."""
    if selection.is_filtered or missing.index is not None:
        return selection
    [order] = _remedies(selection, None)
    return replace(selection, needs=replace(selection.needs, order=order))


def _by_id(selection: Selection, *, number: int, limit: int) -> Listing | None:
    """The list in the order of ids; None if it is in that order, or is too slow in that order, too."""
    if selection.terms[0].column is None:
        return None
    try:
        return selection.by_id().listing(number=number, limit=limit, seconds=_PATIENCE_SECONDS)
    except TooSlow:
        return None


def _under_way(remedies: Sequence[Remedy]) -> list[Remedy]:
    return [remedy for remedy in remedies if remedy.is_under_way]


def _remedies(selection: Selection, count: Count | None, *, above: int | None = None) -> list[Remedy]:
    """The indexes that the list lacks, after the most important one was queued if it read too many records.

    That is more than ``AUTO_INDEX_AFTER_RECORDS``, or than ``above`` if that is less. ``count`` is the list's, if it is
    known.
    """
    needs, table = selection.needs, selection.records.model.table
    above = min(settings.AUTO_INDEX_AFTER_RECORDS, above or settings.AUTO_INDEX_AFTER_RECORDS)
    records = table.known.records if table.known is not None else 0
    if not settings.AUTO_INDEX:
        return needs.remedies
    missed = needs.missed(records, count, above=above)
    if missed is None or missed[0].index is not None:
        return needs.remedies
    remedy, read = missed
    index = _make(table, remedy, read)
    if index is None:
        return needs.remedies
    queued = replace(remedy, index=index)
    return [queued if other.column == remedy.column else other for other in needs.remedies] or [queued]


def _make(table: Table, remedy: Remedy, read: int) -> Index | None:
    """Queue the index. None if it is not allowed, or if the table is busy: the next such list tries again."""
    column = remedy.column
    try:
        with transaction.atomic():
            # One at a time, so that they can be counted; but without waiting.
            locked = Table.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=table.pk).first()
            if locked is None:
                return None
            existing = Index.objects.filter(table=locked, column=column).first()  # made since the table was read
            if existing is not None or not _is_allowed(locked, remedy, read):
                return existing
            index = Index.objects.create(
                table=locked, column=column, automatic=True, purpose=remedy.purpose, records_read=read
            )
            details: IndexDetails = {"index": called(column), "because": index.because}
            record_event(user=None, table=locked, action="index.requested", details=details)
            ring_on_commit(index.pk)
            return index
    except DatabaseError as error:
        # The list itself was read and can be answered.
        logger.warning("No index was queued for %s: %s", table, error)
        return None


# Limits --------------------------------------------------------------------------------------------------------------


def _is_allowed(table: Table, remedy: Remedy, read: int) -> bool:
    column = remedy.column
    since = timezone.now() - KEPT_FOR
    if DeclinedIndex.objects.filter(table=table, column=column, declined_at__gt=since).exists():
        return False
    if remedy.needs_trigrams and not usage.has_trigrams():
        return False
    counts = usage.counts_of([table.name]).get(table.name)
    if counts is None or _is_mostly_written(table, counts, read):
        return False
    existing = list(Index.objects.filter(table=table, automatic=True).exclude(state=Index.State.FAILED))
    replaced = None
    if len(existing) >= MOST_OF_A_TABLE:
        replaced = _longest_unused(existing, timedelta() if column is None else _YIELDS_AFTER)
        if replaced is None:
            return False
        existing.remove(replaced)
    taken = usage.index_bytes([names.index(table.pk, index.column_id) for index in existing])
    if taken + _expected_bytes(table, column, counts.live) > _SIZE * counts.bytes:
        return False
    if replaced is not None:
        _drop(replaced, because="another index was needed more")
    return True


def _is_mostly_written(table: Table, counts: usage.TableCounts, read: int) -> bool:
    """Whether updating an index would cost more than recent scans did, including this list's ``read`` records."""
    use = TableUse.objects.filter(table=table).first()
    if use is not None and counts.written >= use.written_before and counts.scanned >= use.scanned_before:
        written, scanned = counts.written - use.written_before, counts.scanned - use.scanned_before
    else:
        # Since the beginning, without the first load: the records that exist, of which PostgreSQL has an estimate.
        written, scanned = max(0, counts.written - counts.live - counts.live // 10), counts.scanned
    return written * _WRITE_COST > scanned + read


def _longest_unused(indexes: Sequence[Index], least: timedelta) -> Index | None:
    """The index to replace, if any was not used for so long."""
    before = timezone.now() - least
    uses = [(max(filter(None, (index.used_at, index.finished_at))), index) for index in indexes if index.finished_at]
    idle = [(used, index) for used, index in uses if used < before]
    return min(idle, key=lambda pair: pair[0])[1] if idle else None


def _expected_bytes(table: Table, column: Column | None, records: int) -> int:
    """The approximate size of a new index. A search index contains each word once, with its records."""
    columns = [column] if column is not None else text_columns(table)
    width = usage.mean_width(table.name, [each.name for each in columns])
    return records * (width + (_ENTRY_BYTES if column is not None else 0))


# Sweeping ------------------------------------------------------------------------------------------------------------


def sweep() -> None:
    """Drop indexes that were not used for ``KEPT_FOR``, and record how large tables are used. For every hour."""
    _note_uses()
    before = timezone.now() - KEPT_FOR
    known = Index.objects.filter(automatic=True, state__in=(Index.State.COMPLETED, Index.State.FAILED))
    # One that was rebuilt after its last use is as good as new.
    unused = known.annotate(used=Greatest("used_at", "finished_at")).filter(used__lt=before)
    for index in unused.select_related("table", "column"):
        with transaction.atomic():
            _drop(index, because=f"no list used it for {KEPT_FOR.days} days")
    _note_tables()


def _drop(index: Index, *, because: str) -> None:
    """Drop the index: the sweeper of builds finds PostgreSQL's index without a row, and drops it CONCURRENTLY."""
    if Index.objects.filter(pk=index.pk, automatic=True).exclude(state=Index.State.RUNNING).delete()[0]:
        details: IndexDetails = {"index": called(index.column), "because": because}
        record_event(user=None, table=index.table, action="index.dropped", details=details)


def _note_uses() -> None:
    """Record when each was last used, since PostgreSQL loses its statistics in a crash."""
    indexes = {names.index(index.table_id, index.column_id): index for index in Index.objects.filter(automatic=True)}
    for name, used in usage.last_uses(list(indexes)).items():
        index = indexes[name]
        if index.used_at is None or used > index.used_at:
            Index.objects.filter(pk=index.pk).update(used_at=used)


def _note_tables() -> None:
    """Record once a day how many records of each large table have been written and scanned."""
    counts = usage.counts_of(usage.large_tables(settings.AUTO_INDEX_AFTER_RECORDS))
    now = timezone.now()
    for table in Table.objects.filter(name__in=counts).select_related("use"):
        seen = counts[table.name]
        use: TableUse | None = getattr(table, "use", None)
        if use is not None and now - use.noted_at < _USE_PERIOD:
            continue
        before = (use.written, use.scanned) if use is not None else (seen.written, seen.scanned)
        TableUse.objects.update_or_create(
            table=table,
            defaults={
                "noted_at": now, "written": seen.written, "scanned": seen.scanned,
                "written_before": before[0], "scanned_before": before[1],
            },
        )  # fmt: skip
