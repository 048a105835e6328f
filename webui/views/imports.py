"""Importing files: into a table, as a new table; the history; one import, live."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import resolve_url

from dataengine import access
from dataengine.models import ImportJob, Table
from dataengine.services import imports as services
from webui import htmx, uploads
from webui.errors import errors_into
from webui.htmx import ConsoleRequest
from webui.live import live_context
from webui.uploads import UploadForm
from webui.views.view import console_view

JOBS_PER_PAGE = 50


@console_view("GET", "POST")
def new_table(request: ConsoleRequest) -> HttpResponse:
    """Make a table of a file."""
    form = UploadForm.for_new_table(request)
    if request.method == "POST" and form.is_valid():
        with errors_into(form):
            return _started(request, _start(request, form, table=None))
    context = {"section": "tables", "form": form}
    return _upload_page(request, "imports/new_table.html", form, context)


@console_view("GET", "POST")
def into_table(request: ConsoleRequest, name: str) -> HttpResponse:
    """Import a file into a table."""
    table = access.get_table(request.user, name, "edit")
    form = UploadForm.for_table(request, table)
    if request.method == "POST" and form.is_valid():
        with errors_into(form):
            return _started(request, _start(request, form, table=table))
    running = table.imports.filter(state__in=[ImportJob.State.QUEUED, ImportJob.State.RUNNING]).first()
    context = {
        "section": "tables", "form": form, "table": table, "columns": list(table.columns.all()), "running": running,
    }  # fmt: skip
    return _upload_page(request, "imports/into_table.html", form, context)


@console_view("GET")
def history(request: ConsoleRequest) -> HttpResponse:
    """Every import of tables that the user may see, the newest first."""
    page = Paginator(access.imports_for(request.user), JOBS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"section": "imports", "page": page}
    return htmx.render(request, "imports/history.html", context, partial="imports/_history.html")


@console_view("GET")
def show(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One import: live while it runs, then what came of it, with the rejected rows a page at a time."""
    job = access.get_import(request.user, pk)
    context = {"section": "imports", **live_context(job, page=request.GET.get("page", ""))}
    return htmx.render(request, "imports/import.html", context, partial="imports/_rejected.html")


@console_view("POST")
def cancel(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Ask the import to stop. None of its rows stays."""
    job = access.get_import(request.user, pk, "edit")
    services.cancel(user=request.user, job=job)
    return htmx.redirect(request, resolve_url("console:import", job.pk))


@console_view("GET")
def rejected_csv(request: ConsoleRequest, pk: int) -> StreamingHttpResponse | FileResponse:
    """The rejected rows as a file to mend and upload again."""
    job = access.get_import(request.user, pk)
    return uploads.rejected_file(job)


def _start(request: ConsoleRequest, form: UploadForm, *, table: Table | None) -> ImportJob:
    return services.start(
        user=request.user,
        table=table,
        table_name=table.name if table else form.cleaned_data["table_name"],
        file=form.cleaned_data["file"],
        filename=form.cleaned_data["file"].name,
        email=form.cleaned_data["email"],
        options=form.options(),
    )


def _started(request: ConsoleRequest, job: ImportJob) -> HttpResponse:
    url = resolve_url("console:import", job.pk)
    if uploads.asks_for_address(request):
        return JsonResponse({"location": url})
    messages.success(request, f"“{job.filename}” is stored; the import begins.")
    return htmx.redirect(request, url)


def _upload_page(request: ConsoleRequest, template: str, form: UploadForm, context: dict[str, object]) -> HttpResponse:
    failed = form.is_bound and bool(form.errors)
    if failed and uploads.asks_for_address(request):
        reasons = [text for texts in form.errors.values() for text in texts]
        return JsonResponse({"message": " ".join(reasons)}, status=htmx.UNPROCESSABLE)
    return htmx.render(request, template, context, status=htmx.UNPROCESSABLE if failed else 200)
