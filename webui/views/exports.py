"""Downloads of records: what the grid shows, all of it, as a file."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from dataengine import access
from dataengine.exceptions import NotFound
from dataengine.exports.export import CONTENT_TYPES, Export
from dataengine.http.streaming import in_thread, nothing
from dataengine.queries.listing import select
from dataengine.records.model import record_model
from webui.htmx import ConsoleRequest
from webui.views.view import console_view


@console_view("GET")
def records(request: ConsoleRequest, name: str, file_format: str) -> StreamingHttpResponse:
    """The records that search and filters select, in the grid's order. The URL's parameters are the grid's."""
    table = access.get_table(request.user, name, "view")
    if file_format not in CONTENT_TYPES:
        raise NotFound("There is no such kind of file.")
    selection = select(
        record_model(table),
        request.GET,
        order_by=request.GET.get("order_by", ""),
        direction=request.GET.get("order_direction", ""),
        nulls=request.GET.get("nulls", ""),
    )
    made = Export(selection.ordered(), file_format)
    pieces = nothing() if request.method == "HEAD" else made.pieces()
    response = StreamingHttpResponse(in_thread(pieces, made.interrupt), content_type=made.content_type)
    disposition = content_disposition_header(as_attachment=True, filename=f"{table.name}.{file_format}")
    response["Content-Disposition"] = disposition or "attachment"
    return response
