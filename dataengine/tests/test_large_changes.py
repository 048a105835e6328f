"""Changes of very many records: a worker makes them, once or not at all, whatever crashes meanwhile; nobody waits."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from dataengine.exceptions import Conflict
from dataengine.jobs.runner import FROZEN_AFTER
from dataengine.models import AuditEvent, ChangeJob, ImportJob, Index, RecordChange, Table
from dataengine.postgres import ddl, locks
from dataengine.services import change_runs, changes, import_runs, index_builds, indexes, trash
from dataengine.tests.importing import make_table, queue_import, records
from dataengine.tests.indexing import build_waiting
from dataengine.tests.retyping import run_in_thread
from dataengine.tests.threads import in_thread
from dataengine.tests.waiting import PATIENCE_SECONDS, end_pause, is_waited_for, until

pytestmark = pytest.mark.django_db(transaction=True)

BULK = "/api/tables/t/records/bulk/"
PROJECT_DIR = Path(__file__).resolve().parents[2]
_RUN = (
    "import django; django.setup(); from dataengine.services.change_runs import run; import sys; run(int(sys.argv[1]))"
)
ROWS = 60
HOLD = 4711
"""An advisory lock of these tests' own."""


@pytest.fixture(autouse=True)
def _few_are_many(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "LARGE", 50)
    # The worker of an earlier test would make the changes that these tests make themselves.
    if "celery_worker" not in request.fixturenames:
        monkeypatch.setattr(changes, "ring", lambda *args, **options: None)


@pytest.fixture
def table(owner: User) -> Table:
    made = make_table(owner, "t", a="TEXT UNIQUE", n="NUMERIC(8,2)", x="DOUBLE PRECISION", j="JSONB", v="VARCHAR(5)")
    fill(ROWS)
    return made


def fill(count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO userdata.t (a, n, x, j, v)"
            " SELECT 'a' || i, i / 4.0, -0.0 * i, '{\"k\": 1.50}', left('v' || i, 5) FROM generate_series(1, %s) i",
            [count],
        )


def over(job_id: int) -> Callable[[], bool]:
    return lambda: ChangeJob.objects.get(pk=job_id).is_over


def slow_down(seconds: float) -> None:
    """Make each change of a record of ``t`` take so long."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION userdata.wait() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN PERFORM pg_sleep({seconds}); RETURN coalesce(NEW, OLD); END $$;"
            " CREATE TRIGGER wait BEFORE UPDATE OR DELETE ON userdata.t FOR EACH ROW EXECUTE FUNCTION userdata.wait()"
        )


@contextmanager
def held_up(session: psycopg.Connection[Any], changed: int) -> Iterator[None]:
    """Deleting records of ``t`` pauses after so many until this context ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION userdata.wait() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN PERFORM pg_advisory_xact_lock({HOLD}); RETURN OLD; END $$;"
            " CREATE TRIGGER wait BEFORE DELETE ON userdata.t FOR EACH ROW"
            f" WHEN (OLD.id > {changed}) EXECUTE FUNCTION userdata.wait()"
        )
    session.execute("SELECT pg_advisory_lock(%s)", [HOLD])
    try:
        yield
    finally:
        session.execute("SELECT pg_advisory_unlock(%s)", [HOLD])


def nothing_is_left(job_id: int) -> None:
    until(lambda: not locks.job_is_held(job_id, locks.CHANGE_NAMESPACE))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE locktype = 'advisory' AND classid = %s AND datname = current_database()",
            [locks.NAMESPACE],
        )
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("action", ["update", "delete"])
def test_over_the_api_with_a_real_worker(client: APIClient, table: Table, celery_worker: int, action: str) -> None:
    before = records("t")
    if action == "update":
        data = {"n": 7.1, "x": "-0", "j": {"k": [None, 0.10]}, "v": None}
        asked = client.patch(BULK, {"filter": {"id__lte": 55}, "data": data})
    else:
        asked = client.delete(BULK, {"filter": {"id__lte": 55}})
    assert asked.status_code == 202
    job = asked.json()
    assert (job["table_name"], job["action"], job["count"], job["error"]) == ("t", action, 55, None)
    assert asked["Location"] == job["url"] == f"http://testserver/api/changes/{job['id']}/"
    until(over(job["id"]))
    done = client.get(job["url"]).json()
    assert (done["state"], done["count"], done["count_exact"]) == ("completed", 55, True)
    after = records("t")
    assert len(after) == (5 if action == "delete" else ROWS)
    assert after[-5:] == before[-5:]
    if action == "update":
        assert {row[2:] for row in records("t", "id", "a", "n", "x", "j", "v")[:55]} == {
            ("7.10", "-0", '{"k": [null, 0.1]}', None)
        }

    undone = client.post("/api/tables/t/undo/", {"event": done["event"]})
    assert undone.status_code == 202
    until(over(undone.json()["id"]))
    assert records("t") == before
    again = client.post("/api/tables/t/undo/", {"event": done["event"]})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_undone")
    redone = client.post("/api/tables/t/undo/", {"event": client.get(undone.json()["url"]).json()["event"]})
    until(over(redone.json()["id"]))
    assert records("t") == after
    nothing_is_left(redone.json()["id"])


