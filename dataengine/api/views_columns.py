"""One column of a table: changing it, and trying that beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from rest_framework.request import Request
from rest_framework.response import Response

from dataengine.api import column_shapes as columns
from dataengine.api import serializers as shapes
from dataengine.api.base import Operation, checked
from dataengine.api.views_changes import LATER, changed, later
from dataengine.api.views_tables import DescribesColumn, news, trash_header
from dataengine.columns.identifiers import composed
from dataengine.columns.json_schema import literal
from dataengine.columns.payload_schemas import PUBLISHED, check_payload
from dataengine.exceptions import DataEngineError, InvalidInput, NotFound
from dataengine.models import ChangeJob, Column, Table
from dataengine.models.shapes import ColumnChanges
from dataengine.services import column_changes as services
from dataengine.services import indexes, rehearsals, trash
from dataengine.services.changes import cancel

_WHICH_COLUMN = ("table_name", "column_name")
# What may be said besides the changes themselves.
_HOW = ("on_failure", "plan")
# What a plan can be about.
_PLANNED = (
    "column_name", "label", "description", "column_type", "unique", "required", "default", "constraints", "display",
)  # fmt: skip


def asked_of(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the services for what was sent."""
    asked = {name: value for name, value in changes.items() if name not in _HOW}
    if "default" in asked:
        asked["default"] = literal(asked["default"])
    if "display" in asked:
        asked["display"] = asked["display"] or {}
    return {"changes": cast("ColumnChanges", asked), **{name: changes[name] for name in _HOW if name in changes}}


class ColumnView(DescribesColumn):
    """One column of a table."""

    operations = {
        "get": Operation("get_column", "Show a column", shapes.ColumnSerializer),
        "patch": Operation(
            "change_column",
            "Change a column",
            columns.ChangedColumn,
            body=PUBLISHED["change-column"],
            others=LATER,
        ),
        "put": Operation(
            "update_column",
            "Change a column",
            columns.ChangedColumn,
            verb=PUBLISHED["update-column"],
            others=LATER,
        ),
        "delete": Operation(
            "delete_column", "Move a column with its values to the trash", None, 204, verb=shapes.ColumnArguments
        ),
    }

    def handle_exception(self, exc: Exception) -> Response:
        """Name the body's key that is at fault where an error names the column."""
        if isinstance(exc, DataEngineError):
            exc.fields = {self.key_of(name, exc.error_code): texts for name, texts in exc.fields.items()}
        return super().handle_exception(exc)

    def key_of(self, name: str, code: str) -> str:
        """The key of the body that an error with ``code`` is about, if it names the column, or its new name."""
        body = self.sent()
        new_name = "new_name" if self.verb else "column_name"
        if code == "too_many_columns":  # its values would have to be written anew, or kept in another one
            return next((key for key in ("column_type", "on_failure", "plan") if key in body), name)
        if code in {"invalid_name", "name_taken"} and name in {"column_name", body.get(new_name)}:
            return new_name if new_name in body else name
        return str((self.place_of(name, code) or (name,))[0])

    def get(self, request: Request, **names: str) -> Response:
        return Response(shapes.ColumnSerializer(self.column(self.table(names, "view"), names["column_name"])).data)

    def body(self) -> Mapping[str, Any]:
        """The body; an answer may come back as it is, with the address that takes its change back."""
        return {name: value for name, value in super().body().items() if name != "undo"}

    def patch(self, request: Request, **names: str) -> Response:
        return self.changed(*self.asked(names, "change-column", columns.ChangeColumn))

    def put(self, request: Request) -> Response:
        body = self.body()
        check_payload("update-column", body)
        found = checked(shapes.ColumnArguments, {name: body[name] for name in _WHICH_COLUMN if name in body})
        table = self.table(found, "design")
        column = self.column(table, found["column_name"])
        rest = {name: value for name, value in body.items() if name not in _WHICH_COLUMN}
        changes = checked(columns.UpdateColumn, {**found, **self.wanted(rest, column)})
        for name in _WHICH_COLUMN:
            del changes[name]
        if "new_name" in changes:
            changes["name"] = changes.pop("new_name")
        return self.changed(table, column, changes)

    def asked(
        self, names: Mapping[str, str], payload: str, shape: type[columns.RehearseColumn]
    ) -> tuple[Table, Column, dict[str, Any]]:
        """The column that the address names, with its table, and what the body says is to change."""
        table = self.table(names, "design")
        column = self.column(table, names["column_name"])
        check_payload(payload, self.body())
        changes = checked(shape, self.wanted(self.body(), column))
        if "column_name" in changes:
            changes["name"] = changes.pop("column_name")
        return table, column, changes

    @staticmethod
    def wanted(body: Mapping[str, Any], column: Column) -> dict[str, Any]:
        """What of a body differs from the column as it is."""
        # On its own this is a request, even if there is an automatic index: it becomes a requested one.
        if dict(body) == {"indexed": True}:
            return {"indexed": True}
        wanted = news(body, shapes.ColumnSerializer(column).data)
        if "plan" in body:  # which what the column is already may contradict
            wanted |= {name: body[name] for name in _PLANNED if name in body}
        if "type" in wanted:
            reason = "Give column_type, for example NUMERIC(10,2)."
            raise InvalidInput(reason, fields={"type": reason})
        return wanted

    def changed(self, table: Table, column: Column, changes: dict[str, Any]) -> Response:
        indexed = changes.pop("indexed", None)
        done: services.Changed | None = None
        if set(changes) - {"on_failure"}:
            asked = services.change_column(user=self.user, table=table, column=column, **asked_of(changes))
            if isinstance(asked, ChangeJob):
                if indexed is not None:
                    cancel(asked)
                    reason = "So many values are changed by a worker. Ask for the index when that is done."
                    raise InvalidInput(reason, fields={"indexed": reason})
                return later(self, asked)
            done, column = asked, asked.column
        if indexed is not None:
            column = indexes.set_indexed(user=self.user, table=table, column=column, indexed=indexed)
        data = dict(shapes.ColumnSerializer(column).data)
        if done is None:
            return Response(data)
        return changed(self, table, [done.event], data)

    def delete(self, request: Request, **names: str) -> Response:
        asked = self.arguments(shapes.ColumnArguments)
        table = self.table(asked, "design")
        item = trash.delete_column(user=self.user, table=table, column=self.column(table, asked["column_name"]))
        return Response(status=204, headers=trash_header(item))

    def column(self, table: Table, name: str) -> Column:
        # No name contains a NUL, and PostgreSQL would not accept the query.
        column = None if "\0" in name else table.columns.filter(name=composed(name)).first()
        if column is None:
            raise NotFound(f"“{table.name}” has no column with that name.", code="column_not_found")
        return column


class ColumnRehearsalView(ColumnView):
    """What a change of a column would do to its values; nothing is changed."""

    operations = {
        "post": Operation(
            "rehearse_column", "Try a change of a column", columns.RehearsalSerializer,
            body=PUBLISHED["rehearse-column"],
        ),
    }  # fmt: skip

    def post(self, request: Request, **names: str) -> Response:
        table, column, changes = self.asked(names, "rehearse-column", columns.RehearseColumn)
        found = rehearsals.rehearse(user=self.user, table=table, column=column, **asked_of(changes))
        return Response(found.as_json())
