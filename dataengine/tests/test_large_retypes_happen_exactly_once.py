"""Killed, cancelled, cut off, rung for twice at any step: the type of a large table's column has changed once or not at
all, and nothing that others wrote meanwhile is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from rest_framework.test import APIClient

from dataengine.exceptions import Conflict, DataEngineError
from dataengine.models import AuditEvent, ChangeJob, Column, ImportJob, Index, Table
from dataengine.postgres import locks
from dataengine.postgres.successor import Successor
from dataengine.postgres.text_expressions import ordered_by
from dataengine.records.database_errors import translated
from dataengine.records.model import record_model
from dataengine.services import change_runs, import_runs, index_builds, indexes, trash
from dataengine.tests.importing import queue_import
from dataengine.tests.retyping import (
    PRICE,
    ROWS,
    done,
    few_are_many,
    make_sold,
    meanwhile,
    nothing_is_left,
    run_in_thread,
    sql,
    values,
)
from dataengine.tests.threads import Beside
from dataengine.tests.waiting import PATIENCE_SECONDS, end_pause, is_waited_for, until

pytestmark = pytest.mark.django_db(transaction=True)

WANTED = {"column_type": "NUMERIC"}
PROJECT_DIR = Path(__file__).resolve().parents[2]
HOLD = 4712
"""An advisory lock of these tests' own."""
STEPS = (
    "prepare", "create", "take_over", "build_indexes", "analyze", "gather", "lock", "take_the_place"
)  # fmt: skip
"""Of a successor, in order."""
# Workers that wait for the test's lock before they take a step. Like Celery's they are forks of a process that has
# loaded everything, which takes longer than what they do.
_RUN = f"""
import django, os, sys
django.setup()
from django.db import connection
from dataengine.postgres.successor import Successor
from dataengine.services import indexes, retry_runs, retype_runs, undo_runs
from dataengine.services.change_runs import run
def work(job, name):
    step = getattr(Successor, name)
    def held_up(*arguments, **options):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock({HOLD})")
        return step(*arguments, **options)
    setattr(Successor, name, held_up)
    run(int(job))

for line in sys.stdin:
    worker = os.fork()
    if not worker:
        try:
            work(*line.split())
        finally:
            os._exit(0)
    print(worker, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def workers(process_environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Told the number of a job and a step, it answers with a worker's number, and at its end with its code."""
    with subprocess.Popen(
        [sys.executable, "-c", _RUN],
        env=process_environment,
        cwd=PROJECT_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(PATIENCE_SECONDS)


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    few_are_many(monkeypatch)


@pytest.fixture
def table(owner: User) -> Table:
    return make_sold(owner)


@pytest.fixture
def job(client: APIClient, table: Table) -> ChangeJob:
    asked = client.patch(PRICE, WANTED)
    assert asked.status_code == 202, asked.json()
    return ChangeJob.objects.get(pk=asked.json()["id"])


def happened_once(job: ChangeJob, *, attempt: int | None = None) -> None:
    job.refresh_from_db()
    assert job.state == "completed", (job.error_code, job.error)
    assert attempt is None or job.attempt == attempt
    assert values("price") == [f"{n}.50" for n in range(1, ROWS + 1)]
    assert AuditEvent.objects.filter(action="column.changed").count() == 1
    assert Column.everything.exclude(trashed_at=None).count() == 1
    nothing_is_left(job.pk)


def nothing_happened(client: APIClient, job: ChangeJob) -> None:
    assert values("price") == [f"{n},50" for n in range(1, ROWS + 1)]
    assert client.get(PRICE).json()["column_type"] == "TEXT"
    assert not AuditEvent.objects.filter(action="column.changed").exists()
    assert not Column.everything.exclude(trashed_at=None).exists()
    nothing_is_left(job.pk)


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_at_any_step(
    job: ChangeJob, workers: subprocess.Popen[str], second_connection: Any, step: str
) -> None:
    session = second_connection()
    session.execute("SELECT pg_advisory_lock(%s)", [HOLD])
    assert workers.stdin is not None
    assert workers.stdout is not None
    print(job.pk, step, file=workers.stdin, flush=True)
    worker = int(workers.stdout.readline())
    until(lambda: is_waited_for(session) or not Path(f"/proc/{worker}").exists())
    os.kill(worker, signal.SIGKILL)
    assert int(workers.stdout.readline()) == -signal.SIGKILL  # and did not end by itself
    session.execute("SELECT pg_advisory_unlock(%s)", [HOLD])
    until(lambda: not locks.job_is_held(job.pk, locks.CHANGE_NAMESPACE))
    # Whatever the attempt left notes what is written, and is in nobody's way.
    sql("UPDATE userdata.sold SET n = n WHERE id < 10")
    change_runs.sweep()
    job.refresh_from_db()
    assert job.state == "queued"
    end_pause(job)
    threads = [run_in_thread(job.pk) for _ in range(2)]  # rung for twice
    for thread in threads:
        thread.join()
    change_runs.run(job.pk)  # and again, late
    happened_once(job, attempt=2)


@pytest.mark.parametrize("step", STEPS)
def test_cancelled_at_any_step(client: APIClient, job: ChangeJob, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    with meanwhile(monkeypatch, job.pk, step):
        answer = client.post(f"/api/changes/{job.pk}/cancel/")
        assert answer.status_code == 200
    job.refresh_from_db()
    assert (job.state, job.error, job.progress) == ("cancelled", "", None)
    nothing_happened(client, job)


@pytest.mark.parametrize("step", STEPS)
def test_a_session_lost_at_any_step(job: ChangeJob, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    with meanwhile(monkeypatch, job.pk, step):
        locks.end_holder(job.pk, locks.CHANGE_NAMESPACE)
    job.refresh_from_db()
    assert (job.state, job.error) == ("queued", "The connection to the database was lost.")
    until(lambda: not locks.job_is_held(job.pk, locks.CHANGE_NAMESPACE))
    end_pause(job)
    change_runs.run(job.pk)
    happened_once(job, attempt=2)


def test_cancelled_while_it_waits(client: APIClient, job: ChangeJob) -> None:
    assert client.post(f"/api/changes/{job.pk}/cancel/").json()["state"] == "cancelled"
    change_runs.run(job.pk)
    nothing_happened(client, job)
    assert client.patch(PRICE, WANTED).status_code == 202


@pytest.mark.parametrize("step", ["create", "take_over", "build_indexes", "analyze", "lock"])
def test_what_is_written_meanwhile_is_there_afterwards(
    job: ChangeJob, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with meanwhile(monkeypatch, job.pk, step):
        sql("UPDATE userdata.sold SET price = '0,25' WHERE id = 1")
        sql("UPDATE userdata.sold SET name = 'new' WHERE id = 2")
        sql("DELETE FROM userdata.sold WHERE id = 3")
        sql("INSERT INTO userdata.sold (name, price) VALUES ('more', '7,75'), ('none', NULL)")
        sql("UPDATE userdata.sold SET id = 9999 WHERE id = 4")
        # Unique values move from one record to another.
        sql("UPDATE userdata.sold SET name = 'x' WHERE id = 5")
        sql("UPDATE userdata.sold SET name = 'a5' WHERE id = 6")
        sql("UPDATE userdata.sold SET name = 'a6' WHERE id = 5")
        sql("INSERT INTO userdata.sold (id, name, price) VALUES (3, 'again', '3,00')")
    job.refresh_from_db()
    assert job.state == "completed", job.error
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name, price::text FROM userdata.sold WHERE id < 8 OR id > 2999 ORDER BY id")
        assert cursor.fetchall() == [
            (1, "a1", "0.25"), (2, "new", "2.50"), (3, "again", "3.00"), (5, "a6", "5.50"), (6, "a5", "6.50"),
            (7, "a7", "7.50"), (3000, "a3000", "3000.50"), (3001, "more", "7.75"), (3002, "none", None),
            (9999, "a4", "4.50"),
        ]  # fmt: skip
        cursor.execute("SELECT count(*), count(DISTINCT id) FROM userdata.sold")
        assert cursor.fetchone() == (ROWS + 2, ROWS + 2)
    nothing_is_left(job.pk)


def test_everything_truncated_meanwhile(job: ChangeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    with meanwhile(monkeypatch, job.pk, "analyze"):
        connections["default"].ensure_connection()
        sql("UPDATE userdata.sold SET price = '0,25' WHERE id = 1")
        sql("TRUNCATE userdata.sold")
        sql("INSERT INTO userdata.sold (name, price) VALUES ('only', '1,25')")
    job.refresh_from_db()
    assert job.state == "completed", job.error
    assert values("price") == ["1.25"]
    nothing_is_left(job.pk)


def test_what_is_written_meanwhile_and_does_not_fit(
    client: APIClient, job: ChangeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    with meanwhile(monkeypatch, job.pk, "lock"):
        sql("UPDATE userdata.sold SET price = 'free' WHERE id = 1")
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "plan_outdated")
    assert "1 value" in job.error
    sql("UPDATE userdata.sold SET price = '1,50' WHERE id = 1")
    nothing_happened(client, job)


def test_a_definition_changed_meanwhile_by_others(job: ChangeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    with meanwhile(monkeypatch, job.pk, "lock"):
        sql("ALTER TABLE userdata.sold ADD COLUMN theirs int DEFAULT 7")
    job.refresh_from_db()
    assert (job.state, job.attempt) == ("queued", 0)  # it made way, which does not count
    end_pause(job)
    change_runs.run(job.pk)
    happened_once(job, attempt=1)
    assert values("theirs") == ["7"] * ROWS


def test_many_writers_hammering(job: ChangeJob) -> None:
    """Every write that was answered is there, whenever it happened, with the right value."""
    stop, failed = threading.Event(), list[BaseException]()
    written: list[dict[int, str]] = [{} for _ in range(4)]

    def hammer(number: int) -> None:
        mine, turn = written[number], 0
        try:
            with connection.cursor() as cursor:
                while not stop.is_set():
                    turn += 1
                    key = 1 + (turn * 4 + number) % ROWS
                    text = f"{turn}.25"  # the same number before and after
                    cursor.execute("UPDATE userdata.sold SET price = %s WHERE id = %s", [text, key])
                    mine[key] = text
                    cursor.execute(
                        "INSERT INTO userdata.sold (name, price) VALUES (%s, %s) RETURNING id",
                        [f"w{number}:{turn}", text],
                    )
                    mine[cursor.fetchone()[0]] = text
        except BaseException as error:
            failed.append(error)
            raise
        finally:
            connections.close_all()

    sql("UPDATE userdata.sold SET price = replace(price, ',', '.')")
    job.parameters["plan"]["reading"]["style"] = None
    job.save()
    threads = [Beside(target=hammer, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: all(len(mine) > 50 for mine in written) or failed)
    try:
        done(job.pk)
        so_far = [len(mine) for mine in written]
        until(lambda: all(len(mine) > n + 5 for mine, n in zip(written, so_far, strict=True)) or failed)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, price::text FROM userdata.sold")
        found = dict(cursor.fetchall())
    for mine in written:
        for key, text in mine.items():
            assert found[key] == text
    assert len(found) == ROWS + sum(key > ROWS for mine in written for key in mine)
    nothing_is_left(job.pk)


def test_a_reader_who_does_not_leave_keeps_nobody_waiting(
    job: ChangeJob, second_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[None] = []
    lock = Successor.lock

    def counted(successor: Successor) -> None:
        tries.append(None)
        lock(successor)

    monkeypatch.setattr(Successor, "lock", counted)
    reader = second_connection()
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM userdata.sold")
    thread = run_in_thread(job.pk)
    until(lambda: len(tries) > 2)
    sql("UPDATE userdata.sold SET n = 0 WHERE id = 1")
    assert values("price")[0] == "1,50"
    reader.execute("ROLLBACK")
    thread.join()
    happened_once(job, attempt=1)
    assert values("n")[0] == "0"


def test_who_still_knows_the_old_type_is_told_to_look_again(
    client: APIClient, owner: User, table: Table, job: ChangeJob
) -> None:
    looked_up = Table.objects.get(pk=table.pk)
    stale = record_model(looked_up)
    column = looked_up.columns.get(name="price")
    done(job.pk)
    for data in ({"name": "x", "price": "free"}, {"name": "y", "price": "7,75"}):
        with pytest.raises(DataEngineError) as caught, translated(stale):
            stale.objects.create(**{looked_up.columns.get(name=name).attribute: text for name, text in data.items()})
        assert caught.value.error_code in {"table_changed", "invalid_type"}
    price = column.attribute
    with pytest.raises(DataEngineError) as caught, translated(stale):
        list(stale.objects.order_by(ordered_by(column, price)).values_list("pk"))
    assert caught.value.error_code == "table_changed"


def test_two_at_once_and_what_else_runs(
    client: APIClient, owner: User, table: Table, job: ChangeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: str = "/api/tables/sold/columns/day/") -> str:
        answer = client.patch(path, {"column_type": "DATE"})
        assert answer.status_code == 409, answer.json()
        return str(answer.json()["error"]["code"])

    assert refused() == refused(PRICE) == "change_running"
    waiting = queue_import(owner, "sold", 'name,price\nnew,"1,25"\n')
    with meanwhile(monkeypatch, job.pk, "take_over"):
        assert refused() == "change_running"
        with pytest.raises(Conflict) as caught:
            trash.delete_column(user=owner, table=table, column=table.columns.get(name="n"))
        assert caught.value.error_code == "change_running"
        still = import_runs.run(waiting.pk)
        assert still is not None
        assert still.state == "queued"
        other = run_in_thread(job.pk)
        other.join()
    happened_once(job, attempt=1)
    ran = import_runs.run(waiting.pk)
    assert ran is not None
    assert (ran.state, values("price")[-1]) == ("completed", "1.25")
    ImportJob.objects.filter(pk=waiting.pk).update(state="running")
    assert refused() == "import_running"
    ImportJob.objects.filter(pk=waiting.pk).update(state="completed")
    indexes.set_indexed(user=owner, table=table, column=table.columns.get(name="n"), indexed=True)
    Index.objects.update(state="running")
    assert refused() == "index_running"
    Index.objects.update(state="queued")
    second = client.patch("/api/tables/sold/columns/day/", {"column_type": "DATE"}).json()
    index = Index.objects.get()
    built = index_builds.run(index.pk)
    assert built is not None
    assert built.state == "queued"  # it makes way
    done(second["id"])
    assert [built.state for pk in [index.pk] if (built := index_builds.run(pk)) is not None] == ["completed"]


@pytest.mark.worker
def test_with_a_real_worker(
    client: APIClient, table: Table, celery_worker: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataengine.jobs import doorbell

    monkeypatch.setattr("dataengine.services.retype_runs.ring", doorbell.ring)
    asked = client.patch(PRICE, WANTED).json()
    until(lambda: ChangeJob.objects.get(pk=asked["id"]).is_over)
    happened_once(ChangeJob.objects.get(pk=asked["id"]), attempt=1)
