"""A job that waits for its table is rung for when the table is free, not before, and is in nobody's way meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from dataengine import tasks
from dataengine.jobs.doorbell import RUN_IMPORT, ring
from dataengine.models import ChangeJob, ImportJob, Index, Table
from dataengine.postgres import locks
from dataengine.services import changes, indexes
from dataengine.tests.bells import rung, unheard
from dataengine.tests.importing import import_text, make_table, queue_import, records
from dataengine.tests.waiting import is_waited_for, kept_from_writing, until

pytestmark = pytest.mark.django_db(transaction=True)

type Job = ImportJob | ChangeJob | Index


@pytest.fixture
def table(owner: User, monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr(changes, "LARGE", 1)
    made = make_table(owner, "t", a="TEXT", n="INTEGER")
    import_text(owner, "t", "a,n\nx,1\ny,2\nz,3\n")
    rung()
    return made


def an_import(table: Table) -> ImportJob:
    return queue_import(table.owner, table.name, "a,n\nnew,4\n")


def a_change(table: Table) -> ChangeJob:
    job = changes.update_matching(user=table.owner, table=table, conditions={"id__gte": 1}, data={"n": 7})
    assert isinstance(job, ChangeJob)
    return job


def an_index(table: Table) -> Index:
    column = table.columns.get(name="a")
    index = indexes.set_indexed(user=table.owner, table=table, column=column, indexed=True).index_or_none
    assert index is not None
    return index


def run(job: Job) -> None:
    """Run a job like a worker that has heard its bell."""
    match job:
        case ImportJob():
            tasks.run_import(job.pk)
        case ChangeJob():
            tasks.run_change(job.pk)
        case _:
            tasks.build_index(job.pk)


@pytest.mark.parametrize("queue", [an_import, a_change, an_index])
def test_a_job_that_waits_for_its_table_rings_for_nobody(
    table: Table, queue: Callable[[Table], Job], second_connection: Callable[[], Any]
) -> None:
    job = queue(table)
    rung()
    session = second_connection()
    session.execute("SELECT pg_advisory_lock(%s, %s)", [locks.NAMESPACE, table.pk])
    run(job)
    assert type(job).objects.get(pk=job.pk).state == "queued"
    assert rung() == []
    session.execute("SELECT pg_advisory_unlock_all()")
    run(job)
    assert type(job).objects.get(pk=job.pk).is_over
    assert rung() == []


def test_waiting_jobs_are_rung_for_when_the_table_is_free(table: Table) -> None:
    index, change, first, second, third = an_index(table), a_change(table), *(an_import(table) for _ in range(3))
    rung()
    run(first)
    assert rung() == [("run_import", second.pk), ("run_change", change.pk)]
    run(change)
    assert rung() == [("run_import", second.pk)]
    run(second)
    assert rung() == [("run_import", third.pk)]
    run(third)
    assert rung() == [("build_index", index.pk)]
    run(index)
    assert rung() == []
    assert Index.objects.get(pk=index.pk).state == "completed"


def test_nobody_else_waits_for_a_job_that_waits_for_its_next_attempt(table: Table) -> None:
    failed, waiting = an_import(table), an_import(table)
    ImportJob.objects.filter(pk=failed.pk).update(attempt=1, try_again_at=timezone.now() + timedelta(minutes=1))
    run(failed)
    assert rung() == []
    run(waiting)
    assert rung() == []
    assert ImportJob.objects.get(pk=waiting.pk).state == "completed"


@pytest.mark.worker
def test_with_a_real_worker_nobody_waits_for_the_sweeper(
    table: Table, second_connection: Callable[[], Any], celery_worker: int
) -> None:
    session = second_connection()
    with kept_from_writing(session, "t"):
        first = an_import(table)
        ring(RUN_IMPORT, first.pk)
        until(lambda: is_waited_for(session))
        second = an_import(table)
        ring(RUN_IMPORT, second.pk)
        until(lambda: not unheard())
    until(lambda: ImportJob.objects.get(pk=second.pk).is_over)
    assert len(records("t")) == 5
