"""Tables and their columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.db.models import Q
from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from dataengine import access
from dataengine.api import serializers as shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.api.pagination import listing
from dataengine.api.views_changes import LATER
from dataengine.columns.json_schema import literal
from dataengine.columns.payloads import PAYLOAD_SCHEMA, parse_column, parse_payload
from dataengine.columns.table_schemas import table_schema
from dataengine.exceptions import InvalidInput, NotFound
from dataengine.jobs.serializers import change_job_data
from dataengine.models import Column, Table, TrashItem
from dataengine.models.shapes import ColumnChanges
from dataengine.postgres.definitions import create_statements
from dataengine.services import copies, indexes, trash
from dataengine.services import tables as services

_COUNTED = frozenset({"record_count", "record_count_exact"})  # may have changed since they were read
_WHICH_TABLE = ("table_name",)
_WHICH_COLUMN = (*_WHICH_TABLE, "column_name")
# What may be given for a new column besides its SQL-style type.
_GIVEN_SEPARATELY = frozenset({"unique", "required", "default", "label", "description", "constraints", "display"})


class TablesView(ApiView):
    """The tables that the user may see."""

    operations = {
        "get": Operation(
            "list_tables", "List tables", shapes.TableList, query=shapes.ListTables, verb=shapes.ListTables
        ),
        "post": Operation(
            "create_table", "Create a table", shapes.TableSerializer, 201, body=shapes.CreateTable,
            verb=shapes.CreateTable,
        ),
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        asked = self.arguments(shapes.ListTables)
        tables = access.tables_for(self.user).prefetch_related("columns", "indexes")
        search = asked.pop("search").strip()
        if search:
            tables = tables.filter(
                Q(name__icontains=search) | Q(label__icontains=search) | Q(description__icontains=search)
            )
        return listing(request, tables, lambda found: shapes.tables_data(found, self.base_url()), **asked)

    def post(self, request: Request) -> Response:
        wanted = parse_payload(request.data)
        table = services.create_table(
            user=self.user,
            name=wanted.name,
            columns=wanted.columns,
            label=wanted.label,
            description=wanted.description,
        )
        return self.created(table)

    def created(self, table: Table) -> Response:
        [data] = shapes.tables_data([table], self.base_url())
        return Response(data, status=201, headers={"Location": data["url"]})


class TableView(ApiView):
    """One table."""

    operations = {
        "get": Operation("get_table", "Show a table", shapes.TableSerializer),
        "patch": Operation(
            "change_table", "Rename, relabel or describe", shapes.TableSerializer, body=shapes.ChangeTable
        ),
        "put": Operation(
            "update_table", "Rename, relabel or describe", shapes.TableSerializer, verb=shapes.UpdateTable
        ),
        "delete": Operation(
            "delete_table", "Move a table with its records to the trash", None, 204, verb=shapes.TableArguments
        ),
    }

    def get(self, request: Request, **names: str) -> Response:
        return self.shown(self.table(names, "view"))

    def patch(self, request: Request, **names: str) -> Response:
        table = self.table(names, "design")
        return self.changed(table, checked(shapes.ChangeTable, self.wanted(self.body(), table)))

    def put(self, request: Request) -> Response:
        body = dict(self.body())
        found = checked(shapes.TableArguments, {name: body.pop(name) for name in _WHICH_TABLE if name in body})
        table = self.table(found, "design")
        changes = checked(shapes.UpdateTable, {**found, **self.wanted(body, table)})
        del changes["table_name"]
        if "new_name" in changes:
            changes["table_name"] = changes.pop("new_name")
        return self.changed(table, changes)

    def wanted(self, body: Mapping[str, Any], table: Table) -> dict[str, Any]:
        """What of a body differs from the table as it is."""
        given = {name: value for name, value in body.items() if name not in _COUNTED}
        return news(given, self.data(table))

    def changed(self, table: Table, changes: Mapping[str, Any]) -> Response:
        if "table_name" in changes:  # the most likely of these to be refused
            table = services.rename_table(user=self.user, table=table, name=changes["table_name"])
        words = {name: changes[name] for name in ("label", "description") if name in changes}
        if words:
            table = services.relabel_table(user=self.user, table=table, **words)
        if "search_index" in changes:
            indexes.set_searchable(user=self.user, table=table, searchable=changes["search_index"])
        return self.shown(table)

    def delete(self, request: Request, **names: str) -> Response:
        table = self.table(self.arguments(shapes.TableArguments), "own")
        item = trash.delete_table(user=self.user, table=table)
        return Response(status=204, headers=trash_header(item))

    def shown(self, table: Table) -> Response:
        return Response(self.data(table))

    def data(self, table: Table) -> dict[str, Any]:
        return shapes.tables_data([table], self.base_url())[0]


class DuplicateTableView(ApiView):
    """A copy of a table: its columns, rules and indexes, and its records where they are wanted."""

    operations = {
        "post": Operation(
            "duplicate_table", "Duplicate a table", shapes.TableSerializer, 201, body=shapes.DuplicateTable,
            others=LATER,
        ),
    }  # fmt: skip

    def post(self, request: Request, **names: str) -> Response:
        source = self.table(names, "view")
        asked = checked(shapes.DuplicateTable, self.body())
        table, job = copies.duplicate_table(
            user=self.user, source=source, name=asked["table_name"], with_records=asked["with_records"]
        )
        if job is not None:
            data = change_job_data(job, base_url=self.base_url())
            return Response(data, status=202, headers={"Location": data["url"]})
        [data] = shapes.tables_data([table], self.base_url())
        return Response(data, status=201, headers={"Location": data["url"]})


class TableSchemaView(ApiView):
    """What a table is, for other programs: a JSON Schema of its records, or ``CREATE TABLE`` with ``?format=sql``."""

    operations = {
        "get": Operation(
            "get_table_schema", "Show a table as JSON Schema, or as SQL",
            {"application/schema+json": OpenApiTypes.OBJECT, "application/sql": OpenApiTypes.STR},
            query=shapes.TableSchemaQuery,
        ),
    }  # fmt: skip

    def get(self, request: Request, **names: str) -> HttpResponse:
        table = self.table(names, "view")
        if checked(shapes.TableSchemaQuery, request.query_params.dict())["format"] == "sql":
            return HttpResponse(create_statements(table), content_type="application/sql; charset=utf-8")
        specs = [column.to_spec() for column in table.all_columns()]
        schema = table_schema(table.name, table.label, table.description, specs)
        return Response(schema, content_type="application/schema+json")


class ColumnsView(ApiView):
    """The columns of a table."""

    operations = {
        "get": Operation("list_columns", "List columns", shapes.ColumnList, query=shapes.PageQuery),
        "post": Operation(
            "add_column", "Add a column", shapes.ColumnSerializer, 201, body=shapes.NewColumn, verb=shapes.AddColumn
        ),
    }

    def get(self, request: Request, **names: str) -> Response:
        asked = checked(shapes.PageQuery, request.query_params.dict())
        columns = self.table(names, "view").columns.all()
        return listing(
            request, columns, lambda found: [shapes.ColumnSerializer(column).data for column in found], **asked
        )

    def post(self, request: Request, **names: str) -> Response:
        asked = self.arguments(shapes.AddColumn)
        table = self.table(asked, "design")
        described = {key: value for key, value in asked.items() if key in _GIVEN_SEPARATELY}
        spec = parse_column(asked["column_name"], {"type": asked["column_type"], **described})
        column = services.add_column(user=self.user, table=table, spec=spec)
        url = reverse("api-column", kwargs={"table_name": table.name, "column_name": column.name})
        return Response(shapes.ColumnSerializer(column).data, status=201, headers={"Location": self.base_url() + url})


class ColumnView(ApiView):
    """One column of a table."""

    operations = {
        "get": Operation("get_column", "Show a column", shapes.ColumnSerializer),
        "patch": Operation("change_column", "Change a column", shapes.ColumnSerializer, body=shapes.ChangeColumn),
        "put": Operation("update_column", "Change a column", shapes.ColumnSerializer, verb=shapes.UpdateColumn),
        "delete": Operation(
            "delete_column", "Move a column with its values to the trash", None, 204, verb=shapes.ColumnArguments
        ),
    }

    def get(self, request: Request, **names: str) -> Response:
        return Response(shapes.ColumnSerializer(self.column(self.table(names, "view"), names["column_name"])).data)

    def patch(self, request: Request, **names: str) -> Response:
        table = self.table(names, "design")
        column = self.column(table, names["column_name"])
        changes = checked(shapes.ChangeColumn, self.wanted(self.body(), column))
        if "column_name" in changes:
            changes["name"] = changes.pop("column_name")
        return self.changed(table, column, changes)

    def put(self, request: Request) -> Response:
        body = self.body()
        found = checked(shapes.ColumnArguments, {name: body[name] for name in _WHICH_COLUMN if name in body})
        table = self.table(found, "design")
        column = self.column(table, found["column_name"])
        rest = {name: value for name, value in body.items() if name not in _WHICH_COLUMN}
        changes = checked(shapes.UpdateColumn, {**found, **self.wanted(rest, column)})
        for name in _WHICH_COLUMN:
            del changes[name]
        if "new_name" in changes:
            changes["name"] = changes.pop("new_name")
        return self.changed(table, column, changes)

    @staticmethod
    def wanted(body: Mapping[str, Any], column: Column) -> dict[str, Any]:
        """What of a body differs from the column as it is."""
        # On its own this is a request, even if there is an automatic index: it becomes a requested one.
        if dict(body) == {"indexed": True}:
            return {"indexed": True}
        wanted = news(body, shapes.ColumnSerializer(column).data)
        if "column_type" in wanted or "type" in wanted:
            reason = "A column's type cannot be changed. Add another column and delete this one."
            raise InvalidInput(reason, fields={"column_type": reason})
        return wanted

    def changed(self, table: Table, column: Column, changes: dict[str, Any]) -> Response:
        if "default" in changes:
            changes["default"] = literal(changes["default"])
        if "display" in changes:
            changes["display"] = changes["display"] or {}
        indexed = changes.pop("indexed", None)
        if changes or indexed is None:
            column = services.alter_column(
                user=self.user, table=table, column=column, changes=cast("ColumnChanges", changes)
            )
        if indexed is not None:
            column = indexes.set_indexed(user=self.user, table=table, column=column, indexed=indexed)
        return Response(shapes.ColumnSerializer(column).data)

    def delete(self, request: Request, **names: str) -> Response:
        asked = self.arguments(shapes.ColumnArguments)
        table = self.table(asked, "design")
        item = trash.delete_column(user=self.user, table=table, column=self.column(table, asked["column_name"]))
        return Response(status=204, headers=trash_header(item))

    def column(self, table: Table, name: str) -> Column:
        # No name contains a NUL, and PostgreSQL would not accept the query.
        column = None if "\0" in name else table.columns.filter(name=name).first()
        if column is None:
            raise NotFound(f"“{table.name}” has no column with that name.", code="column_not_found")
        return column


def trash_header(item: TrashItem) -> dict[str, str]:
    """``X-Trash``: the number in the trash of what was deleted, by which it can be restored."""
    return {"X-Trash": str(item.pk)}


def news(body: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of ``body`` that differ from ``shown``: clients may send back everything that they read."""
    return {name: value for name, value in body.items() if name not in shown or shown[name] != value}


class PayloadSchemaView(ApiView):
    """The JSON Schema against which the payload of create-table is checked."""

    permission_classes = ()
    authentication_classes = ()
    operations = {
        "get": Operation(
            "create_table_schema", "JSON Schema of create-table", {"application/schema+json": OpenApiTypes.OBJECT}
        )
    }

    def get(self, request: Request) -> Response:
        return Response(PAYLOAD_SCHEMA, content_type="application/schema+json")
