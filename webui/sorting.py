"""Lists that their heads sort, in three states (ascending, descending, the list's own order), by real URLs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import django_tables2 as tables2
from django.http import QueryDict

# Parameters that lead to one page of one order; another order starts at its own first page.
PAGE_PARAMETERS = ("page", "cursor", "count")


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's head. ``state`` is what ``aria-sort`` says; ``query`` leads to the next state."""

    key: str
    title: str
    css: str
    state: str
    query: str
    hint: str = ""
    # In pixels, where the user gave it one.
    width: int | None = None
    # How the grid's scripts and URLs call the column: ``c12``, which no user's word can break.
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
        """How the URL calls the column that tables2 calls ``name``."""
        return name

    def css_of(self, name: str) -> str:
        """The class of the column's cells."""
        return ""

    def headings(self, params: QueryDict) -> list[Heading]:
        """The heads of the visible columns, with links that keep the other ``params``."""
        return [self._heading(bound, params) for bound in self.columns.iterall() if bound.visible]

    def _alias(self, sort: str) -> str:
        """``sort`` as tables2 writes it, or '' where no column is called so."""
        names = {self.key_of(bound.name): bound.name for bound in self.columns.iterall() if bound.orderable}
        name = names.get(sort.removeprefix("-"))
        return ("-" if sort.startswith("-") else "") + name if name else ""

    def _heading(self, bound: Any, params: QueryDict) -> Heading:
        key = self.key_of(bound.name)
        state = {key: "ascending", f"-{key}": "descending"}.get(self.sort, "none")
        following = {"none": key, "ascending": f"-{key}", "descending": None}[state]
        query = params.copy()
        for name in (*PAGE_PARAMETERS, "order_by", "order_direction"):
            query.pop(name, None)
        if following:
            query["order_by"] = following
        return Heading(
            key=key,
            title=str(bound.header),
            css=self.css_of(bound.name),
            state=state if bound.orderable else "",
            query=f"?{query.urlencode()}",
            hint=getattr(bound.column, "hint", ""),
            width=getattr(bound.column, "width", None),
            column=bound.name,
        )
