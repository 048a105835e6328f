"""Why an attempt ended is kept even if the database cannot store it yet; nobody takes the job meanwhile."""

from __future__ import annotations

from types import ModuleType

import pytest
from django.contrib.auth.models import User
from django.db import connection

from dataengine.models import ChangeJob, Index, Job
from dataengine.postgres import ddl
from dataengine.services import change_runs, changes, import_runs, index_builds, indexes
from dataengine.tests.importing import make_table, queue_import, records
from dataengine.tests.threads import in_thread
from dataengine.tests.waiting import end_pause, until

pytestmark = pytest.mark.django_db(transaction=True)


def fill_the_disk(jobs: str) -> None:
    """Leave no space for records in ``t`` or for the end of one of the ``jobs``, and count the attempts to write it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE SEQUENCE userdata.tries;"
            "CREATE FUNCTION userdata.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF TG_TABLE_NAME <> 't' THEN PERFORM nextval('userdata.tries'); END IF;"
            " RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$;"
            "CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON userdata.t EXECUTE FUNCTION userdata.full();"
            f"CREATE TRIGGER no_room BEFORE UPDATE ON {jobs} FOR EACH ROW"
            " WHEN (OLD.state = 'running' AND NEW.state <> 'running') EXECUTE FUNCTION userdata.full()"
        )


def make_room(jobs: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER no_room ON {jobs}; DROP TRIGGER no_room ON userdata.t")


def tries() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM userdata.tries")
        return int(cursor.fetchone()[0])


def once_there_is_room(job: Job, runs: ModuleType) -> None:
    """Let a worker try the job on a full disk: it keeps the job and writes why it failed once it can. Then retry."""
    model = type(job)
    jobs = model._meta.db_table
    fill_the_disk(jobs)
    worker = in_thread(lambda: runs.run(job.pk))
    until(lambda: tries() >= 2)
    runs.sweep()
    assert model._default_manager.get(pk=job.pk).state == "running"
    make_room(jobs)
    worker.join()
    job.refresh_from_db()
    assert (job.state, job.attempt, job.error) == ("queued", 1, "The database has no space left.")
    end_pause(job)
    runs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt) == ("completed", 2)


def test_of_an_index_build(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    table = make_table(owner, "t", n="INTEGER")
    indexes.set_indexed(user=owner, table=table, column=table.columns.get(), indexed=True)
    quick = ddl.column_index
    full = "DO $$ BEGIN RAISE EXCEPTION '' USING ERRCODE = 'disk_full'; END $$"
    answers = iter([full])
    monkeypatch.setattr(ddl, "column_index", lambda *names: next(answers, None) or quick(*names))
    once_there_is_room(Index.objects.get(), index_builds)


def test_of_an_import(owner: User) -> None:
    make_table(owner, "t", n="INTEGER")
    once_there_is_room(queue_import(owner, "t", "n\n1\n2\n"), import_runs)
    assert records("t", "n") == [("1",), ("2",)]


def test_of_a_change_of_many_records(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "LARGE", 1)
    table = make_table(owner, "t", n="INTEGER")
    import_runs.run(queue_import(owner, "t", "n\n1\n2\n").pk)
    job = changes.update_matching(user=owner, table=table, conditions={"id__gte": 1}, data={"n": 7})
    assert isinstance(job, ChangeJob)
    once_there_is_room(job, change_runs)
    assert records("t", "n") == [("7",), ("7",)]
