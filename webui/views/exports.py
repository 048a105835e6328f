"""Downloads of records: all that the grid shows, as a file."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from django.http import HttpResponse, StreamingHttpResponse

from dataengine import access
from dataengine.exceptions import InvalidInput, NotFound
from dataengine.exports.export import CONTENT_TYPES, GUARDS, Export
from dataengine.http.revocation import may_still
from dataengine.http.streaming import download
from dataengine.queries.listing import select
from dataengine.records.model import record_model
from dataengine.services.exports import note_export
from dataengine.services.layouts import layout_of
from webui import htmx
from webui.grid.filters import of_list, selecting
from webui.htmx import ConsoleRequest
from webui.sessions import user_of_session
from webui.sorting import PAGE_PARAMETERS, kept
from webui.views.view import console_view

EXPORT_FORMATS = (
    ("csv", "CSV for spreadsheets", "Texts that a spreadsheet would run as formulas are made harmless."),
    ("csv-exact", "CSV, exact", "Every cell as it is, for programs and for importing it again."),
    ("xlsx", "Excel workbook", "Up to 1,048,575 records."),
    ("json", "JSON", "As the API writes them."),
)
"""Kind of file with its guard, words, what it is for."""


@console_view("GET")
def choose(request: ConsoleRequest, name: str) -> HttpResponse:
    """Ask what a file is to hold: the grid's menu, and a page of its own. The URL has the grid's parameters."""
    table = access.get_table(request.user, name, "view")
    columns = table.all_columns()
    count = None
    with suppress(InvalidInput):  # the grid says what is wrong
        count = select(record_model(table, columns), of_list(request.GET)).count()
    context = {
        "section": "tables", "table": table, "columns": columns, "layout": layout_of(request.user, table, columns),
        "count": count, "is_filtered": bool(selecting(request.GET)), "export_formats": EXPORT_FORMATS,
        "kept_in_files": kept(request.GET, without=("limit", *PAGE_PARAMETERS)),
    }  # fmt: skip
    return htmx.render(request, "records/export.html", context, partial="records/_export.html")


@console_view("GET")
def records(request: ConsoleRequest, name: str, file_format: str = "") -> StreamingHttpResponse:
    """The records that search and filters select, in the grid's order. The URL has the grid's parameters.

    The grid's form also sends ``:as`` (format and guard) and ``:columns`` (keys), which no column can be called.
    """
    table = access.get_table(request.user, name, "view")
    asked = of_list(request.GET).copy()
    chosen = {str(key) for key in asked.pop(":columns", [])}
    guard = asked.pop("guard", [GUARDS[0]])[-1]
    if not file_format:
        file_format, _, exact = str(asked.pop(":as", ["csv"])[-1]).partition("-")
        guard = exact or guard
    if file_format not in CONTENT_TYPES:
        raise NotFound("There is no such file format.")
    if guard not in GUARDS:
        raise NotFound("There is no such file format.")
    model = record_model(table)
    selection = select(model, asked)
    columns = [column for column in model.columns if not chosen or str(column.pk) in chosen]
    made = Export(selection.ordered(), file_format, str(guard), columns)
    filename = f"{table.name}.{file_format}"
    if request.method == "GET":
        note_export(
            user=request.user,
            table=table,
            file_format=file_format,
            parameters={name: str(value) for name, value in asked.items()},
            columns=columns,
        )
    allowed = may_still(partial(user_of_session, request.session.session_key), table)
    return download(
        request,
        made.pieces(),
        made.content_type,
        filename,
        allowed=allowed,
        interrupt=made.interrupt,
        user_id=request.user.pk,
    )
