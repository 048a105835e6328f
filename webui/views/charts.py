"""The charts under the grid's heads: loaded separately, once the grid is there, so that nothing waits for them."""

from __future__ import annotations

from django.http import HttpResponse

from dataengine import access
from dataengine.profiles import profiles
from dataengine.queries import references
from dataengine.services.layouts import layout_of
from webui import htmx
from webui.grid import charts
from webui.htmx import ConsoleRequest
from webui.views.view import console_view


@console_view("GET")
def index(request: ConsoleRequest, name: str) -> HttpResponse:
    """One cell for each column that the user sees. The URL has the grid's parameters, which the bars change."""
    table = access.get_table(request.user, name, "view")
    shown = layout_of(request.user, table, table.all_columns()).shown
    found = profiles.profiles(table, shown)
    drawn = []
    if found is not None and found.size:
        labels = references.labels_of(request.user, charts.reference_ids(found))
        drawn = charts.charts(found, request.GET, labels)
    context = {
        "table": table, "charts": drawn, "blank": shown[len(drawn) :], "profiles": found, "height": charts.HEIGHT
    }  # fmt: skip
    return htmx.render(request, "records/_charts.html", context)