def test_up_to_the_threshold_nothing_is_different(client: APIClient, table: Table) -> None:
    changed = client.patch(BULK, {"filter": {"id__lte": 50}, "data": {"n": 1}})
    assert (changed.status_code, changed.json()["updated"]) == (200, 50)
    assert client.post("/api/tables/t/undo/", {"event": int(changed["X-Undo"])}).status_code == 200
    assert not ChangeJob.objects.exists()


def test_what_takes_too_long_is_left_to_a_worker(
    client: APIClient, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "PATIENCE_SECONDS", 0.2)
    slow_down(0.3)
    before = records("t")
    asked = client.patch(BULK, {"filter": {"id__lte": 2}, "data": {"n": 1}})
    assert asked.status_code == 202
    assert records("t") == before
    assert not AuditEvent.objects.filter(action="records.updated").exists()
    done = change_runs.run(asked.json()["id"])
    assert done is not None
    assert (done.state, done.count) == ("completed", 2)
    assert [row[2] for row in records("t", "id", "a", "n")[:2]] == ["1.00", "1.00"]


def test_bad_input_is_refused_at_once(client: APIClient, table: Table) -> None:
    for body in ({"filter": {"b": 1}, "data": {"n": 1}}, {"filter": {"id__gte": 1}, "data": {"n": "x"}}):
        assert client.patch(BULK, body).status_code == 400
    assert client.delete(BULK, {"filter": {}}).status_code == 400
    assert not ChangeJob.objects.exists()


def test_what_the_table_does_not_allow_fails_with_its_reason(client: APIClient, table: Table) -> None:
    before = records("t")
    asked = client.patch(BULK, {"filter": {"id__gte": 1}, "data": {"a": "same"}}).json()
    done = change_runs.run(asked["id"])
    assert done is not None
    shown = client.get(asked["url"]).json()
    assert (shown["state"], shown["error_code"], shown["event"]) == ("failed", "duplicate_in_table", None)
    assert "a: Another record already has this value." in shown["error"]
    assert records("t") == before
    assert not RecordChange.objects.exists()


@pytest.mark.parametrize("changed", [0, 30])
def test_a_worker_killed_midway(
    client: APIClient, table: Table, process_environment: dict[str, str], second_connection: Any, changed: int
) -> None:
    session = second_connection()
    before = records("t")
    asked = client.delete(BULK, {"filter": {"id__gte": 1}}).json()
    command = [sys.executable, "-c", _RUN, str(asked["id"])]
    with held_up(session, changed):
        process = subprocess.Popen(command, env=process_environment, cwd=PROJECT_DIR)
        until(lambda: is_waited_for(session) or process.poll() is not None)
        process.kill()
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL  # and did not end by itself
    assert records("t") == before
    until(lambda: not locks.job_is_held(asked["id"], locks.CHANGE_NAMESPACE))
    change_runs.sweep()
    job = ChangeJob.objects.get(pk=asked["id"])
    assert job.state == "queued"
    end_pause(job)
    threads = [run_in_thread(asked["id"]) for _ in range(2)]  # rung for twice
    for thread in threads:
        thread.join()
    change_runs.run(asked["id"])  # and again, late
    job = ChangeJob.objects.get(pk=asked["id"])
    assert (job.state, job.attempt, records("t")) == ("completed", 2, [])
    assert AuditEvent.objects.filter(action="records.deleted").count() == 1
    assert RecordChange.objects.count() == ROWS
    nothing_is_left(job.pk)


