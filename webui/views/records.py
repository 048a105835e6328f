"""The records of a table: the grid with its filters, and the forms of one record."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpResponse, QueryDict
from django.shortcuts import resolve_url

from dataengine import access
from dataengine.exceptions import Conflict, DataEngineError, InvalidInput
from dataengine.models import Table
from dataengine.queries import listing, paging, references, search
from dataengine.queries.counts import Count
from dataengine.queries.listing import Listing, Selection
from dataengine.queries.provenance import origin_of
from dataengine.records.model import Record, record_model
from dataengine.services import automatic_indexes
from dataengine.services import records as services
from dataengine.services.audit import Trail
from dataengine.services.layouts import Layout, layout_of
from webui import changes, htmx
from webui.grid import faster, filters, grouping
from webui.grid.cells import RecordGrid, records_order
from webui.grid.record_forms import RecordForm
from webui.grid.selections import SetForm
from webui.htmx import ConsoleRequest
from webui.numbers import is_number
from webui.sorting import ORDER_PARAMETERS, PAGE_PARAMETERS, Order, kept, query_string
from webui.views.view import console_view

PAGE_SIZES = (25, 50, 100, 250)
DEFAULT_PAGE_SIZE = 50
LARGEST_PAGE = 1000


@console_view("GET")
def index(request: ConsoleRequest, name: str) -> HttpResponse:
    """The grid. Its URL is its whole state, with the API's parameters."""
    table = access.get_table(request.user, name, "view")
    columns = table.all_columns()
    rights, is_partial = access.rights_of(request.user, table), htmx.is_partial(request)
    layout = layout_of(request.user, table, columns)
    named = references.labels_of(request.user, filters.referred(request.GET, columns))
    chips, searched = filters.chips(request.GET, columns, named), request.GET.get("search", "")
    order = records_order(request.GET)
    context: dict[str, Any] = {
        "section": "tables",
        "table": table,
        "columns": columns,
        "layout": layout,
        "order": order,
        "rights": rights,
        "may_edit": "edit" in rights,
        "may_have_sources": "edit" in rights and settings.REMOTE_SOURCES,
        "set_form": SetForm(columns),
        "editors": () if is_partial or "edit" not in rights else RecordForm(columns, user=request.user),
        "search": searched,
        "search_meaning": search.meaning(table),
        "chips": chips,
        "is_any": filters.is_any(request.GET),
        "group": request.GET.get("group", ""),
        "ungrouped": grouping.off(request.GET),
        "joined_otherwise": filters.joined_otherwise(request.GET),
        "is_filtered": bool(searched or chips),
        "asking": urlencode({"query": request.GET.urlencode()}),
        "page_sizes": PAGE_SIZES,
        # The parameters that the grid's small forms pass on.
        "kept": kept(request.GET, without=("search", *PAGE_PARAMETERS)),
        "kept_with_search": kept(request.GET, without=("limit", *PAGE_PARAMETERS)),
        "list_stamp": f"{zlib.crc32(request.GET.urlencode().encode()):08x}",
        "found_stamp": f"{zlib.crc32(repr(filters.selecting(request.GET)).encode()):08x}",
        "kept_on_pages": kept(request.GET, without=PAGE_PARAMETERS),
    }
    try:
        context |= _page(request, table, layout, order, may_edit="edit" in rights)
        status = 200
    except InvalidInput as error:
        context |= _nothing(request.GET, layout, order.by({})) | {"problem": error}
        status = 400
    except listing.TooSlow as error:
        waiting = faster.of_remedies(error.remedies, request.GET, waits=True)
        context |= _nothing(request.GET, layout, order) | {"too_slow": error, "faster": waiting}
        status = 503
    if not is_partial:
        context |= changes.panel_context(request, table)
    # A partial is always shown: the grid itself explains what went wrong.
    status = 200 if is_partial else status
    return htmx.render(request, "records/index.html", context, partial="records/_grid.html", status=status)


@console_view("GET")
def count(request: ConsoleRequest, name: str) -> HttpResponse:
    """How many records the grid's URL selects, counted exactly: a line of its own, so that nothing waits for it."""
    table = access.get_table(request.user, name, "view")
    selection = listing.select(record_model(table), filters.of_list(request.GET))
    try:
        counted, is_late = selection.count(exact=True), False
    except listing.TooSlow:
        counted, is_late = selection.count(), True
    return htmx.render(request, "records/_count.html", {"count": counted, "is_late": is_late})


@console_view("GET")
def lookup(request: ConsoleRequest, name: str) -> HttpResponse:
    """Suggestions for a reference input, which sends its text under its own name."""
    table = access.get_table(request.user, name, "view")
    text = request.GET.get(next(iter(request.GET), ""), "")
    found = [references.written(entry["id"], entry["label"]) for entry in references.find(table, text)]
    return htmx.render(request, "records/_found.html", {"found": found})


