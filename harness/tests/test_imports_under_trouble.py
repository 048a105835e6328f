"""Trouble around an import: a frozen Redis, a poison file, a full disk, people who change their minds or the table."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from dataengine.tests.threads import Beside
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


def test_a_poison_file_fails_after_three_attempts(system: System, folder: Path, people: Path, tmp_path: Path) -> None:
    system.create_table("poison", FIELDS)
    many = tmp_path / "many.csv"
    header, rows = people.read_text().split("\n", 1)
    many.write_text(f"{header}\n{rows * 5}")  # long enough to strike every attempt
    job = system.upload("poison", many)
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        # Ask the database itself: an attempt could be over before the API answers.
        killed = 0

        def is_over() -> bool:
            nonlocal killed
            row = connection.execute(
                "SELECT state, attempt FROM dataengine_importjob WHERE id = %s", [job["id"]]
            ).fetchone()
            assert row is not None
            state, attempt = row
            if state == "running" and attempt > killed:
                kill_pool_children(system)
                killed = attempt
            return state not in {"queued", "running"}

        until(is_over)
    job = wait_until_over(system, job["id"])
    assert job["state"] == "failed"
    assert "3 times" in job["error"]
    assert count(system, "poison") == 0
    assert_one_mail(folder, job["id"])
    assert_clean(system, folder)


def test_rows_that_are_tried_again_become_records_once(system: System, folder: Path, tmp_path: Path) -> None:
    system.create_table("mended", {"n": "INTEGER UNIQUE", "day": "DATE"})
    path = tmp_path / "mended.csv"
    path.write_text("n,day\n" + "".join(f"{n},{'31.12.2024' if n % 10 else '2024-12-31'}\n" for n in range(5_000)))
    job = wait_until_over(system, system.upload("mended", path, {"date_formats": ["%Y-%m-%d"]})["id"])
    assert (job["rows_imported"], job["rows_rejected"]) == (500, 4_500)
    rejected = f"/api/imports/{job['id']}/rejected/"
    fix = {"column": "day", "code": "invalid_type", "fix": {"kind": "date_format", "format": "%d.%m.%Y"}}
    fixed = system.call("POST", f"{rejected}fix/", json=fix)
    assert fixed == {"changed": 4_500, "now_good": 4_500, "left": 0}
    with psycopg.connect(system.database_url) as connection:
        connection.execute("LOCK TABLE userdata.mended IN SHARE MODE")  # the retry begins but cannot end
        retry = system.call("POST", f"{rejected}retry/")
        where = f"/api/changes/{retry['id']}/"
        until(lambda: system.call("GET", where)["state"] == "running")
        until(lambda: _waits_for_a_lock(system))
        kill_pool_children(system)
    until(lambda: system.call("GET", where)["state"] not in {"queued", "running"})
    ended = system.call("GET", where)
    assert (ended["state"], ended["attempt"], ended["count"]) == ("completed", 2, 4_500)
    job = system.call("GET", f"/api/imports/{job['id']}/")
    assert (job["rows_imported"], job["rows_rejected"], job["rows_retried"]) == (5_000, 0, 4_500)
    assert count(system, "mended") == 5_000
    assert system.call("GET", rejected)["count"] == 0
    assert_clean(system, folder)


def _waits_for_a_lock(system: System) -> bool:
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'userdata.mended'::regclass"
        row = connection.execute(waiting).fetchone()
    return bool(row and row[0])


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


def test_a_file_sent_twice_at_once_is_imported_once(system: System, folder: Path, tmp_path: Path) -> None:
    system.create_table("twice", FIELDS)
    path, rows = tmp_path / "some.csv", ROWS // 5  # each of which is filed as rejected once
    write_clean(path, rows)
    jobs: list[dict[str, Any]] = []
    threads = [Beside(target=lambda: jobs.append(system.upload("twice", path))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    over = [wait_until_over(system, job["id"]) for job in jobs]
    assert [job["state"] for job in over] == ["completed", "completed"]
    assert sorted(job["rows_imported"] for job in over) == [0, rows]
    assert sorted(job["rows_rejected"] for job in over) == [0, rows]
    assert count(system, "twice") == rows
    for job in over:
        assert_one_mail(folder, job["id"])
    assert_clean(system, folder)


@pytest.mark.parametrize("moment", [0.0, 0.4, 1.0])
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


@contextlib.contextmanager
def _small_disk(folder: Path, size: str) -> Iterator[None]:
    """Make the folder, on a disk of that size if we may mount one."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=False)
    try:
        yield
    finally:
        if folder.is_mount():
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _skip_unless_small(folder: Path) -> None:
    if not folder.is_mount():
        pytest.skip("a small disk needs the right to mount one")


@pytest.fixture(scope="module")
def crippled() -> Iterator[System]:
    """A stack without a mail server, whose data is on a disk of 200 MB and whose uploads are on one of 64 MB."""
    with tempfile.TemporaryDirectory(prefix="tablekeep-stack-") as name:
        data = Path(name).resolve() / "data"
        uploads = data.with_name("uploads")
        with (
            _small_disk(data, "200m"),
            _small_disk(uploads, "64m"),
            running_system(data, EMAIL_URL="smtp://127.0.0.1:1", STORAGE_URL=uploads.as_uri()) as system,
        ):
            yield system


def test_a_dead_mail_server_does_not_fail_an_import(crippled: System, tmp_path: Path) -> None:
    path, rows = tmp_path / "some.csv", 10_000
    write_clean(path, rows)
    crippled.create_table("no_mail", FIELDS)
    job = wait_until_over(crippled, crippled.upload("no_mail", path)["id"])
    assert (job["state"], job["rows_imported"]) == ("completed", rows)
    assert_clean(crippled, crippled.folder)


def test_a_full_upload_folder_is_reported_and_leaves_nothing(crippled: System, people: Path, tmp_path: Path) -> None:
    uploads = crippled.folder.with_name("uploads")
    _skip_unless_small(uploads)
    crippled.create_table("no_room", FIELDS)
    before = crippled.call("GET", "/api/imports/")["count"]
    many = tmp_path / "many.csv"
    many.write_bytes(people.read_bytes() * 4)
    answer = _status(crippled, many, "no_room")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "storage_failed"
    assert crippled.call("GET", "/api/imports/")["count"] == before
    assert_clean(crippled, crippled.folder)
    assert not [path for path in uploads.rglob("*") if path.is_file()]


def test_a_full_database_disk_fails_the_import_with_a_reason(crippled: System, people: Path) -> None:
    _skip_unless_small(crippled.folder)
    crippled.create_table("no_room_inside", FIELDS)
    filler = crippled.folder / "filler"
    job = crippled.upload("no_room_inside", people)
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as out:
        while out.write(bytes(65_536)):
            pass
    # Without a single free block the end of the import cannot be written, so space is freed in time.
    with contextlib.suppress(StillRunning):
        wait_until_over(crippled, job["id"], patience=20)
    filler.unlink(missing_ok=True)
    job = wait_until_over(crippled, job["id"])
    assert job["state"] in {"failed", "completed"}
    assert count(crippled, "no_room_inside") == job["rows_imported"]
    if job["state"] == "failed":
        # PostgreSQL's files are on that disk, and what the worker keeps of the import.
        assert "no space" in job["error"].lower()
    # If it was imported, the disk is too small for the same rows again, all of them rejected.
    crippled.delete_table("no_room_inside")
    crippled.create_table("no_room_inside", FIELDS)
    again = wait_until_over(crippled, crippled.upload("no_room_inside", people)["id"])
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
