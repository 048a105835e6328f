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
from webui.grid.filters import of_list
from webui.htmx import ConsoleRequest
from webui.sessions import user_of_session
from webui.views.view import console_view


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
