"""The indexes of a table: which exist, the progress of those being built, and buttons to request and drop them."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.utils.http import urlencode

from dataengine import access
from dataengine.exceptions import InvalidInput, NotFound
from dataengine.models import Column, Index, Table
from dataengine.queries import search
from dataengine.services import indexes as services
from dataengine.services.automatic_indexes import KEPT_FOR
from webui import htmx
from webui.grid import faster as grid_faster
from webui.htmx import ConsoleRequest
from webui.views.view import console_view


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A line of the page: a column, or the search (``column`` None), with its index if there is one."""

    column: Column | None
    index: Index | None

    @property
    def title(self) -> str:
        return self.column.title if self.column else "Search"

    @property
    def state(self) -> str:
        """``Index.ShownState``, or none; unique columns that are not text are always ready."""
        index_state = self.index.shown_state if self.index else None
        return (self.column.sort_state if self.column else index_state) or "none"

    @property
    def percent(self) -> int:
        return int(100 * self.index.progress) if self.index else 0

    @property
    def because(self) -> str:
        """Why it was made automatically; '' if it was not."""
        return self.index.because if self.index else ""

    @property
    def is_over(self) -> bool:
        """Whether nothing is queued or being built."""
        return self.index is None or self.index.is_over


@console_view("GET", "POST")
def index(request: ConsoleRequest, name: str) -> HttpResponse:
    """Show the indexes; build or drop one."""
    table = access.get_table(request.user, name, "design")
    query = (request.POST if request.method == "POST" else request.GET).get("query", "")
    if request.method == "POST":
        try:
            _change(request, table)
        except InvalidInput as error:
            messages.error(request, error.message)
        here = resolve_url("console:indexes", table.name)
        return htmx.redirect(request, f"{here}?{urlencode({'query': query})}" if query else here)
    columns = [column for column in table.columns.all() if column.kind.can_be_indexed]
    entries = [IndexEntry(column, column.index_or_none) for column in columns]
    if services.text_columns(table):
        entries.insert(0, IndexEntry(None, services.search_index(table)))
    context = {
        "section": "tables", "table": table, "entries": entries, "query": query,
        "is_busy": any(not entry.is_over for entry in entries), "search_meaning": search.meaning(table),
        "automatic": settings.AUTO_INDEX, "kept_days": KEPT_FOR.days,
    }  # fmt: skip
    return htmx.render(request, "indexes/index.html", context, partial="indexes/_list.html")


@console_view("GET")
def faster(request: ConsoleRequest, name: str) -> HttpResponse:
    """The progress of indexes that a list needs: a part of the grid's page that polls."""
    table = access.get_table(request.user, name, "view")
    found = grid_faster.asked_again(table, request.GET)
    where = resolve_url("console:records", table.name)
    if not htmx.is_partial(request) or (found.waits and found.is_ready):
        return htmx.redirect(request, f"{where}?{found.query}" if found.query else where)
    context = {"table": table, "faster": found, "rights": access.rights_of(request.user, table)}
    return htmx.render(request, "records/_faster.html", context, partial="records/_faster.html")


def _change(request: ConsoleRequest, table: Table) -> None:
    name, wanted = request.POST.get("column", ""), request.POST.get("do") != "drop"
    if not name:
        services.set_searchable(user=request.user, table=table, searchable=wanted)
        return
    column = table.columns.filter(name=name.replace("\0", "")).first()
    if column is None:
        raise NotFound(f"“{table.name}” has no such column.", code="column_not_found")
    services.set_indexed(user=request.user, table=table, column=column, indexed=wanted)
