"""Rejected rows: reading them, mending them, trying them again."""

from __future__ import annotations

import re

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from dataengine import access
from dataengine.api import rejected_shapes as shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.api.pagination import listing
from dataengine.api.views_changes import later
from dataengine.exceptions import InvalidInput
from dataengine.http.authentication import Bearer
from dataengine.http.revocation import may_still
from dataengine.http.streaming import download
from dataengine.imports.rejecting import rejected_rows
from dataengine.imports.rejecting.mended_cells import RowReader
from dataengine.jobs.serializers import ChangeJobSerializer
from dataengine.models import RejectedRow
from dataengine.services import rejected_rows as services
from dataengine.services.rejected_plans import reader_of

_IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The version of the row that was seen, in place of `version`"
)


class RejectedView(ApiView):
    """The rejected rows of an import as JSON."""

    operations = {
        "get": Operation("list_rejected_rows", "List rejected rows", shapes.RejectedList, query=shapes.RejectedQuery)
    }

    def get(self, request: Request, pk: int) -> Response:
        asked = checked(shapes.RejectedQuery, request.query_params.dict())
        job = access.get_import(self.user, pk)
        page = {name: asked.pop(name) for name in ("page", "limit")}
        reader = reader_of(job)
        rows = services.rows_with(job, **asked)
        return listing(request, rows, lambda found: [services.row_data(row, reader) for row in found], **page)


class RejectedRowView(ApiView):
    """One rejected row."""

    operations = {
        "get": Operation("get_rejected_row", "Show a rejected row", shapes.RejectedRowShape),
        "patch": Operation(
            "mend_rejected_row", "Mend a rejected row", shapes.RejectedRowShape, body=shapes.MendRow,
            parameters=[_IF_MATCH],
        ),
    }  # fmt: skip

    def get(self, request: Request, pk: int, line: int) -> Response:
        job = access.get_import(self.user, pk)
        return _shown(services.get_row(job, line), reader_of(job))

    def patch(self, request: Request, pk: int, line: int) -> Response:
        job = access.get_import(self.user, pk, "edit")
        asked = checked(shapes.MendRow, self.body())
        version = asked.get("version", _version(request.headers.get("If-Match", "")))
        row, reader = services.mend_row(user=self.user, job=job, line=line, cells=asked["cells"], version=version)
        return _shown(row, reader)


class RejectedFixView(ApiView):
    """Does the same to a column's cell in every row that has an error there."""

    operations = {
        "post": Operation("fix_rejected_rows", "Fix many rejected rows", shapes.FixedShape, body=shapes.FixRows)
    }

    def post(self, request: Request, pk: int) -> Response:
        job = access.get_import(self.user, pk, "edit")
        asked = checked(shapes.FixRows, self.body())
        return Response(services.fix_rows(user=self.user, job=job, **asked)._asdict())


class RejectedRetryView(ApiView):
    """Tries rejected rows of an import again, all or some, by a worker. The accepted ones become records."""

    operations = {
        "post": Operation(
            "retry_rejected_rows", "Try rejected rows again", ChangeJobSerializer, 202, body=shapes.RetryRows
        ),
    }

    def post(self, request: Request, pk: int) -> Response:
        job = access.get_import(self.user, pk, "edit")
        asked = checked(shapes.RetryRows, self.body())
        return later(self, services.retry(user=self.user, job=job, **asked))


class RejectedCsvView(ApiView):
    """The rejected rows of an import as a file to correct and upload again."""

    operations = {
        "get": Operation("download_rejected_rows", "Download rejected rows", {"text/csv": OpenApiTypes.STR}),
    }

    def get(self, request: Request, pk: int) -> HttpResponseBase:
        job = access.get_import(self.user, pk)
        lines = rejected_rows.csv_lines(job)
        allowed = may_still(Bearer.of(request).user, job)
        return download(
            request._request, lines, rejected_rows.CONTENT_TYPE, rejected_rows.filename(job), allowed=allowed
        )


def _shown(row: RejectedRow, reader: RowReader) -> Response:
    return Response(services.row_data(row, reader), headers={"ETag": f'"{row.version}"'})


def _version(header: str) -> int | None:
    """The version that If-Match names; None where any will do."""
    if header.strip() in ("", "*"):
        return None
    found = re.fullmatch(r'(?:W/)?"?(\d{1,9})"?', header.strip())
    if found is None:
        raise InvalidInput("If-Match: Give the row's version.", fields={"If-Match": "Give the row's version."})
    return int(found[1])
