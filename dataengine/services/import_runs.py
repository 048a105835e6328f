"""Runs imports, mails how they ended, and deletes the files that nobody needs any more."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import Q
from django.utils import timezone

from dataengine.jobs import attempts
from dataengine.jobs.doorbell import RUN_IMPORT, ring
from dataengine.jobs.failures import PutOff
from dataengine.jobs.memory import give_back
from dataengine.jobs.progress import ImportProgress, ProgressReporter, publish
from dataengine.jobs.runner import Runner, Session
from dataengine.models import SOURCE_FOLDER, AuditEvent, ImportJob
from dataengine.models.shapes import EndedImportDetails
from dataengine.origin import Origin, acting
from dataengine.postgres import locks
from dataengine.postgres.statements import raw_connection
from dataengine.services import import_mail, import_turns, stored_files, webhook_runs
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from dataengine.services.import_execution import Execution

logger = logging.getLogger(__name__)

MAIL_FOR = timedelta(days=1)
_MOST_TRIES = 5
KEEP_FILES_FOR = timedelta(days=7)
"""How long the file of a failed or cancelled import is kept for another try."""


class ImportRunner(Runner[ImportJob, ProgressReporter]):
    """``progress`` is called at every report, for the terminal. ``in_turn``: no more than a user may run at a time."""

    model = ImportJob
    namespace = locks.JOB_NAMESPACE

    def __init__(self, progress: Callable[[ImportProgress], None] | None = None, *, in_turn: bool = False) -> None:
        self._progress = progress
        self._in_turn = in_turn
        self.has_begun = False

    def claim(self, job: ImportJob) -> bool:
        self.has_begun = import_turns.claim(job) if self._in_turn else super().claim(job)
        return self.has_begun

    def watch(self, job: ImportJob, session: Session) -> ProgressReporter:
        _execution()  # loading it takes half a second, which should not count as the import's time
        return ProgressReporter(job, session, watch=self._progress)

    @contextmanager
    def hold(self, job: ImportJob) -> Iterator[tuple[locks.LockOutcome, Session]]:
        """Without the table's lock as long as the file is still to come, so that nobody waits for a slow address."""
        with locks.held_by_job(job.pk, None if job.url else job.table_id, self.namespace) as outcome:
            yield outcome, raw_connection()

    def work(self, job: ImportJob, watch: ProgressReporter) -> None:
        if not job.url:
            _execution()(job, watch).run()
            return
        from dataengine.services.remote_imports import fetch

        fetch(job, watch)
        with locks.table_held(job.table_id) as is_held:
            if not is_held:
                raise PutOff("The file is here and waits for the table.")
            _execution()(job, watch).run()

    def after(self, job: ImportJob) -> None:
        publish(job.pk)
        if job.state == ImportJob.State.FAILED:
            _note_failure(job)
        if job.is_over:
            import_mail.send_once(job)
            webhook_runs.announce(job)
        if job.state == ImportJob.State.COMPLETED and not _is_kept(job):
            _forget_file(job)
        # One bell is enough: where another import waits for the table, it was rung for when that was free.
        if job.table_id is None or not attempts.claimable(ImportJob).filter(table=job.table_id).exists():
            for pk in import_turns.turns()[:1]:
                ring(RUN_IMPORT, pk)
        give_back()


def _note_failure(job: ImportJob) -> None:
    """Write down once that an import came to nothing."""
    events = AuditEvent.objects.filter(table=job.table, action="import.failed", details__import=job.pk)
    if job.options.get("dry_run") or events.exists():
        return
    details: EndedImportDetails = {
        "import": job.pk,
        "filename": job.filename,
        "code": job.error_code,
        "reason": job.error,
    }
    with acting(Origin.read(job.origin)):
        record_event(user=job.user, table=job.table, table_name=job.table_name, action="import.failed", details=details)


def _execution() -> type[Execution]:
    """The code that converts, imported only when needed: processes that sweep or wait do without it."""
    from dataengine.jobs.memory import keep_arrow_flat
    from dataengine.services.import_execution import Execution

    keep_arrow_flat()
    return Execution


def run(job_id: int, *, watch: Callable[[ImportProgress], None] | None = None) -> ImportJob | None:
    """Run the import (see ``Runner.run``). ``watch`` is called at every report, in another thread."""
    return ImportRunner(watch).run(job_id)


def run_in_turn() -> ImportJob | None:
    """Run the import whose turn it is (see ``import_turns``), if there is one; the next one if it cannot begin."""
    for pk in import_turns.turns()[:_MOST_TRIES]:
        runner = ImportRunner(in_turn=True)
        job = runner.run(pk)
        if runner.has_begun:
            return job
    return None


def sweep() -> list[int]:
    """Clean up after crashes. Returns the imports to ring for. Safe to call at any time, and often."""
    waiting = ImportRunner().sweep()
    now = timezone.now()
    unsent = ImportJob.objects.filter(
        state__in=[ImportJob.State.COMPLETED, ImportJob.State.FAILED],
        mailed_at__isnull=True,
        finished_at__gt=now - MAIL_FOR,
    ).exclude(email="")
    for job in unsent[:20]:
        import_mail.send_once(job)
    _forget_files(now)
    stored_files.forget_abandoned()
    return waiting


def _is_kept(job: ImportJob) -> bool:
    """Whether the file of a completed import is kept a while.

    It made its table, which another try may do better, or it was a dry run, after which it is done for real.
    """
    is_small = job.bytes_total <= settings.IMPORT_SOURCE_BYTES
    return (job.makes_its_table or job.was_rehearsed) and settings.IMPORT_SOURCE_HOURS > 0 and is_small


def _forget_file(job: ImportJob) -> None:
    """Delete the stored file of an import that will not be tried again."""
    try:
        default_storage.delete(job.source)
    except OSError as error:
        logger.warning("The file of import %s was not deleted: %s", job.pk, error)
        return
    ImportJob.objects.filter(pk=job.pk).update(source="")


def _forget_files(now: datetime) -> None:
    """Delete the files of imports that are done, that failed long ago, or whose table was deleted."""
    over = ImportJob.objects.exclude(state__in=ImportJob.ACTIVE).exclude(source="")
    orphaned = Q(table__isnull=True) & ~Q(options__has_key="create_table")
    old = now - timedelta(hours=settings.IMPORT_SOURCE_HOURS)
    # Not by keys: of options that lack one, neither this nor its opposite would be true.
    made = Q(options__contains={"create_table": True}, table__isnull=False, table__trashed_at=None)
    useful = made | Q(options__contains={"dry_run": True})
    kept = useful & Q(finished_at__gt=old, bytes_total__lte=settings.IMPORT_SOURCE_BYTES)
    done = Q(state=ImportJob.State.COMPLETED) & ~kept
    for job in over.filter(done | orphaned | Q(finished_at__lt=now - KEEP_FILES_FOR))[:100]:
        _forget_file(job)
    # What was never fetched will not be tried again either; its address may hold a secret.
    unfetched = ImportJob.objects.exclude(state__in=ImportJob.ACTIVE).exclude(url="")
    unfetched.filter(finished_at__lt=now - KEEP_FILES_FOR).update(url="")


def sweep_storage() -> int:
    """Delete stored files without a job: the upload was interrupted or the user deleted. Returns how many.

    Only files older than a day: an upload is stored before its job is written.
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
