"""The record grid, with django-tables2: its columns, and its cells as plain tuples and as HTML.

100 × 12 cells take 2 ms, in a template's loop 13, in tables2's own template 80 to 110 (measured).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import django_tables2 as tables2
from django.http import QueryDict
from django.urls import reverse
from django.utils.safestring import SafeString

from dataengine.columns import displays
from dataengine.models import Column, Table
from dataengine.queries.references import Labels, written
from dataengine.records.model import Record
from dataengine.services.records import record_versions
from webui.sorting import Order, SortableTable

# The most characters that a cell shows; the record's own page shows all.
CLIP_AT = 160
# The most characters that a clipped cell keeps for tooltips, editing and copying; grid.js has the same number.
HINT_AT = 4000


# The room of a column of texts, by the length of the longest on the page: its width stays when others are shown.
_ROOMS = ((40, "room-3"), (20, "room-2"), (6, "room-1"))


class Cell(NamedTuple):
    """The content of one cell: its class, text, tooltip and link.

    ``value`` is what an editor starts with, if not the text. ``is_clipped`` tells that the text is the beginning of a
    longer one, of which ``hint`` has more. The ``items`` of a list are shown instead of the text.
    """

    css: str
    text: str
    hint: str = ""
    href: str = ""
    value: str = ""
    is_clipped: bool = False
    items: Sequence[str] = ()

    def td(self, label: str) -> str:
        """The cell in HTML. A template takes ten times as long, and a page has thousands of cells (measured).

        ``label`` is the escaped title of its column, for records shown as cards.
        """
        value = f' data-value="{escape(self.value)}"' if self.value else ""
        hint = f' title="{escape(self.hint)}"' if self.hint else ""
        clipped = " data-clipped" if self.is_clipped else ""
        text = escape(self.text)
        shown = f'<a href="{escape(self.href)}">{text}</a>' if self.href else text
        if self.items:
            shown = " ".join(f"<span>{escape(item)}</span>" for item in self.items)
        return f'<td class="{self.css}" data-label="{label}"{value}{clipped}{hint}>{shown}</td>'


class Line(NamedTuple):
    """One record in the grid, with the URL of its own page.

    ``labels`` are the titles of the cells' columns, as HTML. ``version`` later tells whether somebody has changed the
    record meanwhile; only users who may change it get one, and a checkbox to choose the record.
    """

    pk: int
    cells: list[Cell]
    labels: Sequence[str]
    href: str
    version: str = ""

    def tr(self) -> SafeString:
        """The row in HTML."""
        pk, version, box = self.pk, "", ""
        if self.version:
            version = f' data-version="{self.version}"'
            box = (
                f'<input class="form-check-input pick" type="checkbox" name="id" value="{pk}" form="selection"'
                f' aria-label="Select record {pk}" autocomplete="off">'
            )
        link = f'<a href="{escape(self.href)}" aria-label="Record {pk}">{pk}</a>'
        cells = "".join(map(Cell.td, self.cells, self.labels))
        return SafeString(f'<tr id="r{pk}"{version}><td class="cell-id" data-label="id">{box}{link}</td>{cells}</tr>')


class RecordColumn(tables2.Column):
    """A column of the grid, named as in the record model (``c12``); ``user_name`` is the user's name for it."""

    def __init__(self, column: Column, labels: Mapping[int, str] | None, width: int | None, menu: str) -> None:
        super().__init__(column.title, accessor=column.attribute, orderable=column.kind.can_be_sorted)
        self.user_name = column.name
        self.title = column.title
        self.hint = "\n".join(filter(None, (column.description, column.sql_text)))
        self.word = column.kind.word or column.kind.label.lower()
        self.icon = column.kind.icon
        self.menu = menu
        self.width = width
        self.css = _css(column)
        self.show = cell_maker(column) if labels is None else reference_maker(column, labels)


