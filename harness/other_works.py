"""What faults strike besides imports of uploads and their undoing: retries, references, webhooks, sources.

Each of these begins something on the running stack, has it struck, and checks what must be true afterwards. It returns
whether the fault came before the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from harness.elsewhere import elsewhere
from harness.files import FIELDS
from harness.invariants import (
    PATIENCE_SECONDS,
    assert_clean,
    assert_one_mail,
    content,
    count,
    is_gone,
    wait_until_over,
)
from harness.system import System

type Strike = Callable[[], datetime | None]
"""Waits for the moment, strikes, and tells when that was."""

_PATIENCE = 3 * PATIENCE_SECONDS


def retry(system: System, folder: Path, table: str, *, file: Path, rows: int, strike: Strike) -> bool:
    """Rows that broke a rule which is gone since are all taken in at once, or none is yet."""
    fields = {**FIELDS, "age": {"type": "INTEGER", "constraints": {"maximum": 40}}}
    system.call("POST", "/api/create-table/", json={"table_name": table, "fields": fields})
    job, _ = system.import_file(table, file, patience=_PATIENCE)
    rejected = job["rows_rejected"]
    assert job["state"] == "completed", job
    assert 0 < rejected < rows, job
    system.call("PATCH", f"/api/tables/{table}/columns/age/", json={"constraints": {}})
    change = system.call("POST", f"/api/imports/{job['id']}/rejected/retry/")
    struck = strike()
    change = wait_until_over(system, change["id"], kind="changes")
    assert (change["state"], change["count"]) == ("completed", rejected), change
    job = wait_until_over(system, job["id"])
    told = {name: job[f"rows_{name}"] for name in ("imported", "rejected", "retried")}
    assert told == {"imported": rows, "rejected": 0, "retried": rejected}, job
    assert count(system, table) == rows
    assert_clean(system, folder)
    system.delete_table(table)
    return _came_before(struck, change)


def references(
    system: System, folder: Path, table: str, *, file: Path, rows: int, bad: int, strike: Strike
) -> bool:  # fmt: skip
    """Each name that rows refer to is made a record of its own, once, and none for rows that are rejected."""
    target = f"{table}_names"
    system.create_table(target, {"name": "TEXT UNIQUE"})
    system.create_table(table, {**FIELDS, "name": f"REFERENCES {target} NOT NULL"})
    job = system.upload(table, file, {"references": {"name": {"match": "name", "missing": "create"}}})
    struck = strike()
    job = wait_until_over(system, job["id"])
    told = (job["state"], job["rows_imported"], job["rows_rejected"])
    assert told == ("completed", rows - bad, bad), job
    assert count(system, table) == count(system, target) == rows - bad
    assert_one_mail(folder, job["id"])
    assert_clean(system, folder)
    system.delete_table(table)
    system.delete_table(target)
    return _came_before(struck, job)


def webhook(system: System, folder: Path, table: str, *, file: Path, strike: Strike) -> bool:
    """A message whose sending is struck arrives all the same, with the same id if it comes twice."""
    system.create_table(table, FIELDS)
    with elsewhere(file) as server:
        asked = {"url": f"{server.url}/hook", "events": ["import.completed"]}
        hook = system.call("POST", f"/api/tables/{table}/webhooks/", json=asked)
        job, _ = system.import_file(table, file, patience=_PATIENCE)
        assert job["state"] == "completed", job
        assert server.begun.wait(_PATIENCE), "The message was not sent."
        struck = strike()
        path = f"/api/tables/{table}/webhooks/{hook['id']}/deliveries/"
        [delivery] = _until(system, path, lambda found: all(one["state"] == "completed" for one in found["results"]))[
            "results"
        ]
        assert len(set(server.messages)) == 1, server.messages
    assert_one_mail(folder, job["id"])
    assert_clean(system, folder)
    system.delete_table(table)
    return _came_before(struck, delivery)


def source(system: System, folder: Path, table: str, *, file: Path, rows: int, bad: int, strike: Strike) -> bool:
    """A file that is fetched by a schedule is imported once, and what it came to is told."""
    system.create_table(table, FIELDS)
    with elsewhere(file) as server:
        asked = {"url": f"{server.url}/people.csv", "cron": "0 0 1 1 *"}
        made = system.call("POST", f"/api/tables/{table}/sources/", json=asked)
        path = f"/api/tables/{table}/sources/{made['id']}/"
        system.call("POST", f"{path}run/")
        struck = strike()
        told = _until(system, path, lambda found: found["last_result"] and not found["running"])
        assert told["last_result"] == "imported", told
        job = wait_until_over(system, told["last_import"])
        found = (job["state"], job["rows_imported"], job["rows_rejected"])
        assert found == ("completed", rows - bad, bad), job
        before = content(system, table)
        assert before[0] == rows - bad
        # The same file once more: nothing is imported.
        system.call("POST", f"{path}run/")
        _until(system, path, lambda found: found["last_result"] == "unchanged" and not found["running"])
        assert content(system, table) == before
    assert_clean(system, folder)
    system.delete_table(table)
    return _came_before(struck, job)


def _came_before(struck: datetime | None, over: dict[str, Any]) -> bool:
    """Whether the fault came before the end, as far as that was written down."""
    end = over.get("finished_at")
    return struck is not None and struck < (datetime.fromisoformat(end) if end else datetime.now(UTC))


def _until(system: System, path: str, is_so: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """What the API says there once it is so. Waits while the server is restarting."""
    deadline = time.monotonic() + _PATIENCE
    found: dict[str, Any] = {}
    while time.monotonic() < deadline:
        try:
            found = system.call("GET", path)
        except (httpx.HTTPError, RuntimeError) as error:
            if is_gone(system):
                raise
            found = {"error": str(error)}
        else:
            if is_so(found):
                return found
        time.sleep(0.2)
    raise AssertionError(f"{path} still says {found}")