def test_a_lost_session_is_tried_again_and_a_poisoned_change_given_up(
    client: APIClient, table: Table, second_connection: Any
) -> None:
    session = second_connection()
    asked = client.delete(BULK, {"filter": {"id__gte": 1}}).json()
    with held_up(session, 0):
        for _ in range(ChangeJob.MAX_ATTEMPTS):
            # The lost session has its lock until PostgreSQL has ended it, and no attempt begins before.
            until(lambda: not locks.job_is_held(asked["id"], locks.CHANGE_NAMESPACE))
            thread = run_in_thread(asked["id"])
            until(lambda: is_waited_for(session))
            locks.end_holder(asked["id"], locks.CHANGE_NAMESPACE)
            thread.join()
            job = ChangeJob.objects.get(pk=asked["id"])
            end_pause(job)
    assert (job.state, job.error_code) == ("failed", "attempts_exhausted")
    assert job.error == "The connection to the database was lost. It was tried 3 times."
    assert len(records("t")) == ROWS


def test_a_frozen_worker_loses_its_session(client: APIClient, table: Table, second_connection: Any) -> None:
    asked = client.delete(BULK, {"filter": {"id__gte": 1}}).json()
    session = second_connection()
    session.execute("SELECT pg_advisory_lock(%s, %s)", [locks.CHANGE_NAMESPACE, asked["id"]])
    long_ago = timezone.now() - FROZEN_AFTER - timedelta(seconds=1)
    ChangeJob.objects.filter(pk=asked["id"]).update(state="running", attempt=1, heartbeat_at=long_ago)
    change_runs.sweep()
    until(lambda: not locks.job_is_held(asked["id"], locks.CHANGE_NAMESPACE))
    change_runs.sweep()
    assert ChangeJob.objects.get(pk=asked["id"]).state == "queued"


def test_cancelled_while_it_waits_or_runs_nothing_is_changed(client: APIClient, table: Table) -> None:
    before = records("t")
    waiting = client.delete(BULK, {"filter": {"id__gte": 1}}).json()
    assert client.post(f"{waiting['url']}cancel/").json()["state"] == "cancelled"
    change_runs.run(waiting["id"])
    assert records("t") == before

    slow_down(5)
    running = client.delete(BULK, {"filter": {"id__gte": 1}}).json()
    thread = run_in_thread(running["id"])
    until(lambda: ChangeJob.objects.get(pk=running["id"]).state == "running")
    assert client.post(f"{running['url']}cancel/").status_code == 200
    thread.join()
    assert client.get(running["url"]).json()["state"] == "cancelled"
    assert records("t") == before
    assert not RecordChange.objects.exists()
    late = client.post(f"{running['url']}cancel/")
    assert (late.status_code, late.json()["error"]["code"]) == (409, "change_over")
    nothing_is_left(running["id"])


def test_nothing_changes_for_who_is_shut_out_meanwhile(
    client: APIClient, owner: User, table: Table, second_connection: Any
) -> None:
    before = records("t")
    asked = client.delete(BULK, {"filter": {"id__gte": 1}}).json()
    session = second_connection()
    with held_up(session, 30):
        thread = run_in_thread(asked["id"])
        until(lambda: is_waited_for(session))
        User.objects.filter(pk=owner.pk).update(is_active=False)
    thread.join()
    done = ChangeJob.objects.get(pk=asked["id"])
    assert (done.state, done.error_code) == ("failed", "permission_denied")
    assert records("t") == before


def test_imports_and_schema_changes_keep_out_of_its_way(client: APIClient, owner: User, table: Table) -> None:
    slow_down(0.05)
    asked = client.delete(BULK, {"filter": {"id__gte": 1}}).json()
    with pytest.raises(Conflict) as caught:
        trash.delete_column(user=owner, table=table, column=table.columns.get(name="v"))
    assert caught.value.error_code == "change_running"
    job = queue_import(owner, "t", "a,n\nnew,1\n")
    thread = run_in_thread(asked["id"])
    until(lambda: locks.job_is_held(asked["id"], locks.CHANGE_NAMESPACE))
    until(lambda: ChangeJob.objects.get(pk=asked["id"]).state == "running")
    waiting = import_runs.run(job.pk)
    assert waiting is not None
    assert waiting.state == "queued"
    with pytest.raises(Conflict):
        trash.delete_column(user=owner, table=table, column=table.columns.get(name="v"))
    thread.join()
    done = import_runs.run(job.pk)
    assert done is not None
    assert done.state == "completed"
    assert [row[1] for row in records("t")] == ["new"]

    second = client.delete(BULK, {"filter": {"id__gte": 1}})
    assert second.status_code == 200  # one record
    fill(ROWS)
    third = client.delete(BULK, {"filter": {"id__gte": 1}}).json()
    with locks.held_by_job(ImportJob.objects.get().pk, table.pk):
        other = run_in_thread(third["id"])
        other.join()
    assert ChangeJob.objects.get(pk=third["id"]).state == "queued"
    ChangeJob.objects.filter(pk=third["id"]).update(created_at=timezone.now() - timedelta(minutes=1))
    assert change_runs.sweep() == [third["id"]]
    change_runs.run(third["id"])
    trash.delete_column(user=owner, table=table, column=table.columns.get(name="v"))


