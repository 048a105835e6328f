"""The list of tables, the designer, deleting a table."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import resolve_url

from dataengine import access
from dataengine.exceptions import DataEngineError, NotFound
from dataengine.models import Column, Table
from dataengine.queries import references
from dataengine.services import tables as services
from dataengine.services import trash
from webui import htmx
from webui.changes import tell_deleted
from webui.designer import catalog, forms
from webui.designer.designer import Designer
from webui.errors import errors_into
from webui.htmx import ConsoleRequest
from webui.sorting import Order
from webui.views.view import console_view


@console_view("GET")
def index(request: ConsoleRequest) -> HttpResponse:
    """All tables that the user may see, with size, records and last import."""
    listing = catalog.listing(request.user, Order.read(request.GET))
    context = {"section": "tables", "listing": listing, "headings": listing.headings()}
    return htmx.render(request, "tables/index.html", context, partial="tables/_listing.html")


@console_view("GET", "POST")
def new(request: ConsoleRequest) -> HttpResponse:
    """The designer of a new table."""
    designer = Designer(request.POST if request.method == "POST" else None)
    if designer.is_valid():
        names = designer.form.cleaned_data
        try:
            table = services.create_table(
                user=request.user,
                name=names["table_name"],
                label=names["label"],
                columns=designer.specs(),
            )
        except DataEngineError as error:
            designer.add_errors(error)
        else:
            messages.success(request, f"The table “{table.title}” is made.")
            return htmx.redirect(request, resolve_url("console:records", table.name))
    context = {"section": "tables", "designer": designer, "form": designer.form, "references": _referable(request)}
    status = 422 if designer.has_errors else 200
    return htmx.render(request, "tables/new.html", context, partial="tables/_designer.html", status=status)


@console_view("GET", "POST")
def design(request: ConsoleRequest, name: str) -> HttpResponse:
    """The columns of a table: add, change, delete; its name and label."""
    table = access.get_table(request.user, name, "design")
    doing = request.POST.get("do", "") if request.method == "POST" else ""
    names = {"table_name": table.name, "label": table.label, "description": table.description}
    form = forms.TableForm(request.POST if doing == "save" else None, initial=names)
    column_form = forms.ColumnForm(request.POST if doing == "add" else None, auto_id="id_new_%s")
    if doing == "save" and form.is_valid():
        with errors_into(form):
            table = _save_names(request, table, form)
            messages.success(request, "Saved.")
            return htmx.redirect(request, resolve_url("console:design", table.name))
    if doing == "add" and column_form.is_valid():
        spec = column_form.cleaned_data["spec"]
        with errors_into(column_form, names={"column_name": "name", spec.name: "name"}):
            services.add_column(user=request.user, table=table, spec=spec)
            messages.success(request, f"The column “{spec.name}” is added.")
            return htmx.redirect(request, resolve_url("console:design", table.name))
    failed = bool(form.errors or column_form.errors)
    return _design_page(request, table, form, column_form, status=422 if failed else 200)


@console_view("GET", "POST")
def column(request: ConsoleRequest, name: str, pk: int) -> HttpResponse:
    """Change or delete one column."""
    table = access.get_table(request.user, name, "design")
    found = table.columns.filter(pk=pk).first()
    if found is None:
        raise NotFound(f"“{table.name}” has no such column.", code="column_not_found")
    here = resolve_url("console:design", table.name)
    if request.method == "POST" and request.POST.get("do") == "delete":
        item = trash.delete_column(user=request.user, table=table, column=found)
        tell_deleted(request, f"The column “{found.title}” is in the trash.", item)
        return htmx.redirect(request, here)
    if request.method == "POST" and request.POST.get("do") in {"up", "down"}:
        services.move_column(user=request.user, table=table, column=found, by=1 if request.POST["do"] == "down" else -1)
        return htmx.redirect(request, here)
    form = forms.ColumnChangeForm.of(found, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with errors_into(
            form, names={"column_name": "name", found.name: _blamed(form), form.cleaned_data["name"]: "name"}
        ):
            if form.has_changed():
                services.alter_column(user=request.user, table=table, column=found, changes=form.changes())
            messages.success(request, "Saved.")
            return htmx.redirect(request, here)
    context = {"section": "tables", "table": table, "column": found, "form": form, "dropping": "drop" in request.GET}
    context["trash_days"] = settings.TRASH_DAYS
    status = 422 if form.errors else 200
    return htmx.render(request, "tables/column.html", context, partial="tables/_column_form.html", status=status)


@console_view("GET", "POST")
def delete(request: ConsoleRequest, name: str) -> HttpResponse:
    """Ask, then move the table with its records to the trash."""
    table = access.get_table(request.user, name, "own")
    if request.method == "POST":
        item = trash.delete_table(user=request.user, table=table)
        tell_deleted(request, f"The table “{table.title}” is in the trash.", item)
        return htmx.redirect(request, resolve_url("console:tables"))
    referrers, is_referred_unseen = references.referrers(request.user, table)
    context = {
        "section": "tables", "table": table, "entry": catalog.entries([table])[0],
        "referrers": referrers, "is_referred_unseen": is_referred_unseen, "trash_days": settings.TRASH_DAYS,
    }  # fmt: skip
    return htmx.render(request, "tables/delete.html", context)


def _design_page(
    request: ConsoleRequest, table: Table, form: forms.TableForm, column_form: forms.ColumnForm, *, status: int
) -> HttpResponse:
    columns: list[Column] = list(table.columns.all())
    rights = access.rights_of(request.user, table)
    context = {
        "section": "tables", "table": table, "columns": columns, "form": form, "column_form": column_form,
        "rights": rights, "references": _referable(request),
    }  # fmt: skip
    return htmx.render(request, "tables/design.html", context, status=status)


def _save_names(request: ConsoleRequest, table: Table, form: forms.TableForm) -> Table:
    if form.cleaned_data["table_name"] != table.name:
        table = services.rename_table(user=request.user, table=table, name=form.cleaned_data["table_name"])
    words = {name: form.cleaned_data[name] for name in ("label", "description") if name in form.changed_data}
    return services.relabel_table(user=request.user, table=table, **words) if words else table


def _blamed(form: forms.ColumnChangeForm) -> str:
    """The input for an error filed under the column's name: services name columns, forms name inputs."""
    changed = set(form.changed_data) & {"default", "required", "unique"}
    return changed.pop() if len(changed) == 1 else "name"


def _referable(request: ConsoleRequest) -> list[str]:
    """The tables to which a reference column can refer."""
    return list(access.tables_for(request.user).order_by("name").values_list("name", flat=True))
