"""Copies of a table: another table like it, and its definition as SQL and JSON Schema."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import resolve_url

from dataengine import access
from dataengine.columns.identifiers import derive_identifier
from dataengine.columns.table_schemas import table_schema
from dataengine.models import Table
from dataengine.postgres.definitions import create_statements
from dataengine.services import copies
from webui import htmx
from webui.designer.forms import DuplicateForm
from webui.errors import errors_into
from webui.htmx import ConsoleRequest
from webui.views.view import console_view


@console_view("GET", "POST")
def duplicate(request: ConsoleRequest, name: str) -> HttpResponse:
    """Ask for the copy's name, then make it."""
    source = access.get_table(request.user, name, "view")
    form = DuplicateForm(request.POST or None, initial={"table_name": _free_name(source)})
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data
        with errors_into(form):
            table, job = copies.duplicate_table(
                user=request.user, source=source, name=wanted["table_name"], with_records=wanted["with_records"]
            )
            if job is None:
                messages.success(request, f"The table “{table.name}” is made, a copy of “{source.title}”.")
            return htmx.redirect(request, resolve_url("console:records", table.name))
    context = {"section": "tables", "table": source, "form": form}
    return htmx.render(request, "tables/duplicate.html", context, status=422 if form.errors else 200)


@dataclass(frozen=True, slots=True)
class Part:
    """One way to write a table down."""

    format: str
    title: str
    about: str
    filename: str
    text: str


@console_view("GET")
def definition(request: ConsoleRequest, name: str) -> HttpResponse:
    """Show both, or answer with the file of one ``format``."""
    table = access.get_table(request.user, name, "view")
    specs = [column.to_spec() for column in table.all_columns()]
    schema = table_schema(table.name, table.label, table.description, specs)
    parts = [
        Part("sql", "CREATE TABLE", "for PostgreSQL", f"{table.name}.sql", create_statements(table)),
        Part(
            "json",
            "JSON Schema",
            "of a record; the form of a new table reads it, too",
            f"{table.name}.schema.json",
            json.dumps(schema, ensure_ascii=False, indent=2),
        ),
    ]
    wanted = next((part for part in parts if part.format == request.GET.get("format")), None)
    if wanted is not None:
        kind = "application/sql" if wanted.format == "sql" else "application/schema+json"
        return HttpResponse(wanted.text, content_type=f"{kind}; charset=utf-8")
    context = {"section": "tables", "table": table, "parts": parts}
    return htmx.render(request, "tables/definition.html", context)


def _free_name(source: Table) -> str:
    """``people_copy``, or with a number; names of tables that the user cannot see count, and do not show."""
    return derive_identifier(f"{source.name}_copy", what="table", taken=Table.objects.values_list("name", flat=True))