def test_the_search_index_is_built_after_most_of_the_table_was_written(
    client: APIClient, owner: User, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "LARGE", 10)
    monkeypatch.setattr(indexes, "ring", lambda *args, **options: None)
    indexes.set_searchable(user=owner, table=table, searchable=True)

    def run(asked: Any) -> str:
        """Make the change. Returns the state of the search index afterwards."""
        done = change_runs.run(asked.json()["id"])
        assert done is not None
        assert done.state == "completed", done.error
        found = indexes.search_index(table)
        assert found is not None
        return found.state

    assert build_waiting() == ["completed"]
    assert run(client.patch(BULK, {"filter": {"id__lte": 20}, "data": {"n": 1}})) == "completed"
    assert run(client.patch(BULK, {"filter": {"id__lte": 40}, "data": {"n": 2}})) == "queued"
    assert build_waiting() == ["completed"]
    assert run(client.delete(BULK, {"filter": {"id__gte": 1}})) == "completed"
    event = AuditEvent.objects.latest("id").pk
    assert run(client.post("/api/tables/t/undo/", {"event": event})) == "queued"
    assert build_waiting() == ["completed"]
    assert client.get("/api/tables/t/records/?search=a59").json()["count"] == 1


def test_an_index_build_makes_way(
    client: APIClient, owner: User, table: Table, monkeypatch: pytest.MonkeyPatch, second_connection: Any
) -> None:
    monkeypatch.setattr(indexes, "ring", lambda *args, **options: None)
    column = indexes.set_indexed(user=owner, table=table, column=table.columns.get(name="v"), indexed=True)
    index = column.index_or_none
    assert index is not None
    monkeypatch.setattr(ddl, "column_index", lambda *names: "SELECT pg_sleep(600)")

    building = in_thread(lambda: index_builds.run(index.pk))
    until(lambda: Index.objects.get(pk=index.pk).state == "running")
    asked = client.delete(BULK, {"filter": {"id__gte": 1}}).json()
    done = change_runs.run(asked["id"])
    building.join()
    assert done is not None
    assert (done.state, records("t")) == ("completed", [])
    index.refresh_from_db()
    assert (index.state, index.attempt) == ("queued", 0)
    waiting = client.patch(BULK, {"filter": {"id__gte": 1}, "data": {"n": 1}})
    assert waiting.status_code == 200  # there are no changes
    ChangeJob.objects.create(table=table, user=owner, action="delete", parameters={"filter": {}})
    still = index_builds.run(index.pk)
    assert still is not None
    assert still.state == "queued"


def test_rights_are_needed(
    api: Callable[[User], APIClient], client: APIClient, table: Table, share: Any, colleague: User, stranger: User
) -> None:
    asked = client.delete(BULK, {"filter": {"id__gte": 1}}).json()
    assert api(stranger).get(asked["url"]).status_code == 404
    assert api(stranger).post(f"{asked['url']}cancel/").status_code == 404
    assert client.get("/api/changes/999999/").status_code == 404
    share(table, colleague, "view")
    assert api(colleague).get(asked["url"]).json()["id"] == asked["id"]
    assert api(colleague).post(f"{asked['url']}cancel/").status_code == 403
    grant = share(table, colleague, "edit")
    theirs = api(colleague).delete(BULK, {"filter": {"id__gte": 1}}).json()
    grant.delete()
    done = change_runs.run(theirs["id"])
    assert done is not None
    assert (done.state, done.error_code) == ("failed", "permission_denied")
    assert len(records("t")) == ROWS
