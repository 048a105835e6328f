"""Cells of the grid: the full value of one, a new value for one, a block of values for many."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpResponse, JsonResponse

from dataengine import access
from dataengine.exceptions import Conflict, InvalidInput, NotFound
from dataengine.models import Column, Table
from dataengine.queries import references
from dataengine.records.model import Record
from dataengine.services import records as services
from dataengine.services.audit import Trail
from dataengine.services.bulk_records import update_many
from dataengine.services.layouts import layout_of
from webui import changes, htmx
from webui.grid.blocks import BadCells, CellBlock, CellFault
from webui.grid.cells import Cell, RecordGrid
from webui.grid.record_forms import cell_value, text_of
from webui.htmx import ConsoleRequest
from webui.views.view import console_view
from webui.words import plural


@console_view("GET", "POST")
def cell(request: ConsoleRequest, name: str, pk: int, attribute: str) -> HttpResponse:
    """The full value of a cell as text for an editor, or (POST) a new value for it.

    POST takes ``value`` or ``null``, the ``version`` of the record that was shown, and ``seen``, the text that the cell
    had. The answer is the record's row, or an error to be shown at the cell: plain text or, if somebody else has
    changed the same cell meanwhile, both values to choose from (409).
    """
    table = access.get_table(request.user, name, "edit" if request.method == "POST" else "view")
    columns = table.all_columns()
    column = _column(columns, attribute)
    if request.method == "GET":
        record = services.get_record(table, pk)
        value = getattr(record, attribute)
        shown = None if value is None else text_of(column, value)
        return JsonResponse({"text": shown, "version": services.record_version(record)})
    trail: Trail = []
    try:
        record = _save(request, table, pk, column, trail)
    except InvalidInput as error:
        reasons = error.fields.get(column.name) or [error.message]
        return htmx.plain_error(" ".join(reasons), htmx.UNPROCESSABLE)
    except NotFound as error:
        if error.error_code != "record_not_found":
            raise
        # The row is still on the page that this user has, who has not done it.
        return htmx.plain_error("Somebody has deleted this record meanwhile.", error.status)
    except Conflict as error:
        if error.error_code != "changed_meanwhile":
            raise
        record = services.get_record(table, pk)
        context = {
            "theirs": _shown(request, record, column),
            "yours": None if "null" in request.POST else request.POST.get("value", ""),
            "message": error.message,
        }
        context |= _row(request, table, columns, record)
        return htmx.render(request, "records/_conflict.html", context, status=error.status)
    changes.tell(request, f"“{column.title}” of record {pk} is changed.", table, trail)
    return htmx.render(request, "records/_row.html", _row(request, table, columns, record), partial="records/_row.html")


@console_view("POST")
def paste(request: ConsoleRequest, name: str) -> HttpResponse:
    """Write a block of cells as one change: ``webui.grid.blocks`` reads ``block``; ``what`` is what the user did.

    All or nothing: 204, or in JSON a ``message`` and the ``cells`` at fault (``{"id", "column", "message"}``).
    """
    table = access.get_table(request.user, name, "edit")
    columns = table.all_columns()
    trail: Trail = []
    try:
        block = CellBlock.read(request.POST.get("block", ""), columns, references.readable(request.user, columns))
        update_many(user=request.user, table=table, records=block.records, versions=block.versions, trail=trail)
    except BadCells as error:
        return _refused(error.cells)
    except InvalidInput as error:
        if "records" not in error.details:
            raise
        return _refused(block.cells_at_fault(error))
    what = "cleared" if request.POST.get("what") == "clear" else "pasted"
    amount = f"{plural(block.size, 'cell,cells')} of {plural(len(block.records), 'record,records')}"
    changes.tell(request, f"{amount} {'is' if block.size == 1 else 'are'} {what}.", table, trail)
    return HttpResponse(status=204)


def _refused(cells: list[CellFault]) -> HttpResponse:
    wrong = "1 cell is" if len(cells) == 1 else f"{len(cells)} cells are"
    message = f"Nothing was changed: {wrong} not valid."
    return JsonResponse({"message": message, "cells": cells}, status=htmx.UNPROCESSABLE)


def _save(request: ConsoleRequest, table: Table, pk: int, column: Column, trail: Trail) -> Record:
    posted = request.POST
    referred = references.readable(request.user, [column]).get(column.attribute)
    value = cell_value(column, posted.get("value", ""), is_null="null" in posted, referred=referred)
    return services.update_record(
        user=request.user,
        table=table,
        pk=pk,
        data={column.name: value},
        version=posted.get("version") or None,
        # Somebody else's changes to other cells of this record do not conflict with this one.
        is_as_seen=partial(_is_as_seen, request, column),
        trail=trail,
    )


def _is_as_seen(request: ConsoleRequest, column: Column, record: Record) -> bool:
    """Whether a cell still has the value that the user saw, in the grid or in an editor."""
    value = getattr(record, column.attribute)
    if value is None:
        return "seen_null" in request.POST
    shown = _shown(request, record, column)
    return request.POST.get("seen") in {text_of(column, value), shown.value or shown.text}


def _shown(request: ConsoleRequest, record: Record, column: Column) -> Cell:
    grid = RecordGrid([record], [column], labels=references.labels(request.user, [record]))
    return grid.lines()[0].cells[0]


def _row(request: ConsoleRequest, table: Table, columns: list[Column], record: Record) -> dict[str, Any]:
    """The context of a record's row, as in the user's grid."""
    shown = layout_of(request.user, table, columns).shown
    grid = RecordGrid([record], shown, labels=references.labels(request.user, [record]))
    return {"lines": grid.lines(versions=True)}


def _column(columns: list[Column], attribute: str) -> Column:
    found = next((column for column in columns if column.attribute == attribute), None)
    if found is None:
        raise NotFound("This column no longer exists. Reload the page.", code="column_not_found")
    return found
