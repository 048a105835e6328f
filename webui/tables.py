"""The lists of the console, with django-tables2: the catalog's and the record grid.

Sorting has three states (ascending, descending, the table's own order) and its links are real URLs. Cells of the grid
are made here from plain value lists: 100 × 12 of them take 7 ms, tables2's own template 80 to 110 (measured).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import django_tables2 as tables2
from django.db.models import QuerySet
from django.http import QueryDict

from dataengine.models import Column

# What a cell shows at most; the record's own page shows all of it.
CLIP_AT = 160
PAGE_SIZES = (25, 50, 100, 250)
DEFAULT_PAGE_SIZE = 50
# OFFSET reads all that it skips; beyond this many records a page is not worth its wait.
DEEPEST_RECORD = 1_000_000


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's head. ``state`` is what ``aria-sort`` says; ``query`` leads to the next state."""

    key: str
    title: str
    css: str
    state: str
    query: str
    hint: str = ""


class SortableTable(tables2.Table):
    """A table sorted by at most one column at a time, chosen by ``sort`` = ``key`` or ``-key``."""

    def __init__(self, data: Any, *, sort: str, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.sort = sort if self._alias(sort) else ""
        if self.sort:
            self.order_by = (self._alias(self.sort),)

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
        query.pop("page", None)
        query.pop("sort", None)
        if following:
            query["sort"] = following
        return Heading(
            key=key,
            title=str(bound.header),
            css=self.css_of(bound.name),
            state=state if bound.orderable else "",
            query=f"?{query.urlencode()}",
            hint=getattr(bound.column, "hint", ""),
        )


class CatalogTable(SortableTable):
    """The tables that a user may see."""

    name = tables2.Column("Table")
    records = tables2.Column("Records", initial_sort_descending=True)
    bytes = tables2.Column("Size", initial_sort_descending=True)
    imported = tables2.Column("Last import", initial_sort_descending=True)

    class Meta:
        order_by = "name"

    def css_of(self, name: str) -> str:
        """Numbers stand right."""
        return {"records": "num", "bytes": "num wide-only", "imported": "wide-only"}.get(name, "")


class RecordColumn(tables2.Column):
    """A column of the grid. ``name`` is the user's word, the accessor our own (``c12``)."""

    def __init__(self, column: Column) -> None:
        super().__init__(column.title, accessor=column.attribute, order_by=(column.attribute,))
        self.user_name = column.name
        self.hint = column.sql_text
        self.kind = column.type
        self.show = cell_maker(column.type)


class Cell(NamedTuple):
    """What stands in one cell: its class, its text, and the whole text where it is clipped."""

    css: str
    text: str
    whole: str = ""


class Row(NamedTuple):
    """One record as the grid shows it."""

    pk: int
    cells: list[Cell]


class RecordGrid(SortableTable):
    """The records of a table, a page at a time."""

    def __init__(self, queryset: QuerySet[Any], columns: Sequence[Column], *, sort: str) -> None:
        self._shown = {column.attribute: RecordColumn(column) for column in columns}
        super().__init__(queryset, sort=sort, extra_columns=list(self._shown.items()))

    id = tables2.Column("id", accessor="id", order_by=("id",))

    def key_of(self, name: str) -> str:
        """The user's word for the column."""
        return self._shown[name].user_name if name in self._shown else name

    def css_of(self, name: str) -> str:
        """Numbers stand right, in figures of one width."""
        if name == "id":
            return "cell-id"
        return css_of_type(self._shown[name].kind)

    def ordered(self) -> QuerySet[Any]:
        """The records in the order that is asked for; the key last, so that ties have one order too."""
        queryset: QuerySet[Any] = self.data.data
        by = [str(name) for name in queryset.query.order_by]
        return queryset if by and by[-1].removeprefix("-") in {"id", "pk"} else queryset.order_by(*by, "id")

    def page_rows(self, number: int, per_page: int) -> tuple[list[Row], bool]:
        """The rows of page ``number`` (from 1), and whether there are more after them."""
        start = (number - 1) * per_page
        values = self.ordered().values_list("id", *self._shown)[start : start + per_page + 1]
        rows = list(self._rows(values))
        return rows[:per_page], len(rows) > per_page

    def _rows(self, values: Iterable[Sequence[Any]]) -> Iterable[Row]:
        makers = [column.show for column in self._shown.values()]
        for pk, *cells in values:
            yield Row(pk, [make(value) for make, value in zip(makers, cells, strict=True)])


NULL = Cell("is-null", "null")
_NUMERIC = {"smallint", "integer", "bigint", "numeric", "real", "double"}
_TEMPORAL = {"date", "time", "timestamp", "timestamptz", "uuid"}


def css_of_type(kind: str) -> str:
    """The class of cells of a column type."""
    if kind in _NUMERIC:
        return "cell-number"
    if kind in _TEMPORAL:
        return "cell-figures"
    return "cell-json" if kind in {"json", "jsonb"} else "cell-text"


def cell_maker(kind: str) -> Callable[[Any], Cell]:
    """A function that makes the cells of a column of that type; chosen once per column, not once per cell."""
    css = css_of_type(kind)
    text_of: Callable[[Any], str] = _TEXTS.get(kind, str)

    def make(value: Any) -> Cell:
        if value is None:
            return NULL
        text = text_of(value)
        return Cell(css, text) if len(text) <= CLIP_AT else Cell(css, text[:CLIP_AT] + "…", text[:4000])

    return make


def _decimal(value: Decimal) -> str:
    return format(value, "f")


def _moment(value: datetime) -> str:
    text = value.replace(tzinfo=None).isoformat(sep=" ")
    return text if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ") + "Z"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_TEXTS: dict[str, Callable[[Any], str]] = {
    "numeric": _decimal,
    "real": lambda value: f"{value:.9g}",
    "double": repr,
    "boolean": lambda value: "yes" if value else "no",
    "timestamp": _moment,
    "timestamptz": _moment,
    "json": _json,
    "jsonb": _json,
}
