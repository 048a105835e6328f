"""Whose import is next: a user with fifty of them does not hold up one with a single one.

A bell says that something waits; which import is begun is decided here, when a worker is free.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, Q
from django.utils import timezone

from dataengine.jobs import attempts
from dataengine.models import ChangeJob, ImportJob
from dataengine.postgres import locks
from dataengine.services import fetch_turns

_RECENTLY = timedelta(days=1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Hindrance(Enum):
    """What has to end before a waiting import can begin."""

    TABLE = "another import or change of the same table"
    OTHERS = "one of the imports of the same user"
    FETCHING = "the fetching of another file"


def turns() -> list[int]:
    """The imports that may begin now, one of each user: first those of the users with the fewest that run.

    Among equals, whose last one began the longest ago. Without those whose table a worker has (one that still fetches
    its file does not have it yet), and those whose file cannot be fetched yet.
    """
    running = dict(
        ImportJob.objects.filter(state=ImportJob.State.RUNNING).order_by().values_list("user").annotate(Count("pk"))
    )
    taken = {
        table
        for model, at_it in ((ImportJob, Q(url="")), (ChangeJob, Q()))
        for table in model._default_manager.filter(at_it, state=model.State.RUNNING).values_list("table_id", flat=True)
        if table is not None
    }
    free = attempts.claimable(ImportJob).exclude(table__in=taken).exclude(_cannot_fetch())
    oldest = free.order_by("user_id", "pk").distinct("user_id")
    waiting = [(pk, user) for pk, user in oldest.values_list("pk", "user_id") if _has_room(running.get(user, 0))]
    begun = dict(
        ImportJob.objects.filter(user__in=[user for _, user in waiting], started_at__gt=timezone.now() - _RECENTLY)
        .order_by()
        .values_list("user")
        .annotate(Max("started_at"))
    )
    return [pk for pk, user in sorted(waiting, key=lambda x: (running.get(x[1], 0), begun.get(x[1], _LONG_AGO), x[0]))]


def hindrance_of(job: ImportJob) -> Hindrance | None:
    """Why a waiting import cannot begin, even if a worker is free; None if it can."""
    running = ImportJob.objects.filter(state=ImportJob.State.RUNNING)
    if job.table_id is not None and (
        running.filter(table=job.table_id).exists()
        or ChangeJob.objects.filter(state=ChangeJob.State.RUNNING, table=job.table_id).exists()
    ):
        return Hindrance.TABLE
    if not _has_room(running.filter(user=job.user_id).count()):
        return Hindrance.OTHERS
    return Hindrance.FETCHING if job.url and not fetch_turns.may_fetch(job.user_id) else None


def claim(job: ImportJob) -> bool:
    """Begin an attempt, unless the user's others have taken the last place meanwhile."""
    with transaction.atomic():
        locks.wait_for_imports_of(job.user_id)
        if not _has_room(ImportJob.objects.filter(user=job.user_id, state=ImportJob.State.RUNNING).count()):
            return False
        return attempts.claim(job)


def _cannot_fetch() -> Q:
    """The imports whose file is to be fetched, but not now."""
    users = fetch_turns.fetching()
    return fetch_turns.TO_FETCH & (Q(user__in=users) if len(users) < fetch_turns.places() else Q())


def _has_room(running: int) -> bool:
    most: int = settings.MAX_IMPORTS_PER_USER
    return not most or running < most
