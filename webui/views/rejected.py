"""Mending rejected rows on the page of their import: one row, many alike, and trying them again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import resolve_url

from dataengine import access
from dataengine.exceptions import Conflict, InvalidInput
from dataengine.imports.rejecting.mended_cells import WHOLE_ROW, Slot
from dataengine.models import ImportJob
from dataengine.services import rejected_rows as services
from dataengine.services.rejected_plans import reader_of
from webui import htmx
from webui.htmx import ConsoleRequest
from webui.imports.rejected import Grid
from webui.views.view import console_view
from webui.words import plural

_DIGITS = 19
_PARAMETERS = ("value", "decimal", "thousands", "format", "find", "replace")


@console_view("GET", "POST")
def row(request: ConsoleRequest, pk: int, line: int) -> HttpResponse:
    """One row, or (POST) what its cells are to say: ``cell-<key>`` for each, and the ``version`` that was shown.

    ``seen-<key>`` is what a cell said then: one that says so still is not written. The answer is the row with what is
    wrong with it now. If somebody else was quicker in the same cell, it shows theirs and yours.
    """
    job = access.get_import(request.user, pk, "edit")
    reader = reader_of(job)
    if request.method == "GET":
        return _row(request, job, Grid(reader, _columns(job), job), services.get_row(job, line))
    written, seen = _posted(request, reader.slots, "cell"), _posted(request, reader.slots, "seen")
    if not written:
        raise InvalidInput("Nothing was sent for this row; load the page again.", code="invalid_input")
    cells = {name: text for name, text in written.items() if name not in seen or text != seen[name]}

    def is_as_seen(theirs: services.RowData) -> bool:
        return all(name in seen and _as_posted(theirs["cells"][name]) == seen[name] for name in cells)

    version = request.POST.get("version", "")
    try:
        mended, reader = services.mend_row(
            user=request.user,
            job=job,
            line=line,
            cells=cells or dict(list(written.items())[:1]),
            version=int(version) if version.isdecimal() and len(version) < 10 else None,
            is_as_seen=is_as_seen,
        )
    except Conflict as error:
        if error.error_code != "changed_meanwhile":
            raise
        grid = Grid(reader, _columns(job), job)
        return _row(request, job, grid, services.get_row(job, line), yours=cells, message=error.message)
    if not htmx.is_partial(request):
        what = "is good now" if not mended.errors else "still has errors"
        messages.info(request, f"The row of line {line} {what}.")
        return htmx.redirect(request, _back(request, job))
    return _row(request, job, Grid(reader, _columns(job), job), mended)


@console_view("POST")
def fix(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The same for a column's cell, or the row as a whole, in all rows with one error: ``kind`` and what it takes."""
    job = access.get_import(request.user, pk, "edit")
    posted = request.POST
    done = services.fix_rows(
        user=request.user, job=job, column=posted.get("column", ""), code=posted.get("code", ""), fix=_fix(request)
    )
    what = "row" if posted.get("column") == WHOLE_ROW else "cell"
    if not done.changed:
        none = "none of these rows" if what == "row" else "no cell of these rows"
        messages.info(request, f"Nothing was changed: {none} is of this kind.")
    else:
        good = f"{plural(done.now_good, 'row is,rows are')} good now"
        left = done.changed - done.now_good
        messages.success(
            request,
            f"{plural(done.changed, f'{what} is,{what}s are')} changed; {good}"
            f"{f', {left:,} still have errors' if left else ''}.",
        )
    if done.left:
        messages.info(request, f"{plural(done.left, 'row is,rows are')} left; do it once more.")
    return htmx.redirect(request, _back(request, job))


@console_view("POST")
def retry(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Have rejected rows tried again: all, or (``which=chosen``) those of each ``line`` that was ticked."""
    job = access.get_import(request.user, pk, "edit")
    lines: list[int] | None = None
    if request.POST.get("which") == "chosen":
        lines = [int(line) for line in request.POST.getlist("line") if line.isdecimal() and len(line) < _DIGITS]
        if not lines:
            messages.info(request, "No row is chosen: tick the boxes beside the lines first.")
            return htmx.redirect(request, _back(request, job))
    services.retry(user=request.user, job=job, lines=lines)
    return htmx.redirect(request, f"{resolve_url('console:import', job.pk)}#rejected")


def _row(
    request: ConsoleRequest, job: ImportJob, grid: Grid, found: Any, *, message: str = "", **more: Any
) -> HttpResponse:
    shown = grid.row(found, **more)
    context = {"section": "imports", "job": job, "row": shown, "rows": [shown], "titles": grid.titles}
    context["message"] = message
    status = 409 if message else 200
    return htmx.render(request, "imports/mend.html", context, partial="imports/_mend_alone.html", status=status)


def _columns(job: ImportJob) -> list[Any]:
    return list(job.table.columns.all()) if job.table is not None else []


def _posted(request: ConsoleRequest, slots: list[Slot], what: str) -> dict[str, str | None]:
    """By column: what was sent for its cell."""
    return {
        slot.name: _as_posted(request.POST[name]) for slot in slots if (name := f"{what}-{slot.key}") in request.POST
    }


def _as_posted(text: str | None) -> str | None:
    """As forms send a text: with line breaks of one kind, and none for nothing."""
    return (text or "").replace("\r\n", "\n").replace("\r", "\n") or None


def _fix(request: ConsoleRequest) -> dict[str, Any]:
    posted = request.POST
    given: dict[str, Any] = {"kind": posted.get("kind", "")}
    given |= {name: posted[name] for name in _PARAMETERS if name in posted and (posted[name] or name == "replace")}
    if given["kind"] == "map":
        pairs = zip(posted.getlist("from"), posted.getlist("to"), strict=False)
        given["map"] = {old: new for old, new in pairs if new}
    return given


def _back(request: ConsoleRequest, job: ImportJob) -> str:
    """The import's page, with the cause that was chosen there, as long as there are such rows."""
    url = resolve_url("console:import", job.pk)
    column, code = request.POST.get("column", ""), request.POST.get("code", "")
    if code and services.rows_with(job, column=column, code=code).exists():
        return f"{url}?{urlencode({'column': column, 'code': code})}#rejected"
    return f"{url}#rejected"
