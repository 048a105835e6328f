"""The record grid, with django-tables2: its columns, and its cells as plain tuples and then as HTML.

100 × 12 cells take 2 ms, a template's loop 13, tables2's own template 80 to 110 (measured).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import django_tables2 as tables2
from django.urls import reverse
from django.utils.safestring import SafeString

from dataengine.columns import displays
from dataengine.models import Column, Table
from dataengine.queries.references import Labels, written
from dataengine.records.model import Record
from dataengine.services.records import record_versions
from webui.sorting import SortableTable

# What a cell shows at most; the record's own page shows all of it.
CLIP_AT = 160
# What a clipped cell holds at most of its text, to point at, edit or copy without asking; grid.js knows the number.
HINT_AT = 4000


class Cell(NamedTuple):
    """What stands in one cell: its class, its text, what is said of it on pointing at it, and where it leads.

    ``value`` is what an editor begins with, where that is not the text. ``is_clipped`` says that the text is the
    beginning of a longer one, which ``hint`` then holds, as far as that goes.
    """

    css: str
    text: str
    hint: str = ""
    href: str = ""
    value: str = ""
    is_clipped: bool = False

    def td(self, label: str) -> str:
        """The cell in HTML. A template takes ten times as long over each, and a page has thousands (measured).

        ``label`` is the title of its column, escaped already, for where a record stands as a card.
        """
        value = f' data-value="{escape(self.value)}"' if self.value else ""
        hint = f' title="{escape(self.hint)}"' if self.hint else ""
        clipped = " data-clipped" if self.is_clipped else ""
        text = escape(self.text)
        shown = f'<a href="{escape(self.href)}">{text}</a>' if self.href else text
        return f'<td class="{self.css}" data-label="{label}"{value}{clipped}{hint}>{shown}</td>'


class Line(NamedTuple):
    """One record as the grid shows it, and where its own page is.

    ``labels`` are the titles of the cells' columns, as HTML. ``version`` tells later whether somebody changed the
    record meanwhile; only who may change it gets one, and a box to choose it by.
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
    """A column of the grid, bound as the record model binds it (``c12``); ``user_name`` is the user's word."""

    def __init__(self, column: Column, labels: Mapping[int, str] | None, width: int | None) -> None:
        super().__init__(column.title, accessor=column.attribute, orderable=column.kind.can_be_sorted)
        self.user_name = column.name
        self.title = column.title
        self.hint = column.sql_text
        self.width = width
        self.css = _css(column)
        self.show = cell_maker(column) if labels is None else reference_maker(column, labels)


class RecordGrid(SortableTable):
    """One page of the records of a table. They come in order already (``dataengine.queries.listing``)."""

    id = tables2.Column("id")

    def __init__(
        self,
        records: Sequence[Record],
        columns: Sequence[Column],
        *,
        sort: str,
        labels: Labels | None = None,
        widths: Mapping[int, int] | None = None,
    ) -> None:
        """``labels`` are what records are called that reference columns refer to; without them ids are shown.

        ``widths`` are pixels by columns' keys.
        """
        known, wide = labels or {}, widths or {}
        self.shown = {
            column.attribute: RecordColumn(column, known.get(column.attribute), wide.get(column.pk))
            for column in columns
        }
        super().__init__(_InOrder(records), sort=sort, extra_columns=list(self.shown.items()))

    def key_of(self, name: str) -> str:
        """The user's word for the column."""
        return self.shown[name].user_name if name in self.shown else name

    def css_of(self, name: str) -> str:
        """Numbers stand right, in figures of one width."""
        return self.shown[name].css if name in self.shown else "cell-id"

    def lines(self, *, versions: bool = False) -> list[Line]:
        """The records as the grid shows them; with their versions for those who may change them."""
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


class _InOrder(tables2.data.TableListData):
    """Data that was put in order where it came from; tables2 only draws the heads."""

    def order_by(self, aliases: Any) -> None:
        """Leave it as it is."""


def _records_of(table: Table) -> str:
    """Where the pages of single records are: an id and a slash follow. Asked once, not once a record."""
    return reverse("console:record-edit", args=[table.name, 0]).removesuffix("0/")


def _css(column: Column) -> str:
    """The class of the cells of a column."""
    return f"cell-{column.kind.look}"


def cell_maker(column: Column) -> Callable[[Any], Cell]:
    """A function that makes the cells of a column; chosen once per column, not once per cell."""
    css = _css(column)
    null = Cell(f"{css} is-null", "null")
    text_of = column.kind.cell_text
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


def _displayed(column: Column, css: str, null: Cell, write: Callable[[str], str]) -> Callable[[Any], Cell]:
    """The same for numbers that are shown as money or shares; the editor begins with the number."""
    plain, text_of = column.kind.editor_text, column.kind.cell_text

    def make(value: Any) -> Cell:
        return null if value is None else Cell(css, write(text_of(value))[:CLIP_AT], value=plain(value))

    return make


def reference_maker(column: Column, labels: Mapping[int, str]) -> Callable[[Any], Cell]:
    """A function that makes the cells of a reference column: what the other record is called, and the way to it."""
    assert column.references is not None  # labels are of the table that it refers to
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
