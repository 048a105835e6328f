"""The user's choice and order of a table's columns: the grid's menu, and a page of its own."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponse, QueryDict
from django.shortcuts import resolve_url

from dataengine import access
from dataengine.models import Table
from dataengine.services.layouts import forget_layout, keep_layout, keep_width, layout_of
from webui import htmx
from webui.grid.cells import records_order
from webui.htmx import ConsoleRequest
from webui.numbers import is_number
from webui.views.view import console_view

_STEPS = {"up": -1, "down": 1}
_SIDES = {"left": -1, "right": 1}


@console_view("GET", "POST")
def index(request: ConsoleRequest, name: str) -> HttpResponse:
    """Show the form, or do what its buttons say: ``save``, ``all``, ``none``, ``reset``, or ``up-12``.

    The menu of a head has no list of the others: ``hide-12``, ``left-12`` and ``right-12`` change what is kept. A
    script sets a column's width with ``width-12`` and ``width`` in pixels; without ``width`` it fits its content.
    """
    table = access.get_table(request.user, name, "view")
    if request.method == "POST":
        doing, _, moved = request.POST.get("do", "save").partition("-")
        if doing == "width":
            for pk in _numbers([moved]):
                width = next(iter(_numbers([request.POST.get("width", "")])), None)
                keep_width(user=request.user, table=table, column=pk, width=width)
            if "query" not in request.POST:  # a script, which shows it already
                return HttpResponse(status=204)
        elif doing == "reset":
            forget_layout(user=request.user, table=table)
        elif doing in ("hide", *_SIDES):
            _change_one(request, table, doing, moved)
        else:
            order = _step(_numbers(request.POST.getlist("order")), moved, _STEPS.get(doing, 0))
            shown = set(_numbers(request.POST.getlist("shown")))
            shown = set(order) if doing == "all" else set() if doing == "none" else shown
            charts = "charts" in request.POST
            keep_layout(user=request.user, table=table, order=order, shown=shown, charts=charts)
        # Without a script, a user who moves one column will want to move another.
        stays = doing in _STEPS and not htmx.is_htmx(request)
        where = resolve_url("console:columns" if stays else "console:records", table.name)
        query = QueryDict(request.POST.get("query", "")).urlencode()
        return htmx.plain_redirect(f"{where}?{query}" if query else where)
    columns = table.all_columns()
    layout = layout_of(request.user, table, columns)
    context = {
        "section": "tables", "table": table, "columns": columns, "layout": layout, "order": records_order(request.GET)
    }  # fmt: skip
    return htmx.render(request, "records/columns.html", context, partial="records/_columns_form.html")


def _change_one(request: ConsoleRequest, table: Table, doing: str, which: str) -> None:
    """Hide a column, or move it past the next one that is shown."""
    layout = layout_of(request.user, table, list(table.columns.all()))
    order, shown = [column.pk for column in layout.columns], [column.pk for column in layout.shown]
    for pk in set(_numbers([which])) & set(shown):
        if doing == "hide":
            shown.remove(pk)
        elif 0 <= (place := shown.index(pk) + _SIDES[doing]) < len(shown):
            target = order.index(shown[place])
            order.remove(pk)
            order.insert(target, pk)
    keep_layout(user=request.user, table=table, order=order, shown=shown, charts=layout.charts)


def _numbers(texts: Sequence[str]) -> list[int]:
    return [int(text) for text in texts if is_number(text)]


def _step(order: Sequence[int], moved: str, by: int) -> list[int]:
    """``order`` with one column moved by one place, if possible."""
    changed = list(order)
    pk = next(iter(_numbers([moved])), None)
    if pk in changed and 0 <= changed.index(pk) + by < len(changed):
        place = changed.index(pk)
        changed.insert(place + by, changed.pop(place))
    return changed
