"""The designer: a new table, and the columns and names of one that there is."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpResponse, JsonResponse
from django.shortcuts import resolve_url

from dataengine import access
from dataengine.exceptions import AccessDenied, Conflict, DataEngineError, InvalidInput, NotFound
from dataengine.models import ChangeJob, Column, Table
from dataengine.services import column_changes, indexes, table_checks, trash
from dataengine.services import tables as services
from webui import htmx
from webui.changes import tell, tell_changed_column, tell_deleted
from webui.designer import column_forms, forms
from webui.designer.change_forms import ColumnChangeForm
from webui.designer.changing import Made, Question, Wish
from webui.designer.designer import Designer
from webui.designer.referable import referable
from webui.errors import add_errors, errors_into
from webui.htmx import ConsoleRequest
from webui.numbers import is_number
from webui.views.view import console_view

_STEPS = {"up": -1, "down": 1}


@console_view("GET", "POST")
def new(request: ConsoleRequest) -> HttpResponse:
    """The designer of a new table."""
    designer = Designer(request.POST if request.method == "POST" else None)
    is_valid = designer.is_valid()
    if request.POST.get("do") == "check":
        name = designer.form.cleaned_data.get("table_name") if designer.form.is_bound else None
        columns = [row.cleaned_data["spec"] for row in designer.rows if "spec" in row.cleaned_data]
        for fault in table_checks.faults_of_table(user=request.user, name=name, columns=columns):
            designer.add_errors(fault)
        return _errors_of(designer.form, *designer.rows)
    if is_valid:
        names = designer.form.cleaned_data
        try:
            table = services.create_table(
                user=request.user,
                name=names["table_name"],
                label=names["label"],
                description=names["description"],
                columns=designer.specs(),
            )
        except DataEngineError as error:
            designer.add_errors(error)
        else:
            _index(request, table, designer.indexed())
            messages.success(request, f"The table “{table.title}” is made.")
            return htmx.redirect(request, resolve_url("console:records", table.name))
    context = {
        "section": "tables", "designer": designer, "form": designer.form, "references": referable(request.user),
    }  # fmt: skip
    status = 422 if designer.has_errors else 200
    return htmx.render(request, "tables/new.html", context, partial="tables/_designer.html", status=status)


@console_view("GET", "POST")
def design(request: ConsoleRequest, name: str) -> HttpResponse:
    """The columns of a table: add, change, delete; its name and label."""
    table = access.get_table(request.user, name, "design")
    doing = request.POST.get("do", "") if request.method == "POST" else ""
    form = forms.NamesForm.of(table, request.POST if doing == "save" else None)
    column_form = column_forms.ColumnForm(request.POST if doing in {"add", "check"} else None, auto_id="id_new_%s")
    if doing == "check" and "table_name" in request.POST:
        return _names_checked(request, table)
    if doing == "check":
        if column_form.is_valid():
            spec = column_form.cleaned_data["spec"]
            for fault in table_checks.faults_of_column(user=request.user, table=table, spec=spec):
                add_errors(column_form, fault, {spec.name: column_forms.blamed(fault)})
        return _errors_of(column_form)
    if doing == "save" and form.is_valid():
        with errors_into(form):
            table = _save_names(request, table, form)
            messages.success(request, "Saved.")
            return htmx.redirect(request, resolve_url("console:design", table.name))
    if doing == "add" and column_form.is_valid():
        spec = column_form.cleaned_data["spec"]
        try:
            services.add_column(user=request.user, table=table, spec=spec)
        except NotFound:
            raise
        except DataEngineError as error:
            add_errors(column_form, error, {"column_name": "name", spec.name: column_forms.blamed(error)})
        else:
            _index(request, table, [spec.name] if column_form.cleaned_data["indexed"] else [])
            messages.success(request, f"The column “{spec.name}” is added.")
            return htmx.redirect(request, resolve_url("console:design", table.name))
    failed = bool(form.errors or column_form.errors)
    return _page(request, table, form=form, column_form=column_form, status=422 if failed else 200)


def _names_checked(request: ConsoleRequest, table: Table) -> JsonResponse:
    """What is wrong with the table's names as they are typed."""
    form = forms.TableForm(request.POST)
    if form.is_valid():
        for fault in table_checks.faults_of_table_name(table=table, name=form.cleaned_data["table_name"]):
            add_errors(form, fault)
    return _errors_of(form)


@console_view("GET", "POST")
def column(request: ConsoleRequest, name: str, pk: int) -> HttpResponse:
    """Change, move or delete one column: its row on the designer's page, open."""
    table = access.get_table(request.user, name, "design")
    found = next((one for one in table.all_columns() if one.pk == pk), None)
    if found is None:
        raise NotFound(f"“{table.name}” has no such column.", code="column_not_found")
    doing = request.POST.get("do", "") if request.method == "POST" else ""
    if doing == "delete":
        item = trash.delete_column(user=request.user, table=table, column=found)
        tell_deleted(request, f"The column “{found.title}” is in the trash.", item)
        return htmx.redirect(request, resolve_url("console:design", table.name))
    if doing in {*_STEPS, "place"}:
        return _move(request, table, found, doing)
    if "closed" in request.GET and htmx.is_partial(request):
        return _line(request, table, found)
    form = ColumnChangeForm.of(found, request.POST or None)
    if doing == "check":
        return _checked(request, table, found, form)
    question = None
    if doing and form.is_valid():
        made = _saved(request, table, found, form)
        if isinstance(made, HttpResponse):
            return made
        question = made
    opened = {
        "column": found, "form": form, "question": question, "dropping": "drop" in request.GET,
        "trash_days": settings.TRASH_DAYS,
    }  # fmt: skip
    status = 422 if form.errors or question else 200
    if htmx.is_partial(request):
        return htmx.render(request, "", {"table": table, **opened}, partial="tables/_column_form.html", status=status)
    return _page(request, table, opened=opened, status=status)


