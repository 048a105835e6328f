"""Requested indexes are built by a worker, once, without blocking anybody, whatever crashes meanwhile."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from psycopg import errors, sql
from rest_framework.test import APIClient

from dataengine.exceptions import Conflict, InvalidInput
from dataengine.jobs.runner import FROZEN_AFTER
from dataengine.models import Column, Index, Table
from dataengine.postgres import ddl, locks
from dataengine.services import index_builds, indexes, tables, trash
from dataengine.tests.bells import rung
from dataengine.tests.importing import import_text, make_table, queue_import
from dataengine.tests.indexing import build_waiting
from dataengine.tests.threads import Beside
from dataengine.tests.waiting import end_pause, until
from harness.killing import kill, moments

pytestmark = pytest.mark.django_db(transaction=True)

PROJECT_DIR = Path(__file__).resolve().parents[2]
_RUN = (
    "import django; django.setup(); from dataengine.services.index_builds import run; import sys; run(int(sys.argv[1]))"
)


def _indexes(valid: bool = True) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE c.relname ~ '^tk:.*:(index|search)$' AND indisvalid = %s ORDER BY 1",
            [valid],
        )
        return [name for (name,) in cursor.fetchall()]


def _fill(table: str, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO userdata."{table}" (a, n) SELECT md5(i::text), i FROM generate_series(1, %s) i', [count]
        )


def _asked(user: User, table: Table, column: str) -> Index:
    found = table.columns.get(name=column)
    column_now = indexes.set_indexed(user=user, table=table, column=found, indexed=True)
    assert column_now.index_or_none is not None
    return column_now.index_or_none


def test_over_the_api_with_a_real_worker(client: APIClient, owner: User, celery_worker: int) -> None:
    table = make_table(owner, "t", a="TEXT", n="INTEGER")
    _fill("t", 5_000)
    asked = client.patch("/api/tables/t/columns/a/", {"indexed": True})
    assert asked.status_code == 200
    assert (asked.json()["indexed"], asked.json()["index_state"]) in {(True, "queued"), (True, "ready")}
    assert client.patch("/api/tables/t/", {"search_index": True}).status_code == 200
    until(lambda: not Index.objects.exclude(state="completed").exists())
    column = table.columns.get(name="a")
    assert _indexes() == sorted([f"tk:{column.pk}:index", f"tk:{table.pk}:search"])
    assert client.get("/api/tables/t/").json()["search_index"] == "ready"
    assert client.get("/api/tables/t/columns/a/").json()["index_state"] == "ready"

    dropped = client.patch("/api/tables/t/columns/a/", {"indexed": False}).json()
    assert (dropped["indexed"], dropped["index_state"]) == (False, None)
    assert client.patch("/api/tables/t/", {"search_index": False}).json()["search_index"] is None
    assert _indexes() == []


def test_what_cannot_be_indexed(client: APIClient, owner: User) -> None:
    table = make_table(owner, "t", j="JSONB", u="INTEGER UNIQUE", n="INTEGER")
    for column, wanted in (("j", True), ("u", False)):
        answer = client.patch(f"/api/tables/t/columns/{column}/", {"indexed": wanted})
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["indexed"])
    unique = client.patch("/api/tables/t/columns/u/", {"indexed": True}).json()
    assert (unique["indexed"], unique["index_state"]) == (True, "ready")
    assert not Index.objects.exists()
    numbers = make_table(owner, "numbers", n="INTEGER")
    with pytest.raises(InvalidInput):
        indexes.set_searchable(user=owner, table=numbers, searchable=True)
    assert table.columns.get(name="n").index_state is None


def test_references_have_an_index_from_the_start(owner: User) -> None:
    people = make_table(owner, "people", name="TEXT", boss="REFERENCES people")
    boss = people.columns.get(name="boss")
    assert boss.index_state == "ready"
    assert _indexes() == [f"tk:{boss.pk}:index"]
    tables.add_column(user=owner, table=people, spec=boss.to_spec().__class__(
        name="mentor", type="reference", parameters={"references": "people"}
    ))  # fmt: skip
    assert build_waiting() == ["completed"]
    assert len(_indexes()) == 2


@pytest.mark.parametrize("seconds", [0.0, 0.2, 0.5])
def test_a_worker_killed_anywhere(owner: User, process_environment: dict[str, str], seconds: float) -> None:
    table = make_table(owner, "t", a="TEXT", n="INTEGER")
    _fill("t", 50_000)
    for moment in moments(seconds):
        index = _asked(owner, table, "a")
        if _killed_midway(index, process_environment, moment):
            break
        _assert_ready(index)
        indexes.set_indexed(user=owner, table=table, column=table.columns.get(name="a"), indexed=False)
    index_builds.sweep()
    end_pause(index)
    build_waiting()
    _assert_ready(index)
    assert index.attempt == 2


def _killed_midway(index: Index, environment: dict[str, str], moment: float) -> bool:
    """Kill a worker ``moment`` seconds after it started the build. Returns whether the index was not ready."""
    process = subprocess.Popen([sys.executable, "-c", _RUN, str(index.pk)], env=environment, cwd=PROJECT_DIR)
    until(lambda: Index.objects.get(pk=index.pk).state != "queued" or process.poll() is not None)
    kill(process, after=moment)
    until(lambda: not locks.job_is_held(index.pk, locks.INDEX_NAMESPACE))
    return Index.objects.get(pk=index.pk).state == "running"


def _assert_ready(index: Index) -> None:
    index.refresh_from_db()
    assert (index.state, index.progress) == ("completed", 1)
    assert _indexes() == [f"tk:{index.column_id}:index"]
    assert _indexes(valid=False) == []


def test_a_poisoned_build_is_given_up(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    table = make_table(owner, "t", a="TEXT", n="INTEGER")
    index = _asked(owner, table, "n")
    for attempt in range(1, Index.MAX_ATTEMPTS + 1):
        Index.objects.filter(pk=index.pk).update(state="running", attempt=attempt)
        index_builds.sweep()
        index.refresh_from_db()
        assert index.state == ("queued" if attempt < Index.MAX_ATTEMPTS else "failed")
    assert index_builds.sweep() == []
    assert "3 times" in index.error
    assert _asked(owner, table, "n").state == "queued"


def test_values_too_long_for_an_index(client: APIClient, owner: User) -> None:
    """Texts never are, but numbers may be."""
    table = make_table(owner, "t", a="NUMERIC", n="INTEGER")
    long = "".join(str(pow(base, 3_000)) for base in (7, 11, 13))
    assert client.post("/api/insert-record/", {"table_name": "t", "data": {"a": long}}).status_code == 201
    index = _asked(owner, table, "a")
    built = index_builds.run(index.pk)
    assert built is not None
    assert (built.state, "too long" in built.error) == ("failed", True)
    assert _indexes() + _indexes(valid=False) == []
    client.delete("/api/delete-record/?table_name=t&id=1")
    _asked(owner, table, "a")
    again = index_builds.run(index.pk)
    assert again is not None
    assert again.state == "completed"
    answer = client.post("/api/insert-record/", {"table_name": "t", "data": {"a": long}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "value_too_long")


def test_builds_and_imports_keep_out_of_each_others_way(owner: User, second_connection: Callable[[], Any]) -> None:
    table = make_table(owner, "t", a="TEXT", n="INTEGER")
    index = _asked(owner, table, "a")
    job = queue_import(owner, "t", "a,n\nx,1\n")
    session = second_connection()
    session.execute("SELECT pg_advisory_lock(%s, %s)", [locks.NAMESPACE, table.pk])
    with pytest.raises(Conflict):
        indexes.set_searchable(user=owner, table=table, searchable=True)
    waiting = index_builds.run(index.pk)
    assert waiting is not None
    assert waiting.state == "queued"
    session.execute("SELECT pg_advisory_unlock_all()")
    assert locks.hold_for_build(session, index.pk, table.pk)
    with locks.held_by_job(job.pk, table.pk) as outcome:
        assert outcome == "table_taken"
    other = _asked(owner, table, "n")
    waiting = index_builds.run(other.pk)  # one after the other
    assert waiting is not None
    assert waiting.state == "queued"
    session.close()
    until(lambda: not locks.job_is_held(index.pk, locks.INDEX_NAMESPACE))
    built = index_builds.run(other.pk)
    assert built is not None
    assert built.state == "completed"


def test_a_frozen_worker_loses_its_session(owner: User, second_connection: Callable[[], Any]) -> None:
    table = make_table(owner, "t", a="TEXT", n="INTEGER")
    index = _asked(owner, table, "a")
    assert locks.hold_for_build(second_connection(), index.pk, table.pk)
    long_ago = timezone.now() - FROZEN_AFTER - timedelta(seconds=1)
    Index.objects.filter(pk=index.pk).update(state="running", attempt=1, heartbeat_at=long_ago)
    index_builds.sweep()
    until(lambda: not locks.job_is_held(index.pk, locks.INDEX_NAMESPACE))
    index_builds.sweep()
    assert Index.objects.get(pk=index.pk).state == "queued"


def test_an_import_begins_when_the_build_is_over(owner: User) -> None:
    """It does not stop the build: with constant imports there would never be an index."""
    table = make_table(owner, "t", a="TEXT", n="INTEGER")
    index = _asked(owner, table, "a")
    job = queue_import(owner, "t", "a,n\nx,1\n")
    rung()
    built = index_builds.run(index.pk)
    assert built is not None
    assert built.state == "completed"
    assert rung() == [("run_import", job.pk)]


def test_a_build_connects_as_everything_else_does(owner: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For example with a password from a file; certificates work in the same way."""
    table = make_table(owner, "t", a="TEXT", n="INTEGER")
    index = _asked(owner, table, "a")
    settings, passwords = connection.settings_dict, tmp_path / "passwords"
    passwords.write_text(f"*:*:*:*:{settings['PASSWORD']}\n")
    passwords.chmod(0o600)
    monkeypatch.setitem(settings, "PASSWORD", "")
    monkeypatch.setitem(settings, "OPTIONS", {**settings["OPTIONS"], "passfile": str(passwords)})
    built = index_builds.run(index.pk)
    assert built is not None
    assert built.is_over
    assert built.error == ""


