"""Importing files: into a table, as a new table; the history; one import, live."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, BinaryIO, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import resolve_url

from dataengine import access
from dataengine.exceptions import Conflict, InvalidInput
from dataengine.http import rate_limits
from dataengine.http.revocation import may_still
from dataengine.http.streaming import download
from dataengine.imports.rejecting import rejected_rows
from dataengine.models import ImportJob, Table
from dataengine.services import import_again, import_undo, preview_rehearsals, recipes, same_files
from dataengine.services import imports as services
from dataengine.services.workbook_imports import TakenSheet, start_sheets
from webui import htmx
from webui.errors import errors_into
from webui.htmx import ConsoleRequest
from webui.imports import counted, drafts, fetching, outcomes, previews, sheet_choices, upload_forms
from webui.imports.drafts import Draft
from webui.imports.live import live_context
from webui.imports.rejected import Queue
from webui.imports.undoing import undoing_of
from webui.imports.upload_forms import UploadForm
from webui.sessions import user_of_session
from webui.views.view import console_view

JOBS_PER_PAGE = 50


@console_view("GET", "POST")
def new_table(request: ConsoleRequest) -> HttpResponse:
    """Make a table from a file."""
    return _import_page(request, UploadForm.for_new_table(request), table=None)


@console_view("GET", "POST")
def into_table(request: ConsoleRequest, name: str) -> HttpResponse:
    """Import a file into a table."""
    table = access.get_table(request.user, name, "edit")
    return _import_page(request, UploadForm.for_table(request, table), table=table)


@console_view("GET")
def history(request: ConsoleRequest) -> HttpResponse:
    """All imports into tables that the user may see, newest first: of a table, person or file, with one outcome.

    ``only`` are the numbers of those that were started together; as long as one is under way, they are shown anew.
    """
    search, state = request.GET.get("search", ""), request.GET.get("state", "")
    jobs = outcomes.found(access.imports_for(request.user), search, state)
    together = outcomes.numbers(request.GET.get("only", ""))
    if together:
        jobs = jobs.filter(pk__in=together)
    page = Paginator(jobs, JOBS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "section": "imports", "page": page, "search": search, "state": state, "states": outcomes.STATES,
        "rest": f"&{urlencode({'search': search, 'state': state})}" if search or state else "",
        "together": together, "is_under_way": together and any(not job.is_over for job in page),
    }  # fmt: skip
    return htmx.render(request, "imports/history.html", context, partial="imports/_history.html")


@console_view("GET")
def show(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One import: live while it runs, then its outcome, with the rejected rows a page at a time."""
    job = access.get_import(request.user, pk)
    context = {"section": "imports", **live_context(request.user, job)}
    if context.get("has_queue"):
        queue = Queue(request.user, job, request.GET)
        if "retrying" in request.GET and not queue.is_retried:
            return htmx.redirect(request, resolve_url("console:import", job.pk))
        context["queue"] = queue
    return htmx.render(request, "imports/import.html", context, partial="imports/_rejected.html")


