"""The charts under the grid's heads: loaded separately, once the grid is there, so that nothing waits for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict

from dataengine import access
from dataengine.exceptions import InvalidInput
from dataengine.models import Column, Table
from dataengine.profiles import profiles
from dataengine.profiles.profiles import Profiles
from dataengine.queries import listing, references
from dataengine.records.model import record_model
from dataengine.services.layouts import layout_of
from webui import htmx
from webui.grid import charts
from webui.grid.filters import filtering, is_any, query_for, selecting
from webui.htmx import ConsoleRequest
from webui.views.view import console_view

_MOST_APART = 3


@console_view("GET")
def index(request: ConsoleRequest, name: str) -> HttpResponse:
    """One cell for each column that the user sees. The URL has the grid's parameters, which the bars change."""
    table = access.get_table(request.user, name, "view")
    shown = layout_of(request.user, table, table.all_columns()).shown[: profiles.MOST_COLUMNS]
    parts = _profiles(table, shown, request.GET)
    drawn: dict[int, charts.Chart] = {}
    for found in parts:
        if found is not None and found.size:
            labels = references.labels_of(request.user, charts.reference_ids(found))
            made = charts.charts(found, request.GET, labels)
            drawn |= {profile.column.pk: chart for profile, chart in zip(found.columns, made, strict=True)}
    every = layout_of(request.user, table, table.all_columns()).shown
    context = {
        "table": table,
        "charts": [drawn.get(column.pk) for column in every],
        "profiles": parts[0],
        "are_any": bool(drawn),
        "is_filtered": bool(selecting(request.GET)),
        "height": charts.HEIGHT,
    }
    return htmx.render(request, "records/_charts.html", context)


def _profiles(table: Table, shown: Sequence[Column], params: QueryDict) -> list[Profiles | None]:
    """Of the records in the grid; a column that filters them shows what its other values would give.

    The first are those of the columns that filter nothing. If one of several filters is enough, there are no others
    without which a record would be found: all charts are of the same records.
    """
    try:
        filters = [] if is_any(params) else [column for column in shown if filtering(params, column)]
        own = filters[:_MOST_APART]
        parts = [_of(table, [column for column in shown if column not in own], selecting(params))]
        for column in own:
            parts.append(_of(table, [column], selecting(QueryDict(urlencode(query_for(params, column))))))
    except InvalidInput:  # the grid says what is wrong
        return [None]
    return parts


def _of(table: Table, columns: Sequence[Column], conditions: Mapping[str, object]) -> Profiles | None:
    found = listing.select(record_model(table), conditions).records if conditions else None
    return profiles.profiles(table, columns, found=found)
