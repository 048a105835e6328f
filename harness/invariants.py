"""What must be true after an import, whatever happened during it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
from psycopg import sql

from harness.system import System

# How long housekeeping may take before leftovers count as permanent: the sweeper promises 60 s.
PATIENCE_SECONDS = 120


class StillRunning(AssertionError):
    """A job has not ended."""


def wait_until_over(
    system: System, job_id: int, *, kind: str = "imports", patience: float = 3 * PATIENCE_SECONDS
) -> dict[str, Any]:
    """The job in its final state; ``kind``: of ``imports`` or ``changes``. Waits while the server is restarting.

    Raises StillRunning after ``patience`` seconds.
    """
    deadline = time.monotonic() + patience
    job: dict[str, Any] = {}
    while time.monotonic() < deadline:
        try:
            job = system.call("GET", f"/api/{kind}/{job_id}/")
        except (httpx.HTTPError, RuntimeError):
            if is_gone(system):
                raise
            time.sleep(0.2)
            continue
        if job["state"] not in {"queued", "running"}:
            return job
        time.sleep(0.1)
    raise StillRunning(f"{kind} {job_id} has not ended: {job.get('state')} {job.get('phase')}")


def is_gone(system: System) -> bool:
    """Whether the stack itself has ended, so that its server does not come back."""
    return not psutil.pid_exists(system.pid) or psutil.Process(system.pid).status() == psutil.STATUS_ZOMBIE


def mails_about(folder: Path, job_id: int) -> int:
    """How many mails about an import are in the stack's mail folder."""
    marker = f"/imports/{job_id}/"
    mails = 0
    for file in (folder / "mail").glob("*.log"):
        messages = file.read_text().split("-" * 79)
        mails += sum(marker in message for message in messages)
    return mails


def count(system: System, table: str) -> int:
    with psycopg.connect(system.database_url) as connection:
        row = connection.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("userdata", table))
        ).fetchone()
    assert row is not None
    return int(row[0])


def content(system: System, table: str) -> tuple[int, int]:
    """How many records there are, and a sum of hashes of all that they say, ids included."""
    with psycopg.connect(system.database_url) as connection:
        row = connection.execute(
            sql.SQL("SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM {} t").format(
                sql.Identifier("userdata", table)
            )
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def leftovers(system: System, folder: Path) -> list[str]:
    """Tables, locks and files that belong to neither a table nor a running import."""
    with psycopg.connect(system.database_url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE relkind = 'r' AND (nspname = 'userdata' OR nspname LIKE 'pg_temp%') "
            "AND relname NOT IN (SELECT name FROM public.dataengine_table)"
        ).fetchall()
        locks = connection.execute("SELECT objid FROM pg_locks WHERE locktype = 'advisory'").fetchall()
    files = [path.name for path in (folder / "tmp").rglob("*") if path.is_file()]
    return [f"table {name}" for (name,) in tables] + [f"lock {key}" for (key,) in locks] + files


def assert_clean(system: System, folder: Path) -> None:
    """Check that nothing is left behind once the sweeper has run."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := leftovers(system, folder):
        if time.monotonic() > deadline:
            raise AssertionError(f"left behind: {left}")
        time.sleep(0.1)


def assert_one_mail(folder: Path, job_id: int) -> None:
    """Check that there is one mail, and no second one after another sweep."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (mails := mails_about(folder, job_id)) == 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert mails == 1, f"{mails} mails about import {job_id}"
