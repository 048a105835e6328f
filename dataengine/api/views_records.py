"""Records: lists, single ones, many at once, files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http.response import HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from dataengine.api import serializers as shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.api.filter_docs import FILTERS
from dataengine.api.pagination import cursor_url, last_url
from dataengine.api.views_changes import LATER, changed, outcome, undo_header
from dataengine.exceptions import DataEngineError, InvalidInput, Path, shown
from dataengine.exports.export import CONTENT_TYPES, Export, columns_named
from dataengine.http.authentication import Bearer
from dataengine.http.revocation import may_still
from dataengine.http.streaming import download
from dataengine.models import Table
from dataengine.queries import references
from dataengine.queries.listing import select
from dataengine.records.model import Record, record_model
from dataengine.records.serializers import record_data, records_data
from dataengine.services import automatic_indexes, bulk_records, changes
from dataengine.services import records as services
from dataengine.services.audit import Trail
from dataengine.services.exports import note_export

_EXPORTED = {
    CONTENT_TYPES["csv"].partition(";")[0]: OpenApiTypes.STR,
    CONTENT_TYPES["json"]: {"type": "array", "items": {"type": "object", "additionalProperties": {}}},
    CONTENT_TYPES["xlsx"]: OpenApiTypes.BINARY,
}


class OneRecord(ApiView):
    """What views of single records share: a body that is the record, or has it under ``data``."""

    def located(self, error: DataEngineError) -> list[tuple[Path, str]]:
        body = self.sent()
        is_wrapped = (self.verb or set(body) == {"data"}) and isinstance(body.get("data"), Mapping)
        record, start = (body["data"], ("data",)) if is_wrapped else (body, ())
        if error.pointers:
            return [((*start, *path), text) for path, text in error.pointers]
        inside = [((*start, name), text) for name in error.fields if name in record for text in error.fields[name]]
        return inside or super().located(error)


class RecordsView(OneRecord):
    """The records of a table."""

    operations = {
        "get": Operation(
            "list_records", "List records: filtered, sorted, paged", shapes.RecordList, query=shapes.RecordQuery,
            verb=shapes.ListRecords, parameters=[FILTERS],
        ),
        "post": Operation(
            "insert_record", "Insert a record", OpenApiTypes.OBJECT, 201, body=OpenApiTypes.OBJECT,
            verb=shapes.InsertRecord,
        ),
    }  # fmt: skip

    def get(self, request: Request, **names: str) -> Response:
        asked = self.arguments(shapes.ListRecords)
        table = self.table(asked, "view")
        selection = select(record_model(table), request.query_params)
        listing = automatic_indexes.listing(
            selection,
            number=asked["page"],
            limit=asked["limit"],
            cursor=asked["cursor"],
            exact=asked["count"] == "exact",
        )
        page, count = listing.page, listing.count
        return Response(
            {
                "table_name": table.name,
                "page": page.number,
                "page_exact": page.is_exact,
                "limit": asked["limit"],
                "count": count.value,
                "count_exact": count.is_exact,
                "next": cursor_url(request, page.next),
                "previous": cursor_url(request, page.previous),
                "last": last_url(request, listing.last, listing.last_number),
                "results": records_data(page.records),
            }
        )

    def post(self, request: Request, **names: str) -> Response:
        asked = record_arguments(self, shapes.InsertRecord)
        table = self.table(asked, "edit")
        trail: Trail = []
        data = unwrapped(self, table, asked["data"])
        record = services.insert_record(user=self.user, table=table, data=data, trail=trail)
        return created(self, record, trail)


class RecordView(OneRecord):
    """One record."""

    operations = {
        "get": Operation("get_record", "Show a record", OpenApiTypes.OBJECT),
        "put": Operation(
            "update_record", "Change the columns named, no others", OpenApiTypes.OBJECT, body=OpenApiTypes.OBJECT,
            verb=shapes.UpdateRecord,
        ),
        "patch": Operation(
            "patch_record", "Change the columns named, no others", OpenApiTypes.OBJECT, body=OpenApiTypes.OBJECT
        ),
        "delete": Operation("delete_record", "Delete a record", None, 204, verb=shapes.RecordArguments),
    }  # fmt: skip

    def get(self, request: Request, **names: Any) -> Response:
        asked = checked(shapes.RecordArguments, names)
        record = services.get_record(self.table(asked, "view"), asked["id"])
        return Response(record_data(record), headers={"ETag": etag(record)})

    def put(self, request: Request, **names: Any) -> Response:
        asked = record_arguments(self, shapes.UpdateRecord)
        table = self.table(asked, "edit")
        data = unwrapped(self, table, asked["data"])
        trail: Trail = []
        record = services.update_record(
            user=self.user, table=table, pk=asked["id"], data=data, version=seen_version(request), trail=trail
        )
        return Response(record_data(record), headers={"ETag": etag(record)} | undo_header(trail))

    patch = put

    def delete(self, request: Request, **names: Any) -> Response:
        asked = self.arguments(shapes.RecordArguments)
        table = self.table(asked, "edit")
        trail: Trail = []
        services.delete_record(user=self.user, table=table, pk=asked["id"], version=seen_version(request), trail=trail)
        return Response(status=204, headers=undo_header(trail))


class BulkView(ApiView):
    """Many records in one call: all or nothing."""

    operations = {
        "post": Operation("insert_records", "Insert up to 10,000 records", OpenApiTypes.OBJECT, 201, shapes.BulkInsert),
        "patch": Operation(
            "update_records", "Change many records", shapes.BulkUpdated, body=shapes.BulkUpdate, others=LATER
        ),
        "delete": Operation(
            "delete_records", 'Delete many records: body {"ids": […]} or {"filter": {…}}', shapes.BulkDeleted,
            others=LATER,
        ),
    }  # fmt: skip

    def post(self, request: Request, **names: str) -> Response:
        table = self.table(names, "edit")
        asked = self.one_of({"records"})
        trail: Trail = []
        ids = bulk_records.insert_many(user=self.user, table=table, records=asked["records"], trail=trail)
        return changed(self, table, trail, {"ids": ids}, 201)

    def patch(self, request: Request, **names: str) -> Response:
        table = self.table(names, "edit")
        asked = self.one_of({"records"}, {"filter", "data"})
        if "filter" in asked:
            done = changes.update_matching(user=self.user, table=table, conditions=asked["filter"], data=asked["data"])
            return outcome(self, table, done, lambda event: {"updated": event.details["count"]})
        trail: Trail = []
        count = len(bulk_records.update_many(user=self.user, table=table, records=asked["records"], trail=trail))
        return changed(self, table, trail, {"updated": count})

    def delete(self, request: Request, **names: str) -> Response:
        table = self.table(names, "edit")
        asked = self.one_of({"ids"}, {"filter"})
        if "filter" in asked:
            done = changes.delete_matching(user=self.user, table=table, conditions=asked["filter"])
            return outcome(self, table, done, lambda event: {"deleted": event.details["count"]})
        trail: Trail = []
        count = bulk_records.delete_many(user=self.user, table=table, ids=asked["ids"], trail=trail)
        return changed(self, table, trail, {"deleted": count})

    def located(self, error: DataEngineError) -> list[tuple[Path, str]]:
        body = self.sent()
        if not body:  # it could not be read, and what says why points into it as it is
            return error.pointers
        places = [(self.place_in(body, path), text) for path, text in error.pointers]
        return [(path, text) for path, text in places if path] or super().located(error)

    def place_in(self, body: Mapping[str, Any], path: Path) -> Path:
        """Where in the body the part of a record is, or of the values that all matching ones are to have."""
        if "ids" in body:
            return ("ids", path[0])
        if "records" not in body:
            return ("data", *path)
        index, *rest = path
        is_data = self.request.method == "PATCH" and rest[:1] not in (["id"], ["*"])
        return ("records", index, *(("data",) if is_data else ()), *(part for part in rest if part != "*"))

    def one_of(self, *shapes_of_body: set[str]) -> Mapping[str, Any]:
        """The body, if its keys are one of these sets."""
        body = self.body()
        if set(body) not in shapes_of_body:
            known = set.union(*shapes_of_body)
            wanted = f"Give {' or '.join(' and '.join(sorted(keys)) for keys in shapes_of_body)}."
            if unknown := sorted(set(body) - known):
                reasons = {shown(name): f"There is no such key. {wanted}" for name in unknown}
                name, reason = next(iter(reasons.items()))
                raise InvalidInput(f"{name}: {reason}", fields=reasons)
            named = sorted(known - set(body)) or ["body"]
            raise InvalidInput(wanted, fields=dict.fromkeys(named, wanted))
        return body


class ExportView(ApiView):
    """A table's records as a file."""

    operations = {
        "get": Operation(
            "export_records", "Export records: filtered, sorted", _EXPORTED, query=shapes.ExportQuery,
            parameters=[FILTERS],
        )
    }  # fmt: skip

    def get(self, request: Request, **names: str) -> HttpResponseBase:
        table = self.table(names, "view")
        asked = checked(shapes.ExportQuery, request.query_params.dict())
        filters = request.query_params.copy()
        filters.pop("guard", None)  # other formats treat it as the name of a column
        filters.pop("columns", None)
        model = record_model(table)
        columns = columns_named(model, asked["columns"])
        made = Export(select(model, filters).ordered(), asked["format"], asked["guard"], columns)
        filename = f"{table.name}.{asked['format']}"
        if request.method == "GET":
            conditions = {name: str(value) for name, value in filters.items()}
            note_export(
                user=self.user, table=table, file_format=asked["format"], parameters=conditions, columns=columns
            )
        allowed = may_still(Bearer.of(request).user, table)
        return download(
            request._request,
            made.pieces(),
            made.content_type,
            filename,
            allowed=allowed,
            interrupt=made.interrupt,
            user_id=self.user.pk,
        )


