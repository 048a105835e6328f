"""People: who may do what with a table."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from dataengine.api import people_shapes as shapes
from dataengine.api.base import ApiView, Operation
from dataengine.exceptions import InvalidInput, shown
from dataengine.services import sharing


class SharingView(ApiView):
    """Who may do what with a table. Everybody who sees the table sees this; owners change it."""

    operations = {
        "get": Operation("get_sharing", "Show with whom a table is shared", shapes.SharingShape),
        "put": Operation(
            "put_sharing", "Share a table, or hand it over", shapes.SharingShape, body=shapes.PutSharing
        ),
    }  # fmt: skip

    def get(self, request: Request, **names: Any) -> Response:
        return Response(sharing.as_json(sharing.sharing_of(self.table(names, "view"))))

    def put(self, request: Request, **names: Any) -> Response:
        table, body = self.table(names, "own"), self.body()
        if "owner" in body and body["owner"] is None:
            reason = "A table always has an owner."
            raise InvalidInput(reason, fields={"owner": reason})
        unknown = next((name for name in body if name not in ("grants", "owner")), None)
        if unknown is not None:
            raise InvalidInput(
                f"{shown(unknown)}: There is no such key.", fields={shown(unknown): "There is no such key."}
            )
        owner = body.get("owner")
        shared = sharing.replace_all(user=self.user, table=table, grants=body.get("grants"), owner=owner)
        return Response(sharing.as_json(shared))
