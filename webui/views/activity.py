"""Who did what: to a table, to one record (with a way to put back what was), and in the whole installation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url

from dataengine import access
from dataengine.access import Right
from dataengine.exceptions import AccessDenied, Conflict, InvalidInput, NotFound
from dataengine.http.revocation import may_still
from dataengine.http.streaming import download
from dataengine.models import AuditEvent, Table
from dataengine.queries import activity, histories
from dataengine.queries.event_rows import CSV, csv_lines
from dataengine.queries.histories import Entry
from dataengine.records.model import record_model
from dataengine.services import records, retention
from dataengine.services.audit import Trail
from dataengine.services.undo import can_be_undone
from webui import changes, htmx
from webui.activity import Difference, Line, differences, line, via
from webui.forms import Styled
from webui.htmx import ConsoleRequest
from webui.sessions import user_of_session
from webui.views.view import console_view

_PAGE = 50
_KINDS = [
    ("", "Everything"), ("record,records", "Records"), ("import", "Imports"), ("records.exported", "Exports"),
    ("table,column,index", "Table and columns"), ("sharing", "Sharing"), ("link", "Public links"),
    ("webhook", "Webhooks"),
]  # fmt: skip
_KINDS_OF_ALL = [
    *_KINDS,
    ("session,sign_in,jwt", "Log-ins"),
    ("token,password,user,second_factor", "Accounts and tokens"),
]


class FilterForm(Styled, forms.Form):
    """Which events are shown."""

    user = forms.CharField(label="By", required=False, max_length=150, widget=forms.TextInput({"autocomplete": "off"}))
    action = forms.ChoiceField(label="What", required=False)
    since = forms.DateField(label="From", required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))

    def __init__(self, data: Any, kinds: list[tuple[str, str]]) -> None:
        super().__init__(data)
        self.fields["action"] = forms.ChoiceField(label="What", required=False, choices=kinds)
        self.fields["action"].widget.attrs["class"] = "form-select"
        self.order_fields(["user", "action", "since", "until"])

    def filtered(self, events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        """Those of the events that are wanted; of a form with errors, none."""
        if not self.is_valid():
            return events.none()
        asked = self.cleaned_data
        return activity.filtered(
            events, user=asked["user"].replace("\0", ""), action=asked["action"],
            since=activity.begin_of(asked["since"]), until=activity.end_of(asked["until"]),
        )  # fmt: skip


@console_view("GET")
def of_table(request: ConsoleRequest, name: str) -> HttpResponseBase:
    """What was done to a table, newest first, by day."""
    table = access.get_table(request.user, name, "view")
    rights = access.rights_of(request.user, table)
    form = FilterForm(request.GET, _KINDS)
    found = form.filtered(activity.of_table(table))
    if request.GET.get("format") == "csv" and form.is_valid():
        session = partial(user_of_session, request.session.session_key)
        lines = csv_lines(request.user, found, knows_addresses="own" in rights)
        return download(request, lines, CSV, f"{table.name}-activity.csv", allowed=may_still(session, table))
    context = _page(request, form, found, table, rights)
    return htmx.render(request, "tables/activity.html", context, status=422 if form.errors else 200)


@console_view("GET")
def of_everything(request: ConsoleRequest) -> HttpResponseBase:
    """What was done anywhere, for administrators, and what the trail holds."""
    if not access.may_see_everything_done(request.user):
        raise AccessDenied("Only administrators may see what was done in the whole installation.")
    form = FilterForm(request.GET, _KINDS_OF_ALL)
    found = form.filtered(AuditEvent.objects.all())
    if request.GET.get("format") == "csv" and form.is_valid():
        session = partial(user_of_session, request.session.session_key)

        def allowed() -> bool:
            return access.may_see_everything_done(session())

        lines = csv_lines(request.user, found, knows_addresses=True)
        return download(request, lines, CSV, "activity.csv", allowed=allowed)
    context = _page(request, form, found, None, frozenset()) | {"holdings": retention.holdings()}
    return htmx.render(request, "tables/activity.html", context, status=422 if form.errors else 200)


def _page(
    request: ConsoleRequest,
    form: FilterForm,
    found: QuerySet[AuditEvent],
    table: Table | None,
    rights: frozenset[Right],
) -> dict[str, Any]:
    page = Paginator(found, _PAGE).get_page(request.GET.get("page"))
    events = list(page.object_list)
    able = can_be_undone(events)
    lines: list[Line] = [
        line(one, table=table, rights=rights, able=one.event.pk in able) for one in activity.told(request.user, events)
    ]
    return {
        "section": "tables" if table else "", "table": table, "form": form, "page": page, "lines": lines,
        "knows_addresses": table is None or "own" in rights,
        "audit_days": settings.AUDIT_DAYS, "undo_days": settings.UNDO_DAYS,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """A change of a record on the page of its history."""

    entry: Entry
    did: str
    via: str
    differences: list[Difference]
    is_newest: bool


@console_view("GET", "POST")
def history(request: ConsoleRequest, name: str, pk: int) -> HttpResponse:
    """Every change of a record that is kept. Of one that is there, each value before can be put back, or the whole."""
    table = access.get_table(request.user, name, "edit" if request.method == "POST" else "view")
    entries = histories.of_record(table, pk)
    model = record_model(table)
    record = model.objects.filter(pk=pk).first()
    if record is None and not entries:
        raise NotFound(f"There is no record {pk}.", code="record_not_found")
    if request.method == "POST":
        return _put_back(request, table, pk, entries)
    page = Paginator(entries, _PAGE).get_page(request.GET.get("page"))
    able = can_be_undone(entry.event for entry in page)
    steps = [
        Step(
            entry, _did(entry), via(entry.event), differences(entry.before, entry.after),
            is_newest=entry is entries[0],
        )
        for entry in page
    ]  # fmt: skip
    context = {
        "section": "tables", "table": table, "pk": pk, "record": record, "page": page, "steps": steps,
        "version": records.record_version(record) if record is not None else "",
        "titles": {column.name: column.title for column in model.columns},
        "rights": access.rights_of(request.user, table), "able": able, "undo_days": settings.UNDO_DAYS,
    }  # fmt: skip
    return htmx.render(request, "records/history.html", context)


def _did(entry: Entry) -> str:
    match entry.before, entry.after:
        case None, _:
            return "made the record"
        case _, None:
            return "deleted the record"
        case _:
            return "changed the record"


def _put_back(request: ConsoleRequest, table: Table, pk: int, entries: list[Entry]) -> HttpResponse:
    """Give the record one value that it had before a change, or all that it had after one."""
    here = resolve_url("console:record-history", table.name, pk)
    entry = next((one for one in entries if str(one.event.pk) == request.POST.get("event")), None)
    column = request.POST.get("column")
    values = None if entry is None else entry.state if column is None else entry.before
    if values is None or (column is not None and column not in values):
        raise NotFound("This change of the record is not kept any more.", code="event_not_found")
    data = dict(values) if column is None else {column: values[column]}
    trail: Trail = []
    put: Callable[..., Any] = records.update_record
    try:
        put(user=request.user, table=table, pk=pk, data=data, version=request.POST.get("version") or None, trail=trail)
    except (InvalidInput, Conflict) as error:
        messages.error(request, f"Nothing was put back. {error.message}")
    else:
        what = "Record {} is as it was then." if column is None else "The value of record {} is put back."
        changes.tell(request, what.format(pk), table, trail)
    return htmx.redirect(request, here)
