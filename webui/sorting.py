"""Lists that are sorted by their heads, in three states (ascending, descending, the list's own order), by real URLs.

``order_by`` names the columns, most important first: ``-price,name``. A click on a head sorts by its column alone; with
Shift, or in the columns menu, the column is added to the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

import django_tables2 as tables2
from django.http import QueryDict

# Parameters for a page of one order; another order starts at its first page.
PAGE_PARAMETERS = ("page", "cursor", "count")
ORDER_PARAMETERS = ("order_by", "order_direction", "nulls")
_DESCENDING = {"none": False, "ascending": True, "descending": None}
"""For each state of a column: whether the next one is descending; None if the column is then not sorted by."""


@dataclass(frozen=True, slots=True)
class Step:
    """One column in an order, and the links from there.

    ``state`` is a value of ``aria-sort``. ``place`` is the column's number among those sorted by, from 1; 0 if it is
    not or if it is the only one. ``alone`` and ``also`` are queries for the column's next state, without and with the
    other columns; ``offer`` is the text for ``also``.
    """

    state: str
    place: int
    alone: str
    also: str
    offer: str


@dataclass(frozen=True, slots=True)
class Order:
    """An order as in the URL: ``{key: whether descending}``, most important first.

    Keys after ``unique`` make no difference, because its values are unique. ``rest`` is the rest of the query, encoded.
    """

    keys: Mapping[str, bool]
    unique: str | None = None
    rest: str = ""

    @classmethod
    def read(cls, params: QueryDict, *, unique: str | None = None) -> Order:
        """Parse ``order_by`` and ``order_direction`` in the same way as the API."""
        down = params.get("order_direction", "").upper() == "DESC"
        keys: dict[str, bool] = {}
        for word in filter(None, map(str.strip, params.get("order_by", "").split(","))):
            key = word.removeprefix("-")
            keys.setdefault(key, down or word != key)
            if key == unique:
                break
        rest = query_string(params, dict.fromkeys((*PAGE_PARAMETERS, "order_by", "order_direction")))
        return cls(keys, unique, rest.removeprefix("?"))

    def by(self, keys: Mapping[str, bool]) -> Order:
        """The same list, sorted by other columns."""
        return replace(self, keys=keys)

    @property
    def query(self) -> str:
        """The query of the URL."""
        words = ",".join(f"-{key}" if descending else key for key, descending in self.keys.items())
        # Not encoded, so that users can read the URL.
        order_by = f"order_by={quote(words, safe=',')}" if words else ""
        return f"?{'&'.join(filter(None, (self.rest, order_by)))}"

    def state_of(self, key: str) -> str:
        """The state of a column, as a value of ``aria-sort``."""
        return {None: "none", False: "ascending", True: "descending"}[self.keys.get(key)]

    def place_of(self, key: str) -> int:
        """The column's number among those sorted by, from 1; 0 if it is not one of them."""
        return [*self.keys].index(key) + 1 if key in self.keys else 0

    def alone(self, key: str) -> Order:
        """Sorted only by this column, in its next state."""
        following = _DESCENDING[self.state_of(key)]
        return self.by({} if following is None else {key: following})

    def also(self, key: str) -> Order:
        """Sorted by this column too, in its next state: as the last one, but before a unique one."""
        following = _DESCENDING[self.state_of(key)]
        kept = {other: down for other, down in self.keys.items() if other != key or following is not None}
        if following is None:
            return self.by(kept)
        if key in kept or self.unique not in kept:
            return self.by({**kept, key: following})
        last = kept.pop(self.unique)
        return self.by({**kept, key: following, self.unique: last})

    def step(self, key: str, title: str) -> Step:
        """A column's step: where it is in the order, and its links."""
        state = self.state_of(key)
        others = len(self.keys) - (key in self.keys)
        offer = {
            "none": f"Sort by {title}" + (" too" if others else ""),
            "ascending": f"Sort by {title} descending",
            "descending": f"Do not sort by {title}",
        }[state]
        return Step(
            state=state,
            place=self.place_of(key) if others else 0,
            alone=self.alone(key).query,
            also=self.also(key).query,
            offer=offer,
        )


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


def kept(params: QueryDict, *, without: Sequence[str]) -> list[tuple[str, str]]:
    """The other parameters as pairs, which a form passes on."""
    return [(name, value) for name in params if name not in without for value in params.getlist(name)]


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's head. ``step`` is None if the list cannot be sorted by it."""

    key: str
    title: str
    css: str
    step: Step | None
    hint: str = ""
    # In pixels, if the user set it.
    width: int | None = None
    # The column's name for the grid's scripts and URLs: ``c12``, independent of the user's name for it.
    column: str = ""
    # Its type in a word with an icon, and the URL of its menu; '' for none.
    word: str = ""
    icon: str = ""
    menu: str = ""

    @property
    def aria_sort(self) -> str:
        """The value of ``aria-sort``. ARIA wants it on one head only: with several sort columns, on the first."""
        return "" if self.step is None else self.step.state if self.step.place < 2 else "none"


class SortableTable(tables2.Table):
    """A table that is sorted by its heads. Without an order, no head is marked."""

    def __init__(self, data: Any, *, order: Order | None = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.sorted_by = order or Order({})
        names = {self.key_of(bound.name): bound.name for bound in self.columns.iterall() if bound.orderable}
        known = [(names[key], descending) for key, descending in self.sorted_by.keys.items() if key in names]
        if known:
            self.order_by = tuple(f"-{name}" if descending else name for name, descending in known)

    def key_of(self, name: str) -> str:
        """The name in URLs of the column that is ``name`` in tables2."""
        return name

    def css_of(self, name: str) -> str:
        """The class of the column's cells."""
        return ""

    def headings(self) -> list[Heading]:
        """The heads of the visible columns."""
        return [self._heading(bound) for bound in self.columns.iterall() if bound.visible]

    def _heading(self, bound: Any) -> Heading:
        key, title = self.key_of(bound.name), str(bound.header)
        return Heading(
            key=key,
            title=title,
            css=self.css_of(bound.name),
            step=self.sorted_by.step(key, title) if bound.orderable else None,
            hint=getattr(bound.column, "hint", ""),
            width=getattr(bound.column, "width", None),
            column=bound.name,
            word=getattr(bound.column, "word", ""),
            icon=getattr(bound.column, "icon", ""),
            menu=getattr(bound.column, "menu", ""),
        )
