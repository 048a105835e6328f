"""The progress of an import is true, never decreases, and never slows it down."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from dataengine.jobs.progress import PUBLISH_SECONDS, ImportProgress, ProgressReporter, Sender
from dataengine.models import ImportJob
from dataengine.postgres.statement_progress import plain_share
from dataengine.services import import_runs
from dataengine.tests.threads import Beside

from .importing import import_text, make_table, queue_import
from .waiting import PATIENCE_SECONDS, end_pause, is_waited_for, until

pytestmark = pytest.mark.django_db(transaction=True)

COUNTERS = ("progress", "bytes_read", "rows_read", "rows_imported", "rows_updated", "rows_skipped", "rows_rejected")
ROWS = 60_000


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[ImportProgress]:
    """All reports, one at each change."""
    told: list[ImportProgress] = []
    update = ProgressReporter.update

    def recorded(self: ProgressReporter, **changes: Any) -> None:
        update(self, **changes)
        told.append(self.snapshot())

    monkeypatch.setattr(ProgressReporter, "update", recorded)
    return told


def text(first: int = 0, *, extra: str = "") -> str:
    """Some megabytes: several blocks."""
    filler = "x" * 90
    lines = (f"user{n}@example.com,{n},2024-01-{n % 28 + 1:02},{filler}" for n in range(first, first + ROWS))
    return "email,n,day,filler\n" + "\n".join(lines) + "\n" + extra


def table(owner: User) -> None:
    make_table(owner, "t", email="TEXT UNIQUE", n="INTEGER", day="DATE", filler="TEXT")


def phases(told: list[ImportProgress]) -> list[str]:
    return [one.phase for place, one in enumerate(told) if place == 0 or told[place - 1].phase != one.phase]


def assert_honest(told: list[ImportProgress], job: ImportJob) -> None:
    assert job.state == "completed", job.error
    for before, after in pairwise(told):
        for name in COUNTERS:
            assert getattr(after, name) >= getattr(before, name), (name, before, after)
    assert all(0 <= one.progress <= 1 and one.bytes_read <= one.bytes_total for one in told)
    last = told[-1]
    for name in ("bytes_read", "rows_read", "rows_imported", "rows_updated", "rows_skipped", "rows_rejected"):
        assert getattr(job, name) == getattr(last, name), name
    assert (job.progress, job.bytes_read, job.eta_seconds) == (1.0, job.bytes_total, None)
    took = (job.finished_at - job.started_at).total_seconds()  # type: ignore[operator]  # it is over
    assert job.rows_per_second is not None
    assert job.rows_per_second >= job.rows_read / took * 0.9


def test_a_new_table_reads_the_file_twice_and_says_so(owner: User, told: list[ImportProgress]) -> None:
    job = import_text(owner, "new_one", text(), create_table=True)
    assert_honest(told, job)
    assert phases(told) == ["reading", "loading", "indexing", "finishing"]
    looked = [one for one in told if one.phase == "reading"]
    assert len(looked) > 1
    assert looked[-1].bytes_read == job.bytes_total  # all of it, not half
    assert 0 < looked[0].progress < looked[-1].progress < 0.5
    loaded = [one for one in told if one.phase == "loading"]
    assert looked[-1].progress <= loaded[0].progress < loaded[-1].progress < told[-1].progress


def test_an_empty_table(owner: User, told: list[ImportProgress]) -> None:
    table(owner)
    assert_honest(told, import_text(owner, "t", text()))
    # Some rows may have to be checked again, which is another phase.
    assert [phase for phase in phases(told) if phase != "checking"][:2] == ["loading", "indexing"]
    assert phases(told)[-1] == "finishing"
    # The unique column, and the key; where building takes long, it is looked at meanwhile as well.
    assert len({one.progress for one in told if one.phase == "indexing"}) >= 2


def test_duplicates_are_looked_for_and_indexes_built_anew(owner: User, told: list[ImportProgress]) -> None:
    table(owner)
    job = import_text(owner, "t", text(extra="user1@example.com,1,2024-01-01,again\n"))
    assert_honest(told, job)
    assert job.rows_rejected == 1
    assert phases(told)[:4] == ["loading", "indexing", "checking", "indexing"]
    assert all(one.eta_seconds is None for one in told if one.phase == "checking")


def test_a_table_with_records(owner: User, told: list[ImportProgress]) -> None:
    table(owner)
    import_text(owner, "t", text())
    told.clear()
    job = import_text(owner, "t", text(ROWS // 2))
    assert_honest(told, job)
    assert job.rows_imported == job.rows_rejected == ROWS // 2
    assert any(0 < one.rows_imported < job.rows_imported for one in told)


def test_records_that_are_updated(owner: User, told: list[ImportProgress]) -> None:
    table(owner)
    import_text(owner, "t", text())
    told.clear()
    job = import_text(owner, "t", text(ROWS // 2), on_conflict="update", key="email")
    assert_honest(told, job)
    assert phases(told) == ["loading", "checking", "finishing"]


def test_a_file_that_has_to_be_looked_through_first(owner: User, told: list[ImportProgress]) -> None:
    table(owner)
    lines = (f"user{n}@example.com,{n},{n % 28 + 1:02}.01.2024,{'x' * 90}" for n in range(ROWS))
    job = import_text(owner, "t", "email,n,day,filler\n" + "\n".join(lines) + "\n")
    assert_honest(told, job)
    assert phases(told)[:3] == ["reading", "loading", "indexing"]


def test_an_attempt_begins_from_nothing_and_says_which_it_is(owner: User) -> None:
    table(owner)
    job = queue_import(owner, "t", "email\na@example.com\n")
    counters = {"bytes_read": 9, "rows_read": 5, "rows_imported": 4, "rows_rejected": 1, "progress": 0.7}
    dead = {"state": "running", "phase": "loading", "attempt": 1, "rows_per_second": 3.0, "eta_seconds": 9.0}
    ImportJob.objects.filter(pk=job.pk).update(**counters, **dead, errors=[{"code": "x"}])
    import_runs.sweep()
    job.refresh_from_db()
    assert (job.state, job.attempt, job.error) == ("queued", 1, "The process that ran it ended unexpectedly.")
    assert [getattr(job, name) for name in counters] == [0, 0, 0, 0, 0.0]
    assert (job.rows_per_second, job.eta_seconds, job.errors) == (None, None, [])
    end_pause(job)
    done = import_runs.run(job.pk)
    assert done is not None
    assert (done.state, done.attempt, done.error) == ("completed", 2, "")


@pytest.fixture
def running(owner: User) -> ImportJob:
    table(owner)
    job = queue_import(owner, "t", "email\na@example.com\n")
    ImportJob.objects.filter(pk=job.pk).update(state="running", attempt=1)
    job.refresh_from_db()
    return job


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """A Redis that accepts a message and never answers: (a message is being sent, let it go)."""
    begun, released = threading.Event(), threading.Event()

    def send(self: Sender, job_id: int, progress: dict[str, Any] | None) -> None:
        begun.set()
        released.wait(PATIENCE_SECONDS)

    monkeypatch.setattr(Sender, "send", send)
    yield begun, released
    released.set()


def test_an_import_waits_for_no_message(running: ImportJob, stuck: tuple[threading.Event, threading.Event]) -> None:
    begun, released = stuck
    reporter = ProgressReporter(running)
    reporter.update(rows_read=1)
    until(begun.is_set)
    reporter.update(rows_read=2)
    reporter.close()  # returns although the message is still being sent
    assert not released.is_set()
    assert reporter.snapshot().rows_read == 2


def test_messages_are_at_most_four_a_second(running: ImportJob, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[float] = []
    enough = threading.Event()

    def send(self: Sender, job_id: int, progress: dict[str, Any] | None) -> None:
        sent.append(time.monotonic())
        if len(sent) == 5:
            enough.set()

    monkeypatch.setattr(Sender, "send", send)
    reporter = ProgressReporter(running)
    rows = itertools.count(1)
    until(enough.is_set, pause=lambda: reporter.update(rows_read=next(rows)))
    reporter.close()
    assert all(after - before >= PUBLISH_SECONDS for before, after in pairwise(sent))


def test_after_the_end_nothing_is_written(running: ImportJob) -> None:
    reporter = ProgressReporter(running)
    reporter.update(rows_read=1)
    reporter.close()
    ImportJob.objects.filter(pk=running.pk).update(rows_read=77)
    reporter._thread.join(PATIENCE_SECONDS)
    assert not reporter._thread.is_alive()
    running.refresh_from_db()
    assert running.rows_read == 77


def test_the_building_of_an_index_is_watched(owner: User, second_connection: Any) -> None:
    """A function that waits at some rows lets the test observe the build there."""
    stops = (1, 1000, 2000)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE userdata.slow (n int)")
        cursor.execute("INSERT INTO userdata.slow SELECT generate_series(1, 2000)")
        cursor.execute(
            "CREATE FUNCTION userdata.slowly(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
            f" 'BEGIN IF n IN {stops} THEN PERFORM pg_advisory_xact_lock_shared(n); END IF; RETURN n; END'"
        )
    gate = second_connection()
    for stop in stops:
        gate.execute("SELECT pg_advisory_lock(%s)", [stop])
    builder = second_connection()
    thread = Beside(target=builder.execute, args=("CREATE INDEX ON userdata.slow (userdata.slowly(n))",))
    thread.start()
    seen: list[float | None] = []
    for stop in stops:
        until(lambda: is_waited_for(gate))
        seen.append(plain_share(builder.info.backend_pid))
        gate.execute("SELECT pg_advisory_unlock(%s)", [stop])
    thread.join()
    first, middle, last = seen
    assert first is not None
    assert middle is not None
    assert last is not None
    assert 0 < first < 0.1 < middle < last < 1
    assert plain_share(builder.info.backend_pid) is None


def test_rows_that_are_written_are_seen_before_they_are_committed(running: ImportJob, second_connection: Any) -> None:
    reporter = ProgressReporter(running)
    reporter.plan(finishing=1.0)
    reporter.update(phase="finishing")
    reporter.growing('"userdata"."t"', 1_000_000)
    writer = second_connection()
    writer.execute("BEGIN")
    seen = [reporter.snapshot().progress]
    for _ in range(3):
        writer.execute("INSERT INTO userdata.t (filler) SELECT repeat('x', 90) FROM generate_series(1, 3000)")
        reporter._look()
        seen.append(reporter.snapshot().progress)
    writer.execute("ROLLBACK")
    reporter.close()
    assert seen[0] == 0
    assert seen == sorted(set(seen))
    assert seen[-1] <= 0.98


def test_messages_bear_the_names_of_the_api(owner: User) -> None:
    from dataengine.jobs.serializers import import_job_data

    table(owner)
    shown = import_job_data(queue_import(owner, "t", "email\na@example.com\n"))
    assert set(asdict(ImportProgress())) <= set(shown)
