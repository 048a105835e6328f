"""Killed, rung for twice, run by two workers, cancelled: the import has happened once or not at all."""

from __future__ import annotations

import io
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, connections

from dataengine.columns.sql_types import parse_sql_type
from dataengine.exceptions import Conflict
from dataengine.jobs import runner
from dataengine.jobs.doorbell import RUN_IMPORT, ring
from dataengine.jobs.progress import ImportProgress
from dataengine.models import ImportJob
from dataengine.postgres import locks
from dataengine.services import import_runs, imports, tables, trash
from dataengine.tests.importing import import_text, make_table, queue_import, records
from dataengine.tests.threads import Beside
from dataengine.tests.waiting import PATIENCE_SECONDS, end_pause, is_waited_for, kept_from_writing, until
from harness.killing import kill, moments

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 150_000
PROJECT_DIR = Path(__file__).resolve().parents[2]
_RUN = (
    "import django; django.setup(); from dataengine.services.import_runs import run; import sys; run(int(sys.argv[1]))"
)


@cache
def _big_text() -> str:
    bad = {1_000: "x", ROWS - 5: "y"}
    lines = (f"user{n}@example.com,{bad.get(n, n)},some text to fill the line a little {n}" for n in range(ROWS))
    return "email,n,text\n" + "\n".join(lines) + "\n"


@pytest.fixture
def queued(owner: User) -> Callable[[bool], ImportJob]:
    """``queued(filled)``: a job of many rows, queued but not rung for, into an empty or a filled table."""

    def make(filled: bool) -> ImportJob:
        make_table(owner, "big", email="TEXT UNIQUE", n="INTEGER", text="TEXT")
        if filled:
            import_text(owner, "big", "email,n\nsomebody@example.com,1\n")
        return queue_import(owner, "big", _big_text())

    return make


def _thread(job: ImportJob) -> threading.Thread:
    """A thread that runs the job like another worker."""

    def work() -> None:
        import_runs.run(job.pk)
        connections.close_all()

    return Beside(target=work)


def _count() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT email) FROM userdata.big")
        count, distinct = cursor.fetchone()
    assert count == distinct
    return int(count)


def _assert_done_once(job: ImportJob, before: int) -> None:
    job.refresh_from_db()
    assert (job.state, job.rows_read, job.rows_imported, job.rows_rejected) == ("completed", ROWS, ROWS - 2, 2), (
        job.error
    )
    assert _count() == before + ROWS - 2
    assert job.rejected_rows.count() == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname LIKE 'tk:job:%%' AND relkind = 'r'")
        assert cursor.fetchall() == []
    until(lambda: not locks.job_is_held(job.pk))  # the end is written a moment before the worker lets go


@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_a_worker_killed_anywhere(
    owner: User, queued: Callable[[bool], ImportJob], process_environment: dict[str, str], filled: bool, seed: int
) -> None:
    for moment in moments(random.Random(seed).uniform(0, 1.5)):
        job = queued(filled)
        if _killed_midway(job, process_environment, moment):
            break
        _assert_done_once(job, before=int(filled))
        assert job.table is not None
        trash.delete_table(user=owner, table=job.table)
    import_runs.sweep()
    end_pause(job)
    import_runs.run(job.pk)
    _assert_done_once(job, before=int(filled))
    assert job.attempt == 2


def _killed_midway(job: ImportJob, environment: dict[str, str], moment: float) -> bool:
    """Kill a worker ``moment`` seconds after it started the job. Returns whether the job was still running."""
    process = subprocess.Popen([sys.executable, "-c", _RUN, str(job.pk)], env=environment, cwd=PROJECT_DIR)
    until(lambda: ImportJob.objects.get(pk=job.pk).state != "queued" or process.poll() is not None)
    kill(process, after=moment)
    # The database soon notices that the session is gone; until then it may still commit.
    until(lambda: not locks.job_is_held(job.pk))
    return ImportJob.objects.get(pk=job.pk).state == "running"


def test_two_workers_at_once(queued: Callable[[bool], ImportJob]) -> None:
    job = queued(False)

    threads = [_thread(job) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    import_runs.run(job.pk)
    _assert_done_once(job, before=0)
    assert ImportJob.objects.get(pk=job.pk).attempt == 1


def test_a_job_that_always_kills_its_worker_fails_in_the_end(owner: User) -> None:
    make_table(owner, "t", n="INTEGER")
    job = queue_import(owner, "t", "n\n1\n")
    for attempt in (1, 2, 3):
        ImportJob.objects.filter(pk=job.pk).update(state="running", attempt=attempt)
        import_runs.sweep()
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "attempts_exhausted")
    assert "3 times" in job.error


