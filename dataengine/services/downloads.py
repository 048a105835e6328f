"""Downloads: files fetched by a worker, for a source or for somebody who looks at one before it is imported."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from dataengine import access
from dataengine.exceptions import Conflict, NotFound
from dataengine.jobs import attempts
from dataengine.jobs.doorbell import DOWNLOAD, ring
from dataengine.jobs.runner import Runner, Session
from dataengine.models import Download, Table
from dataengine.postgres import locks
from dataengine.services import fetch_turns
from dataengine.services.download_watch import DownloadWatch

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_KEPT_FOR = timedelta(days=7)
_MOST_AT_ONCE = 5


class DownloadRunner(Runner[Download, DownloadWatch]):
    """An attempt fetches the file from its beginning."""

    model = Download
    namespace = locks.DOWNLOAD_NAMESPACE

    def may_begin(self, job: Download) -> bool:
        return fetch_turns.may_fetch(job.user_id)

    def watch(self, job: Download, session: Session) -> DownloadWatch:
        return DownloadWatch(job, session)

    def work(self, job: Download, watch: DownloadWatch) -> None:
        # Not before a file is fetched: this module is in every worker that sweeps.
        from dataengine.services import fetching, source_files, storage_quota, stored_files

        is_last = job.attempt >= Download.MAX_ATTEMPTS
        if job.source is not None:
            source_files.bring(job, job.source, watch, is_last=is_last)
            return
        with fetching.fetched(job.url, watch.progress, user_id=job.user_id, is_last=is_last) as found:
            storage_quota.check(job.user, found.size)
            name, size, key = found.filename, found.size, found.keep()
        try:
            watch.complete(filename=name, bytes_read=size, bytes_total=size, key=key, url="")
        except BaseException as error:
            if stored_files.is_unnamed(error):
                default_storage.delete(key)
            raise

    def after(self, job: Download) -> None:
        following = attempts.claimable(Download).order_by("pk").first()
        if job.is_over and following is not None:
            ring(DOWNLOAD, following.pk)


def start_download(*, user: User, url: str, table: Table | None = None) -> Download:
    """Have a file fetched that ``user`` wants to look at, to import it into ``table``.

    Raises AccessDenied or InvalidInput as ``remote_imports.start_from`` does, Conflict if there are too many already.
    """
    from dataengine import outgoing
    from dataengine.services import fetching

    url = url.strip()
    fetching.check(url)
    with transaction.atomic():
        locks.wait_for_imports_of(user.pk)
        under_way = Download.objects.filter(user=user, source=None, state__in=Download.ACTIVE).count()
        if under_way >= (settings.MAX_IMPORTS_PER_USER or _MOST_AT_ONCE):
            raise Conflict("Other files are being fetched for you; wait for one of them.", code="too_many_downloads")
        made = Download.objects.create(user=user, url=url, came_from=outgoing.masked(url), target=table)
        transaction.on_commit(lambda: ring(DOWNLOAD, made.pk))
    return made


def get_download(user: User, pk: int, table: Table | None) -> Download:
    """A download of ``user`` for ``table``. Raises NotFound."""
    if table is not None:
        access.get_table(user, table.name, "edit")
    found = Download.objects.filter(pk=pk, user=user, source=None, target=table).first()
    if found is None:
        raise NotFound("There is no such download.", code="download_not_found")
    return found


def cancel_download(download: Download) -> None:
    """Cancel a download, if it is not over."""
    attempts.cancel(download)


def run(pk: int) -> Download | None:
    """Make one attempt at a download (see ``Runner.run``)."""
    return DownloadRunner().run(pk)


def sweep() -> list[int]:
    """Clean up after crashes. Returns the downloads to ring for."""
    return DownloadRunner().sweep()


def forget_old() -> None:
    """Forget downloads that are over, and at once what may be secret in the address of those that failed.

    The file of one that nobody imported is swept away as that of an upload is.
    """
    over = Download.objects.exclude(state__in=Download.ACTIVE)
    over.exclude(url="").update(url="")
    over.filter(created_at__lt=timezone.now() - _KEPT_FOR).delete()
