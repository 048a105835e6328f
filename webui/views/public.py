"""What a public link shows: one page of records, for whoever has the link, without anything to change or to follow."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from dataengine.exceptions import DataEngineError
from dataengine.services import public_links
from webui import htmx
from webui.errors import error_response, meanwhile, not_allowed
from webui.grid.cells import RecordGrid
from webui.numbers import is_number

_PAGE = 100
_LAST_PAGE = 1_000


def show(request: HttpRequest, secret: str) -> HttpResponse:
    """One page of the link's view."""
    if request.method not in ("GET", "HEAD"):
        return not_allowed(request, ("GET",))
    try:
        with meanwhile():
            response = _page(request, secret)
    except DataEngineError as error:
        response = error_response(request, error)
    # Whoever keeps copies keeps none of this, no search engine lists it, and no other site learns the address.
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _page(request: HttpRequest, secret: str) -> HttpResponse:
    link = public_links.opened(secret)
    selection, columns = public_links.view_of(link)
    asked = request.GET.get("page", "1")
    number = min(max(int(asked), 1), _LAST_PAGE) if is_number(asked, digits=6) else 1
    # Cursors would hold values of the columns that the list is ordered by, which may be hidden.
    listed = selection.listing(number=number, limit=_PAGE)
    lines = RecordGrid(listed.page.records, columns).lines()
    context = {
        "link": link, "columns": columns, "lines": lines, "count": listed.count, "number": number,
        "next": number + 1 if listed.page.next is not None and number < _LAST_PAGE else None,
        "previous": number - 1 if number > 1 else None,
    }  # fmt: skip
    return htmx.render(request, "public/view.html", context)
