"""Others write to the table while a file goes into it: their records stay, and the rows that clash are rejected."""

from __future__ import annotations

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection, connections

from dataengine.services import import_runs
from dataengine.tests.importing import import_text, make_table, queue_import, records, rejected
from dataengine.tests.threads import Beside
from dataengine.tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def _writer(name: str) -> psycopg.Connection:
    """Another session that has inserted ``name`` but not committed yet."""
    session = psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor})
    session.execute("INSERT INTO userdata.people (name) VALUES (%s)", [name])
    return session


def _work(job_id: int) -> None:
    import_runs.run(job_id)
    connections.close_all()


def _wait_until_held_up_by(session: psycopg.Connection) -> None:
    """Wait until another session waits for what ``session`` has written."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"

    def somebody_waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(waiting, [session.info.backend_pid])
            [count] = cursor.fetchone()
        return bool(count)

    until(somebody_waits)


def test_a_mirror_sees_what_others_did_while_it_waited(owner: User) -> None:
    make_table(owner, "people", name="TEXT UNIQUE", n="INTEGER")
    import_text(owner, "people", "name,n\nAnn,1\nZoe,9\nYan,8\n")
    text = "name,n\nAnn,1\nBob,2\nCid,3\n"
    job = queue_import(owner, "people", text, key="name", on_missing="delete", max_delete_share=0.7)
    thread = Beside(target=_work, args=[job.pk])
    with _writer("Bob") as writer:
        writer.execute("DELETE FROM userdata.people WHERE name = 'Zoe'")
        thread.start()
        _wait_until_held_up_by(writer)
    thread.join()

    job.refresh_from_db()
    counts = (job.rows_imported, job.rows_updated, job.rows_unchanged, job.rows_removed, job.rows_rejected)
    assert (job.state, counts) == ("completed", (1, 1, 1, 1, 0)), job.error
    assert records("people", "name", "n") == [("Ann", "1"), ("Bob", "2"), ("Cid", "3")]


def test_one_clash_after_the_other_holds_no_import_up(owner: User) -> None:
    make_table(owner, "people", name="TEXT UNIQUE")
    import_text(owner, "people", "name\nZoe\n")
    job = queue_import(owner, "people", "name\nAnn\nBob\nCid\nDan\nEva\n")

    writers = [_writer(name) for name in ("Bob", "Cid", "Dan")]
    thread = Beside(target=_work, args=[job.pk])
    thread.start()
    for writer in writers:  # the import waits for the first, tries again, waits for the next
        _wait_until_held_up_by(writer)
        writer.commit()
        writer.close()
    thread.join()

    job.refresh_from_db()
    clash = [("name", "duplicate_in_table")]
    assert (job.state, job.rows_imported, job.rows_rejected) == ("completed", 2, 3)
    assert rejected(job) == [(3, clash), (4, clash), (5, clash)]
    assert sorted(records("people", "name")) == [("Ann",), ("Bob",), ("Cid",), ("Dan",), ("Eva",), ("Zoe",)]
