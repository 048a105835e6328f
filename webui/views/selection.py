"""Actions on the records chosen in the grid: set, delete, duplicate."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import resolve_url

from dataengine import access
from dataengine.exceptions import DataEngineError, InvalidInput
from dataengine.models import ChangeJob, Table
from dataengine.queries import references
from dataengine.services import records as services
from dataengine.services.audit import Trail
from webui import changes, htmx
from webui.grid import filters
from webui.grid.selections import ChosenRecords, SetForm
from webui.htmx import ConsoleRequest
from webui.views.view import console_view
from webui.words import about, plural

_NOTHING_CHOSEN = "Choose records first: tick their checkboxes."


@console_view("POST")
def act(request: ConsoleRequest, name: str) -> HttpResponse:
    """Apply the action ``do`` to the records ``id``, or to ``all`` that ``query`` selects.

    Asks first if there is no script that could undo it with a click, and always if it concerns more than the page
    shows. A script gets 204, or the errors in plain text.
    """
    table = access.get_table(request.user, name, "edit")
    everything = "all" in request.POST
    query = QueryDict(request.POST.get("query", ""))
    chosen = ChosenRecords(table, None if everything else request.POST.getlist("id"), query)
    doing = request.POST.get("do", "")
    back = f"{resolve_url('console:records', table.name)}?{query.urlencode()}"
    if chosen.ids == []:
        raise InvalidInput(_NOTHING_CHOSEN)
    if doing == "duplicate":
        return _duplicate(request, table, chosen, back)
    columns = table.all_columns()
    is_asked = "confirmed" in request.POST or (htmx.is_partial(request) and not everything)
    form = SetForm(columns, request.POST if doing == "set" and is_asked else None)
    if doing not in {"set", "delete"}:
        raise InvalidInput("Choose what to do with the records.")
    problem: DataEngineError | None = None
    if is_asked and (doing == "delete" or form.is_valid()):
        whole_table = request.POST.get("whole_table", "") if chosen.is_whole_table else None
        try:
            if doing == "delete":
                done = chosen.delete(request.user, whole_table=whole_table)
            else:
                done = chosen.set(request.user, form.service_data(request.user), whole_table=whole_table)
        except DataEngineError as error:
            if htmx.is_partial(request):
                return htmx.plain_error(_plainly(error), error.status)
            problem = error
        else:
            if isinstance(done, ChangeJob):  # the grid's page shows its progress
                return htmx.redirect(request, back)
            changes.tell_done(request, done, table, columns)
            return HttpResponse(status=204) if htmx.is_partial(request) else htmx.redirect(request, back)
    elif is_asked and htmx.is_partial(request):
        return htmx.plain_error("Choose a column.", htmx.UNPROCESSABLE)
    return _ask(request, chosen, form, doing, back, problem)


def _ask(
    request: ConsoleRequest,
    chosen: ChosenRecords,
    form: SetForm,
    doing: str,
    back: str,
    problem: DataEngineError | None,
) -> HttpResponse:
    """The page that tells what will happen to how many records, and to which."""
    table = chosen.table
    columns = list(form.columns.values())
    named = references.labels_of(request.user, filters.referred(chosen.query, columns))
    if not form.is_bound and doing == "set":
        form.initial = {name: request.POST.get(name, "") for name in ("column", "value")}
        form.initial["null"] = "null" in request.POST
    count = chosen.count()
    context: dict[str, Any] = {
        "section": "tables",
        "table": table,
        "chosen": chosen,
        "amount": plural(count.value, "record,records") if count.is_exact else f"{about(count.value)} records",
        "search": chosen.query.get("search", ""),
        "chips": filters.chips(chosen.query, columns, named),
        "doing": doing,
        "form": form,
        "back": back,
        "problem": _plainly(problem) if problem else "",
    }
    status = problem.status if problem else htmx.UNPROCESSABLE if form.errors else 200
    return htmx.render(request, "records/selected.html", context, status=status)


def _duplicate(request: ConsoleRequest, table: Table, chosen: ChosenRecords, back: str) -> HttpResponse:
    if chosen.ids is None or len(chosen.ids) != 1 or not chosen.ids[0].isdecimal():
        raise InvalidInput("Choose one record to duplicate.")
    pk = int(chosen.ids[0])
    trail: Trail = []
    try:
        record = services.duplicate_record(user=request.user, table=table, pk=pk, trail=trail)
    except InvalidInput:
        # Some unique and required values have to be entered: show the form for a new record, filled in otherwise.
        return htmx.redirect(request, f"{resolve_url('console:record-add', table.name)}?copy={pk}")
    changes.tell(request, f"Record {record.pk} is added, a copy of record {pk}.", table, trail)
    return HttpResponse(status=204) if htmx.is_partial(request) else htmx.redirect(request, back)


def _plainly(error: DataEngineError) -> str:
    """The reasons without repetition: with many records they may all be the same."""
    reasons = list(dict.fromkeys(text for texts in error.fields.values() for text in texts))
    return " ".join(reasons[:3]) or error.message
