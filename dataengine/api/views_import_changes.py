"""Imports as change sets: what they did to records, their receipt, undoing them and doing them again."""

from __future__ import annotations

from dataclasses import asdict
from typing import cast

from rest_framework.request import Request
from rest_framework.response import Response

from dataengine import access
from dataengine.api import serializers as shapes
from dataengine.api import serializers_imports as import_shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.api.pagination import page_of
from dataengine.api.views_changes import later
from dataengine.jobs.receipts import receipt_of
from dataengine.jobs.serializers import ChangeJobSerializer
from dataengine.queries.import_changes import KINDS, Kind, changes_of
from dataengine.services import import_undo


class ImportUndoView(ApiView):
    """Takes an import back, completely or not at all; a table that it made goes to the trash."""

    operations = {
        "post": Operation("undo_import", "Undo an import", ChangeJobSerializer, 202, body=shapes.UndoRest),
    }

    def post(self, request: Request, pk: int) -> Response:
        asked = checked(shapes.UndoRest, self.body())
        job = access.get_import(self.user, pk, "edit")
        return later(self, import_undo.undo(user=self.user, job=job, rest=asked["rest"]))


class ImportRedoView(ApiView):
    """Does an import again that was undone: the same records with the same ids."""

    operations = {
        "post": Operation("redo_import", "Undo the undoing of an import", ChangeJobSerializer, 202,
                          body=shapes.UndoRest),
    }  # fmt: skip

    def post(self, request: Request, pk: int) -> Response:
        asked = checked(shapes.UndoRest, self.body())
        job = access.get_import(self.user, pk, "edit")
        return later(self, import_undo.redo(user=self.user, job=job, rest=asked["rest"]))


class ImportChangesView(ApiView):
    """The records that an import made, changed or removed."""

    operations = {
        "get": Operation("list_import_changes", "List what an import changed", import_shapes.ImportChanges,
                         query=import_shapes.ChangesQuery),
    }  # fmt: skip

    def get(self, request: Request, pk: int) -> Response:
        asked = checked(import_shapes.ChangesQuery, request.query_params.dict())
        kinds = [cast("Kind", asked["kind"])] if asked["kind"] else KINDS
        page, limit = asked["page"], asked["limit"]
        job = access.get_import(self.user, pk)
        count, found = changes_of(job, kinds, offset=(page - 1) * limit, limit=limit)
        return page_of(request, count, [asdict(change) for change in found], page=page, limit=limit)


class ReceiptView(ApiView):
    """What was imported, how, by whom and when, as a file to keep."""

    operations = {"get": Operation("get_import_receipt", "Download an import's receipt", import_shapes.Receipt)}

    def get(self, request: Request, pk: int) -> Response:
        data = receipt_of(access.get_import(self.user, pk))
        return Response(data, headers={"Content-Disposition": f'attachment; filename="import-{pk}-receipt.json"'})
