"""Changes of all records that a filter matches, and undoing: at once if they are few, else by a worker.

Both do the same; a worker's change is a row (``ChangeJob``) that users can watch and cancel.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from dataengine.exceptions import Conflict, InvalidInput, Unavailable
from dataengine.jobs import attempts
from dataengine.jobs.doorbell import RUN_CHANGE, ring
from dataengine.models import AuditEvent, ChangeJob, Table
from dataengine.models.shapes import RecordParameters
from dataengine.postgres.time_limits import time_limit
from dataengine.queries.counts import Count, count_records
from dataengine.records.model import record_model
from dataengine.services import copied_records, matching_records, undo

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

LARGE = 50_000
"""More records are left to a worker. So many take about a second, three with a search index (measured)."""
PATIENCE_SECONDS = 4.0
"""A change that takes longer, however few its records, is stopped and left to a worker."""
_TELL_FOR = timedelta(days=1)
_TELL = 3

type Outcome = AuditEvent | ChangeJob
"""The event of what was done, or the job of what a worker is to do."""


def update_matching(
    *, user: User, table: Table, conditions: object, data: object, whole_table: str | None = None
) -> Outcome:
    """Set the columns named in ``data`` in every record that the filter matches.

    An empty filter is refused unless ``whole_table`` is the table's name: changing every record has to be confirmed.
    """
    wanted = _plain(conditions)
    model = record_model(table)
    image = matching_records.values_to_set(model, data)
    count = _count(table, wanted, whole_table)
    return _do(user, table, ChangeJob.Action.UPDATE, {"filter": wanted, "image": image}, count)


def delete_matching(*, user: User, table: Table, conditions: object, whole_table: str | None = None) -> Outcome:
    """Delete every record that the filter matches (for an empty one see ``update_matching``)."""
    wanted = _plain(conditions)
    count = _count(table, wanted, whole_table)
    return _do(user, table, ChangeJob.Action.DELETE, {"filter": wanted}, count)


def undo_event(*, user: User, table: Table, event_id: int) -> Outcome:
    """Undo an event of this table. Raises what ``undo.undo`` raises; for a worker, as far as that is known now."""
    event = undo.undoable(AuditEvent.objects.all(), table, event_id)
    if ChangeJob.objects.filter(
        action=ChangeJob.Action.UNDO, state__in=ChangeJob.ACTIVE, parameters__event=event.pk
    ).exists():
        raise Conflict("This is already being undone.", code="already_undone")
    verb = undo.OPPOSITE[event.action.rpartition(".")[2]]
    count = Count(event.details["count"], is_exact=True)
    return _do(user, table, ChangeJob.Action.UNDO, {"event": event.pk, "verb": verb}, count)


def perform(*, user: User, table: Table, parameters: RecordParameters) -> AuditEvent:
    """Make the change, in its own transaction or as part of another, and return its event."""
    if "image" in parameters:
        return matching_records.update(
            user=user, table=table, conditions=parameters["filter"], image=parameters["image"]
        )
    if "event" in parameters:
        return undo.undo(user=user, table=table, event_id=parameters["event"])
    if "source" in parameters:
        return copied_records.fill(user=user, table=table, wanted=parameters)
    return matching_records.delete(user=user, table=table, conditions=parameters["filter"])


def copy_records(*, user: User, table: Table, source: Table, columns: Sequence[tuple[int, int]]) -> Outcome:
    """Fill a new table with the records of ``source``; ``columns`` are pairs of column keys (source, copy)."""
    count = count_records(record_model(source).objects.order_by())
    return _do(user, table, ChangeJob.Action.COPY, {"source": source.pk, "columns": list(columns)}, count)


def cancel(job: ChangeJob) -> ChangeJob:
    """Cancel a change: at once if it waits, otherwise as soon as it notices. Nothing is changed then."""
    if not attempts.cancel(job):
        raise Conflict("This change has already ended.", code="change_over")
    job.refresh_from_db()
    return job


def of_interest(user: User, table: Table) -> tuple[list[ChangeJob], list[ChangeJob]]:
    """The table's unfinished changes, whoever made them, and the user's finished ones that they were not told of."""
    if table.known is not None and table.known.user_id == user.pk and not table.known.has_changes:
        return [], []
    wanted = Q(state__in=ChangeJob.ACTIVE) | Q(user=user, told=False)
    jobs = list(ChangeJob.objects.filter(wanted, table=table).select_related("user"))
    return [job for job in jobs if not job.is_over], [job for job in jobs if job.is_over]


def endings(over: Sequence[ChangeJob]) -> list[ChangeJob]:
    """The latest of ``over`` (see ``of_interest``) that the user is to be told of, in order; each is returned once.

    After a long absence, or after changes by a program, the user is not told of every one.
    """
    # If two pages ask at once, only one is told.
    found = [job for job in over if ChangeJob.objects.filter(pk=job.pk, told=False).update(told=True)]
    since = timezone.now() - _TELL_FOR
    return [job for job in found if job.finished_at is not None and job.finished_at > since][-_TELL:]


def _do(user: User, table: Table, action: ChangeJob.Action, parameters: RecordParameters, count: Count) -> Outcome:
    if count.is_exact and count.value <= LARGE:
        try:
            with time_limit(PATIENCE_SECONDS):
                return perform(user=user, table=table, parameters=parameters)
        except Unavailable as error:
            if error.error_code != "query_timeout":
                raise
            logger.info("A change of %s records takes too long to wait for", count.value)
    table.known = None
    with transaction.atomic():
        job = ChangeJob.objects.create(
            table=table, user=user, action=action, parameters=dict(parameters),
            count=count.value, count_exact=count.is_exact,
        )  # fmt: skip
        transaction.on_commit(lambda: ring(RUN_CHANGE, job.pk))
    return job


def _count(table: Table, conditions: object, whole_table: str | None) -> Count:
    """How many records a filter matches, maybe estimated. Raises InvalidInput for a filter that makes no sense."""
    if conditions == {} and whole_table is not None and whole_table != table.name:
        reason = f"To change every record, confirm with the table’s name: {table.name}"
        raise InvalidInput(reason, code="not_confirmed", fields={"whole_table": reason})
    records = matching_records.matching(record_model(table), conditions, everything=whole_table is not None)
    return count_records(records)


def _plain(value: object) -> Any:
    """A filter as exact JSON: numbers with a fraction as the texts that were sent, which is how filters read them."""
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return str(value) if isinstance(value, float) else value