@contextmanager
def _held_up(owner: User, session: psycopg.Connection[Any]) -> Iterator[ImportJob]:
    """A job that runs in a thread and does not end before this context."""
    make_table(owner, "t", n="INTEGER")
    job = queue_import(owner, "t", "n\n1\n2\n")
    thread = _thread(job)
    with kept_from_writing(session, "t"):
        thread.start()
        until(lambda: is_waited_for(session))
        yield job
    thread.join()


def test_a_lost_database_session_is_tried_again(owner: User, second_connection: Callable[[], Any]) -> None:
    with _held_up(owner, second_connection()) as job:
        locks.end_holder(job.pk)
        until(lambda: ImportJob.objects.get(pk=job.pk).state == "queued")
    end_pause(job)
    done = import_runs.run(job.pk)
    assert done is not None
    assert (done.state, done.attempt) == ("completed", 2)
    assert records("t", "n") == [("1",), ("2",)]


def test_a_running_import_is_cancelled_and_leaves_nothing(owner: User, second_connection: Callable[[], Any]) -> None:
    with _held_up(owner, second_connection()) as job:
        imports.cancel(user=owner, job=job)
        until(lambda: ImportJob.objects.get(pk=job.pk).state == "cancelled")
    assert records("t") == []
    assert import_runs.sweep() == []


def test_who_is_told_that_an_import_is_cancelled_can_rely_on_it(owner: User) -> None:
    make_table(owner, "t", n="INTEGER")
    job = queue_import(owner, "t", "n\n1\n2\n")

    answers: list[str] = []

    def cancel() -> None:
        answers.append(imports.cancel(user=owner, job=ImportJob.objects.get(pk=job.pk)).state)
        connections.close_all()

    def watch(progress: ImportProgress) -> None:
        if progress.rows_imported == 2 and not answers:  # everything is done but the commit
            thread = Beside(target=cancel)
            thread.start()
            thread.join()

    done = import_runs.run(job.pk, watch=watch)
    assert done is not None
    assert answers == ["running"]
    assert (done.state, done.rows_imported, records("t")) == ("cancelled", 0, [])


def test_a_queued_import_is_cancelled_at_once(owner: User) -> None:
    make_table(owner, "t", n="INTEGER")
    job = queue_import(owner, "t", "n\n1\n")
    assert imports.cancel(user=owner, job=job).state == "cancelled"
    import_runs.run(job.pk)
    assert records("t") == []
    with pytest.raises(Conflict):
        imports.cancel(user=owner, job=job)


def test_columns_do_not_change_while_an_import_runs(owner: User, second_connection: Callable[[], Any]) -> None:
    spec = parse_sql_type("more", "TEXT")
    with _held_up(owner, second_connection()) as job:
        assert job.table is not None
        with pytest.raises(Conflict) as caught:
            tables.add_column(user=owner, table=job.table, spec=spec)
        assert caught.value.error_code == "import_running"
    assert ImportJob.objects.get(pk=job.pk).state == "completed"
    tables.add_column(user=owner, table=job.table, spec=spec)


def test_two_imports_of_one_table_follow_one_another(owner: User) -> None:
    make_table(owner, "t", n="INTEGER UNIQUE")
    first, second = (queue_import(owner, "t", "n\n1\n") for _ in range(2))
    with locks.held_by_job(first.pk, first.table_id):
        other = _thread(second)
        other.start()
        other.join()
        assert ImportJob.objects.get(pk=second.pk).state == "queued"
    import_runs.run(first.pk)
    import_runs.run(second.pk)
    assert [ImportJob.objects.get(pk=job.pk).rows_imported for job in (first, second)] == [1, 0]


def test_one_mail_is_sent(owner: User) -> None:
    make_table(owner, "t", n="INTEGER")
    job = imports.start(
        user=owner, table=None, table_name="t", file=io.BytesIO(b"n\n1\nx\n"), filename="data.csv",
        email="owner@example.com", send=False,
    )  # fmt: skip
    import_runs.run(job.pk)
    import_runs.run(job.pk)
    import_runs.sweep()
    [message] = mail.outbox
    assert message.to == ["owner@example.com"]
    assert "Imported: 1" in message.body
    assert "Rejected: 1" in message.body
    assert "invalid_type" in message.body


