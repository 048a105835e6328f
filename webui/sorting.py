"""Lists that are sorted by their heads, in three states (ascending, descending, the list's own order), by real URLs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import django_tables2 as tables2
from django.http import QueryDict

# Parameters for a page of one order; another order starts at its first page.
PAGE_PARAMETERS = ("page", "cursor", "count")


def query_string(params: QueryDict, changes: Mapping[str, object]) -> str:
    """``params`` with some changed, or dropped if the change is None, as a query string that begins with ``?``.

    ``QueryDict.copy`` makes a deep copy, which is too slow for a page with a link in each heading and menu (measured).
    """
    left = {name: [str(value)] for name, value in changes.items() if value is not None}
    pairs = [
        (name, value)
        for name, values in params.lists()
        if name not in changes or name in left
        for value in left.pop(name, values)
    ]
    return "?" + urlencode([*pairs, *((name, value) for name, [value] in left.items())])


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's head. ``state`` is for ``aria-sort``; ``query`` is the query of the next state."""

    key: str
    title: str
    css: str
    state: str
    query: str
    hint: str = ""
    # In pixels, if the user set it.
    width: int | None = None
    # The column's name for the grid's scripts and URLs: ``c12``, independent of the user's name for it.
    column: str = ""


class SortableTable(tables2.Table):
    """A table whose heads sort it by one column at a time: ``sort`` is ``key`` or ``-key``."""

    def __init__(self, data: Any, *, sort: str, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.sort = sort
        alias = self._alias(sort)
        if alias:
            self.order_by = (alias,)

    def key_of(self, name: str) -> str:
        """The name in URLs of the column that is ``name`` in tables2."""
        return name

    def css_of(self, name: str) -> str:
        """The class of the column's cells."""
        return ""

    def headings(self, params: QueryDict) -> list[Heading]:
        """The heads of the visible columns, with links that keep the other ``params``."""
        return [self._heading(bound, params) for bound in self.columns.iterall() if bound.visible]

    def _alias(self, sort: str) -> str:
        """``sort`` in the form of tables2, or '' if there is no such column."""
        names = {self.key_of(bound.name): bound.name for bound in self.columns.iterall() if bound.orderable}
        name = names.get(sort.removeprefix("-"))
        return ("-" if sort.startswith("-") else "") + name if name else ""

    def _heading(self, bound: Any, params: QueryDict) -> Heading:
        key = self.key_of(bound.name)
        state = {key: "ascending", f"-{key}": "descending"}.get(self.sort, "none")
        following = {"none": key, "ascending": f"-{key}", "descending": None}[state]
        query = query_string(params, dict.fromkeys((*PAGE_PARAMETERS, "order_by", "order_direction")))
        if following:
            query += ("" if query == "?" else "&") + urlencode({"order_by": following})
        return Heading(
            key=key,
            title=str(bound.header),
            css=self.css_of(bound.name),
            state=state if bound.orderable else "",
            query=query,
            hint=getattr(bound.column, "hint", ""),
            width=getattr(bound.column, "width", None),
            column=bound.name,
        )
