"""Unfinished changes of records, and undoing changes."""

from __future__ import annotations

from contextlib import suppress

from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from dataengine import access
from dataengine.exceptions import Conflict, NotFound
from dataengine.models import AuditEvent, ChangeJob, Table
from dataengine.services import changes as services
from dataengine.services import column_undo
from dataengine.services.undo import undoable
from webui import changes, htmx
from webui.errors import not_allowed
from webui.htmx import ConsoleRequest
from webui.numbers import is_number
from webui.views.view import console_view


@console_view("GET")
def index(request: ConsoleRequest, name: str) -> HttpResponse:
    """The changes of a table that a worker makes: a part of the grid's page that reloads itself until they end."""
    table = access.get_table(request.user, name, "view")
    if not htmx.is_partial(request):
        return htmx.redirect(request, resolve_url("console:records", table.name))
    return htmx.render(
        request, "records/_changes.html", changes.panel_context(request, table), partial="records/_changes.html"
    )


@console_view("POST")
def cancel(request: ConsoleRequest, name: str, pk: int) -> HttpResponse:
    """Cancel one of them."""
    table = access.get_table(request.user, name, "edit")
    job = access.get_change(request.user, pk, "edit")
    if job.table_id != table.pk:
        raise NotFound(f"There is no change {pk}.", code="change_not_found")
    with suppress(Conflict):  # it ended a moment ago, which the page says
        services.cancel(job)
    if not htmx.is_partial(request):
        return htmx.redirect(request, _back(request, table))
    return htmx.render(
        request, "records/_changes.html", changes.panel_context(request, table), partial="records/_changes.html"
    )


@console_view("GET", "POST")
def undo(request: ConsoleRequest, name: str, event: int) -> HttpResponse:
    """Undo a change, and offer to make it again. Redirects a page; a script reloads the grid itself.

    To be got is the question that comes before a change of a column is undone in part; a script is led there.
    """
    is_of_column = column_undo.is_of_column(access.get_table(request.user, name, "view"), event)
    table = access.get_table(request.user, name, "design" if is_of_column else "edit")
    if request.method != "POST":
        return _question(request, table, event) if is_of_column else _no_question(request, table, event)
    if is_of_column:
        return _undo_column(request, table, event)
    done = services.undo_event(user=request.user, table=table, event_id=event)
    if isinstance(done, ChangeJob):  # the grid's page shows its progress
        return htmx.redirect(request, _back(request, table))
    changes.tell_done(request, done, table, [])
    return HttpResponse(status=204) if htmx.is_partial(request) else htmx.redirect(request, _back(request, table))


def _undo_column(request: ConsoleRequest, table: Table, event: int) -> HttpResponse:
    """Take a change of a column back. Where values were changed since, ask whether the others are to go back."""
    try:
        done = column_undo.undo_change(user=request.user, table=table, event_id=event, rest="rest" in request.POST)
    except Conflict as error:
        if error.error_code != "changed_since":
            raise
        asked = {"count": error.details["count"], "id": error.details["ids"], "next": _back(request, table)}
        question = f"{resolve_url('console:undo', table.name, event)}?{urlencode(asked, doseq=True)}"
        return htmx.redirect(request, question)
    if isinstance(done, ChangeJob):  # the grid's page shows its progress
        return htmx.redirect(request, resolve_url("console:records", table.name))
    is_redo = request.POST.get("word") == "Redo"
    text = f"The column “{done.column.title}” is {'changed again' if is_redo else 'as it was'}."
    changes.tell(request, text, table, [done.event], word="Undo" if is_redo else "Redo")
    return htmx.redirect(request, _back(request, table))


def _question(request: ConsoleRequest, table: Table, event: int) -> HttpResponse:
    """Whether a change of a column is to be undone in all but the records that were changed since."""
    numbers = [int(text) for text in request.GET.getlist("id") if is_number(text)]
    count = request.GET.get("count", "")
    context = {
        "section": "tables", "table": table, "ids": numbers,
        "count": int(count) if is_number(count) else len(numbers), "back": _back(request, table),
    }  # fmt: skip
    return htmx.render(request, "tables/undo_rest.html", context)


def _no_question(request: ConsoleRequest, table: Table, event: int) -> HttpResponse:
    """Changes of records are undone by a form, without a question. Raises NotFound if there is no such change."""
    with suppress(Conflict):  # it is undone: no page either
        undoable(AuditEvent.objects.all(), table, event)
    return not_allowed(request, ("POST",))


def _back(request: ConsoleRequest, table: Table) -> str:
    """The page from which the request was sent."""
    target = request.POST.get("next", "") or request.GET.get("next", "") or request.htmx.current_url_abs_path or ""
    if url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        return target
    return resolve_url("console:records", table.name)
