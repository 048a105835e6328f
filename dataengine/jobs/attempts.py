"""The life of a job's row: claimed, ended, queued again, cancelled. Each step is a conditional UPDATE.

Late, repeated and superseded calls change nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connection
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from dataengine.models import Job

logger = logging.getLogger(__name__)

_PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.5


def claimable[J: Job](model: type[J]) -> QuerySet[J]:
    """The jobs that a worker may begin now."""
    due = Q(try_again_at=None) | Q(try_again_at__lte=timezone.now())
    return model._default_manager.filter(due, state=Job.State.QUEUED, cancel_requested=False)


def mine[J: Job](job: J) -> QuerySet[J]:
    """The job's row, as long as this attempt is the current one."""
    return type(job)._default_manager.filter(pk=job.pk, state=Job.State.RUNNING, attempt=job.attempt)


def claim(job: Job) -> bool:
    """Begin an attempt, unless somebody else has begun or the job was cancelled. The caller holds the job's lock."""
    now = timezone.now()
    claimed = (
        claimable(type(job))
        .filter(pk=job.pk)
        .update(state=Job.State.RUNNING, attempt=F("attempt") + 1, started_at=now, heartbeat_at=now, **job.AT_THE_START)
    )
    if claimed:
        job.refresh_from_db()
    return bool(claimed)


def end(job: Job, state: Job.State, *, code: str = "", reason: str = "") -> bool:
    """Write the end of an attempt that changed nothing else. False if another attempt has taken over.

    If cancelling the job was accepted, it is cancelled, however the attempt ended.
    """
    changes = {**job.WITHOUT_RESULT, "finished_at": timezone.now()}
    if state != Job.State.CANCELLED:
        wanted = mine(job).filter(cancel_requested=False)
        if wanted.update(state=state, error_code=code, error=reason, **changes):
            return True
    return bool(mine(job).update(state=Job.State.CANCELLED, error_code="", error="", **changes))


def try_again(job: Job, reason: str, *, counts: bool = True) -> bool:
    """Queue the job again, or fail it after its last attempt. False if another attempt has taken over.

    ``counts`` is false for an attempt that had to make way.
    """
    if counts and job.attempt >= job.MAX_ATTEMPTS:
        tried = f"{reason} It was tried {job.attempt} times."
        return end(job, Job.State.FAILED, code="attempts_exhausted", reason=tried)
    pause = job.PAUSES[min(job.attempt, len(job.PAUSES)) - 1]
    queued = (
        mine(job)
        .filter(cancel_requested=False)
        .update(
            state=Job.State.QUEUED,
            attempt=job.attempt - (0 if counts else 1),
            try_again_at=timezone.now() + pause,
            error=reason,
            **{**job.AT_THE_START, **job.WITHOUT_RESULT},
        )
    )
    return bool(queued) or end(job, Job.State.CANCELLED)


def cancel(job: Job) -> bool:
    """Cancel a job: at once if it waits, otherwise when its worker notices.

    False if it has already ended.
    """
    everyone = type(job)._default_manager
    asked = everyone.filter(pk=job.pk, state__in=Job.ACTIVE).update(cancel_requested=True)
    cancel_waiting(everyone.filter(pk=job.pk))
    return bool(asked)


def cancel_waiting[J: Job](jobs: QuerySet[J]) -> None:
    """Cancel the waiting jobs among them for which that was requested."""
    unwanted = jobs.filter(state=Job.State.QUEUED, cancel_requested=True)
    unwanted.update(state=Job.State.CANCELLED, finished_at=timezone.now())


def until_stored(ending: Callable[[], object]) -> None:
    """Call ``ending``, which writes to the job's row, until the database accepts it.

    A full or restarting database does not at once, and nobody else knows why the attempt ended. A session that still
    works is kept: its locks tell the sweeper that the job has a worker. After half a minute raises the database's last
    error.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        if not connection.is_usable():
            connection.close()
        try:
            ending()
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() > deadline:
                raise
            logger.warning("The end of an attempt could not be written yet: %s", error)
        else:
            return
        time.sleep(_PAUSE_SECONDS)
