"""The audit trail as it is read: events about a table or of the whole installation, with what was before and after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet

from dataengine import access
from dataengine.models import AuditEvent, RecordChange, Table
from dataengine.records import before_after
from dataengine.records.model import record_model

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Of the details what is told besides before and after; the rest is for undoing.
_TOLD = (
    "count", "column", "columns", "index", "because", "filename", "rows_read", "rows_imported", "rows_updated",
    "rows_unchanged", "rows_skipped", "rows_rejected", "rows_removed", "rows_retried", "filter", "undoes", "format",
    "records", "username", "name", "recipe", "right", "tables", "expires_at", "reason", "code", "session",
)  # fmt: skip
_OF_ONE_RECORD = ("record.inserted", "record.updated", "record.deleted")
type Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Happening:
    """An event as it is shown. ``before`` and ``after`` are what it changed, None where nothing was, or is not told."""

    event: AuditEvent
    before: Values | None = None
    after: Values | None = None
    told: Values = field(default_factory=dict)

    @property
    def record(self) -> int | None:
        """The record that it is about, if it is about one."""
        return self.event.details.get("id") if self.event.action in _OF_ONE_RECORD else None

    @property
    def import_id(self) -> int | None:
        """The import that it is about."""
        found: int | None = self.event.details.get("import")
        return found


def of_table(table: Table) -> QuerySet[AuditEvent]:
    """Everything about a table, under whatever name, newest first."""
    return AuditEvent.objects.filter(table=table)


def filtered(
    events: QuerySet[AuditEvent],
    *,
    user: str = "",
    action: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AuditEvent]:
    """``user`` is a name; ``action`` one or the beginning of some (``record`` is ``record.…``), several by commas."""
    if user:
        events = events.filter(user_name=user)
    if action:
        wanted = Q(pk__in=[])
        for name in action.split(","):
            wanted |= Q(action=name.strip()) | Q(action__startswith=f"{name.strip().rstrip('.')}.")
        events = events.filter(wanted)
    if since is not None:
        events = events.filter(created_at__gte=since)
    if until is not None:
        events = events.filter(created_at__lte=until)
    return events


def begin_of(day: date | None) -> datetime | None:
    """The first moment of a day."""
    return None if day is None else datetime.combine(day, time.min, UTC)


def end_of(day: date | None) -> datetime | None:
    """The last moment of a day."""
    return None if day is None else datetime.combine(day, time.max, UTC)


def told(user: User, events: Sequence[AuditEvent]) -> list[Happening]:
    """Events with what was before and after. Values of records are only told of tables that ``user`` may view."""
    images = _values_of_records(user, events)
    return [_happening(event, images.get(event.pk)) for event in events]


def _happening(event: AuditEvent, values: tuple[Values | None, Values | None] | None) -> Happening:
    details: Mapping[str, Any] = event.details
    shown = {name: details[name] for name in _TOLD if name in details and name != "columns"}
    if event.action.startswith("table."):
        shown |= {"columns": details["columns"]} if "columns" in details else {}
    before, after = values or _other_values(event)
    return Happening(event, before, after, shown)


def _other_values(event: AuditEvent) -> tuple[Values | None, Values | None]:
    """What an event about something else than values of records had before and after."""
    details: Mapping[str, Any] = event.details
    match event.action:
        case "table.renamed":
            return {"table_name": details["from"]}, {"table_name": details["to"]}
        case "sharing.changed":
            return _sides(details, "before"), _sides(details, "after")
        case "column.changed" if "change" in details:
            was, now = details["change"].get("was") or {}, details["change"].get("now") or {}
            differing = [name for name in [*was, *(set(now) - set(was))] if was.get(name) != now.get(name)]
            return {name: was.get(name) for name in differing}, {name: now.get(name) for name in differing}
        case "table.relabelled" | "column.changed":
            return None, {name: value for name, value in details.items() if name not in ("column", "change")}
        case _:
            return details.get("before"), details.get("after") if event.action.count("record") == 0 else None


def _sides(details: Mapping[str, Any], side: str) -> Values:
    grants = [
        {**{kind: grant[kind] for kind in ("user", "group") if kind in grant}, "right": grant[side]}
        for grant in details.get("grants", ())
        if grant[side] is not None
    ]
    owner = {"owner": details["owner"][side]} if "owner" in details else {}
    return {**owner, "grants": grants}


def _values_of_records(user: User, events: Iterable[AuditEvent]) -> dict[int, tuple[Values | None, Values | None]]:
    """By event: the values of its one record before and after, as the API shows them."""
    about: dict[int, list[AuditEvent]] = defaultdict(list)
    for event in events:
        if event.action in _OF_ONE_RECORD and event.table_id is not None:
            about[event.table_id].append(event)
    found: dict[int, tuple[Values | None, Values | None]] = {}
    for table in access.tables_for(user).filter(pk__in=about):
        changes = list(
            RecordChange.objects.filter(event__in=about[table.pk]).values_list("event_id", "before", "after")
        )
        model = record_model(table)
        before = before_after.read(model, [was for _, was, _ in changes])
        after = before_after.read(model, [now for _, _, now in changes])
        for (event_id, _, _), was, now in zip(changes, before, after, strict=True):
            found[event_id] = was, now
    return found
