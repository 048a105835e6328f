"""Files from addresses on the page of an upload: fetched by a worker, then looked at like any other file."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse

from dataengine.exceptions import NotFound
from dataengine.models import Table
from dataengine.services import downloads
from webui import htmx
from webui.htmx import ConsoleRequest
from webui.imports import drafts
from webui.imports.upload_forms import UploadForm

_MOST_DIGITS = 18


def begin(request: ConsoleRequest, form: UploadForm, table: Table | None) -> HttpResponse:
    """Have the file fetched that the form names, and wait for it. Raises what ``downloads.start_download`` raises."""
    download = downloads.start_download(user=request.user, url=form.cleaned_data["url"], table=table)
    return htmx.redirect(request, f"{request.path}?{urlencode({'fetch': download.pk, **form.chosen()}, doseq=True)}")


def wait(request: ConsoleRequest, table: Table | None, number: str) -> HttpResponse:
    """How far it is; once it is here, its preview. POST cancels it."""
    if not number.isdecimal() or len(number) > _MOST_DIGITS:
        raise NotFound("There is no such download.")
    download = downloads.get_download(request.user, int(number), table)
    if request.method == "POST":
        downloads.cancel_download(download)
        return htmx.redirect(request, request.path)
    if download.key:
        to = table.pk if table is not None else None
        ticket = drafts.ticket_for(request.user, download.key, download.filename, download.bytes_total, to)
        chosen = {name: request.GET.getlist(name) for name in request.GET if name != "fetch"}
        return htmx.redirect(request, f"{request.path}?{urlencode({'draft': ticket.token, **chosen}, doseq=True)}")
    if download.is_over:
        if download.error:
            messages.error(request, download.error)
        return htmx.redirect(request, request.path)
    percent = int(100 * download.bytes_read / download.bytes_total) if download.bytes_total else 0
    context = {
        "section": "tables", "table": table, "download": download, "percent": min(percent, 99),
        "bar_css": "" if download.bytes_total else "bar-waiting",
    }  # fmt: skip
    return htmx.render(request, "imports/fetching.html", context, partial="imports/_fetching.html")
