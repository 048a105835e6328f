"""Requests and drops indexes. A worker builds them (``index_builds.py``); nobody has to wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from dataengine.exceptions import InvalidInput, NotFound, Unavailable
from dataengine.jobs.doorbell import BUILD_INDEX, ring
from dataengine.models import Column, DeclinedIndex, Index, Table, TableUse
from dataengine.postgres import ddl, names
from dataengine.services.audit import record_event
from dataengine.services.schema_changes import change_schema

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def set_indexed(*, user: User, table: Table, column: Column, indexed: bool) -> Column:
    """Request or drop a column's index. One that failed is tried again. Returns the updated column."""
    if not column.kind.can_be_indexed:
        reason = f"A {column.kind.noun} column has no order, so it cannot have an index."
        raise InvalidInput(reason, code="invalid_index", fields={"indexed": reason})
    current = column.index_or_none
    if not indexed and column.unique and current is None:
        reason = "A unique column always has an index."
        raise InvalidInput(reason, code="invalid_index", fields={"indexed": reason})
    has_own = current is None and column.sort_state is not None
    if indexed and (has_own or _is_kept(user, table, current)):
        return column
    if indexed:
        _ask(user, table, column)
    elif current is not None:
        _give_up(user, table, current)
    return table.columns.get(pk=column.pk)


def set_searchable(*, user: User, table: Table, searchable: bool) -> Index | None:
    """Request or drop the table's search index. Returns it in its new state."""
    current = search_index(table)
    if searchable and not _is_kept(user, table, current):
        if not text_columns(table):
            reason = "This table has no text columns to search."
            raise InvalidInput(reason, code="invalid_index", fields={"search_index": reason})
        _ask(user, table, None)
    elif not searchable and current is not None:
        _give_up(user, table, current)
    return search_index(table)


def _is_kept(user: User, table: Table, index: Index | None) -> bool:
    """Whether the index exists or is being built. An automatic one becomes a requested one."""
    if index is None or index.state == Index.State.FAILED:
        return False
    with transaction.atomic():
        if Index.objects.filter(pk=index.pk, automatic=True).update(automatic=False):
            record_event(user=user, table=table, action="index.requested", details={"index": called(index.column)})
    index.automatic = False
    return True


def called(column: Column | None) -> str:
    """The name in events of a column's index, or (None) of the search index."""
    return column.name if column is not None else "search"


def search_index(table: Table) -> Index | None:
    """The table's search index, whatever its state."""
    return Index.objects.filter(table=table, column=None).first()


def text_columns(table: Table) -> list[Column]:
    """The columns in which a search looks for text."""
    return [column for column in table.columns.all() if column.kind.is_searched_as_text]


def index_references(table: Table, columns: Sequence[Column]) -> None:
    """Record the indexes that a new table's reference columns get with its ``CREATE TABLE``."""
    for column in columns:
        if column.references is not None and not column.unique:
            column.index = Index.objects.create(table=table, column=column, state=Index.State.COMPLETED, progress=1)


def queue_again(table: Table) -> None:
    """Have the table's indexes built after the commit, since they are gone or out of date."""
    TableUse.objects.filter(table=table).delete()  # PostgreSQL's statistics of a new table start from zero
    for pk in Index.objects.filter(table=table).values_list("pk", flat=True):
        Index.objects.filter(pk=pk).update(**_afresh())
        ring_on_commit(pk)


def build_again(table: Table, column_id: int | None) -> None:
    """Have a requested index built that there was before: of a column (by its key), or the search index."""
    column = None if column_id is None else table.columns.get(pk=column_id)
    index, _ = Index.objects.update_or_create(table=table, column=column, defaults=_afresh())
    ring_on_commit(index.pk)


def queue_search_again(table: Table) -> None:
    """Have the search index rebuilt, after a text column was added or dropped. Call this in the same transaction."""
    index = search_index(table)
    if index is None:
        return
    Index.objects.filter(pk=index.pk).update(**_afresh())
    ring_on_commit(index.pk)


def set_search_aside(table: Table) -> None:
    """Drop the search index and have it rebuilt, because most of the table is about to change.

    Updating it would take most of the time of the change (measured: 9.4 of 10.9 s for 200,000 records) and double its
    size. If the table is too busy, it stays. The caller keeps builds away from the table until the change is done.
    """
    index = search_index(table)
    if index is None or index.state == Index.State.FAILED:
        return

    def change() -> None:
        ddl.execute(ddl.drop_index(names.index(table.pk, None)))
        queue_search_again(table)

    with suppress(Unavailable):
        change_schema(change)


def ask_for_reference(table: Table, column: Column) -> None:
    """Have a worker build the index of a reference that was added to a table with records."""
    if column.references is not None and not column.unique:
        column.index = Index.objects.create(table=table, column=column)
        ring_on_commit(column.index.pk)


def _afresh() -> dict[str, Any]:
    """The fields of an index that is to be built, as if it had just been requested."""
    return {
        **Index.AT_THE_START, "state": Index.State.QUEUED, "attempt": 0, "try_again_at": None, "covers": [],
        "error_code": "", "error": "", "created_at": timezone.now(), "started_at": None, "finished_at": None,
    }  # fmt: skip


def ring_on_commit(pk: int) -> None:
    transaction.on_commit(lambda: ring(BUILD_INDEX, pk))


def _ask(user: User, table: Table, column: Column | None) -> None:
    def change() -> None:
        locked = Table.objects.select_for_update().filter(pk=table.pk).first()
        if locked is None:
            raise NotFound(f"There is no table “{table.name}”.", code="table_not_found")
        asked = _afresh() | {"automatic": False}
        index, _ = Index.objects.update_or_create(table=locked, column=column, defaults=asked)
        DeclinedIndex.objects.filter(table=locked, column=column).delete()
        record_event(user=user, table=locked, action="index.requested", details={"index": called(column)})
        ring_on_commit(index.pk)

    change_schema(change, table=table)


def _give_up(user: User, table: Table, index: Index) -> None:
    def change() -> None:
        current = Index.objects.select_for_update().filter(pk=index.pk).first()
        if current is None:
            return
        building = current.state == Index.State.RUNNING
        record_event(user=user, table=table, action="index.dropped", details={"index": called(index.column)})
        DeclinedIndex.objects.update_or_create(table=table, column=index.column)
        current.delete()
        # The worker that builds it notices within a second that it is no longer wanted, and cleans up.
        if not building:
            ddl.execute(ddl.drop_index(names.index(table.pk, index.column_id)))

    change_schema(change, table=table)
