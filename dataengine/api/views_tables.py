"""Tables and their columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from dataengine import access
from dataengine.api import serializers as shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.api.pagination import listing
from dataengine.columns.payloads import PAYLOAD_SCHEMA, literal, parse_column, parse_payload
from dataengine.exceptions import InvalidInput, NotFound
from dataengine.models import Column, Table
from dataengine.models.shapes import ColumnChanges
from dataengine.services import indexes
from dataengine.services import tables as services

_COUNTED = frozenset({"record_count", "record_count_exact"})  # may have changed since they were read
# What may be given for a new column besides its SQL-style type.
_GIVEN_SEPARATELY = frozenset({"unique", "required", "default", "label", "constraints", "display"})


class TablesView(ApiView):
    """The tables that the user may see."""

    operations = {
        "get": Operation("list_tables", "List tables", shapes.TableList, query=shapes.PageQuery),
        "post": Operation(
            "create_table", "Create a table", shapes.TableSerializer, 201, body=shapes.CreateTable,
            verb=shapes.CreateTable,
        ),
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        asked = self.arguments(shapes.PageQuery)
        tables = access.tables_for(self.user).prefetch_related("columns", "indexes")
        return listing(request, tables, lambda found: shapes.tables_data(found, self.base_url()), **asked)

    def post(self, request: Request) -> Response:
        wanted = parse_payload(request.data)
        table = services.create_table(user=self.user, name=wanted.name, columns=wanted.columns, label=wanted.label)
        return self.created(table)

    def created(self, table: Table) -> Response:
        [data] = shapes.tables_data([table], self.base_url())
        return Response(data, status=201, headers={"Location": data["url"]})


class TableView(ApiView):
    """One table."""

    operations = {
        "get": Operation("get_table", "Show a table", shapes.TableSerializer),
        "patch": Operation("change_table", "Rename or relabel", shapes.TableSerializer, body=shapes.ChangeTable),
        "delete": Operation(
            "delete_table", "Delete a table with all its records", None, 204, verb=shapes.TableArguments
        ),
    }

    def get(self, request: Request, **names: str) -> Response:
        return self.shown(self.table(names, "view"))

    def patch(self, request: Request, **names: str) -> Response:
        table = self.table(names, "design")
        body = {name: value for name, value in self.body().items() if name not in _COUNTED}
        changes = checked(shapes.ChangeTable, news(body, shapes.tables_data([table], self.base_url())[0]))
        if "table_name" in changes:  # the most likely of these to be refused
            table = services.rename_table(user=self.user, table=table, name=changes["table_name"])
        if "label" in changes:
            table = services.relabel_table(user=self.user, table=table, label=changes["label"])
        if "search_index" in changes:
            indexes.set_searchable(user=self.user, table=table, searchable=changes["search_index"])
        return self.shown(table)

    def delete(self, request: Request, **names: str) -> Response:
        table = self.table(self.arguments(shapes.TableArguments), "own")
        services.delete_table(user=self.user, table=table)
        return Response(status=204)

    def shown(self, table: Table) -> Response:
        return Response(shapes.tables_data([table], self.base_url())[0])


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
        "delete": Operation("delete_column", "Delete a column with all that is in it", None, 204),
    }

    def get(self, request: Request, **names: str) -> Response:
        return Response(shapes.ColumnSerializer(self.column(self.table(names, "view"))).data)

    def patch(self, request: Request, **names: str) -> Response:
        table = self.table(names, "design")
        column = self.column(table)
        body = news(self.body(), shapes.ColumnSerializer(column).data)
        if "column_type" in body or "type" in body:
            reason = "A column's type cannot be changed. Add another column and delete this one."
            raise InvalidInput(reason, fields={"column_type": reason})
        changes: dict[str, Any] = checked(shapes.ChangeColumn, body)
        if "column_name" in changes:
            changes["name"] = changes.pop("column_name")
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
        table = self.table(names, "design")
        services.drop_column(user=self.user, table=table, column=self.column(table))
        return Response(status=204)

    def column(self, table: Table) -> Column:
        name = self.kwargs["column_name"]
        column = table.columns.filter(name=name.replace("\0", "")).first()
        if column is None:
            raise NotFound(f"“{table.name}” has no column with that name.", code="column_not_found")
        return column


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
