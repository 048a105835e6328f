"""Changes of very many records, which a worker makes: watching and cancelling them. And undoing any change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from dataengine import access
from dataengine.api import serializers as shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.jobs.serializers import ChangeJobSerializer, change_job_data
from dataengine.models import AuditEvent, ChangeJob
from dataengine.services import changes
from dataengine.services.audit import Trail

LATER = {202: (ChangeJobSerializer, "Very many records: a worker makes the change; its url shows the progress")}
"""The other answer of operations on all matching records."""


class ChangeView(ApiView):
    """A change of very many records: it happens completely or not at all."""

    operations = {"get": Operation("get_change", "Show a change", ChangeJobSerializer)}

    def get(self, request: Request, pk: int) -> Response:
        return Response(change_job_data(access.get_change(self.user, pk), base_url=self.base_url()))


class ChangeCancelView(ApiView):
    """Cancels a change of very many records; nothing is changed then."""

    operations = {"post": Operation("cancel_change", "Cancel a change", ChangeJobSerializer)}

    def post(self, request: Request, pk: int) -> Response:
        job = changes.cancel(access.get_change(self.user, pk, "edit"))
        return Response(change_job_data(job, base_url=self.base_url()))


class UndoView(ApiView):
    """Undoes a change of records, whose event was named in the header ``X-Undo`` or in a change job."""

    operations = {"post": Operation("undo", "Undo a change", shapes.Undone, body=shapes.Undo, others=LATER)}

    def post(self, request: Request, **names: str) -> Response:
        table = self.table(names, "edit")
        asked = checked(shapes.Undo, self.body())

        def answer(event: AuditEvent) -> dict[str, Any]:
            count = event.details["count"]
            return {"event": event.pk, "undone": asked["event"], "action": event.action, "count": count}

        return outcome(self, changes.undo_event(user=self.user, table=table, event_id=asked["event"]), answer)


def outcome(view: ApiView, done: changes.Outcome, answer: Callable[[AuditEvent], dict[str, Any]]) -> Response:
    """The response: ``answer`` for an event, or 202 and the job if a worker will make the change."""
    if isinstance(done, ChangeJob):
        data = change_job_data(done, base_url=view.base_url())
        return Response(data, status=202, headers={"Location": data["url"]})
    return Response(answer(done), headers=undo_header([done]))


def undo_header(trail: Trail) -> dict[str, str]:
    """``X-Undo``: the event that can be posted to the table's ``undo/``."""
    return {"X-Undo": str(trail[-1].pk)} if trail else {}