@console_view("GET", "POST")
def add(request: ConsoleRequest, name: str) -> HttpResponse:
    """Add a record; with ``copy`` in the URL it starts as a copy."""
    table = access.get_table(request.user, name, "edit")
    columns = table.all_columns()
    copied = record_model(table, columns).objects.filter(pk=_positive(request.GET.get("copy"), 0)).first()
    form = RecordForm(columns, request.POST if request.method == "POST" else None, user=request.user, copied=copied)
    trail: Trail = []
    if form.is_bound and form.is_valid():
        try:
            record = services.insert_record(user=request.user, table=table, data=form.service_data(), trail=trail)
        except InvalidInput as error:
            form.add_service_errors(error)
        else:
            changes.tell(request, f"Record {record.pk} is added.", table, trail)
            return htmx.redirect(request, resolve_url("console:records", table.name) + "?order_by=-id")
    context = {"section": "tables", "table": table, "columns": columns, "form": form, **_grid_as_left(request, table)}
    return htmx.render(request, "records/form.html", context, status=htmx.UNPROCESSABLE if form.errors else 200)


@console_view("GET", "POST")
def edit(request: ConsoleRequest, name: str, pk: int) -> HttpResponse:
    """Show a record in full, or change it, unless somebody else did since it was shown (``version``)."""
    table = access.get_table(request.user, name, "edit" if request.method == "POST" else "view")
    columns = table.all_columns()
    record = services.get_record(table, pk)
    form = RecordForm(columns, request.POST if request.method == "POST" else None, user=request.user, record=record)
    trail: Trail = []
    seen, is_late = request.POST.get("version") or None, False
    if form.is_bound and form.is_valid():
        try:
            if form.has_changed():
                data = form.service_data()
                services.update_record(user=request.user, table=table, pk=pk, data=data, version=seen, trail=trail)
        except InvalidInput as error:
            form.add_service_errors(error)
        except Conflict as error:
            if error.error_code != "changed_meanwhile":
                raise
            form.add_theirs(error.message)
            is_late = True
        else:
            changes.tell(request, f"Record {pk} is saved.", table, trail)
            return htmx.redirect(request, _grid_as_left(request, table)["back"])
    context = _grid_as_left(request, table) | {
        "section": "tables", "table": table, "columns": columns, "form": form, "record": record,
        "rights": access.rights_of(request.user, table), "origin": origin_of(table, pk),
        "version": seen if seen and not is_late else services.record_version(record),
    }  # fmt: skip
    status = Conflict.status if is_late else htmx.UNPROCESSABLE if form.errors else 200
    return htmx.render(request, "records/form.html", context, status=status)


@console_view("GET", "POST")
def delete(request: ConsoleRequest, name: str, pk: int) -> HttpResponse:
    """Ask, then delete one record."""
    table = access.get_table(request.user, name, "edit")
    columns = table.all_columns()
    record = services.get_record(table, pk)
    problem = None
    trail: Trail = []
    if request.method == "POST":
        try:
            services.delete_record(user=request.user, table=table, pk=pk, trail=trail)
        except DataEngineError as error:
            problem = error
        else:
            changes.tell(request, f"Record {pk} is deleted.", table, trail)
            return htmx.redirect(request, _grid_as_left(request, table)["back"])
    grid = RecordGrid([record], columns, labels=references.labels(request.user, [record]))
    cells = list(zip(columns, grid.lines()[0].cells, strict=True))
    referrers, is_referred_unseen = references.referrers(request.user, table, [pk])
    context = _grid_as_left(request, table) | {
        "section": "tables", "table": table, "record": record, "cells": cells, "problem": problem,
        "referrers": referrers, "is_referred_unseen": is_referred_unseen,
    }  # fmt: skip
    return htmx.render(request, "records/delete.html", context, status=problem.status if problem else 200)


def _grid_as_left(request: ConsoleRequest, table: Table) -> dict[str, Any]:
    """``back`` is the grid as the user left it; ``query`` is its query, which the forms of a record pass on."""
    here = resolve_url("console:records", table.name)
    came_from = urlsplit(request.headers.get("Referer", ""))
    sent = (request.POST if request.method == "POST" else request.GET).get("query")
    query = QueryDict(sent or (came_from.query if came_from.path == here else "")).urlencode()
    return {"back": f"{here}?{query}" if query else here, "query": query}


