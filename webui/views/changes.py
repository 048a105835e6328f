"""Taking changes of records back."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from dataengine import access
from dataengine.services import undo as services
from webui import changes, htmx
from webui.htmx import ConsoleRequest
from webui.views.view import console_view

DONE = {"inserted": "there again", "deleted": "gone again", "updated": "as before"}


@console_view("POST")
def undo(request: ConsoleRequest, name: str, event: int) -> HttpResponse:
    """Take one change back, and offer to make it again. A page says where to go then; a script looks again itself."""
    table = access.get_table(request.user, name, "edit")
    undone = services.undo(user=request.user, table=table, event_id=event)
    count = undone.details["count"]
    records = "1 record is" if count == 1 else f"{count:,} records are"
    is_redo = request.POST.get("word") == "Redo"  # it takes an undoing back, and so makes the change again
    text = f"{'Redone' if is_redo else 'Undone'}: {records} {DONE[undone.action.rpartition('.')[2]]}."
    changes.tell(request, text, table, [undone], word="Undo" if is_redo else "Redo")
    if htmx.is_partial(request):
        return HttpResponse(status=204)
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = resolve_url("console:records", table.name)
    return htmx.redirect(request, target)
