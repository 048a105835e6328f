"""What happens to an import job between the doorbell and its end: claim, run, finish, and what the sweeper mends."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg
from django.core.files.storage import default_storage
from django.db.models import F, Q
from django.utils import timezone

from dataengine.exceptions import DataEngineError
from dataengine.jobs.attempts import write_down
from dataengine.jobs.memory import give_back
from dataengine.jobs.progress import Cancelled, ImportProgress, ProgressReporter, publish
from dataengine.models import SOURCE_FOLDER, ImportJob
from dataengine.postgres import locks
from dataengine.postgres.statements import raw_connection
from dataengine.services import import_mail

logger = logging.getLogger(__name__)

FROZEN_AFTER = timedelta(seconds=120)
"""A worker that holds its job but has not written its row for so long is frozen, or cut off from the database."""
RING_AGAIN_AFTER = timedelta(seconds=10)
MAIL_FOR = timedelta(days=1)
KEEP_FILES_FOR = timedelta(days=7)
"""How long the file of a failed or cancelled import stays, for another try."""
_CANCEL_TIMEOUT_SECONDS = 5.0
_AT_THE_START: dict[str, Any] = {
    "progress": 0.0, "bytes_read": 0, "rows_read": 0, "rows_imported": 0, "rows_updated": 0, "rows_skipped": 0,
    "rows_rejected": 0, "rows_per_second": None, "eta_seconds": None, "errors": [],
}  # fmt: skip
"""The counters of a job that waits for an attempt; each attempt starts over."""


def run(job_id: int, *, watch: Callable[[ImportProgress], None] | None = None) -> ImportJob | None:
    """Run the job if it is queued and nobody else has it. Harmless to call twice, late or at once in two workers.

    Returns the job as it stands afterwards, None where there is none. Ends with the job completed, failed, cancelled,
    or queued again (another import holds its table, or something failed that may pass).
    """
    job = ImportJob.objects.filter(pk=job_id).first()
    if job is None or job.state != ImportJob.State.QUEUED:
        return job
    with locks.held_by_job(job.pk, job.table_id) as outcome:
        if outcome == "held" and _claim(job):
            try:
                _attempt(job, watch)
            except KeyboardInterrupt:  # somebody at a terminal; workers are told by other signals
                _end(job, ImportJob.State.CANCELLED)
                raise
    job.refresh_from_db()
    if job.is_over:
        publish(job.pk)
        import_mail.send_once(job)
        if job.state == ImportJob.State.COMPLETED:
            _forget_file(job)
    give_back()
    return job


def _forget_file(job: ImportJob) -> None:
    """Delete the stored file of an import that nobody will try again."""
    try:
        default_storage.delete(job.source)
    except OSError as error:
        logger.warning("The file of import %s was not deleted: %s", job.pk, error)
        return
    ImportJob.objects.filter(pk=job.pk).update(source="")


def waiting_for(job: ImportJob) -> list[int]:
    """The queued jobs that may have waited for this one's table."""
    if job.table_id is None:
        return []
    queued = ImportJob.objects.filter(state=ImportJob.State.QUEUED, table_id=job.table_id)
    return list(queued.order_by("pk").values_list("pk", flat=True)[:1])


def _claim(job: ImportJob) -> bool:
    now = timezone.now()
    claimed = ImportJob.objects.filter(pk=job.pk, state=ImportJob.State.QUEUED, cancel_requested=False).update(
        state=ImportJob.State.RUNNING,
        attempt=F("attempt") + 1,
        phase=ImportJob.Phase.READING,
        started_at=now,
        heartbeat_at=now,
        **_AT_THE_START,
    )
    if claimed:
        job.refresh_from_db()
    return bool(claimed)


def _attempt(job: ImportJob, watch: Callable[[ImportProgress], None] | None) -> None:
    """One attempt. This is the task's boundary: whatever goes wrong ends in the job's row."""
    # Here and not above: what sweeps and waits should not carry what converts.
    from dataengine.jobs.memory import keep_arrow_flat
    from dataengine.services.import_execution import Execution

    keep_arrow_flat()
    session = raw_connection()
    reporter = ProgressReporter(
        job,
        backend=session.info.backend_pid,
        interrupt=lambda: session.cancel_safe(timeout=_CANCEL_TIMEOUT_SECONDS),
        watch=watch,
    )
    try:
        Execution(job, reporter).run()
    except Cancelled:
        reporter.close()
        write_down(partial(_end, job, ImportJob.State.CANCELLED))
    except DataEngineError as error:
        reporter.close()
        write_down(partial(_end, job, ImportJob.State.FAILED, code=error.error_code, reason=error.message))
    except Exception as error:
        reporter.close()
        if not reporter.cancelled.is_set():
            logger.exception("Import %s, attempt %s", job.pk, job.attempt)
        write_down(_ending(job, error, is_cancelled=reporter.cancelled.is_set()))
    finally:
        reporter.close()