def test_a_failing_mail_server_fails_nothing(owner: User, settings: object) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # type: ignore[attr-defined]
    make_table(owner, "t", n="INTEGER")
    job = imports.start(
        user=owner, table=None, table_name="t", file=io.BytesIO(b"n\n1\n"), filename="data.csv",
        email="owner@example.com", send=False,
    )  # fmt: skip
    import_runs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.mailed_at) == ("completed", None)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"  # type: ignore[attr-defined]
    import_runs.sweep()
    assert len(mail.outbox) == 1


@pytest.mark.worker
def test_the_doorbell_reaches_a_real_worker(owner: User, celery_worker: int) -> None:
    make_table(owner, "t", n="INTEGER")
    job = imports.start(user=owner, table=None, table_name="t", file=io.BytesIO(b"n\n1\n2\n"), filename="data.csv")
    until(lambda: ImportJob.objects.get(pk=job.pk).is_over)
    assert records("t", "n") == [("1",), ("2",)]


@pytest.mark.worker
def test_killed_children_of_the_pool(
    queued: Callable[[bool], ImportJob], second_connection: Callable[[], Any], celery_worker: int
) -> None:
    job = queued(False)
    children = psutil.Process(celery_worker).children()
    session = second_connection()
    with kept_from_writing(session, "big"):
        ring(RUN_IMPORT, job.pk)
        until(lambda: is_waited_for(session))
        for child in children:  # whichever has the import is among them
            child.kill()

    def over() -> bool:
        for waiting in import_runs.sweep():
            ring(RUN_IMPORT, waiting)
        return ImportJob.objects.get(pk=job.pk).is_over

    until(over)
    _assert_done_once(job, before=0)


def test_stored_files_go_when_nobody_needs_them_any_more(owner: User, tmp_path: Path, settings: object) -> None:
    settings.STORAGES = {  # type: ignore[attr-defined]
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    }
    make_table(owner, "t", n="INTEGER")
    done = import_text(owner, "t", "n\n1\n")
    failed = import_text(owner, "t", "n\nx\n", on_error="abort")
    assert (done.state, failed.state) == ("completed", "failed")
    assert default_storage.listdir("imports")[1] == [failed.source.rpartition("/")[2]]
    assert failed.table is not None
    item = trash.delete_table(user=owner, table=failed.table)
    import_runs.sweep()
    assert len(default_storage.listdir("imports")[1]) == 1  # the table may come back
    trash.purge(user=owner, item=item)
    import_runs.sweep()
    assert default_storage.listdir("imports")[1] == []
    orphan = default_storage.save("imports/orphan.csv", ContentFile(b"n\n"))
    assert import_runs.sweep_storage() == 0
    os.utime(default_storage.path(orphan), (0, 0))
    assert import_runs.sweep_storage() == 1


_UPLOAD = """
import django, io
django.setup()
from django.contrib.auth.models import User
from dataengine.services import imports
owner = User.objects.get(username="owner")
imports.start(user=owner, table=None, table_name="t", file=io.BytesIO(b"n\\n1\\n"), filename="data.csv")
"""


@pytest.mark.parametrize("kind", ["away", "frozen"])
def test_an_upload_is_accepted_whatever_redis_does(
    owner: User, process_environment: dict[str, str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RING_AGAIN_AFTER", timedelta(days=1))  # however long the upload takes here
    make_table(owner, "t", n="INTEGER")
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        port = frozen.getsockname()[1] if kind == "frozen" else 9
        environment = {**process_environment, "REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        command = [sys.executable, "-c", _UPLOAD]
        # That it ends is the test: waiting for this Redis would take for ever.
        subprocess.run(
            command,
            env=environment,
            cwd=PROJECT_DIR,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_SECONDS,
        )
    job = ImportJob.objects.get()
    assert job.state == "queued"
    assert import_runs.sweep() == []  # rung for a moment ago, as far as the sweeper knows
    ImportJob.objects.filter(pk=job.pk).update(created_at="2020-01-01T00:00Z")
    assert import_runs.sweep() == [job.pk]
