"""After a failure that may be temporary a job is tried again after a pause, and then after a longer one."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from dataengine import tasks
from dataengine.models import ChangeJob, Index, Job
from dataengine.postgres import ddl
from dataengine.services import change_runs, changes, import_runs, index_builds, indexes
from dataengine.tests.bells import rung
from dataengine.tests.importing import import_text, make_table, queue_import
from dataengine.tests.waiting import end_pause

pytestmark = pytest.mark.django_db(transaction=True)

type Queued = tuple[Job, ModuleType, Callable[[int], None]]


def fill_the_disk() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION userdata.full() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$;"
            "CREATE TRIGGER no_room BEFORE INSERT OR UPDATE OR DELETE ON userdata.t EXECUTE FUNCTION userdata.full()"
        )


@pytest.fixture(params=["import", "change", "index"])
def queued(request: pytest.FixtureRequest, owner: User, monkeypatch: pytest.MonkeyPatch) -> Queued:
    """A job of each kind that always finds the database full; and how it is swept and run."""
    monkeypatch.setattr(changes, "LARGE", 1)
    monkeypatch.setattr(
        ddl, "column_index", lambda *names: "DO $$ BEGIN RAISE EXCEPTION '' USING ERRCODE = 'disk_full'; END $$"
    )
    table = make_table(owner, "t", n="INTEGER")
    import_text(owner, "t", "n\n1\n2\n")
    fill_the_disk()
    match request.param:
        case "import":
            return queue_import(owner, "t", "n\n3\n"), import_runs, tasks.run_import
        case "change":
            job = changes.update_matching(user=owner, table=table, conditions={"id__gte": 1}, data={"n": 7})
            assert isinstance(job, ChangeJob)
            return job, change_runs, tasks.run_change
        case _:
            indexes.set_indexed(user=owner, table=table, column=table.columns.get(), indexed=True)
            return Index.objects.get(), index_builds, tasks.build_index


def seconds_left(job: Job) -> float:
    assert job.try_again_at is not None
    return (job.try_again_at - timezone.now()).total_seconds()


def test_three_attempts_take_their_time(queued: Queued) -> None:
    job, service, run = queued
    type(job)._default_manager.update(created_at="2020-01-01T00:00Z")
    rung()
    for attempt, (shortest, longest) in enumerate([(0, 2), (2, 10)], start=1):
        assert service.sweep() == [job.pk]
        run(job.pk)
        job.refresh_from_db()
        assert (job.state, job.attempt, job.error) == ("queued", attempt, "The database has no space left.")
        assert shortest < seconds_left(job) <= longest
        assert rung() == []
        assert service.sweep() == []
        run(job.pk)  # rung for late, or twice
        job.refresh_from_db()
        assert (job.state, job.attempt) == ("queued", attempt)
        end_pause(job)
    run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt, job.error_code) == ("failed", 3, "attempts_exhausted")
    assert job.error == "The database has no space left. It was tried 3 times."
    assert rung() == service.sweep() == []