def _ending(job: ImportJob, error: Exception, *, is_cancelled: bool) -> Callable[[], None]:
    """What an error that nobody foresaw makes of the job."""
    if is_cancelled:
        return partial(_end, job, ImportJob.State.CANCELLED)
    if isinstance(error.__cause__ or error, psycopg.errors.ProgramLimitExceeded):  # it would be so again
        return partial(_end, job, ImportJob.State.FAILED, code="too_large", reason=_reason(error))
    return partial(_retry, job, _reason(error))


def _reason(error: BaseException) -> str:
    cause = error.__cause__ or error
    if isinstance(cause, psycopg.errors.DiskFull):
        return "The database has no room left."
    if isinstance(cause, psycopg.errors.ProgramLimitExceeded):
        return f"PostgreSQL cannot hold what the file says: {cause.diag.message_primary}."
    if isinstance(cause, OSError):
        return f"A file could not be read or written: {cause.strerror or cause}."
    if isinstance(cause, psycopg.OperationalError):
        return "The connection to the database was lost."
    return f"An unexpected error stopped it ({type(cause).__name__})."


def _end(job: ImportJob, state: ImportJob.State, *, code: str = "", reason: str = "") -> None:
    """Write the end of an attempt that changed nothing else."""
    # What was found so far went with the transaction: no row of it can be had.
    changes: dict[str, Any] = {"rows_imported": 0, "rows_updated": 0, "rows_skipped": 0, "errors": []}
    ImportJob.objects.filter(pk=job.pk, state=ImportJob.State.RUNNING, attempt=job.attempt).update(
        state=state,
        phase=ImportJob.Phase.NONE,
        finished_at=timezone.now(),
        eta_seconds=None,
        error_code=code,
        error=reason,
        rows_rejected=0,
        **changes,
    )


def _retry(job: ImportJob, reason: str) -> None:
    """Queue the job again, or let it fail where it has had its attempts."""
    if job.attempt >= ImportJob.MAX_ATTEMPTS:
        tried = f"{reason} It was tried {job.attempt} times."
        _end(job, ImportJob.State.FAILED, code="attempts_exhausted", reason=tried)
        return
    ImportJob.objects.filter(pk=job.pk, state=ImportJob.State.RUNNING, attempt=job.attempt).update(
        state=ImportJob.State.QUEUED,
        phase=ImportJob.Phase.NONE,
        heartbeat_at=timezone.now(),
        error=reason,
        **_AT_THE_START,
    )


def sweep() -> list[int]:
    """Mend what crashes left, and return the jobs whose doorbell is to be rung. Safe to call at any time, and often."""
    now = timezone.now()
    for job in ImportJob.objects.filter(state=ImportJob.State.RUNNING):
        if not locks.job_is_held(job.pk):
            # Ask again: it may have ended between the two questions.
            job.refresh_from_db()
            if job.state == ImportJob.State.RUNNING:
                _retry(job, "The process that ran it ended unexpectedly.")
                publish(job.pk)
        elif job.heartbeat_at is not None and job.heartbeat_at < now - FROZEN_AFTER:
            logger.warning("Import %s: its worker is frozen; its database session is ended", job.pk)
            locks.end_holder(job.pk)
    ImportJob.objects.filter(state=ImportJob.State.QUEUED, cancel_requested=True).update(
        state=ImportJob.State.CANCELLED, finished_at=now
    )
    unsent = ImportJob.objects.filter(
        state__in=[ImportJob.State.COMPLETED, ImportJob.State.FAILED],
        mailed_at__isnull=True,
        finished_at__gt=now - MAIL_FOR,
    ).exclude(email="")
    for job in unsent[:20]:
        import_mail.send_once(job)
    _forget_files(now)
    queued = ImportJob.objects.filter(state=ImportJob.State.QUEUED, created_at__lte=now - RING_AGAIN_AFTER)
    return list(queued.order_by("pk").values_list("pk", flat=True)[:100])


def _forget_files(now: datetime) -> None:
    """Delete files of imports that are done, whose table was deleted, or that failed long ago."""
    over = ImportJob.objects.exclude(state__in=[ImportJob.State.QUEUED, ImportJob.State.RUNNING]).exclude(source="")
    orphaned = Q(table__isnull=True) & ~Q(options__has_key="create_table")
    done = Q(state=ImportJob.State.COMPLETED)
    for job in over.filter(done | orphaned | Q(finished_at__lt=now - KEEP_FILES_FOR))[:100]:
        _forget_file(job)


def sweep_storage() -> int:
    """Delete stored files that no job knows: their upload was broken off, or their user was deleted. Returns how many.

    Only files that are a day old: an upload is stored before its job is written.
    """
    try:
        names = default_storage.listdir(SOURCE_FOLDER)[1]
    except FileNotFoundError:
        return 0
    known = set(ImportJob.objects.exclude(source="").values_list("source", flat=True))
    count = 0
    for key in (f"{SOURCE_FOLDER}/{name}" for name in names):
        if key not in known and default_storage.get_modified_time(key) < timezone.now() - timedelta(days=1):
            default_storage.delete(key)
            count += 1
    return count
