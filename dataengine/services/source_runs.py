"""Runs sources: begins those that are due, and settles what has become of those that were begun.

The sweeper calls this. Each step is one transaction that holds the source's row, so it happens once, however many
sweepers there are; whoever holds the row already is not waited for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from dataengine import access
from dataengine.jobs.doorbell import DOWNLOAD, ring
from dataengine.models import Download, ImportJob, Job, Source

logger = logging.getLogger(__name__)

MOST_FAILURES = 5
_BACK_OFF = timedelta(minutes=5)
_AT_ONCE = 50
# Spelled out as in import_mail.py.
SOURCES_PAGE = "/tables/{}/sources/"


def sweep() -> None:
    """Settle what is over, begin what is due, mail what was paused. Safe to call at any time, and often."""
    over = ~Q(download__state__in=Job.ACTIVE) & Q(download__isnull=False)
    loaded = Q(download=None, importing__isnull=False) & ~Q(importing__state__in=Job.ACTIVE)
    _each(Source.objects.filter(over | loaded), _settle)
    if settings.REMOTE_SOURCES:
        due = Source.objects.filter(next_run_at__lte=timezone.now(), paused="", download=None, importing=None)
        _each(due, _begin)
    _each(Source.objects.filter(is_told=False), _tell)


def _each(found: QuerySet[Source], step: Callable[[Source], None]) -> None:
    for pk in list(found.order_by("next_run_at", "pk").values_list("pk", flat=True)[:_AT_ONCE]):
        try:
            with transaction.atomic():
                locked = Source.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=pk).first()
                # Looked for again: another process may have done it between the two questions.
                if locked is not None and found.filter(pk=pk).exists():
                    step(locked)
        except OperationalError:
            raise
        except Exception:  # one source, such as one whose time zone is known no more, must not stop the sweep
            logger.exception("Source %s", pk)


def _begin(source: Source) -> None:
    from dataengine import outgoing  # with what requests need; not in every worker that sweeps
    from dataengine.services import schedules

    now = timezone.now()
    if source.table.trashed_at is not None:
        _pause(source, Source.Paused.TRASHED, "The table was deleted.")
        source.is_told = True
        source.save()
        return
    if not source.user.is_active or not access.tables_for(source.user, "edit").filter(pk=source.table_id).exists():
        _pause(source, Source.Paused.NO_RIGHT, f"{source.user} may not import into the table any more.")
        source.save()
        return
    source.next_run_at = schedules.next_time(source.cron, source.time_zone, now)
    shown = outgoing.masked(source.url)
    source.download = Download.objects.create(user=source.user, source=source, came_from=shown, target=source.table)
    source.last_run_at = now
    source.save()
    pk = source.download.pk
    transaction.on_commit(lambda: ring(DOWNLOAD, pk))


def _settle(source: Source) -> None:
    from dataengine.services.source_files import DRIFTED

    download, job = source.download, source.importing
    if download is not None:
        source.download = None
        if download.state == Job.State.CANCELLED:
            _note(source, Source.Result.CANCELLED, "It was cancelled.")
        elif download.error_code == DRIFTED:
            _note(source, Source.Result.DRIFTED, download.error)
            _pause(source, Source.Paused.DRIFT, download.error)
        elif download.state == Job.State.FAILED:
            _fail(source, download.error)
        elif job is None:
            _note(source, Source.Result.UNCHANGED, "The file has not changed, so nothing was imported.")
    elif job is not None:
        source.importing = None
        if job.state in (Job.State.COMPLETED, Job.State.UNDONE):
            source.last_import = job
            _note(source, Source.Result.IMPORTED, _counts(job))
        else:
            # What did not go in is fetched again, changed or not.
            source.etag = source.last_modified = source.sha256 = ""
            if job.state == Job.State.CANCELLED:
                _note(source, Source.Result.CANCELLED, f"Import {job.pk} was cancelled.")
            else:
                _fail(source, job.error)
    source.save()


def _note(source: Source, result: Source.Result, message: str) -> None:
    source.last_result, source.last_message = result, message
    if result in (Source.Result.IMPORTED, Source.Result.UNCHANGED):
        source.failures = 0


def _fail(source: Source, reason: str) -> None:
    _note(source, Source.Result.FAILED, reason)
    source.failures += 1
    if source.failures >= MOST_FAILURES:
        _pause(source, Source.Paused.FAILURES, f"It failed {source.failures} times in a row. {reason}")
    elif not source.paused:
        from dataengine.services import schedules

        # Growing pauses: five minutes, then 20, 80, …
        after = timezone.now() + _BACK_OFF * 4 ** (source.failures - 1)
        source.next_run_at = schedules.next_time(source.cron, source.time_zone, after)


def _pause(source: Source, why: Source.Paused, reason: str) -> None:
    from dataengine.services import sources

    if source.paused:
        return
    source.paused, source.paused_reason, source.next_run_at, source.is_told = why, reason, None, False
    sources.record(None, source, "source.paused", reason)


def _counts(job: ImportJob) -> str:
    counts = (
        (job.rows_imported, "imported"),
        (job.rows_updated, "updated"),
        (job.rows_unchanged, "unchanged"),
        (job.rows_removed, "removed"),
        (job.rows_rejected, "rejected"),
    )
    return ", ".join(f"{count:,} {what}" for count, what in counts if count) or "The file has no rows."


def _tell(source: Source) -> None:
    """Mail that a source was paused. A failure is logged, and the next sweep tries again for a day."""
    from dataengine import outgoing

    addresses = {user.email: None for user in (source.user, source.table.owner) if user and user.email}
    page = settings.PUBLIC_URL.rstrip("/") + SOURCES_PAGE.format(source.table.name)
    message = EmailMessage(
        subject=" ".join(f"A source of {source.table.name} is paused".split()),
        body=(
            f"Table: {source.table.name}\nSource: {outgoing.masked(source.url)}\n\n{source.paused_reason}\n\n"
            f"Nothing is imported from it until somebody resumes it: {page}\n"
        ),
        to=list(addresses),
    )
    try:
        if addresses:
            message.send()
    except (OSError, ValueError) as error:
        logger.warning("The mail about source %s was not sent: %s", source.pk, error)
        return
    source.is_told = True
    source.save(update_fields=["is_told"])
