"""Imports against `psql \\copy` of the same clean file into the same table on the same server."""

from __future__ import annotations

import statistics
import subprocess
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from config.stack.embedded import postgres_binary
from harness.files import FIELDS, HEADER, write_clean, write_dirty, write_numbers
from harness.system import PeakMemory, System


@dataclass
class Measured:
    """One line of a report: seconds of each round, as a ratio to the reference of the same round."""

    name: str
    goal: float | None = None
    seconds: list[float] = field(default_factory=list)
    reference: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Median over the rounds of (request until completed) / reference."""
        return statistics.median(a / b for a, b in zip(self.seconds, self.reference, strict=True))

    @property
    def holds(self) -> bool:
        return self.goal is None or self.ratio <= self.goal


@dataclass
class Case(Measured):
    """An import; ``job_seconds`` are the job's own."""

    job_seconds: list[float] = field(default_factory=list)
    note: str = ""

    @property
    def job_ratio(self) -> float | None:
        """Like ``ratio``, for the job's own time, if there is a job."""
        if not self.job_seconds:
            return None
        return statistics.median(a / b for a, b in zip(self.job_seconds, self.reference, strict=True))


def psql(system: System, *commands: str) -> float:
    """Run commands in one psql and return its seconds, process start included."""
    start = time.perf_counter()
    argv = [postgres_binary("psql"), system.database_url, "-qX", "-v", "ON_ERROR_STOP=1"]
    for command in commands:
        argv += ["-c", command]
    subprocess.run(argv, check=True, capture_output=True)
    return time.perf_counter() - start


def copy_command(table: str, path: Path) -> str:
    return f"\\copy userdata.{table} ({HEADER}) from '{path}' with (format csv, header true)"


class ImportBench:
    """Runs every case in alternating rounds, each round with its own reference."""

    def __init__(self, system: System, folder: Path, rows: int, rounds: int) -> None:
        self.system, self.folder, self.rows, self.rounds = system, folder, rows, rounds
        self.clean = folder / "clean.csv"
        self.more = folder / "more.csv"
        self.dirty = folder / "dirty.csv"
        self.large = folder / "large.csv"
        self.written = folder / "written.csv"
        self.plain = folder / "plain.csv"

    def write_files(self, *, factor: int) -> int:
        """Write the files; ``large`` has ``factor`` times the rows. Returns the number of bad rows in ``dirty``."""
        write_clean(self.clean, self.rows)
        write_clean(self.more, self.rows, first=self.rows)
        write_clean(self.large, factor * self.rows)
        write_numbers(self.written, self.plain, self.rows)
        return write_dirty(self.dirty, self.rows)

    def run(self, *, factor: int = 5) -> list[Case]:
        bad = self.write_files(factor=factor)
        new = Case("a new table, types inferred", 0.70)
        empty = Case("an empty table", 0.70)
        filled = Case(f"a table that holds {self.rows:,} records", 1.00)
        dirty = Case("1 % bad rows of every kind", 1.30)
        written = Case("five columns as spreadsheets write them", 1.50, note="reference: the same rows written plainly")
        large = Case(f"{factor * self.rows:,} rows, time per row", 1.25)
        for _ in range(self.rounds):
            reference = self.reference(self.clean)
            self.job(new, "bench_new", self.clean, reference, {"create_table": True}, create=False)
            self.job(empty, "bench_empty", self.clean, reference, {})
            job = self.job(dirty, "bench_dirty", self.dirty, reference, {})
            if job["rows_rejected"] != bad:
                raise RuntimeError(f"{bad} rows are bad, {job['rows_rejected']} were rejected")
            self.into_filled(filled)
            self.as_spreadsheets_write(written)
        with PeakMemory(self.system, "config.celery worker") as memory, PeakMemory(self.system, "uvicorn") as web:
            seconds, own = self.timed_import("bench_large", self.large, {})[1:]
        self.system.delete_table("bench_large")
        one = statistics.median(empty.seconds)
        large.seconds, large.job_seconds, large.reference = [seconds], [own], [factor * one]
        large.note = f"reference: the median of “an empty table”, times {factor}"
        peak = Case("peak memory of worker and children, MB (not a ratio)", 450, [memory.megabytes], [1.0])
        size = self.large.stat().st_size / 1e6
        served = Case(f"peak memory of the web process, MB, while it takes {size:,.0f} MB", 150, [web.megabytes], [1.0])
        return [new, empty, filled, dirty, written, large, peak, served]

    def reference(self, path: Path) -> float:
        """Seconds of `\\copy` into an empty table like ours."""
        self.system.create_table("bench_reference", FIELDS)
        seconds = psql(self.system, copy_command("bench_reference", path))
        self.system.delete_table("bench_reference")
        return seconds

    def job(
        self, case: Case, table: str, path: Path, reference: float, options: dict[str, Any], *, create: bool = True
    ) -> dict[str, Any]:
        job, seconds, own = self.timed_import(table, path, options, create=create)
        case.seconds.append(seconds)
        case.job_seconds.append(own)
        case.reference.append(reference)
        self.system.delete_table(table)
        return job

    def as_spreadsheets_write(self, case: Case) -> None:
        """A new table from marked numbers against one from the same numbers written plainly, types inferred in both."""
        for path, seconds in ((self.plain, case.reference), (self.written, case.seconds)):
            job, took, _ = self.timed_import("bench_written", path, {"create_table": True}, create=False)
            kinds = [kind for name, kind in job["findings"]["types"].items() if name != "name"]
            if "text" in kinds or job["rows_rejected"]:
                raise RuntimeError(f"{path.name} was not understood: {job['findings']['types']}")
            seconds.append(took)
            self.system.delete_table("bench_written")

    def into_filled(self, case: Case) -> None:
        """Both sides add the same second file to a table that contains the first."""
        self.system.create_table("bench_filled_reference", FIELDS)
        psql(self.system, copy_command("bench_filled_reference", self.clean), "ANALYZE userdata.bench_filled_reference")
        case.reference.append(psql(self.system, copy_command("bench_filled_reference", self.more)))
        self.system.delete_table("bench_filled_reference")
        self.system.create_table("bench_filled", FIELDS)
        psql(self.system, copy_command("bench_filled", self.clean), "ANALYZE userdata.bench_filled")
        _, seconds, own = self.timed_import("bench_filled", self.more, {}, create=False)
        case.seconds.append(seconds)
        case.job_seconds.append(own)
        self.system.delete_table("bench_filled")

    def timed_import(
        self, table: str, path: Path, options: dict[str, Any], *, create: bool = True
    ) -> tuple[dict[str, Any], float, float]:
        """Import and return (job, seconds from request to completed, the job's own seconds)."""
        if create:
            self.system.create_table(table, FIELDS)
        job, seconds = self.system.import_file(table, path, options)
        if job["state"] != "completed":
            raise RuntimeError(f"The import into {table} ended as {job['state']}: {job['error']}")
        own = datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["started_at"])
        return job, seconds, own.total_seconds()
