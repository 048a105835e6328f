"""The trash: deleted tables and columns, restored or deleted for good."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from dataengine import access
from dataengine.api import trash_shapes as shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.api.pagination import listing
from dataengine.api.serializers import ColumnSerializer, PageQuery, tables_data
from dataengine.services import trash


class TrashView(ApiView):
    """The deleted tables and columns that the user may restore, newest first."""

    operations = {"get": Operation("list_trash", "List the trash", shapes.TrashList, query=PageQuery)}

    def get(self, request: Request) -> Response:
        asked = checked(PageQuery, request.query_params.dict())
        items = access.trash_for(self.user)
        return listing(request, items, lambda found: [shapes.TrashItemSerializer(item).data for item in found], **asked)


class TrashItemView(ApiView):
    """One deleted table or column."""

    operations = {
        "get": Operation("get_trash", "Show a deleted table or column", shapes.TrashItemSerializer),
        "delete": Operation("purge_trash", "Delete for good", None, 204),
    }

    def get(self, request: Request, pk: int) -> Response:
        return Response(shapes.TrashItemSerializer(access.get_trash(self.user, pk)).data)

    def delete(self, request: Request, pk: int) -> Response:
        trash.purge(user=self.user, item=access.get_trash(self.user, pk))
        return Response(status=204)


class TrashRestoreView(ApiView):
    """Restores a deleted table or column."""

    operations = {
        "post": Operation(
            "restore_trash", "Restore a deleted table or column", shapes.RestoredSerializer, body=shapes.RestoreTrash
        )
    }

    def post(self, request: Request, pk: int) -> Response:
        item = access.get_trash(self.user, pk)
        asked = checked(shapes.RestoreTrash, self.body())
        restored = trash.restore(user=self.user, item=item, name=asked.get("name", ""))
        [table] = tables_data([restored.table], self.base_url())
        column = None if restored.column is None else ColumnSerializer(restored.column).data
        kind = "table" if column is None else "column"
        return Response({"kind": kind, "table": table, "column": column, "notes": restored.notes})
