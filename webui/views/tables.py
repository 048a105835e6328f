"""The list of tables, and deleting one."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import resolve_url

from dataengine import access
from dataengine.queries import references
from dataengine.services import trash
from webui import htmx
from webui.changes import tell_deleted
from webui.designer import catalog
from webui.htmx import ConsoleRequest
from webui.sorting import Order
from webui.views.view import console_view


@console_view("GET")
def index(request: ConsoleRequest) -> HttpResponse:
    """All tables that the user may see, with size, records and last import."""
    search = request.GET.get("search", "")
    listing = catalog.listing(request.user, Order.read(request.GET), search)
    context = {"section": "tables", "listing": listing, "headings": listing.headings(), "search": search}
    return htmx.render(request, "tables/index.html", context, partial="tables/_listing.html")


@console_view("GET", "POST")
def delete(request: ConsoleRequest, name: str) -> HttpResponse:
    """Ask, then move the table with its records to the trash."""
    table = access.get_table(request.user, name, "own")
    if request.method == "POST":
        item = trash.delete_table(user=request.user, table=table)
        tell_deleted(request, f"The table “{table.title}” is in the trash.", item)
        return htmx.redirect(request, resolve_url("console:tables"))
    referrers, is_referred_unseen = references.referrers(request.user, table)
    context = {
        "section": "tables", "table": table, "entry": catalog.entries([table])[0],
        "referrers": referrers, "is_referred_unseen": is_referred_unseen, "trash_days": settings.TRASH_DAYS,
    }  # fmt: skip
    return htmx.render(request, "tables/delete.html", context)
