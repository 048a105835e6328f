"""Who did what: to a table, to a record, in the whole installation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from dataengine import access
from dataengine.api import activity_shapes as shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.api.pagination import listing, page_of
from dataengine.api.serializers import PageQuery
from dataengine.exceptions import AccessDenied, NotFound
from dataengine.http.authentication import Bearer
from dataengine.http.revocation import may_still
from dataengine.http.streaming import download
from dataengine.models import AuditEvent, Table
from dataengine.queries import activity, histories
from dataengine.queries.event_rows import CSV, csv_lines, event_data
from dataengine.records.model import record_model
from dataengine.services.undo import can_be_undone

_LISTED = {"application/json": shapes.ActivityList, "text/csv": OpenApiTypes.STR}


class _ActivityView(ApiView):
    """What both lists share."""

    def answer(
        self, events: QuerySet[AuditEvent], *, filename: str, allowed: Callable[[], bool], knows_addresses: bool
    ) -> HttpResponseBase:
        asked = checked(shapes.ActivityQuery, self.request.query_params.dict())
        page, limit, form = (asked.pop(name) for name in ("page", "limit", "format"))
        found = activity.filtered(events, **asked)

        def represent(some: list[AuditEvent]) -> list[dict[str, Any]]:
            return self._shown(some, knows_addresses=knows_addresses)

        if form == "csv":
            lines = csv_lines(self.user, found, knows_addresses=knows_addresses)
            return download(self.request._request, lines, CSV, filename, allowed=allowed)
        return listing(self.request, found, represent, page=page, limit=limit)

    def _shown(self, events: Sequence[AuditEvent], *, knows_addresses: bool) -> list[dict[str, Any]]:
        able = can_be_undone(events)
        tables = access.tables_for(self.user, "edit").filter(pk__in={event.table_id for event in events})
        names = {table.pk: (table.name, access.rights_of(self.user, table)) for table in tables}
        return [
            event_data(
                one, knows_addresses=knows_addresses,
                undo=self.undo_url(one.event, *names[one.event.table_id])
                if one.event.pk in able and one.event.table_id in names else None,
            )
            for one in activity.told(self.user, events)
        ]  # fmt: skip

    def undo_url(self, event: AuditEvent, table_name: str, rights: frozenset[access.Right]) -> str | None:
        """The address that undoes an event, for who may do that."""
        needed: access.Right = "design" if event.action.startswith("column.") else "edit"
        if needed not in rights:
            return None
        return self.base_url() + reverse("api-undo-event", kwargs={"table_name": table_name, "event": event.pk})


class TableActivityView(_ActivityView):
    """Who did what to a table: to its records, its columns, its sharing; imports and exports. Newest first."""

    operations = {
        "get": Operation("list_activity", "List what was done to a table", _LISTED, query=shapes.ActivityQuery)
    }

    def get(self, request: Request, **names: Any) -> HttpResponseBase:
        table = self.table(names, "view")
        return self.answer(
            activity.of_table(table),
            filename=f"{table.name}-activity.csv",
            allowed=may_still(Bearer.of(request).user, table),
            knows_addresses="own" in access.rights_of(self.user, table),
        )


class ActivityView(_ActivityView):
    """Who did what in the whole installation, log-ins included. For administrators.

    Values of records are only told of tables that the administrator may see.
    """

    operations = {
        "get": Operation("list_all_activity", "List what was done anywhere", _LISTED, query=shapes.ActivityQuery)
    }

    def get(self, request: Request) -> HttpResponseBase:
        if not access.may_see_everything_done(self.user):
            raise AccessDenied("Only administrators may see what was done in the whole installation.")
        return self.answer(
            AuditEvent.objects.all(),
            filename="activity.csv",
            allowed=lambda: access.may_see_everything_done(Bearer.of(request).user()),
            knows_addresses=True,
        )


class RecordHistoryView(_ActivityView):
    """The history of a record, also of a deleted one: every change, newest first, with who made it."""

    operations = {
        "get": Operation("get_record_history", "Show the history of a record", shapes.RecordHistory, query=PageQuery)
    }

    def get(self, request: Request, **names: Any) -> Response:
        table, pk = self.table(names, "view"), names["id"]
        asked = checked(PageQuery, request.query_params.dict())
        entries = histories.of_record(table, pk)
        if not entries and not record_model(table).objects.filter(pk=pk).exists():
            raise NotFound(f"There is no record {pk}.", code="record_not_found")
        start = (asked["page"] - 1) * asked["limit"]
        shown = self._entries(table, entries[start : start + asked["limit"]])
        return page_of(request, len(entries), shown, **asked)

    def _entries(self, table: Table, entries: Sequence[histories.Entry]) -> list[dict[str, Any]]:
        able = can_be_undone(entry.event for entry in entries)
        rights = access.rights_of(self.user, table)
        return [
            {
                "event": entry.event.pk,
                "at": entry.event.created_at,
                "user": entry.event.user_name or None,
                "via": entry.event.via,
                "via_name": entry.event.via_name,
                "action": entry.event.action,
                "import": entry.import_id,
                "line": entry.line,
                "before": entry.before,
                "after": entry.after,
                "state": entry.state,
                "undo": self.undo_url(entry.event, table.name, rights) if entry.event.pk in able else None,
            }
            for entry in entries
        ]