def _page(request: ConsoleRequest, table: Table, layout: Layout, order: Order, *, may_edit: bool) -> dict[str, Any]:
    """One page of the grid. Raises InvalidInput for a filter, order or cursor that makes no sense."""
    params = request.GET
    selection = listing.select(record_model(table, layout.columns), filters.of_list(params))
    if params.get("group"):
        return _groups(request, selection, layout, order)
    selection = selection.with_largest_id()
    limit = page_size(params)
    number = _page_number(params)
    exact = params.get("count") == "exact"
    cursor = params.get("cursor", "")
    listed = automatic_indexes.listing(selection, number=number, limit=limit, cursor=cursor, exact=exact, or_by_id=True)
    page, count, instead = listed.page, listed.count, listed.instead
    labels = references.labels(request.user, page.records)
    shown_order = order.by({}) if instead else order
    query = _query_for_menus(params)
    grid = RecordGrid(page.records, layout.shown, order=shown_order, labels=labels, widths=layout.widths, query=query)
    return {
        "headings": grid.headings(),
        "lines": grid.lines(versions=may_edit),
        "longest_id": _longest_id(page.records),
        "page": page,
        "links": _page_links(params, listed),
        "instead": instead,
        "limit": limit,
        "before": (page.number - 1) * limit,
        "count": count,
        "pages": -(-count.value // limit),
        "faster": faster.of_remedies(listed.on_the_way, params, waits=instead is not None),
    }


def _groups(request: ConsoleRequest, selection: Selection, layout: Layout, order: Order) -> dict[str, Any]:
    """One page of groups. Raises InvalidInput, TooSlow."""
    params, limit = request.GET, page_size(request.GET)
    made = grouping.grouping(params, selection, request.user, number=_page_number(params), limit=limit)
    records, may_edit = made.records, "edit" in access.rights_of(request.user, selection.records.model.table)
    labels = references.labels(request.user, records)
    query = _query_for_menus(params)
    grid = RecordGrid(records, layout.shown, order=order, labels=labels, widths=layout.widths, query=query)
    lines = iter(grid.lines(versions=may_edit))
    largest = selection.records.model.objects.order_by("-id").values_list("pk", flat=True).first()
    return {
        "headings": grid.headings(),
        "lines": made.sections,
        "grouping": made,
        "sections": [(section, [next(lines) for _ in section.records]) for section in made.sections],
        "longest_id": "" if largest is None else str(largest),
        "page": paging.Page([], None, None, made.number),
        "limit": limit,
        "count": selection.count(),
        "faster": faster.of_remedies(made.on_the_way, params, waits=False),
    }


def _longest_id(records: Sequence[Record]) -> str:
    """The id that needs most room of all that the table has: others on another page do not make their column wider."""
    found = [
        *(str(record.pk) for record in records),
        *(str(getattr(record, "largest_id", "")) for record in records[:1]),
    ]
    return max(found, key=len, default="")


def _page_links(params: QueryDict, listed: Listing) -> dict[str, str]:
    """The queries of other pages, in the order of the page that is shown."""
    page, number = listed.page, listed.last_number
    dropped = dict.fromkeys(("page", "cursor", *(ORDER_PARAMETERS if listed.instead else ())))
    return {
        "first": query_string(params, dropped),
        "previous": query_string(params, dropped | {"cursor": page.previous}),
        "next": query_string(params, dropped | {"cursor": page.next}),
        "last": query_string(params, dropped | ({"page": number} if number else {"cursor": listed.last})),
    }


def _nothing(params: QueryDict, layout: Layout, order: Order) -> dict[str, Any]:
    """An empty grid, if no records can be shown."""
    grid = RecordGrid([], layout.shown, order=order, widths=layout.widths, query=_query_for_menus(params))
    return {
        "headings": grid.headings(), "lines": [], "page": paging.Page([], None, None, 1),
        "limit": page_size(params), "count": Count(0, is_exact=True), "pages": 1,
    }  # fmt: skip


def _query_for_menus(params: QueryDict) -> str:
    return query_string(params, dict.fromkeys(PAGE_PARAMETERS))


def page_size(params: QueryDict) -> int:
    """``limit``, between 1 and the largest page."""
    return min(_positive(params.get("limit"), DEFAULT_PAGE_SIZE), LARGEST_PAGE)


def _page_number(params: QueryDict) -> int:
    """``page``, by default 1. Raises InvalidInput if no page can have that number."""
    text = params.get("page") or "1"
    number = _positive(text, 0)
    if not 0 < number <= paging.LAST_PAGE_NUMBER:
        reason = f"Give a number from 1 to {paging.LAST_PAGE_NUMBER:,}."
        raise InvalidInput(f"page: {reason}", fields={"page": reason})
    return number


def _positive(text: str | None, otherwise: int) -> int:
    return int(text) if text and is_number(text, digits=13) and int(text) > 0 else otherwise