def test_changes_of_the_table_go_first(owner: User, second_connection: Callable[[], Any]) -> None:
    table = make_table(owner, "t", a="TEXT", n="INTEGER")
    index = _asked(owner, table, "a")
    session = second_connection()
    assert locks.hold_for_build(session, index.pk, table.pk)
    stopped: list[bool] = []

    def build() -> None:
        try:
            session.execute("BEGIN; LOCK TABLE userdata.t IN SHARE UPDATE EXCLUSIVE MODE; SELECT pg_sleep(600)")
        except errors.QueryCanceled:
            stopped.append(True)
            session.execute("ROLLBACK")

    thread = Beside(target=build)
    thread.start()
    until(lambda: _locks_on("t") > 0)
    trash.delete_column(user=owner, table=table, column=table.columns.get(name="n"))
    trash.delete_table(user=owner, table=table)
    thread.join()
    assert stopped


def _locks_on(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE relation = to_regclass(%s) AND mode = 'ShareUpdateExclusiveLock'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [f"userdata.{table}"],
        )
        return int((cursor.fetchone() or [0])[0])


def test_an_import_that_replaces_the_table_has_its_indexes_built_again(owner: User) -> None:
    table = make_table(owner, "t", a="TEXT", n="INTEGER")
    index = _asked(owner, table, "a")
    indexes.set_searchable(user=owner, table=table, searchable=True)
    build_waiting()
    assert len(_indexes()) == 2
    assert import_text(owner, "t", "a,n\nx,1\ny,2\n").state == "completed"
    assert _indexes() == []
    assert {again.state for again in Index.objects.all()} == {"queued"}
    build_waiting()
    assert len(_indexes()) == 2
    # A table with records keeps its indexes.
    assert import_text(owner, "t", "a,n\nz,3\n").state == "completed"
    index.refresh_from_db()
    assert (index.state, len(_indexes())) == ("completed", 2)


