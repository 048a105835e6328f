"""Imports of files at addresses: queued at once, fetched by the worker that loads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.core.files.storage import default_storage
from django.db import transaction

from dataengine import outgoing
from dataengine.jobs.attempts import mine
from dataengine.jobs.doorbell import RUN_IMPORT, ring
from dataengine.jobs.progress import ProgressReporter
from dataengine.jobs.watch import Cancelled
from dataengine.models import ImportJob
from dataengine.services import fetching, same_files, storage_quota
from dataengine.services.imports import check_email, filled_by, findings_of, refuse_twice, safe_name, wish
from dataengine.services.stored_files import is_unnamed

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def start_from(
    *,
    user: User,
    table_name: str,
    url: str,
    email: str = "",
    options: Mapping[str, Any] | None = None,
    send: bool = True,
) -> ImportJob:
    """Queue an import of the file at ``url``; everything but the file is checked at once.

    ``send=False`` as for ``imports.start``. Raises what that raises, and AccessDenied ``remote_sources_off`` or
    InvalidInput ``source_refused``.
    """
    url = url.strip()
    fetching.check(url)
    wanted = wish(user, None, table_name, options)
    email = email.strip()
    if email:
        check_email(email)
    storage_quota.check(user, 0)
    shown = outgoing.masked(url)
    with transaction.atomic():
        if wanted.table is None:
            refuse_twice(table_name)
        job = ImportJob.objects.create(
            table=wanted.table,
            table_name=wanted.table.name if wanted.table else table_name,
            user=user,
            email=email,
            filename=safe_name(fetching.name_in(url)),
            url=url,
            came_from=shown,
            options=dict(options or {}),
        )
        if send:
            transaction.on_commit(lambda: ring(RUN_IMPORT, job.pk))
    return job


def fetch(job: ImportJob, reporter: ProgressReporter) -> None:
    """Fetch the file of a job that has none yet, and look into it as at the beginning of any import.

    Raises what ``fetching.fetched`` and ``imports.start`` raise, or Cancelled.
    """
    reporter.plan(fetching=1.0, reading=1.0)

    def progress(here: int, announced: int | None) -> None:
        share = here / announced if announced else None
        reporter.update(phase="fetching", share=share, bytes_read=here, bytes_total=announced or 0)

    progress(0, None)
    is_last = job.attempt >= ImportJob.MAX_ATTEMPTS
    with fetching.fetched(job.url, progress, user_id=job.user_id, is_last=is_last) as found:
        reporter.update(bytes_total=found.size)
        # By what the user may do now: the download may have taken an hour.
        wanted = wish(job.user, job.table, job.table_name, job.options)
        storage_quota.check(job.user, found.size)
        findings, options = findings_of(job.user, found.file, found.filename, wanted)
        sha256 = same_files.sha256_of(found.file)
        if warnings := same_files.cautions(wanted.table, sha256):
            findings["warnings"] = [*warnings, *findings.get("warnings", [])]
        job.filename, job.bytes_total, job.sha256 = found.filename, found.size, sha256
        job.findings, job.options, job.source, job.url = dict(findings), options.given, found.keep(), ""
        job.read_again = filled_by(wanted.table, findings)
        names = ("filename", "bytes_total", "sha256", "findings", "read_again", "options", "source", "url")
        try:
            is_mine = mine(job).filter(cancel_requested=False).update(**{name: getattr(job, name) for name in names})
        except BaseException as error:
            if is_unnamed(error):
                default_storage.delete(job.source)
            raise
    if not is_mine:
        default_storage.delete(job.source)
        raise Cancelled
