"""Sources of a table: files at addresses that are imported by a schedule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from dataengine.api import source_shapes as shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.api.pagination import listing
from dataengine.api.serializers import PageQuery
from dataengine.api.views_tables import news
from dataengine.models import Source
from dataengine.services import sources


class _SourceView(ApiView):
    """For those who import into the table."""

    def source(self, names: dict[str, Any]) -> Source:
        return sources.get_source(self.table(names, "edit"), names["pk"])

    def shown(self, found: Sequence[Source]) -> list[Any]:
        return [shapes.SourceSerializer(one, context={"base_url": self.base_url()}).data for one in found]


class SourcesView(_SourceView):
    """Files at addresses that are imported by a schedule, each as an import of who added it.

    A file that has not changed is not imported again. One whose header is another than before pauses its source, and
    so do five failures in a row, or the loss of the right to import; that is mailed.
    """

    operations = {
        "get": Operation("list_sources", "List sources", shapes.SourceList, query=PageQuery),
        "post": Operation("add_source", "Add a source", shapes.SourceSerializer, 201, body=shapes.NewSource),
    }

    def get(self, request: Request, **names: Any) -> Response:
        asked = checked(PageQuery, request.query_params.dict())
        found = self.table(names, "edit").sources.select_related("user", "importing", "last_import")
        return listing(request, found, self.shown, **asked)

    def post(self, request: Request, **names: Any) -> Response:
        table, asked = self.table(names, "edit"), checked(shapes.NewSource, self.body())
        made = sources.create_source(user=self.user, table=table, **asked)
        return Response(self.shown([made])[0], status=201)


class SourceView(_SourceView):
    """One source."""

    operations = {
        "get": Operation("get_source", "Show a source", shapes.SourceSerializer),
        "patch": Operation(
            "update_source", "Change, pause or resume a source", shapes.SourceSerializer, body=shapes.ChangeSource
        ),
        "delete": Operation("delete_source", "Delete a source", None, 204),
    }

    def get(self, request: Request, **names: Any) -> Response:
        return Response(self.shown([self.source(names)])[0])

    def patch(self, request: Request, **names: Any) -> Response:
        source = self.source(names)
        asked = checked(shapes.ChangeSource, news(self.body(), self.shown([source])[0]))
        changed = sources.update_source(user=self.user, source=source, **asked)
        return Response(self.shown([changed])[0])

    def delete(self, request: Request, **names: Any) -> Response:
        sources.delete_source(user=self.user, source=self.source(names))
        return Response(status=204)


class RunSourceView(_SourceView):
    """Runs a source within seconds, whenever it is due."""

    operations = {"post": Operation("run_source", "Run a source now", shapes.SourceSerializer, 202)}

    def post(self, request: Request, **names: Any) -> Response:
        source = self.source(names)
        sources.run_now(user=self.user, source=source)
        return Response(self.shown([self.source(names)])[0], status=202)