class RecordGrid(SortableTable):
    """One page of the records of a table. They are already in order (``dataengine.queries.listing``)."""

    id = tables2.Column("id")

    def __init__(
        self,
        records: Sequence[Record],
        columns: Sequence[Column],
        *,
        order: Order | None = None,
        labels: Labels | None = None,
        widths: Mapping[int, int] | None = None,
        query: str | None = None,
    ) -> None:
        """``labels`` are those of the records that reference columns refer to; without them ids are shown.

        ``widths`` are in pixels, by the columns' keys. ``query`` is the grid's, for the menus of the heads.
        """
        known, wide = labels or {}, widths or {}
        menus = _menus_of(columns, query)
        self.shown = {
            column.attribute: RecordColumn(
                column, known.get(column.attribute), wide.get(column.pk), menus.get(column.pk, "")
            )
            for column in columns
        }
        super().__init__(_InOrder(records), order=order, extra_columns=list(self.shown.items()))

    def key_of(self, name: str) -> str:
        """The user's name for the column."""
        return self.shown[name].user_name if name in self.shown else name

    def css_of(self, name: str) -> str:
        """Numbers are aligned to the right, in figures of equal width; texts have room for others of their kind."""
        if name not in self.shown:
            return "cell-id"
        column = self.shown[name]
        if not column.css.startswith("cell-text"):
            return column.css
        values = (getattr(record, name) for record in self.data.data)
        longest = max((len(column.show(value).text) for value in values if value is not None), default=0)
        room = next((room for least, room in _ROOMS if longest >= least), "")
        return f"{column.css} {room}" if room else column.css

    def lines(self, *, versions: bool = False) -> list[Line]:
        """The records as the grid shows them, with their versions for users who may change them."""
        makers = [(name, column.show) for name, column in self.shown.items()]
        records = self.data.data
        seen = record_versions(records) if versions else [""] * len(records)
        where = _records_of(records[0].table) if records else ""
        labels = [escape(column.title) for column in self.shown.values()]
        return [
            Line(
                record.pk,
                [make(getattr(record, name)) for name, make in makers],
                labels,
                f"{where}{record.pk}/",
                version,
            )
            for record, version in zip(records, seen, strict=True)
        ]


def records_order(params: QueryDict) -> Order:
    """The order of a list of records, from the parameters of its URL."""
    return Order.read(params, unique="id")


class _InOrder(tables2.data.TableListData):
    """Data that is already in order; tables2 only draws the heads."""

    def order_by(self, aliases: Any) -> None:
        """Keep the order."""


def _records_of(table: Table) -> str:
    """The URL of a record's page without id and slash. Built once, not for each record."""
    return reverse("console:record-edit", args=[table.name, 0]).removesuffix("0/")


def _menus_of(columns: Sequence[Column], query: str | None) -> dict[int, str]:
    """The URLs of the menus of heads, by the columns' keys; none without the grid's query. Built once, too."""
    if query is None or not columns:
        return {}
    where = reverse("console:head", args=[columns[0].table.name, 0]).removesuffix("0/")
    return {column.pk: f"{where}{column.pk}/{query}" for column in columns}


def _css(column: Column) -> str:
    """The class of the cells of a column."""
    return f"cell-{column.kind.look}"


def cell_maker(column: Column) -> Callable[[Any], Cell]:
    """A function that makes the cells of a column; chosen once for each column, not for each cell."""
    css = _css(column)
    null = Cell(f"{css} is-null", "null")
    text_of = column.kind.cell_text
    if column.kind.is_list:
        return _listed(column, css, null)
    if (write := displays.writer(column.display)) is not None:
        return _displayed(column, css, null, write)

    def make(value: Any) -> Cell:
        if value is None:
            return null
        text = text_of(value)
        return (
            Cell(css, text)
            if len(text) <= CLIP_AT
            else Cell(css, text[:CLIP_AT] + "…", text[:HINT_AT], is_clipped=True)
        )

    return make


def _listed(column: Column, css: str, null: Cell) -> Callable[[Any], Cell]:
    """The same for lists: each text is a chip, as far as they are to be shown."""
    written, text_of = column.kind.editor_text, column.kind.cell_text

    def make(value: Any) -> Cell:
        if value is None:
            return null
        text, whole = text_of(value), written(value)
        if len(text) <= CLIP_AT:
            return Cell(css, text, value=whole, items=value) if value else Cell(f"{css} is-empty", "empty", value=whole)
        items, left = [], CLIP_AT
        for item in value:
            items.append(item if len(item) <= left else item[:left] + "…")
            left -= len(item)
            if left <= 0:
                break
        if len(whole) < HINT_AT:
            return Cell(css, text[:CLIP_AT] + "…", text[:HINT_AT], value=whole, items=[*items, "…"])
        return Cell(css, text[:CLIP_AT] + "…", whole[:HINT_AT], is_clipped=True, items=[*items, "…"])

    return make


def _displayed(column: Column, css: str, null: Cell, write: Callable[[str], str]) -> Callable[[Any], Cell]:
    """The same for numbers that are shown as money or shares; the editor begins with the number."""
    plain, text_of = column.kind.editor_text, column.kind.cell_text

    def make(value: Any) -> Cell:
        return null if value is None else Cell(css, write(text_of(value))[:CLIP_AT], value=plain(value))

    return make


def reference_maker(column: Column, labels: Mapping[int, str]) -> Callable[[Any], Cell]:
    """A function that makes the cells of a reference column: the label of the other record, with a link to it."""
    assert column.references is not None  # labels exist only for reference columns
    css = f"{_css(column)} cell-reference"
    null = Cell(f"{css} is-null", "null")
    where = _records_of(column.references)
    title = column.references.title

    def make(value: Any) -> Cell:
        if value is None:
            return null
        text = labels.get(value, f"#{value}")
        shown = text if len(text) <= CLIP_AT else text[:CLIP_AT] + "…"
        return Cell(css, shown, f"{title} {value}", f"{where}{value}/", written(value, text))

    return make
