"""Who may fetch a file now: one for each user, and so few in all that a worker is left for everything else.

A job that cannot fetch yet does not begin. The locks of ``fetching.fetched`` decide; this goes by the jobs' rows, so
that what waits costs a query, and no attempt that has to be put off every two seconds.
"""

from __future__ import annotations

from collections.abc import Collection

from django.conf import settings
from django.db.models import Q

from dataengine.models import Download, ImportJob, Job

TO_FETCH = ~Q(url="")
"""The imports whose file is still to come."""


def places() -> int:
    """How many files may be fetched at once."""
    return max(settings.CELERY_WORKER_CONCURRENCY - 1, 1)


def fetching() -> set[int]:
    """The users for whom a file is fetched."""
    running = Job.State.RUNNING
    imports = ImportJob.objects.filter(TO_FETCH, state=running).values_list("user_id", flat=True)
    downloads = Download.objects.filter(state=running).values_list("user_id", flat=True)
    return {*imports, *downloads}


def may_fetch(user_id: int, users: Collection[int] | None = None) -> bool:
    """Whether a file may be fetched for a user, while there are ``users`` for whom one is."""
    users = fetching() if users is None else users
    return user_id not in users and len(users) < places()
