"""What happens to a change job between the doorbell and its end: claim, run, finish, and what the sweeper mends.

One attempt is one transaction: the records, their images, the audit event and the job's end commit together, so a
change that was rung twice or whose worker died has happened once or not at all.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import psycopg
from django.db import Error, connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from dataengine import access
from dataengine.exceptions import DataEngineError, Unavailable
from dataengine.jobs.attempts import write_down
from dataengine.models import ChangeJob
from dataengine.postgres import ddl, locks
from dataengine.queries.table_sizes import size_of
from dataengine.services import indexes
from dataengine.services.changes import perform

logger = logging.getLogger(__name__)

FROZEN_AFTER = timedelta(seconds=120)
"""A worker that holds its job but has not written its row for so long is frozen, or cut off from the database."""
RING_AGAIN_AFTER = timedelta(seconds=10)
_POLL_SECONDS = 0.5
_PAUSES_SECONDS = (0.5, 1.0, 2.0)  # until an index build that is stopped has cleared up
_HEARTBEAT_SECONDS = 5.0
_CANCEL_TIMEOUT_SECONDS = 5.0
_SETTINGS = (
    ("statement_timeout", "0"), ("idle_in_transaction_session_timeout", "0"),
    # Somebody who holds a record for so long is no reason to keep imports away from the table.
    ("lock_timeout", "60s"),
    # A worker that was killed cannot commit; its statement need not go on.
    ("client_connection_check_interval", "2s"),
    ("work_mem", "64MB"),
)  # fmt: skip


class _Cancelled(Exception):
    """Somebody does not want the change any more, or it is another attempt's now."""


def run(job_id: int) -> ChangeJob | None:
    """Make the change if it is queued and nothing stands against it. Harmless to call twice, late or at once.

    Returns the job as it stands afterwards: over, or queued again (an import or another change has the table, or
    something failed that may pass).
    """
    job = ChangeJob.objects.filter(pk=job_id, state=ChangeJob.State.QUEUED).first()
    if job is not None:
        for pause in (*_PAUSES_SECONDS, None):
            # Nobody waits for an index; people wait for this.
            is_held_up_by_build = _run_once(job) == "table_taken" and locks.cancel_build(job.table_id)
            if not is_held_up_by_build or pause is None:
                break
            time.sleep(pause)
    return ChangeJob.objects.filter(pk=job_id).first()


def _run_once(job: ChangeJob) -> locks.Outcome:
    """Make the change if nothing stands against it. Returns what came of its locks."""
    with locks.held_by_job(job.pk, job.table_id, locks.CHANGE_NAMESPACE) as outcome:
        if outcome == "held" and _claim(job):
            _attempt(job)
    return outcome


def waiting_for(job: ChangeJob) -> list[int]:
    """The queued change that may have waited for this one's table."""
    queued = ChangeJob.objects.filter(state=ChangeJob.State.QUEUED, table_id=job.table_id)
    return list(queued.order_by("pk").values_list("pk", flat=True)[:1])


def sweep() -> list[int]:
    """Mend what crashes left, and return the jobs whose doorbell is to be rung. Safe to call at any time, and often."""
    now = timezone.now()
    for job in ChangeJob.objects.filter(state=ChangeJob.State.RUNNING):
        if not locks.job_is_held(job.pk, locks.CHANGE_NAMESPACE):
            # Ask again: it may have ended between the two questions.
            job.refresh_from_db()
            if job.state == ChangeJob.State.RUNNING:
                _retry(job, "The process that ran it ended unexpectedly.")
        elif job.heartbeat_at is not None and job.heartbeat_at < now - FROZEN_AFTER:
            logger.warning("Change %s: its worker is frozen; its database session is ended", job.pk)
            locks.end_holder(job.pk, locks.CHANGE_NAMESPACE)
    queued = ChangeJob.objects.filter(state=ChangeJob.State.QUEUED, created_at__lte=now - RING_AGAIN_AFTER)
    return list(queued.order_by("pk").values_list("pk", flat=True)[:100])


def _claim(job: ChangeJob) -> bool:
    now = timezone.now()
    claimed = ChangeJob.objects.filter(pk=job.pk, state=ChangeJob.State.QUEUED).update(
        state=ChangeJob.State.RUNNING, attempt=F("attempt") + 1, started_at=now, heartbeat_at=now, error=""
    )
    if claimed:
        job.refresh_from_db()
    return bool(claimed)


