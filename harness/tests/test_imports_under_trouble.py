"""Trouble around an import: a frozen Redis, a poison file, a full disk, people who change their minds or the table."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from dataengine.tests.waiting import until
from harness.faults import frozen_redis, kill_pool_children
from harness.files import FIELDS, write_clean
from harness.invariants import (
    StillRunning,
    assert_clean,
    assert_one_mail,
    count,
    mails_about,
    wait_until_over,
)
from harness.killing import moments
from harness.system import System, running_system

pytestmark = pytest.mark.xdist_group("stack")

ROWS = 150_000


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "people.csv"
    write_clean(path, ROWS)
    return path


def test_an_upload_is_answered_while_redis_is_frozen(system: System, folder: Path, people: Path) -> None:
    system.create_table("while_frozen", FIELDS)
    with frozen_redis(system):
        job = system.upload("while_frozen", people)
        assert job["state"] == "queued"
    job = wait_until_over(system, job["id"])
    assert (job["state"], job["rows_imported"]) == ("completed", ROWS)
    assert_one_mail(folder, job["id"])
    assert_clean(system, folder)


def test_a_poison_file_fails_after_three_attempts(system: System, folder: Path, tmp_path: Path) -> None:
    system.create_table("poison", FIELDS)
    many = tmp_path / "many.csv"
    write_clean(many, 5 * ROWS)  # long enough to strike every attempt
    job = system.upload("poison", many)
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        # Ask the database itself: an attempt could be over before the API answers.
        killed, state = 0, "queued"
        while state in {"queued", "running"}:
            row = connection.execute(
                "SELECT state, attempt FROM dataengine_importjob WHERE id = %s", [job["id"]]
            ).fetchone()
            assert row is not None
            state, attempt = row
            if state == "running" and attempt > killed:
                kill_pool_children(system)
                killed = attempt
            time.sleep(0.005)
    job = wait_until_over(system, job["id"])
    assert job["state"] == "failed"
    assert "3 times" in job["error"]
    assert count(system, "poison") == 0
    assert_one_mail(folder, job["id"])
    assert_clean(system, folder)


def test_columns_cannot_change_while_an_import_runs(system: System, folder: Path, people: Path) -> None:
    system.create_table("steady", FIELDS)
    late = {"column_name": "late", "column_type": "TEXT"}
    with psycopg.connect(system.database_url) as connection:
        connection.execute("LOCK TABLE userdata.steady IN SHARE MODE")  # the import begins but cannot end
        job = system.upload("steady", people)
        until(lambda: system.call("GET", f"/api/imports/{job['id']}/")["state"] != "queued")
        answer = system.answer("POST", "/api/tables/steady/columns/", json=late)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "import_running")
    job = wait_until_over(system, job["id"])
    assert (job["state"], job["rows_imported"]) == ("completed", ROWS)
    system.call("POST", "/api/tables/steady/columns/", json=late)
    assert_clean(system, folder)


def test_a_file_sent_twice_at_once_is_imported_once(system: System, folder: Path, people: Path) -> None:
    system.create_table("twice", FIELDS)
    jobs: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: jobs.append(system.upload("twice", people))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    over = [wait_until_over(system, job["id"]) for job in jobs]
    assert [job["state"] for job in over] == ["completed", "completed"]
    assert sorted(job["rows_imported"] for job in over) == [0, ROWS]
    assert sorted(job["rows_rejected"] for job in over) == [0, ROWS]
    assert count(system, "twice") == ROWS
    for job in over:
        assert_one_mail(folder, job["id"])
    assert_clean(system, folder)


@pytest.mark.parametrize("moment", [0.0, 0.2, 0.4, 0.7, 1.0, 1.4])
def test_a_cancelled_import_leaves_nothing(system: System, folder: Path, people: Path, moment: float) -> None:
    for after in moments(moment):
        system.create_table("cancelled", FIELDS)
        job = system.upload("cancelled", people)
        time.sleep(after)
        is_accepted = _try(system, "POST", f"/api/imports/{job['id']}/cancel/", {}) is not None
        job = wait_until_over(system, job["id"])
        # A request that comes too late gets an error, and the import is unaffected.
        assert job["state"] == ("cancelled" if is_accepted else "completed")
        assert count(system, "cancelled") == job["rows_imported"] == (0 if is_accepted else ROWS)
        assert_clean(system, folder)
        system.delete_table("cancelled")
        if is_accepted:
            break
    assert mails_about(folder, job["id"]) == 0


def test_a_dead_mail_server_does_not_fail_an_import(tmp_path: Path, people: Path) -> None:
    with running_system(tmp_path / "data", EMAIL_URL="smtp://127.0.0.1:1") as system:
        system.create_table("no_mail", FIELDS)
        job = system.upload("no_mail", people)
        job = wait_until_over(system, job["id"])
        assert (job["state"], job["rows_imported"]) == ("completed", ROWS)
        assert_clean(system, tmp_path / "data")


@contextlib.contextmanager
def _small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("a small disk needs the right to mount one")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_upload_folder_is_reported_and_leaves_nothing(tmp_path: Path, people: Path) -> None:
    with _small_disk(tmp_path / "uploads", "4m"):
        url = (tmp_path / "uploads").as_uri()
        with running_system(tmp_path / "data", STORAGE_URL=url) as system:
            system.create_table("no_room", FIELDS)
            answer = _status(system, people, "no_room")
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "storage_failed"
            assert system.call("GET", "/api/imports/")["count"] == 0
            assert_clean(system, tmp_path / "data")
            assert not [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]


def test_a_full_database_disk_fails_the_import_with_a_reason(tmp_path: Path, people: Path) -> None:
    with _small_disk(tmp_path / "data", "200m"), running_system(tmp_path / "data") as system:
        system.create_table("no_room", FIELDS)
        filler = tmp_path / "data" / "filler"
        job = system.upload("no_room", people)
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as out:
            while out.write(bytes(65_536)):
                pass
        # Without a single free block the end of the import cannot be written, so space is freed in time.
        with contextlib.suppress(StillRunning):
            wait_until_over(system, job["id"], patience=20)
        filler.unlink(missing_ok=True)
        job = wait_until_over(system, job["id"])
        assert job["state"] in {"failed", "completed"}
        assert count(system, "no_room") == job["rows_imported"]
        if job["state"] == "failed":
            assert "no space" in job["error"]
        # If it was imported, the disk is too small for the same rows again, all of them rejected.
        system.delete_table("no_room")
        system.create_table("no_room", FIELDS)
        again = wait_until_over(system, system.upload("no_room", people)["id"])
        assert again["state"] == "completed"


def _try(system: System, method: str, path: str, body: dict[str, Any]) -> Any:
    """The answer, or None for a 409."""
    try:
        return system.call(method, path, json=body)
    except RuntimeError as error:
        if ": 409 " not in str(error):
            raise
        return None


def _status(system: System, path: Path, table: str) -> httpx.Response:
    with path.open("rb") as file:
        return system.answer(
            "POST",
            "/api/upload-csv/",
            data={"table_name": table, "email": "a@example.com"},
            files={"file": (path.name, file, "text/csv")},
        )
