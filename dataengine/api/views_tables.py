"""Tables and their columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from dataengine import access
from dataengine.api import serializers as shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.api.pagination import listing
from dataengine.api.views_changes import LATER
from dataengine.columns.identifiers import composed
from dataengine.columns.payload_schemas import PUBLISHED, check_payload
from dataengine.columns.payloads import parse_column, parse_payload
from dataengine.columns.table_schemas import table_schema
from dataengine.exceptions import DataEngineError, InvalidInput, NotFound, Path
from dataengine.jobs.serializers import change_job_data
from dataengine.models import Column, Table, TrashItem
from dataengine.postgres.definitions import create_statements
from dataengine.services import copies, indexes, trash
from dataengine.services import tables as services

_COUNTED = frozenset({"record_count", "record_count_exact"})  # may have changed since they were read
_WHICH_TABLE = ("table_name",)
# What may be given for a new column besides its SQL-style type.
_GIVEN_SEPARATELY = frozenset({"unique", "required", "default", "label", "description", "constraints", "display"})


class TablesView(ApiView):
    """The tables that the user may see."""

    operations = {
        "get": Operation(
            "list_tables", "List tables", shapes.TableList, query=shapes.ListTables, verb=shapes.ListTables
        ),
        "post": Operation(
            "create_table", "Create a table", shapes.TableSerializer, 201, body=PUBLISHED["create-table"],
            verb=PUBLISHED["create-table"],
        ),
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        asked = self.arguments(shapes.ListTables)
        tables = access.tables_for(self.user).prefetch_related("columns", "indexes")
        search = composed(asked.pop("search").strip())
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

    def place_of(self, name: str, code: str) -> Path | None:
        body = self.sent()
        described, schema = body.get("fields"), body.get("json_schema")
        if isinstance(described, Mapping) and name in described:
            return ("fields", name, *_aspect(described[name], code, type_key="type"))
        properties = schema.get("properties") if isinstance(schema, Mapping) else None
        if isinstance(properties, Mapping) and name in properties:
            return ("json_schema", "properties", name)
        return super().place_of(name, code)

    def created(self, table: Table) -> Response:
        [data] = shapes.tables_data([table], self.base_url())
        return Response(data, status=201, headers={"Location": data["url"]})


class TableView(ApiView):
    """One table."""

    operations = {
        "get": Operation("get_table", "Show a table", shapes.TableSerializer),
        "patch": Operation(
            "change_table", "Rename, relabel or describe", shapes.TableSerializer, body=PUBLISHED["change-table"]
        ),
        "put": Operation(
            "update_table", "Rename, relabel or describe", shapes.TableSerializer, verb=PUBLISHED["update-table"]
        ),
        "delete": Operation(
            "delete_table", "Move a table with its records to the trash", None, 204, verb=shapes.TableArguments
        ),
    }

    def get(self, request: Request, **names: str) -> Response:
        return self.shown(self.table(names, "view"))

    def patch(self, request: Request, **names: str) -> Response:
        table = self.table(names, "design")
        check_payload("change-table", self.body())
        return self.changed(table, checked(shapes.ChangeTable, self.wanted(self.body(), table)))

    def put(self, request: Request) -> Response:
        body = dict(self.body())
        check_payload("update-table", body)
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
        named_by = changes.get("named_by")
        naming = None if named_by is None else _naming(table, named_by)
        if "table_name" in changes:  # the most likely of these to be refused
            table = services.rename_table(user=self.user, table=table, name=changes["table_name"])
        words = {name: changes[name] for name in ("label", "description") if name in changes}
        if words:
            table = services.relabel_table(user=self.user, table=table, **words)
        if "named_by" in changes:
            table = services.name_records_by(user=self.user, table=table, column=naming)
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


class DescribesColumn(ApiView):
    """What views of columns share: a body that describes one, with its type under ``column_type``."""

    def located(self, error: DataEngineError) -> list[tuple[Path, str]]:
        return [
            (("column_type", *path[1:]) if path[:1] == ("type",) else path, text)
            for path, text in super().located(error)
        ]

    def place_of(self, name: str, code: str) -> Path | None:
        body = self.sent()
        if name not in (body.get("column_name"), body.get("new_name"), self.kwargs.get("column_name")):
            return super().place_of(name, code)
        key: Path = ("column_name",) if "column_name" in body else ()
        return tuple(_aspect(body, code, type_key="column_type")) or key or None


_ASPECTS = {
    "invalid_default": "default", "invalid_constraint": "constraints", "invalid_pattern": "constraints",
    "invalid_display": "display", "missing_value": "required", "invalid_type": "type", "unknown_reference": "type",
}  # fmt: skip


def _aspect(described: object, code: str, *, type_key: str) -> Path:
    """The key of a column's description that an error with ``code`` is about, if it is there."""
    aspect = _ASPECTS.get(code, "")
    key = type_key if aspect == "type" else aspect
    return (key,) if isinstance(described, Mapping) and key in described else ()


