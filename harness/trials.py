"""One trial: an import, a fault at some moment, and the check of everything that must be true afterwards."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from harness.faults import FAULTS, Fault
from harness.files import FIELDS, write_dirty
from harness.invariants import assert_clean, assert_one_mail, count, wait_until_over
from harness.killing import moments
from harness.system import System


@dataclass(frozen=True)
class Trial:
    """``moment``: when the fault strikes, in seconds after the upload's response; earlier if the import has ended."""

    number: int
    fault: Fault
    moment: float

    def __str__(self) -> str:
        return f"{self.number}-{self.fault}-at-{self.moment:.2f}s"


@dataclass(frozen=True)
class Workload:
    """A file with ``rows`` rows of which ``bad`` are rejected."""

    path: Path
    rows: int
    bad: int


def make_workload(folder: Path, rows: int) -> Workload:
    path = folder / "people.csv"
    return Workload(path, rows, write_dirty(path, rows))


def trials(total: int, *, seed: int, within: float) -> Iterator[Trial]:
    """Every fault in turn, each at a random moment of an import of ``within`` seconds."""
    rng = random.Random(seed)
    for number in range(total):
        yield Trial(number, FAULTS[number % len(FAULTS)], rng.uniform(0, within))


def run_trial(system: System, folder: Path, workload: Workload, trial: Trial) -> float:
    """Repeat a trial until its fault has struck an import midway. Returns the moment.

    Raises AssertionError if an import, struck or missed, did not happen exactly once, or if all were missed.
    """
    for moment in moments(trial.moment):
        if _is_struck(system, folder, workload, replace(trial, moment=moment)):
            break
    return moment


def _is_struck(system: System, folder: Path, workload: Workload, trial: Trial) -> bool:
    table = f"trial_{trial.number}"
    system.create_table(table, FIELDS)
    job = system.upload(table, workload.path)
    time.sleep(trial.moment)
    struck = trial.fault.strike(system)
    job = wait_until_over(system, job["id"])
    assert job["state"] == "completed", f"{trial}: {job['state']}: {job['error']}"
    good = workload.rows - workload.bad
    assert (job["rows_imported"], job["rows_rejected"]) == (good, workload.bad), f"{trial}: {job}"
    assert count(system, table) == good, str(trial)
    assert_one_mail(folder, job["id"])
    assert_clean(system, folder)
    system.delete_table(table)
    return struck is not None and struck < datetime.fromisoformat(job["finished_at"])
