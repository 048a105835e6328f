"""The trash: what was deleted and can still be restored."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import resolve_url

from dataengine import access
from dataengine.exceptions import DataEngineError
from dataengine.models import TrashItem
from dataengine.services import trash
from webui import htmx
from webui.htmx import ConsoleRequest
from webui.views.view import console_view

_PAGE = 50


@console_view("GET")
def index(request: ConsoleRequest) -> HttpResponse:
    """The deleted tables and columns that the user may restore."""
    return _page(request)


@console_view("POST")
def restore(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Restore one, under another name if one is given."""
    item = access.get_trash(request.user, pk)
    try:
        restored = trash.restore(user=request.user, item=item, name=request.POST.get("name", "").strip())
    except DataEngineError as error:
        return _page(request, item, error, status=422)
    what = "table" if restored.column is None else "column"
    title = restored.table.title if restored.column is None else restored.column.title
    messages.success(request, " ".join([f"The {what} “{title}” is restored.", *restored.notes]))
    return htmx.redirect(request, resolve_url("console:records", restored.table.name))


@console_view("GET", "POST")
def purge(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Ask, then delete for good."""
    item = access.get_trash(request.user, pk)
    if request.method == "POST":
        trash.purge(user=request.user, item=item)
        messages.success(request, f"“{item.name}” is deleted for good.")
        return htmx.redirect(request, resolve_url("console:trash"))
    return htmx.render(request, "trash/purge.html", {"section": "tables", "item": item})


def _page(
    request: ConsoleRequest,
    refused: TrashItem | None = None,
    error: DataEngineError | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    items = Paginator(access.trash_for(request.user), _PAGE).get_page(request.GET.get("page"))
    context = {"section": "tables", "items": items, "refused": refused, "error": error}
    return htmx.render(request, "trash/index.html", context, partial="trash/_items.html", status=status)
