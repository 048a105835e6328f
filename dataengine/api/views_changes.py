"""Changes of very many records, which a worker makes: watching and cancelling them. And undoing any change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from dataengine import access
from dataengine.api import serializers as shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.exceptions import InvalidInput
from dataengine.jobs.serializers import ChangeJobSerializer, change_job_data
from dataengine.models import AuditEvent, ChangeJob, ImportJob, Table
from dataengine.services import changes, column_undo, import_undo
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
    """Undoes a change of records or of a column, whose event was named in the header ``X-Undo`` or in a change job."""

    operations = {"post": Operation("undo", "Undo a change", shapes.Undone, body=shapes.Undo, others=LATER)}

    def post(self, request: Request, **names: str) -> Response:
        asked = checked(shapes.Undo, self.body())
        return self.undone(names, asked["event"], rest=asked["rest"])

    def undone(self, names: dict[str, str], event_id: int, *, rest: bool) -> Response:
        table = self.table(names, "edit")

        def answer(event: AuditEvent) -> dict[str, Any]:
            count = event.details["count"] if "count" in event.details else event.details["change"]["count"]
            return {"event": event.pk, "undone": event_id, "action": event.action, "count": count}

        if column_undo.is_of_column(table, event_id):
            self.table(names, "design")
            done = column_undo.undo_change(user=self.user, table=table, event_id=event_id, rest=rest)
            if isinstance(done, ChangeJob):
                return later(self, done)
            return changed(self, table, [done.event], answer(done.event))
        if job := import_undo.import_of(event_id, table):
            again = job.undo_event_id == event_id and job.state == ImportJob.State.UNDONE
            return later(self, (import_undo.redo if again else import_undo.undo)(user=self.user, job=job, rest=rest))
        if rest:
            reason = "Only of imports and of changes of columns the rest can be taken back."
            raise InvalidInput(reason, fields={"rest": reason})
        return outcome(self, table, changes.undo_event(user=self.user, table=table, event_id=event_id), answer)


class UndoOneView(UndoView):
    """The same at an address of its own, which answers of changes name as ``undo``."""

    operations = {"post": Operation("undo_event", "Undo a change", shapes.Undone, body=shapes.UndoRest, others=LATER)}

    def post(self, request: Request, **names: Any) -> Response:
        asked = checked(shapes.UndoRest, self.body())
        return self.undone(names, names.pop("event"), rest=asked["rest"])


def undo_url(view: ApiView, table: Table, event: AuditEvent) -> str:
    """The address to which undoing an event is posted."""
    return view.base_url() + reverse("api-undo-event", kwargs={"table_name": table.name, "event": event.pk})


def outcome(
    view: ApiView, table: Table, done: changes.Outcome, answer: Callable[[AuditEvent], dict[str, Any]]
) -> Response:
    """The response: ``answer`` for an event, or 202 and the job if a worker will make the change."""
    return later(view, done) if isinstance(done, ChangeJob) else changed(view, table, [done], answer(done))


def changed(view: ApiView, table: Table, trail: Trail, data: dict[str, Any], status: int = 200) -> Response:
    """The response for what was done at once: ``data``, and ``undo`` if there was anything to do."""
    undo = {"undo": undo_url(view, table, trail[-1])} if trail else {}
    return Response(data | undo, status=status, headers=undo_header(trail))


def later(view: ApiView, job: ChangeJob) -> Response:
    """The response if a worker will make the change."""
    data = change_job_data(job, base_url=view.base_url())
    return Response(data, status=202, headers={"Location": data["url"]})


def undo_header(trail: Trail) -> dict[str, str]:
    """``X-Undo``: the event that can be posted to the table's ``undo/``."""
    return {"X-Undo": str(trail[-1].pk)} if trail else {}
