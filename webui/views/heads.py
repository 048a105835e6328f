"""The menu of a column's head, and the forms of filters: what can be done with one column of the grid."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.shortcuts import resolve_url

from dataengine import access
from dataengine.exceptions import InvalidInput, NotFound
from dataengine.models import Column, Table
from dataengine.profiles import profiles
from dataengine.profiles.profiles import Profiles
from dataengine.queries import listing, references
from dataengine.records.model import record_model
from dataengine.services.layouts import layout_of
from webui import htmx
from webui.errors import errors_into
from webui.grid import charts, grouping
from webui.grid.cells import records_order
from webui.grid.filter_forms import FilterForm, Suggestion, changed, present
from webui.grid.filters import GROUPING, is_any, query_for, selecting
from webui.htmx import ConsoleRequest
from webui.sorting import PAGE_PARAMETERS, query_string
from webui.views.view import console_view

_MOST_SUGGESTED = 12


@console_view("GET")
def head(request: ConsoleRequest, name: str, pk: int) -> HttpResponse:
    """What can be done with a column.

    The URL has the grid's parameters; ``change`` names those of a filter to change.
    """
    table = access.get_table(request.user, name, "view")
    columns = table.all_columns()
    column = next((column for column in columns if column.pk == pk), None)
    if column is None:
        raise NotFound("This column no longer exists. Reload the page.", code="column_not_found")
    query = request.GET.copy()
    changing = [gone for gone in query.pop("change", []) if gone in query]
    found = _profile(table, column, query)
    layout = layout_of(request.user, table, columns)
    order = records_order(query)
    shown = [other.pk for other in layout.shown]
    context = {
        "section": "tables",
        "table": table,
        "column": column,
        "rights": access.rights_of(request.user, table),
        "query": query.urlencode(),
        "changing": changing,
        "state": order.state_of(column.name),
        "sorts": {
            "ascending": order.by({column.name: False}).query,
            "descending": order.by({column.name: True}).query,
            "none": order.by({key: down for key, down in order.keys.items() if key != column.name}).query,
        },
        "is_grouped": query.get("group") == column.name,
        "grouped": query_string(query, dict.fromkeys((*GROUPING, *PAGE_PARAMETERS)) | {"group": column.name}),
        "ungrouped": grouping.off(query),
        "is_shown": pk in shown,
        "is_first": shown[:1] == [pk],
        "is_last": shown[-1:] == [pk],
        "chart": _chart(request, found, query),
        "height": charts.HEIGHT,
        "filter_form": FilterForm(
            columns,
            url=resolve_url("console:filter", table.name),
            query=query.urlencode(),
            readable=references.readable(request.user, columns),
            of=column.name,
            suggested=_suggested(request, found),
            place="head-",
            initial=present(query, changing, column),
        ),
    }
    return htmx.render(request, "records/head.html", context, partial="records/_head.html")


@console_view("GET")
def add_filter(request: ConsoleRequest, name: str) -> HttpResponse:
    """Turn the filter form into a parameter, or show the conditions for a column, or the inputs of a condition.

    Without ``column`` it is the whole form: the grid's menu, and a page of its own.
    """
    table = access.get_table(request.user, name, "view")
    columns = table.all_columns()
    of = request.GET.get("column", "")
    readable = references.readable(request.user, columns)
    place = "head-" if request.GET.get("place") == "head-" else ""
    column = next((column for column in columns if column.name == of), None)
    query = request.GET.get("query", "")
    found = _profile(table, column, QueryDict(query)) if column is not None else None
    suggested = _suggested(request, found)
    if "column" not in request.GET:
        context = {
            "section": "tables",
            "table": table,
            "query": query,
            "filter_form": FilterForm(columns, url=request.path, query=query, readable=readable),
        }
        return htmx.render(request, "records/filter.html", context, partial="records/_filter_form.html")
    if "condition" not in request.GET:
        form = FilterForm(
            columns, url=request.path, query=query, readable=readable, of=of, suggested=suggested, place=place
        )
        return htmx.render(request, "records/_condition.html", {"filter_form": form})
    if "shape" in request.GET:
        kept = {field: request.GET.get(field, "") for field in ("condition", "value", "until")}
        form = FilterForm(
            columns,
            url=request.path,
            query=query,
            readable=readable,
            of=of,
            suggested=suggested,
            place=place,
            initial={**kept, "picked": request.GET.getlist("picked")},
        )
        return htmx.render(request, "records/_condition_values.html", {"filter_form": form})
    form = FilterForm(
        columns, request.GET, url=request.path, query=query, readable=readable, of=of, suggested=suggested, place=place
    )
    changing = request.GET.getlist("change")
    if form.is_valid():
        parameters = form.parameters()
        with errors_into(form, names=dict(zip(parameters, ("value", "until"), strict=False))):
            listing.select(record_model(table, columns), parameters)
            made = changed(query, changing, parameters)
            return htmx.plain_redirect(f"{resolve_url('console:records', table.name)}?{made.urlencode()}")
    context = {
        "section": "tables", "table": table, "filter_form": form, "query": query, "changing": changing, "place": place
    }  # fmt: skip
    response = htmx.render(
        request, "records/filter.html", context, partial="records/_condition.html", status=htmx.UNPROCESSABLE
    )
    response["HX-Retarget"] = f"#{place}condition"  # the target was the grid, but errors belong in the form
    return response


def _profile(table: Table, column: Column, query: QueryDict) -> Profiles | None:
    """Of the column in the records that the grid would have without its own filter; None if that takes too long.

    If one of several filters is enough, others do not limit what a further one may find: only the search does.
    """
    rest = QueryDict(urlencode(query_for(query, column)))
    conditions = selecting(rest)
    if is_any(query):
        conditions = {name: value for name, value in conditions.items() if name == "search"}
    try:
        found = listing.select(record_model(table), conditions).records if conditions else None
    except InvalidInput:  # the grid says what is wrong
        return None
    return profiles.profiles(table, [column], most=_MOST_SUGGESTED, found=found)


def _chart(request: ConsoleRequest, found: Profiles | None, query: QueryDict) -> charts.Chart | None:
    if found is None or not found.size:
        return None
    few = replace(found, columns=[profile.with_most(profiles.MOST_VALUES) for profile in found.columns])
    labels = references.labels_of(request.user, charts.reference_ids(few))
    return charts.charts(few, query, labels)[0]


def _suggested(request: ConsoleRequest, found: Profiles | None) -> list[Suggestion]:
    """The commonest values of a column that has any that are common."""
    if found is None:
        return []
    [profile] = found.columns
    labels = references.labels_of(request.user, charts.reference_ids(found)).get(profile.column.attribute, {})
    return [
        Suggestion(bar.filters["exact"], labels.get(int(bar.filters["exact"]), bar.words) if labels else bar.words)
        for bar in profile.bars
        if bar.count and bar.filters.get("exact")
    ]
