"""Events of the audit trail as the API shows them, and as CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet

from dataengine.imports.converting.patterns import guarded
from dataengine.models import AuditEvent
from dataengine.queries.activity import Happening, told

if TYPE_CHECKING:
    from django.contrib.auth.models import User

CSV = "text/csv; charset=utf-8"
_AT_ONCE = 1_000
"""Events that the file of them reads at a time."""


def event_data(one: Happening, *, knows_addresses: bool, undo: str | None = None) -> dict[str, Any]:
    """An event as the API shows it."""
    event = one.event
    return {
        "id": event.pk,
        "at": event.created_at,
        "user": event.user_name or None,
        "via": event.via,
        "via_name": event.via_name,
        "address": (event.address or None) if knows_addresses else None,
        "request_id": (event.request_id or None) if knows_addresses else None,
        "action": event.action,
        "table_name": event.table_name or None,
        "record": one.record,
        "import": one.import_id,
        "details": one.told,
        "before": one.before,
        "after": one.after,
        "undo": undo,
    }


def csv_lines(user: User, events: QuerySet[AuditEvent], *, knows_addresses: bool) -> Generator[bytes]:
    """All events as CSV, newest first; spreadsheets must not run any cell. Memory does not grow."""
    columns = [name for name in event_data(Happening(AuditEvent()), knows_addresses=False) if name != "undo"]
    yield _line(columns)
    last: int | None = None
    while some := list((events if last is None else events.filter(pk__lt=last)).order_by("-pk")[:_AT_ONCE]):
        last = some[-1].pk
        rows = [event_data(one, knows_addresses=knows_addresses) for one in told(user, some)]
        yield b"".join(_line([_cell(row[name]) for name in columns]) for row in rows)


def _cell(value: Any) -> str:
    if value is None or value == {}:
        return ""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, cls=DjangoJSONEncoder)
    return guarded(value.isoformat() if hasattr(value, "isoformat") else str(value))


def _line(cells: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode(errors="replace")
