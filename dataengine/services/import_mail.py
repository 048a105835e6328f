"""The mail at the end of an import: its outcome in a few lines. Sent once; never a reason to fail."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from dataengine.models import ImportJob

logger = logging.getLogger(__name__)

_MAILED = (ImportJob.State.COMPLETED, ImportJob.State.FAILED)
_MAX_ERRORS = 5
# The console's pages, spelled out: looking up their addresses would load all its views into the worker, 10 MB.
IMPORT_PAGE = "/imports/{}/"
REJECTED_FILE = "/imports/{}/rejected.csv"


def send_once(job: ImportJob) -> None:
    """Mail the outcome if it is due and not sent yet. A failure is logged, and the sweeper tries again."""
    if not job.email or job.state not in _MAILED:
        return
    message = EmailMessage(subject=subject(job), body=body(job), to=[job.email])
    try:
        # If the process dies while sending, its claim is rolled back, and the sweeper sends the mail.
        with transaction.atomic():
            if ImportJob.objects.filter(pk=job.pk, mailed_at__isnull=True).update(mailed_at=timezone.now()):
                message.send()
    except (OSError, ValueError) as error:  # smtplib's errors are OSErrors; ValueError: an invalid address
        logger.warning("The mail about import %s was not sent: %s", job.pk, error)


def subject(job: ImportJob) -> str:
    table = " ".join(job.table_name.split())
    if job.state == ImportJob.State.FAILED:
        return f"Import into {table} failed"
    if job.came_to_nothing and not job.options.get("dry_run"):
        return f"Import into {table}: nothing imported, {_rows(job.rows_rejected)} rejected"
    if job.rows_rejected:
        return f"Import into {table} is done, {_rows(job.rows_rejected)} rejected"
    return f"Import into {table} is done"


def body(job: ImportJob) -> str:
    lines = [f"Table: {job.table_name}", f"File: {job.filename}", ""]
    if job.state == ImportJob.State.FAILED:
        lines += [f"The import failed: {job.error}", ""]
    elif job.options.get("dry_run"):
        lines += ["This was a dry run: nothing was changed.", ""]
    elif job.came_to_nothing:
        lines += ["Nothing was imported: every row was rejected or skipped.", ""]
    lines += [
        f"Rows read: {job.rows_read:,}",
        f"Imported: {job.rows_imported:,}",
        f"Updated: {job.rows_updated:,}",
        f"Unchanged: {job.rows_unchanged:,}",
        f"Skipped: {job.rows_skipped:,}",
        f"Rejected: {job.rows_rejected:,}",
    ]
    if job.options.get("replace") or job.options.get("on_missing", "keep") != "keep":
        lines.append(f"Removed: {job.rows_removed:,}")
    if job.errors:
        lines += ["", "Most frequent errors:"]
        for error in job.errors[:_MAX_ERRORS]:
            lines.append(
                f"- {error['column']}: {error['code']} in {_rows(error['count'])}, "
                f"first in line {error['example_line']:,}: {error['message']}"
            )
    lines += ["", f"Details: {_link(IMPORT_PAGE, job)}"]
    if job.rows_rejected:
        lines.append(f"Download the rejected rows, correct them and upload them again: {_link(REJECTED_FILE, job)}")
    return "\n".join(lines) + "\n"


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _link(page: str, job: ImportJob) -> str:
    return settings.PUBLIC_URL.rstrip("/") + page.format(job.pk)
