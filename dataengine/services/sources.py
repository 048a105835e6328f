"""Sources of a table: adding, changing and deleting them, pausing and resuming, running one now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from dataengine import outgoing
from dataengine.exceptions import Conflict, InvalidInput, NotFound
from dataengine.models import Download, Source, Table
from dataengine.models.shapes import SourceDetails
from dataengine.services import fetching, schedules
from dataengine.services.audit import record_event
from dataengine.services.imports import wish

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_SOURCES = 20
_OF_ONE_IMPORT = ("create_table", "dry_run", "types", "tolerance")


def get_source(table: Table, pk: int) -> Source:
    """The table's source with that id. Raises NotFound."""
    source = table.sources.filter(pk=pk).select_related("user", "table", "download", "importing", "last_import").first()
    if source is None:
        raise NotFound(f"There is no source {pk}.", code="source_not_found")
    return source


def create_source(
    *,
    user: User,
    table: Table,
    url: str,
    cron: str,
    time_zone: str = "UTC",
    options: Mapping[str, Any] | None = None,
) -> Source:
    """A new source, run with the rights of ``user`` from the next time on that ``cron`` names.

    Raises AccessDenied ``remote_sources_off``, InvalidInput for URL, schedule or options, Conflict beyond the limit.
    """
    url, cron = url.strip(), cron.strip()
    fetching.check(url)
    now = timezone.now()
    schedules.check(cron, time_zone, now)
    given = _checked_options(user, table, options)
    with transaction.atomic():
        # Of two requests at once, the second counts the first one's.
        Table.objects.select_for_update(no_key=True).get(pk=table.pk)
        if table.sources.count() >= MAX_SOURCES:
            raise Conflict(f"The table has {MAX_SOURCES} sources; delete one first.", code="too_many_sources")
        source = Source.objects.create(
            table=table,
            user=user,
            url=url,
            options=given,
            cron=cron,
            time_zone=time_zone,
            next_run_at=schedules.next_time(cron, time_zone, now),
        )
        record(user, source, "source.added")
    return source


def update_source(*, user: User, source: Source, **changes: Any) -> Source:
    """Change ``url``, ``cron``, ``time_zone``, ``options`` or ``is_paused``. Raises as ``create_source`` does.

    Who changes what is fetched or how, or resumes it, answers for it from then on. Another file begins anew: whatever
    header it has is taken. To resume a source that was paused for another header is to accept that one.
    """
    now = timezone.now()
    if "url" in changes:
        changes["url"] = changes["url"].strip()
        fetching.check(changes["url"])
    cron = changes.get("cron", source.cron).strip()
    time_zone = changes.get("time_zone", source.time_zone)
    schedules.check(cron, time_zone, now)
    if "options" in changes:
        changes["options"] = _checked_options(user, source.table, changes["options"])
    with transaction.atomic():
        locked = Source.objects.select_for_update(of=("self",)).select_related("table", "user").get(pk=source.pk)
        resumes = changes.get("is_paused") is False and bool(locked.paused)
        pauses = changes.get("is_paused") is True and not locked.paused
        fresh = {
            name: changes[name]
            for name in ("url", "options")
            if changes.get(name, locked.__dict__[name]) != locked.__dict__[name]
        }
        timed = (cron, time_zone) != (locked.cron, locked.time_zone)
        if not (resumes or pauses or fresh or timed):
            return locked
        for name, value in fresh.items():
            setattr(locked, name, value)
        locked.cron, locked.time_zone = cron, time_zone
        if fresh:
            locked.etag = locked.last_modified = locked.sha256 = ""
        if "url" in fresh:
            locked.headers = []
        if fresh or resumes:
            locked.user = user
        if resumes:
            fetching.check(locked.url)
            if locked.paused == Source.Paused.DRIFT:
                locked.headers, locked.other_headers = locked.other_headers, []
            locked.paused, locked.paused_reason, locked.failures, locked.is_told = Source.Paused.NOT, "", 0, True
        if pauses:
            locked.paused, locked.paused_reason = Source.Paused.BY_USER, ""
        locked.next_run_at = None if locked.paused else schedules.next_time(cron, time_zone, now)
        locked.save()
        action = "source.resumed" if resumes else "source.paused" if pauses else "source.changed"
        record(user, locked, action)
    return locked


def delete_source(*, user: User, source: Source) -> None:
    """Delete a source. What it is fetching is not imported; an import that has begun goes on."""
    with transaction.atomic():
        record(user, source, "source.deleted")
        Download.objects.filter(source=source, state__in=Download.ACTIVE).update(cancel_requested=True)
        source.delete()


def run_now(*, user: User, source: Source) -> None:
    """Have a source run at the next sweep, also one whose time has not come. Raises Conflict if it runs, or is paused.

    It runs with the rights of who added it.
    """
    fetching.check(source.url)
    with transaction.atomic():
        due = Source.objects.filter(pk=source.pk, paused=Source.Paused.NOT, download=None, importing=None)
        if not due.update(next_run_at=timezone.now()):
            reason = "This source is paused; resume it first." if source.paused else "This source is running already."
            raise Conflict(reason, code="source_paused" if source.paused else "source_running")
        record(user, source, "source.run")


def record(user: User | None, source: Source, action: str, reason: str = "") -> None:
    """Write an event about a source."""
    details: SourceDetails = {"source": source.pk, "url": outgoing.masked(source.url)}
    if reason:
        details["reason"] = reason
    record_event(user=user, table=source.table, action=action, details=details)


def _checked_options(user: User, table: Table, options: Mapping[str, Any] | None) -> dict[str, Any]:
    given = dict(options or {})
    for name in _OF_ONE_IMPORT:
        if given.get(name) is not None:
            reason = f"“{name}” is said of a single import, not of a source."
            raise InvalidInput(reason, code="invalid_option", fields={"options": reason})
    try:
        wish(user, table, table.name, given)
    except InvalidInput as error:
        raise InvalidInput(error.message, code=error.error_code, fields={"options": error.message}) from error
    return given