@console_view("POST")
def cancel(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Cancel the import. None of its rows stay."""
    job = access.get_import(request.user, pk, "edit")
    services.cancel(user=request.user, job=job)
    return htmx.redirect(request, resolve_url("console:import", job.pk))


@console_view("POST")
def retry(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The same file once more: after a failure, or for real after a dry run."""
    job = services.retry(user=request.user, job=access.get_import(request.user, pk, "edit"))
    return htmx.redirect(request, resolve_url("console:import", job.pk))


@console_view("GET", "POST")
def undo(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Take the import back, or do it again that was undone. To be got is what becomes of that."""
    job = access.get_import(request.user, pk, "edit" if request.method == "POST" else "view")
    page = resolve_url("console:import", job.pk)
    if request.method != "POST":
        undoing = undoing_of(request.user, job)
        if undoing is None or not undoing.doing or not htmx.is_partial(request):
            return htmx.redirect(request, page)
        return htmx.render(request, "imports/_undo.html", {"job": job, "undoing": undoing})
    do = import_undo.redo if job.state == ImportJob.State.UNDONE else import_undo.undo
    try:
        do(user=request.user, job=job, rest="rest" in request.POST)
    except Conflict as error:
        context = {"section": "imports", **live_context(request.user, job)}
        context["undoing"] = undoing_of(request.user, job, error)
        return htmx.render(request, "imports/import.html", context, status=error.status)
    return htmx.redirect(request, page)


@console_view("POST")
def do_over(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The same file once more with other options, in the place of the table that it made."""
    job = access.get_import(request.user, pk)
    again = import_again.do_over(user=request.user, job=job, options=_json_object(request.POST.get("options", "")))
    return htmx.redirect(request, resolve_url("console:import", again.pk))


@console_view("POST")
def keep_recipe(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Keep how a file was imported as a recipe; with ``do=another``, go on to another file by it."""
    job = access.get_import(request.user, pk, "edit")
    if job.table is None:
        raise Conflict("The table of this import is gone.", code="table_not_found")
    options, headers = recipes.of_import(job)
    name = request.POST.get("name", "")
    try:
        recipe = recipes.keep_recipe(user=request.user, table=job.table, name=name, options=options, headers=headers)
    except (InvalidInput, Conflict) as error:
        messages.error(request, error.message)
        return htmx.redirect(request, resolve_url("console:import", job.pk))
    if request.POST.get("do") == "another":
        page = resolve_url("console:table-import", job.table.name)
        return htmx.redirect(request, f"{page}?{urlencode({'recipe': recipe.name})}")
    messages.success(request, f"The recipe “{recipe.name}” is kept.")
    return htmx.redirect(request, resolve_url("console:import", job.pk))


@console_view("GET")
def rejected_csv(request: ConsoleRequest, pk: int) -> StreamingHttpResponse:
    """The rejected rows as a file to correct and upload again."""
    job = access.get_import(request.user, pk)
    lines = rejected_rows.csv_lines(job)
    allowed = may_still(partial(user_of_session, request.session.session_key), job)
    return download(request, lines, rejected_rows.CONTENT_TYPE, rejected_rows.filename(job), allowed=allowed)


def _import_page(request: ConsoleRequest, form: UploadForm, *, table: Table | None) -> HttpResponse:
    """Upload, preview, start. ``do=start`` starts at once, with a file or its draft, ``do=try`` a dry run.

    A file from an address is fetched first; until it is here, ``fetch`` says which that is.
    """
    if number := (request.POST if request.method == "POST" else request.GET).get("fetch"):
        return fetching.wait(request, table, number)
    if request.POST.get("do") == "rehearse":
        return counted.answer(request, form, table)
    columns = list(table.columns.all()) if table else None
    draft: Draft | None = None
    if request.method == "POST" and form.is_valid():
        turned = form.turned_recipe()
        if form.cleaned_data.get("url"):
            with errors_into(form):
                return fetching.begin(request, form, table)
        elif request.POST.get("do") != "preview" and "suggest" not in request.POST and turned is None:
            with errors_into(form):
                if table is None and (sheets := sheet_choices.ticked(form.data)):
                    return _started_several(request, form, sheets)
                return _started(request, _start(request, form, table=table))
        elif (
            turned is None
            and isinstance(form.cleaned_data["file"], Draft)
            and not upload_forms.asks_for_address(request)
        ):
            draft = form.cleaned_data["file"]
        else:
            with errors_into(form):
                file = form.cleaned_data["file"]
                _count(request, file)
                stored = file if isinstance(file, Draft) else drafts.store(request.user, file)
                chosen = form.chosen() if turned is None else {"recipe": [turned]}
                return _sent_on(request, f"{request.path}?{urlencode({'draft': stored.token, **chosen}, doseq=True)}")
    token = form.data.get("draft") if form.is_bound else None
    if draft is None and token:
        draft = drafts.find(request.user, token)
    failed = form.is_bound and bool(form.errors)
    if failed and upload_forms.asks_for_address(request):
        reasons = [str(text) for texts in form.errors.values() for text in texts]
        return JsonResponse({"message": " ".join(reasons)}, status=htmx.UNPROCESSABLE)
    options = form.options() if form.is_bound and not failed else {"create_table": table is None}
    preview = previews.preview(request.user, draft, columns, options) if draft else None
    if preview and draft and table:
        again = same_files.cautions_of(table, cast("BinaryIO", draft), draft.size)
        preview.found.extend(("Warning", caution["message"]) for caution in again)
    into: list[str] = []
    if preview and preview.sheets:
        form.offer_sheets(preview.sheets)
        if table is None:
            preview.sheets[:] = sheet_choices.as_tables(preview.sheets, form.data)
            into = sheet_choices.tables_to_add_to(request.user)
    context = {
        "section": "tables",
        "form": form,
        "table": table,
        "columns": columns,
        "draft": draft,
        "preview": preview,
        "tables_to_add_to": into,
        "running": _under_way(table) if table else None,
        "is_counted": draft is not None and counted.is_counted(draft),
        "most_counted": settings.REHEARSAL_BYTES,
    }
    status = htmx.UNPROCESSABLE if failed else 200
    return htmx.render(request, "imports/upload.html", context, partial="imports/_preview_parts.html", status=status)


def _start(request: ConsoleRequest, form: UploadForm, *, table: Table | None) -> ImportJob:
    file = form.cleaned_data["file"]
    if request.POST.get("do") == "start":
        counted.check_unchanged(form, table)
    _count(request, file)
    job = services.start(
        user=request.user,
        table=table,
        table_name=table.name if table else form.cleaned_data["table_name"],
        file=file,
        filename=file.name,
        email=form.cleaned_data["email"],
        options=form.options() | ({"dry_run": True} if request.POST.get("do") == "try" else {}),
    )
    if isinstance(file, Draft):
        preview_rehearsals.end(file.key)
        file.discard()
    return job


def _started_several(request: ConsoleRequest, form: UploadForm, sheets: list[TakenSheet]) -> HttpResponse:
    file = form.cleaned_data["file"]
    _count(request, file)
    jobs = start_sheets(
        user=request.user,
        sheets=sheets,
        file=file,
        filename=file.name,
        email=form.cleaned_data["email"],
        options=form.options() | ({"dry_run": True} if request.POST.get("do") == "try" else {}),
    )
    if isinstance(file, Draft):
        preview_rehearsals.end(file.key)
        file.discard()
    together = {"only": ",".join(str(job.pk) for job in jobs)}
    return _sent_on(request, f"{resolve_url('console:imports')}?{urlencode(together)}")


def _count(request: ConsoleRequest, file: object) -> None:
    """Count a file that came with the form; a draft was counted when it was sent."""
    if not isinstance(file, Draft):
        rate_limits.count_upload(request.user.pk)


def _started(request: ConsoleRequest, job: ImportJob) -> HttpResponse:
    return _sent_on(request, resolve_url("console:import", job.pk))


def _sent_on(request: ConsoleRequest, url: str) -> HttpResponse:
    """Redirect to ``url``; upload.js only gets the URL, since it opens the page itself."""
    if upload_forms.asks_for_address(request):
        return JsonResponse({"location": url})
    return htmx.redirect(request, url)


def _json_object(text: str) -> dict[str, Any]:
    try:
        options = json.loads(text)
    except (ValueError, RecursionError):
        options = None
    if not isinstance(options, dict):
        raise InvalidInput("This button says nothing; load the page again.", code="invalid_option")
    return options


def _under_way(table: Table) -> ImportJob | None:
    return table.imports.filter(state__in=ImportJob.ACTIVE).first()