class ColumnsView(DescribesColumn):
    """The columns of a table."""

    operations = {
        "get": Operation("list_columns", "List columns", shapes.ColumnList, query=shapes.PageQuery),
        "post": Operation(
            "add_column",
            "Add a column",
            shapes.ColumnSerializer,
            201,
            body=PUBLISHED["new-column"],
            verb=PUBLISHED["add-column"],
        ),
    }

    def get(self, request: Request, **names: str) -> Response:
        asked = checked(shapes.PageQuery, request.query_params.dict())
        columns = self.table(names, "view").columns.all()
        return listing(
            request, columns, lambda found: [shapes.ColumnSerializer(column).data for column in found], **asked
        )

    def post(self, request: Request, **names: str) -> Response:
        said_by_url = {} if self.verb else names
        body = {name: value for name, value in self.body().items() if name not in said_by_url}
        check_payload("add-column" if self.verb else "new-column", body)
        asked = self.arguments(shapes.AddColumn)
        table = self.table(asked, "design")
        described = {key: value for key, value in asked.items() if key in _GIVEN_SEPARATELY}
        spec = parse_column(asked["column_name"], {"type": asked["column_type"], **described})
        column = services.add_column(user=self.user, table=table, spec=spec)
        url = reverse("api-column", kwargs={"table_name": table.name, "column_name": column.name})
        return Response(shapes.ColumnSerializer(column).data, status=201, headers={"Location": self.base_url() + url})


def _naming(table: Table, name: str) -> Column:
    """The column that is to name records. Raises InvalidInput if there is none of that name."""
    found = next((column for column in table.columns.all() if column.name == name), None)
    if found is None:
        reason = f"“{table.name}” has no column with that name."
        raise InvalidInput(reason, fields={"named_by": reason})
    return found


def trash_header(item: TrashItem) -> dict[str, str]:
    """``X-Trash``: the number in the trash of what was deleted, by which it can be restored."""
    return {"X-Trash": str(item.pk)}


def news(body: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of ``body`` that differ from ``shown``: clients may send back everything that they read."""
    return {name: value for name, value in body.items() if name not in shown or shown[name] != value}


class PayloadSchemaView(ApiView):
    """The JSON Schema against which the body of an operation is checked before anything else looks at it."""

    permission_classes = ()
    authentication_classes = ()
    operations = {
        "get": Operation(
            "payload_schema", "JSON Schema of what an operation takes",
            {"application/schema+json": OpenApiTypes.OBJECT},
            parameters=[OpenApiParameter("name", str, OpenApiParameter.PATH, enum=sorted(PUBLISHED))],
        )
    }  # fmt: skip

    def get(self, request: Request, name: str) -> Response:
        if name not in PUBLISHED:
            raise NotFound(f"There is a schema of {', '.join(PUBLISHED)}.")
        return Response(PUBLISHED[name], content_type="application/schema+json")
