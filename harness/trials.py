"""One trial: an import, a fault at some moment, and the check of everything that must be true afterwards."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from harness import other_works
from harness.faults import FAULTS, Fault
from harness.files import FIELDS, write_clean, write_dirty
from harness.invariants import PATIENCE_SECONDS, assert_clean, assert_one_mail, content, count, wait_until_over
from harness.killing import moments
from harness.system import System

_MIRROR = {"key": "email", "on_missing": "delete", "max_delete_share": 1, "allow_rejected": True}


type Work = Literal["add", "mirror", "undo", "retry", "references", "webhook", "source"]
# Their number and that of the faults have no divisor in common, so each fault comes to strike each work.
WORKS: tuple[Work, ...] = ("add", "mirror", "add", "undo", "mirror")
OTHER_WORKS: tuple[Work, ...] = ("retry", "references", "webhook", "source")


@dataclass(frozen=True)
class Trial:
    """``moment``: when the fault strikes, in seconds after the upload's response; earlier if the import has ended."""

    number: int
    fault: Fault
    moment: float
    work: Work = "add"
    """What the fault strikes: an import into an empty table; one whose file updates and removes records, too; the
    undoing of such a one; or one of ``other_works``."""

    def __str__(self) -> str:
        return f"{self.number}-{self.fault}-at-{self.moment:.2f}s{'' if self.work == 'add' else f'-{self.work}'}"


@dataclass(frozen=True)
class Workload:
    """A file with ``rows`` rows of which ``bad`` are rejected, and one with what was there ``before``."""

    path: Path
    rows: int
    bad: int
    before: Path


def make_workload(folder: Path, rows: int) -> Workload:
    path, before = folder / "people.csv", folder / "before.csv"
    write_clean(before, rows)
    lines = before.read_text().splitlines(keepends=True)
    lines[5::10] = [line.replace(",", " the Elder,", 1) for line in lines[5::10]]
    before.write_text("".join(lines))
    return Workload(path, rows, write_dirty(path, rows), before)


def trials(total: int, *, seed: int, within: float, works: Sequence[Work] = WORKS) -> Iterator[Trial]:
    """Every fault in turn, each at a random moment of an import of ``within`` seconds, and every kind of work."""
    rng = random.Random(seed)
    for number in range(total):
        yield Trial(number, FAULTS[number % len(FAULTS)], rng.uniform(0, within), works[number % len(works)])


def run_trial(system: System, folder: Path, workload: Workload, trial: Trial) -> float:
    """Repeat a trial until its fault has struck an import midway. Returns the moment.

    Raises AssertionError if an import, struck or missed, did not happen exactly once, or if all were missed.
    """
    for moment in moments(trial.moment):
        if _is_struck(system, folder, workload, replace(trial, moment=moment)):
            break
    return moment


def _rehearsed(system: System, table: str, workload: Workload) -> dict[str, int]:
    """Fill the table, and see what the file would do to it."""
    filled, _ = system.import_file(table, workload.before, patience=3 * PATIENCE_SECONDS)
    assert filled["rows_imported"] == workload.rows, filled
    job, _ = system.import_file(table, workload.path, {**_MIRROR, "dry_run": True}, patience=3 * PATIENCE_SECONDS)
    counts = {name: job[f"rows_{name}"] for name in ("imported", "updated", "unchanged", "skipped", "rejected")}
    assert sum(counts.values()) == job["rows_read"], job
    assert min(counts["updated"], counts["unchanged"], job["rows_removed"]) > 0, job
    return {f"rows_{name}": number for name, number in (counts | {"removed": job["rows_removed"]}).items()}


def _is_struck(system: System, folder: Path, workload: Workload, trial: Trial) -> bool:
    table = f"trial_{trial.number}"
    if trial.work in OTHER_WORKS:
        return _other_is_struck(system, folder, workload, trial, table)
    system.create_table(table, FIELDS)
    expected = {"rows_imported": workload.rows - workload.bad, "rows_rejected": workload.bad, "rows_removed": 0}
    records = expected["rows_imported"]
    if trial.work == "undo":
        return _undoing_is_struck(system, folder, workload, trial, table)
    if trial.work == "mirror":
        expected = _rehearsed(system, table, workload)
        records = workload.rows + expected["rows_imported"] - expected["rows_removed"]
    job = system.upload(table, workload.path, _MIRROR if trial.work == "mirror" else None)
    time.sleep(trial.moment)
    struck = trial.fault.strike(system)
    job = wait_until_over(system, job["id"])
    assert job["state"] == "completed", f"{trial}: {job['state']}: {job['error']}"
    assert expected.items() <= job.items(), f"{trial}: {expected}, {job}"
    assert count(system, table) == records, str(trial)
    assert_one_mail(folder, job["id"])
    assert_clean(system, folder)
    system.delete_table(table)
    return struck is not None and struck < datetime.fromisoformat(job["finished_at"])


def _undoing_is_struck(system: System, folder: Path, workload: Workload, trial: Trial, table: str) -> bool:
    _rehearsed(system, table, workload)
    before = content(system, table)
    job, _ = system.import_file(table, workload.path, _MIRROR, patience=3 * PATIENCE_SECONDS)
    assert job["state"] == "completed", job
    assert content(system, table) != before
    change = system.call("POST", f"/api/imports/{job['id']}/undo/")
    time.sleep(trial.moment)
    struck = trial.fault.strike(system)
    change = wait_until_over(system, change["id"], kind="changes")
    assert (change["state"], change["count"]) == (
        "completed", job["rows_imported"] + job["rows_updated"] + job["rows_removed"],
    ), f"{trial}: {change}, {job}"  # fmt: skip
    assert content(system, table) == before, str(trial)
    assert wait_until_over(system, job["id"])["state"] == "undone", str(trial)
    assert_clean(system, folder)
    system.delete_table(table)
    return struck is not None and struck < datetime.fromisoformat(change["finished_at"])


def _other_is_struck(system: System, folder: Path, workload: Workload, trial: Trial, table: str) -> bool:
    def strike() -> datetime | None:
        time.sleep(trial.moment)
        return trial.fault.strike(system)

    rows, bad = workload.rows, workload.bad
    match trial.work:
        case "retry":
            return other_works.retry(system, folder, table, file=workload.before, rows=rows, strike=strike)
        case "references":
            return other_works.references(system, folder, table, file=workload.path, rows=rows, bad=bad, strike=strike)
        case "webhook":
            return other_works.webhook(system, folder, table, file=workload.path, strike=strike)
        case _:
            return other_works.source(system, folder, table, file=workload.path, rows=rows, bad=bad, strike=strike)