class DuplicateView(OneRecord):
    """Copies a record."""

    operations = {
        "post": Operation("duplicate_record", "Duplicate a record", OpenApiTypes.OBJECT, 201, body=OpenApiTypes.OBJECT)
    }

    def post(self, request: Request, **names: Any) -> Response:
        table = self.table(names, "edit")
        trail: Trail = []
        data = unwrapped(self, table, self.body())
        record = services.duplicate_record(user=self.user, table=table, pk=names["id"], data=data, trail=trail)
        return created(self, record, trail)


class LookupView(ApiView):
    """Finds records to refer to by their labels."""

    operations = {
        "get": Operation("lookup_records", "Find records to refer to", shapes.LookupList, query=shapes.LookupQuery)
    }

    def get(self, request: Request, **names: str) -> Response:
        table = self.table(names, "view")
        asked = checked(shapes.LookupQuery, request.query_params.dict())
        return Response({"results": references.find(table, asked["search"], limit=asked["limit"])})


def created(view: ApiView, record: Record, trail: Trail) -> Response:
    """The response to an insertion."""
    headers = {"ETag": etag(record)} | undo_header(trail)
    if record.pk >= 0:
        names = {"table_name": record.table.name, "id": record.pk}
        headers["Location"] = view.base_url() + reverse("api-record", kwargs=names)
    return Response(record_data(record), status=201, headers=headers)


def etag(record: Record) -> str:
    return f'"{services.record_version(record)}"'


def seen_version(request: Request) -> str | None:
    """The version in ``If-Match``; None if it is missing or accepts any."""
    given: str = request.headers.get("If-Match", "").strip()
    return None if given in {"", "*"} else given.removeprefix("W/").strip('"')


def record_arguments(view: ApiView, shape: Any) -> dict[str, Any]:
    """In a verb's body the record's data is under ``data``; a resource's body is the record itself."""
    if view.verb:
        return view.arguments(shape)
    return checked(shape, {**view.kwargs, "data": view.request.data})


def unwrapped(view: ApiView, table: Table, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Also accept a resource's body in the form of a verb's, ``{"data": {…}}``, unless a column has that name."""
    if view.verb or set(data) != {"data"} or not isinstance(data["data"], Mapping):
        return data
    has_column = table.columns.filter(name="data").exists()
    return data if has_column else data["data"]
