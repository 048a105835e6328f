"""Downloads of records: all that the grid shows, as a file."""

from __future__ import annotations

from functools import partial

from django.http import StreamingHttpResponse

from dataengine import access
from dataengine.exceptions import NotFound
from dataengine.exports.export import CONTENT_TYPES, GUARDS, Export
from dataengine.http.revocation import may_still
from dataengine.http.streaming import download
from dataengine.queries.listing import select
from dataengine.records.model import record_model
from dataengine.services.exports import note_export
from webui.htmx import ConsoleRequest
from webui.sessions import user_of_session
from webui.views.view import console_view


@console_view("GET")
def records(request: ConsoleRequest, name: str, file_format: str) -> StreamingHttpResponse:
    """The records that search and filters select, in the grid's order. The URL has the grid's parameters."""
    table = access.get_table(request.user, name, "view")
    if file_format not in CONTENT_TYPES:
        raise NotFound("There is no such file format.")
    asked = request.GET.copy()
    guard = asked.pop("guard", [GUARDS[0]])[-1]
    if guard not in GUARDS:
        raise NotFound("There is no such file format.")
    selection = select(record_model(table), asked)
    made = Export(selection.ordered(), file_format, str(guard))
    filename = f"{table.name}.{file_format}"
    if request.method == "GET":
        note_export(
            user=request.user,
            table=table,
            file_format=file_format,
            parameters={name: str(value) for name, value in asked.items()},
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
