"""The indexes that a list lacks, and how many records it has to read without them.

``helper_of`` decides which index helps a filter or an order; a search always wants the search index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from django.db.models import QuerySet

from dataengine.models import Column, Index, Table
from dataengine.queries.counts import Count, planned_rows
from dataengine.queries.table_sizes import EXACT_BELOW
from dataengine.records.model import Record

# Lookups that an index in the order of a column's values can help with.
_BY_VALUE = frozenset({"exact", "in", "range", "lt", "lte", "gt", "gte", "isnull", "year"})
# Of these, lookups that the index of any unique column can help with.
_BY_UNIQUE = frozenset({"exact", "in"})
# Lookups that the index of a text's sort key can help with, too.
_BY_BEGINNING = frozenset({"startswith", "istartswith"})
# Lookups that a search index of trigrams can help with.
_BY_PART = frozenset({"icontains"})
_BY_ITEM = frozenset({"contains", "overlap", "exact"})
"""What an index on lists helps with."""
# Lookups, and the search, that usually leave so few records that another index would not help.
_PINNING = frozenset({"exact", "in"})
# To sort a text takes about so many times as long as to sort a number, because its key has to be made (measured: 20
# times with a number in the text, 100 times for a hexadecimal hash).
_TEXT_WEIGHT = 20

type Helper = Literal["ready", "column", "search", "nothing"]


@dataclass(frozen=True, slots=True)
class Use:
    """A filter by one column; with the records that it alone would find, if there are several filters."""

    attribute: str
    lookup: str
    found: QuerySet[Record] | None = None


@dataclass(frozen=True, slots=True)
class Remedy:
    """An index whose absence makes a list slow. ``column`` None means the search index.

    ``index`` is its row, if it is not ready. ``found`` are the records that it would find, if there are several
    filters. With ``needs_trigrams``, only an index of trigrams would help.
    """

    purpose: Index.Purpose
    title: str
    column: Column | None
    index: Index | None
    found: QuerySet[Record] | None = field(default=None, compare=False)
    needs_trigrams: bool = False

    @property
    def what(self) -> str:
        """What it would help with, for users."""
        if self.purpose == Index.Purpose.SEARCH:
            return "Searching"
        return f"{'Sorting' if self.purpose == Index.Purpose.SORT else 'Filtering'} by “{self.title}”"

    @property
    def weight(self) -> int:
        """How many records that are only read take as long as one that has to be sorted without it."""
        is_text = self.column is not None and self.column.kind.is_text
        return _TEXT_WEIGHT if is_text and self.purpose == Index.Purpose.SORT else 1

    @property
    def state(self) -> str | None:
        """``Index.ShownState``, or None."""
        return self.index.shown_state if self.index else None

    @property
    def is_under_way(self) -> bool:
        """Whether it is queued or being built."""
        return self.state in {Index.ShownState.QUEUED, Index.ShownState.BUILDING}

    @property
    def sentence(self) -> str:
        """What is missing, as a sentence for users."""
        return f"{self.what} needs an index{', which is being built' if self.is_under_way else ''}."


@dataclass(frozen=True, slots=True)
class Needs:
    """The indexes that a list lacks: ``filters`` to find its records, ``order`` to read them in its order.

    ``parts`` would find records by parts of their texts, if the server has pg_trgm. ``is_narrowed`` tells whether an
    existing index limits the records that are read, ``is_pinned`` whether it limits them to a few values.
    """

    filters: Sequence[Remedy] = ()
    parts: Remedy | None = None
    order: Remedy | None = None
    is_narrowed: bool = False
    is_pinned: bool = False

    @property
    def remedies(self) -> list[Remedy]:
        """All indexes that are certain to help, each once: for the search, the filters and the order."""
        found: list[Remedy] = []
        for remedy in (*self.filters, *([self.order] if self.order else [])):
            if remedy.column not in [other.column for other in found]:
                found.append(remedy)
        return found

    def missed(self, records: int, selected: Count | None, *, above: int) -> tuple[Remedy, int] | None:
        """The index without which the list read more than ``above`` records, and about how many; None if it did not.

        Fewer texts are as bad, if they had to be sorted. The table has ``records`` records, the list ``selected`` of
        them (None: it was too slow to tell).
        """
        finders = [*self.filters, *([self.parts] if self.parts else [])]
        if finders and not self.is_pinned:
            # All records are read, unless so many match that counting stops early.
            is_soon_met = selected is not None and selected.is_met and selected.value > EXACT_BELOW
            read = records * EXACT_BELOW // selected.value if selected is not None and is_soon_met else records
            if read > above:
                return _narrowest(finders), read
        if self.order is not None:
            read = selected.value if self.is_narrowed and selected is not None else records
            if read * self.order.weight > above:
                return self.order, read
        return None


def needs_of(
    table: Table,
    columns: Sequence[Column],
    order: Column | None,
    used: Sequence[Use],
    *,
    searched: bool,
    is_any: bool = False,
) -> Needs:
    """What a list lacks that is sorted by the column ``order`` (None: by id) and filtered by ``used``.

    ``is_any``: one of these is enough for a record, so that indexes only help if each has one.
    """
    by_attribute = {column.attribute: column for column in columns}
    search = table.search_index()
    filters: list[Remedy] = []
    parts: Remedy | None = None
    has_search = search is not None and search.state == Index.State.COMPLETED
    if searched and not has_search:
        filters.append(Remedy(Index.Purpose.SEARCH, "", None, search))
    helpers = [helper_of(by_attribute.get(use.attribute), use.lookup, search) for use in used]
    if is_any and "nothing" in helpers:  # all records are read, whatever indexes there are
        used, helpers = (), []
    helped: list[str] = []
    for use, helper in zip(used, helpers, strict=True):
        column = by_attribute.get(use.attribute)
        if helper == "ready":
            helped.append(use.lookup)
        elif helper == "column" and column is not None:
            filters.append(Remedy(Index.Purpose.FILTER, column.title, column, column.index_or_none, use.found))
        elif helper == "search" and column is not None:
            parts = Remedy(Index.Purpose.FILTER, column.title, None, None, use.found, needs_trigrams=True)
    if is_any and len(helped) < len(used):
        helped = []
    is_pinned = bool(helped) and (all if is_any else any)(lookup in _PINNING for lookup in helped)
    if searched and has_search:
        helped, is_pinned = ["search", *helped], True
    return Needs(filters, parts, sorting(order, search), is_narrowed=bool(helped), is_pinned=is_pinned)


def sorting(order: Column | None, search: Index | None) -> Remedy | None:
    """The index that is missing to read records in the order of a column (None: by id)."""
    if order is None or helper_of(order, None, search) != "column":
        return None
    return Remedy(Index.Purpose.SORT, order.title, order, order.index_or_none)


def helper_of(column: Column | None, lookup: str | None, search: Index | None) -> Helper:
    """What would help to filter by a column (None: ``id``), or (``lookup`` None) to sort by it.

    An index that is ``ready``, one on the ``column`` or for the ``search`` that is missing, or ``nothing``.
    """
    if column is None:
        return "ready"
    if column.kind.is_list:
        if lookup not in _BY_ITEM:
            return "nothing"
        return "ready" if column.sort_state == Index.ShownState.READY else "column"
    if lookup is None or lookup in _BY_VALUE or (lookup in _BY_BEGINNING and column.kind.is_text):
        if not column.kind.can_be_sorted:
            return "nothing"
        return "ready" if _has_index(column, lookup) else "column"
    if lookup in _BY_PART:
        if search is None:
            return "search"
        is_ready = search.state == Index.State.COMPLETED and search.method == Index.Method.TRIGRAM
        return "ready" if is_ready and column.pk in search.covers else "nothing"
    return "nothing"


def _has_index(column: Column, lookup: str | None) -> bool:
    # A unique text's own index is in another order than lists are, and may be without case.
    helps = _BY_UNIQUE if column.unique_ignores_case else _BY_UNIQUE | {"isnull"}
    return (column.unique and lookup in helps) or column.sort_state == Index.ShownState.READY


def _narrowest(remedies: Sequence[Remedy]) -> Remedy:
    """The index that would find the fewest records."""
    if len(remedies) == 1:
        return remedies[0]
    return min(remedies, key=lambda remedy: planned_rows(remedy.found) if remedy.found is not None else 0)
