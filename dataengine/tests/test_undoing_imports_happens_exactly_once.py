"""A worker that undoes an import is killed, cancelled or in others' way: it is undone once, or not at all."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from dataengine.models import AuditEvent, ChangeJob, ImportJob
from dataengine.postgres import kept_records, locks
from dataengine.services import change_runs, changes, import_undo
from dataengine.tests.importing import import_text, make_table, records
from dataengine.tests.retyping import run_in_thread
from dataengine.tests.waiting import PATIENCE_SECONDS, end_pause, is_waited_for, until

pytestmark = pytest.mark.django_db(transaction=True)

PROJECT_DIR = Path(__file__).resolve().parents[2]
_RUN = (
    "import django; django.setup(); from dataengine.services.change_runs import run; import sys; run(int(sys.argv[1]))"
)
HOLD = 4712
"""An advisory lock of these tests' own."""


@pytest.fixture(autouse=True)
def _no_bells(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (changes, import_undo):
        monkeypatch.setattr(module, "ring", lambda *args, **options: None)


@pytest.fixture
def job(owner: User) -> ImportJob:
    """An import that made 40 records, updated one, and can be undone."""
    make_table(owner, "t", k="TEXT UNIQUE", n="INTEGER")
    import_text(owner, "t", "k,n\na,1\n")
    rows = "".join(f"k{n},{n}\n" for n in range(40))
    return import_text(owner, "t", f"k,n\na,2\n{rows}", on_conflict="update", key="k")


def pause_in(event: str) -> None:
    """Have every such statement on a record of ``t`` wait for the tests' lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION userdata.wait() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN PERFORM pg_advisory_xact_lock({HOLD}); RETURN coalesce(NEW, OLD); END $$;"
            f" CREATE TRIGGER wait BEFORE {event} ON userdata.t FOR EACH ROW EXECUTE FUNCTION userdata.wait()"
        )


@pytest.mark.parametrize(("verb", "event"), [("undo", "DELETE"), ("undo", "UPDATE"), ("redo", "INSERT")])
def test_a_worker_killed_midway(
    client: APIClient,
    job: ImportJob,
    process_environment: dict[str, str],
    second_connection: Any,
    verb: str,
    event: str,
) -> None:
    after = records("t")
    if verb == "redo":
        change_runs.run(client.post(f"/api/imports/{job.pk}/undo/").json()["id"])
        assert len(records("t")) == 1
    before, kept = records("t"), kept_records.every()
    asked = client.post(f"/api/imports/{job.pk}/{verb}/").json()
    session = second_connection()
    session.execute("SELECT pg_advisory_lock(%s)", [HOLD])
    pause_in(event)
    process = subprocess.Popen([sys.executable, "-c", _RUN, str(asked["id"])], env=process_environment, cwd=PROJECT_DIR)
    until(lambda: is_waited_for(session) or process.poll() is not None)
    process.kill()
    assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL  # and did not end by itself
    session.execute("SELECT pg_advisory_unlock(%s)", [HOLD])
    until(lambda: not locks.job_is_held(asked["id"], locks.CHANGE_NAMESPACE))
    assert (records("t"), kept_records.every()) == (before, kept)
    change_runs.sweep()
    change = ChangeJob.objects.get(pk=asked["id"])
    assert change.state == "queued"
    end_pause(change)
    threads = [run_in_thread(change.pk) for _ in range(2)]  # rung for twice
    for thread in threads:
        thread.join()
    change_runs.run(change.pk)  # and again, late
    change.refresh_from_db()
    assert (change.state, change.attempt) == ("completed", 2)
    if verb == "undo":
        assert records("t", "k", "n") == [("a", "1")]
    else:
        assert records("t") == after
    assert AuditEvent.objects.filter(action=f"import.{verb}ne").count() == 1  # undone, redone
    assert ImportJob.objects.get(pk=job.pk).state == ("undone" if verb == "undo" else "completed")


def test_a_cancelled_undoing_leaves_everything(client: APIClient, job: ImportJob, second_connection: Any) -> None:
    before = records("t")
    asked = client.post(f"/api/imports/{job.pk}/undo/").json()
    session = second_connection()
    session.execute("SELECT pg_advisory_lock(%s)", [HOLD])
    pause_in("DELETE")
    thread = run_in_thread(asked["id"])
    until(lambda: is_waited_for(session))
    assert client.post(f"/api/changes/{asked['id']}/cancel/").status_code == 200
    thread.join()
    session.execute("SELECT pg_advisory_unlock(%s)", [HOLD])
    assert ChangeJob.objects.get(pk=asked["id"]).state == "cancelled"
    assert (records("t"), kept_records.every()) == (before, [])
    assert ImportJob.objects.get(pk=job.pk).state == "completed"


def test_a_record_edited_while_the_others_go_is_not_lost(
    client: APIClient, job: ImportJob, second_connection: Any
) -> None:
    pk = records("t", "id")[-1][0]
    asked = client.post(f"/api/imports/{job.pk}/undo/").json()
    session = second_connection()
    session.execute("SELECT pg_advisory_lock(%s)", [HOLD])
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION userdata.wait() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN PERFORM pg_advisory_xact_lock({HOLD}); RETURN OLD; END $$;"
            f" CREATE TRIGGER wait BEFORE DELETE ON userdata.t FOR EACH ROW WHEN (OLD.id < {pk})"
            " EXECUTE FUNCTION userdata.wait()"
        )
    thread = run_in_thread(asked["id"])
    until(lambda: is_waited_for(session))  # everything is looked at and kept; the record is not reached yet
    assert client.patch(f"/api/tables/t/records/{pk}/", {"n": 1000}).status_code == 200
    session.execute("SELECT pg_advisory_unlock(%s)", [HOLD])
    thread.join()
    change = ChangeJob.objects.get(pk=asked["id"])
    assert (change.state, change.error_code) == ("failed", "changed_since")
    assert records("t", "n")[-1] == ("1000",)
    assert len(records("t")) == 41