def test_the_search_index_follows_the_columns(owner: User) -> None:
    table = make_table(owner, "t", a="TEXT", n="INTEGER")
    indexes.set_searchable(user=owner, table=table, searchable=True)
    assert build_waiting() == ["completed"]
    spec = table.columns.get(name="a").to_spec()
    added = tables.add_column(user=owner, table=table, spec=spec.__class__(name="b", type="text"))
    assert build_waiting() == ["completed"]
    assert added.pk in (indexes.search_index(table) or Index()).covers
    trash.delete_column(user=owner, table=table, column=added)
    assert build_waiting() == ["completed"]
    assert _indexes() == [f"tk:{table.pk}:search"]


def test_indexes_without_a_row_are_swept_away(owner: User) -> None:
    table = make_table(owner, "t", a="TEXT", n="INTEGER")
    index = _asked(owner, table, "a")
    index_builds.run(index.pk)
    Index.objects.all().delete()
    index_builds.sweep()
    assert _indexes() == []


def test_a_column_whose_type_was_changed_just_before(
    client: APIClient, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts and numbers have different indexes."""
    table = make_table(owner, "changing", a="TEXT")
    client.post("/api/tables/changing/records/", {"a": "5"})
    monkeypatch.setattr(indexes, "ring", lambda *args, **options: None)
    indexes.set_indexed(user=owner, table=table, column=table.columns.get(name="a"), indexed=True)
    build = index_builds.IndexRunner.work

    def late(runner: index_builds.IndexRunner, job: Index, watch: Any) -> None:
        assert job.column is not None  # it was read
        Column.objects.filter(pk=job.column.pk).update(type="integer")
        ddl.execute(sql.SQL("ALTER TABLE userdata.changing ALTER a TYPE integer USING a::integer"))
        build(runner, job, watch)

    monkeypatch.setattr(index_builds.IndexRunner, "work", late)
    assert build_waiting() == ["completed"]
    assert client.get("/api/tables/changing/columns/a/").json()["index_state"] == "ready"