def _checked(request: ConsoleRequest, table: Table, found: Column, form: ColumnChangeForm) -> JsonResponse:
    """What is wrong with the form of a column as it stands; values are not looked at."""
    if form.is_valid():
        name = form.cleaned_data["name"]
        for fault in table_checks.faults_of_name(table=table, column=found, name=name):
            form.add_fault(fault)
        changes = form.changes()
        changes.pop("name", None)
        try:
            Wish(request.user, table, found, changes, form.cleaned_data["spec"]).check()
        except (InvalidInput, Conflict) as fault:
            form.add_fault(fault)
    return _errors_of(form)


def _saved(
    request: ConsoleRequest, table: Table, found: Column, form: ColumnChangeForm
) -> HttpResponse | Question | None:
    """The answer to a change that is made, or the question that comes before; None if the form has errors."""
    changes, chosen = form.changes(), request.POST.get("on_failure", "")
    plan = request.POST.get("plan", "") if request.POST.get("do") == "apply" else ""
    done: Made | None = None
    try:
        if changes:
            made = Wish(request.user, table, found, changes, form.cleaned_data["spec"]).make(plan, chosen)
            if isinstance(made, Question):
                return made
            done = made
        if "indexed" in form.changed_data:
            current = table.columns.get(pk=found.pk)
            wanted = form.cleaned_data["indexed"] and current.kind.can_be_indexed
            indexes.set_indexed(user=request.user, table=table, column=current, indexed=wanted)
    except (NotFound, AccessDenied):
        raise
    except DataEngineError as error:
        form.add_fault(error)
        return None
    if isinstance(done, ChangeJob):  # the grid's page shows its progress
        return htmx.redirect(request, resolve_url("console:records", table.name))
    if done is None:
        tell(request, "Saved.", table, [])
    else:
        tell_changed_column(request, done.event, table)
    if not htmx.is_partial(request):
        return htmx.redirect(request, _at(table, found))
    if chosen == "keep":  # there is another column
        return htmx.redirect(request, resolve_url("console:design", table.name))
    return _line(request, table, table.columns.get(pk=found.pk))


def _page(
    request: ConsoleRequest,
    table: Table,
    *,
    form: forms.NamesForm | None = None,
    column_form: column_forms.ColumnForm | None = None,
    opened: dict[str, Any] | None = None,
    status: int,
) -> HttpResponse:
    context = {
        "section": "tables", "table": table, "columns": table.all_columns(), "opened": opened,
        "form": form or forms.NamesForm.of(table),
        "column_form": column_form or column_forms.ColumnForm(auto_id="id_new_%s"),
        "rights": access.rights_of(request.user, table), "references": referable(request.user),
    }  # fmt: skip
    return htmx.render(request, "tables/design.html", context, status=status)


def _line(request: ConsoleRequest, table: Table, found: Column) -> HttpResponse:
    """The column's row, closed."""
    keys = list(table.columns.values_list("pk", flat=True))
    context = {"table": table, "column": found, "first": keys[0] == found.pk, "last": keys[-1] == found.pk}
    return htmx.render(request, "", context, partial="tables/_column_line.html")


def _at(table: Table, found: Column) -> str:
    return f"{resolve_url('console:design', table.name)}#column-{found.pk}"


def _move(request: ConsoleRequest, table: Table, found: Column, doing: str) -> HttpResponse:
    """Move a column by one, or to a place; a script has moved the row already and needs no page."""
    if doing in _STEPS:
        column_changes.move_column(user=request.user, table=table, column=found, by=_STEPS[doing])
    else:
        place = request.POST.get("place", "")
        keys = [other.pk for other in table.all_columns()]
        wanted = int(place) if is_number(place, digits=9) else keys.index(found.pk)
        column_changes.move_column(user=request.user, table=table, column=found, by=wanted - keys.index(found.pk))
    if htmx.is_partial(request):
        return HttpResponse(status=204)
    return htmx.redirect(request, _at(table, found))


def _index(request: ConsoleRequest, table: Table, names: list[str]) -> None:
    """Request the indexes that were ticked; none where the type can have none."""
    for one in table.columns.filter(name__in=names):
        if one.kind.can_be_indexed:
            indexes.set_indexed(user=request.user, table=table, column=one, indexed=True)


def _save_names(request: ConsoleRequest, table: Table, form: forms.NamesForm) -> Table:
    if form.cleaned_data["table_name"] != table.name:
        table = services.rename_table(user=request.user, table=table, name=form.cleaned_data["table_name"])
    words = {name: form.cleaned_data[name] for name in ("label", "description") if name in form.changed_data}
    if "named_by" in form.changed_data:
        key = form.cleaned_data["named_by"]
        column = next((one for one in table.columns.all() if str(one.pk) == key), None)
        table = services.name_records_by(user=request.user, table=table, column=column)
    return services.relabel_table(user=request.user, table=table, **words) if words else table


def _errors_of(*judged: BaseForm) -> JsonResponse:
    """All errors by the id of the input; those of whole forms under ''."""
    found: dict[str, list[str]] = {}
    for form in judged:
        for name, errors in form.errors.items():
            place = form[name].id_for_label if name in form.fields else ""
            found.setdefault(place, []).extend(str(error) for error in errors)
    return JsonResponse({"errors": found})