def _attempt(job: ChangeJob) -> None:
    """One attempt. This is the task's boundary: whatever goes wrong ends in the job's row."""
    watch = _Watch(job)
    try:
        if _writes_most_of_the_table(job):
            indexes.set_search_aside(job.table)
        with transaction.atomic():
            _change(job)
    except _Cancelled:
        watch.close()
        write_down(partial(_end, job, ChangeJob.State.CANCELLED))
    except Exception as error:
        watch.close()
        if not (watch.cancelled.is_set() or isinstance(error, DataEngineError)):
            logger.exception("Change %s, attempt %s", job.pk, job.attempt)
        write_down(_ending(job, error, is_cancelled=watch.cancelled.is_set()))
    finally:
        watch.close()


def _change(job: ChangeJob) -> None:
    with connection.cursor() as cursor:
        for name, value in _SETTINGS:
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
    # What was allowed when it was asked for may not be any more.
    table = access.get_table(job.user, job.table.name, "edit")
    event = perform(user=job.user, table=table, action=job.action, parameters=job.parameters)
    # What lists say of their length is estimated from this; autovacuum would come to it a minute later.
    ddl.execute(ddl.analyze(table, patient=False))
    ended = _mine(job).filter(cancel_requested=False)
    if not ended.update(
        state=ChangeJob.State.COMPLETED, event=event, count=event.details["count"], count_exact=True,
        finished_at=timezone.now(),
    ):  # fmt: skip
        raise _Cancelled


def _writes_most_of_the_table(job: ChangeJob) -> bool:
    """Whether as many records are written (not deleted) as half of the table has."""
    if job.action == ChangeJob.Action.DELETE or job.parameters.get("verb") == "deleted":
        return False
    return job.count >= size_of(job.table).records / 2


class _Watch:
    """A thread that shows that the job's worker is alive, and interrupts it when somebody cancels the job."""

    def __init__(self, job: ChangeJob) -> None:
        self.cancelled = threading.Event()
        self._job = job
        self._stop = threading.Event()
        connection.ensure_connection()
        self._session: psycopg.Connection[object] = connection.connection
        self._thread = threading.Thread(target=self._run, name=f"change-{job.pk}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; afterwards nothing is interrupted any more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        silent = 0.0
        try:
            while not self._stop.wait(_POLL_SECONDS):
                silent += _POLL_SECONDS
                try:
                    wanted = _mine(self._job).filter(cancel_requested=False)
                    beats = silent >= _HEARTBEAT_SECONDS
                    if not (wanted.update(heartbeat_at=timezone.now()) if beats else wanted.exists()):
                        self._interrupt()
                    silent = 0.0 if beats else silent
                except Error as error:
                    logger.warning("Change %s cannot be watched: %s", self._job.pk, error)
                    connection.close()
        finally:
            connection.close()

    def _interrupt(self) -> None:
        # A job that has just ended is not wanted either, and has nothing left to interrupt.
        self.cancelled.set()
        try:
            self._session.cancel_safe(timeout=_CANCEL_TIMEOUT_SECONDS)
        except psycopg.Error as error:
            logger.info("Change %s could not be interrupted: %s", self._job.pk, error)


def _mine(job: ChangeJob) -> QuerySet[ChangeJob]:
    return ChangeJob.objects.filter(pk=job.pk, state=ChangeJob.State.RUNNING, attempt=job.attempt)


def _end(job: ChangeJob, state: ChangeJob.State, *, code: str = "", reason: str = "") -> None:
    """Write the end of an attempt that changed nothing else."""
    _mine(job).update(state=state, finished_at=timezone.now(), error_code=code, error=reason)


def _retry(job: ChangeJob, reason: str) -> None:
    """Queue the job again, or let it fail where it has had its attempts."""
    if job.attempt >= ChangeJob.MAX_ATTEMPTS:
        tried = f"{reason} It was tried {job.attempt} times."
        _end(job, ChangeJob.State.FAILED, code="attempts_exhausted", reason=tried)
        return
    # One that somebody has cancelled meanwhile is not tried again.
    if not _mine(job).filter(cancel_requested=False).update(state=ChangeJob.State.QUEUED, error=reason):
        _end(job, ChangeJob.State.CANCELLED)


def _ending(job: ChangeJob, error: Exception, *, is_cancelled: bool) -> Callable[[], None]:
    """What an error makes of the job."""
    if is_cancelled:
        return partial(_end, job, ChangeJob.State.CANCELLED)
    if isinstance(error, DataEngineError) and not isinstance(error, Unavailable):
        return partial(_end, job, ChangeJob.State.FAILED, code=error.error_code, reason=error.message)
    return partial(_retry, job, _reason(error))


def _reason(error: BaseException) -> str:
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    match cause:
        case psycopg.errors.DiskFull():
            return "The database has no room left."
        case psycopg.errors.LockNotAvailable() | psycopg.errors.DeadlockDetected():
            return "Somebody else holds some of the records."
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return "The connection to the database was lost."
        case _:
            return f"An unexpected error stopped it ({type(cause).__name__})."
