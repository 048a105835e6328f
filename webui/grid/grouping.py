"""Records in groups: one head for each value of a column, with how many records have it, folded or not.

``group`` in the grid's URL names the column; ``unfold`` has the values of the groups that are open, as texts, and
``unfold_null`` opens the group of the records without one. Only the grid knows these parameters.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import QueryDict

from dataengine.models import Column
from dataengine.queries import groups, references
from dataengine.queries.counts import Count
from dataengine.queries.listing import Selection
from dataengine.queries.needs import Remedy
from dataengine.records.model import Record
from dataengine.services import automatic_indexes
from webui.grid.cells import cell_maker, reference_maker
from webui.grid.filters import GROUPING, is_any
from webui.sorting import PAGE_PARAMETERS, query_string

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_OPEN = 20
"""Of more open groups on a page the first are shown with their records."""


@dataclass(frozen=True, slots=True)
class Section:
    """One group: its value in words, and the queries that fold or unfold it and that list its records alone ('': none).

    ``records`` are the first of an open group, ``is_cut`` tells that there are others.
    """

    key: str
    words: str
    count: Count
    is_open: bool
    toggle: str
    alone: str
    records: Sequence[Record] = ()
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Grouping:
    """A page of groups. ``previous`` and ``next`` are queries of other pages, '' for none."""

    column: Column
    sections: Sequence[Section]
    number: int
    previous: str
    next: str
    on_the_way: Sequence[Remedy] = ()

    @property
    def records(self) -> list[Record]:
        """All that are shown, in order."""
        return [record for section in self.sections for record in section.records]


def off(params: QueryDict) -> str:
    """The query of the plain list."""
    return query_string(params, dict.fromkeys((*GROUPING, *PAGE_PARAMETERS)))


def grouping(params: QueryDict, selection: Selection, user: User, *, number: int, limit: int) -> Grouping:
    """The groups that ``params`` ask for, with at most ``limit`` records each. Raises InvalidInput, TooSlow."""
    column = groups.column_named(selection.records.model, str(params["group"]))
    found, on_the_way = automatic_indexes.grouped(selection, column, number=min(number, groups.LAST_PAGE))
    words = _wording(column, user, [group.value for group in found.groups])
    unfolded, is_null_open, room = set(params.getlist("unfold")), "unfold_null" in params, MOST_OPEN
    sections = []
    for group in found.groups:
        text = None if group.value is None else column.kind.editor_text(group.value)
        is_open = room > 0 and (is_null_open if text is None else text in unfolded)
        records: list[Record] = []
        if is_open:
            room -= 1
            records = groups.records_of(selection, column, group.value, limit=limit)
        sections.append(
            Section(
                f"{zlib.crc32(repr(text).encode()):08x}",
                words(group.value),
                group.count,
                is_open,
                _toggled(params, text, is_open=is_open),
                _alone(params, column, text),
                records,
                group.count.value > len(records),
            )
        )
    steps = {
        "previous": query_string(params, {"page": found.number - 1}) if found.number > 1 else "",
        "next": query_string(params, {"page": found.number + 1}) if found.is_more else "",
    }
    return Grouping(column, sections, found.number, **steps, on_the_way=on_the_way)


def _wording(column: Column, user: User, values: Sequence[Any]) -> Any:
    """What makes a value the words on its group's head."""
    labels = references.labels_of(user, {column: values}) if column.references_id is not None else {}
    known = labels.get(column.attribute)
    make = cell_maker(column) if known is None else reference_maker(column, known)
    return lambda value: make(value).text or "empty text"


def _toggled(params: QueryDict, text: str | None, *, is_open: bool) -> str:
    if text is None:
        return query_string(params, {"unfold_null": None if is_open else "1"})
    query = params.copy()
    others = [other for other in params.getlist("unfold") if other != text]
    query.setlist("unfold", others if is_open else [*others, text])
    return f"?{query.urlencode()}"


def _alone(params: QueryDict, column: Column, text: str | None) -> str:
    if is_any(params):
        return ""  # a further condition would not narrow the list
    own = {f"{column.name}__isnull": "true"} if text is None else {f"{column.name}__exact": text}
    return query_string(params, dict.fromkeys((*GROUPING, *PAGE_PARAMETERS)) | own)
