"""Imports into a table that holds nearly the same already, against what a careful engineer writes by hand in psql.

By hand: ``\\copy`` into a temporary table, then ``INSERT … ON CONFLICT DO UPDATE … WHERE … IS DISTINCT FROM``, and for
a mirror ``DELETE … WHERE NOT EXISTS``, in one transaction on the same server. The machine may be busy with other
things, so processor time is measured, too.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from bench.imports import Case, copy_command, psql
from harness.files import FIELDS, HEADER, write_clean
from harness.system import System

_KEY = "email"
_CHANGED, _GONE = 50, 51
"""Of every hundred rows, this one differs, and this one is missing from the mirror's file."""


@dataclass
class Merge(Case):
    """A case with the seconds of processor time that each side used, too."""

    used: list[float] = field(default_factory=list)
    reference_used: list[float] = field(default_factory=list)

    @property
    def used_ratio(self) -> float:
        return statistics.median(a / b for a, b in zip(self.used, self.reference_used, strict=True))


class MergeBench:
    """Every case in alternating rounds, each round with its own reference."""

    def __init__(self, system: System, folder: Path, rows: int, rounds: int) -> None:
        self.system, self.rows, self.rounds = system, rows, rounds
        self.clean, self.changed, self.mirrored = (folder / f"{name}.csv" for name in ("clean", "changed", "mirrored"))

    def run(self) -> list[Merge]:
        write_clean(self.clean, self.rows)
        self._write_others()
        few = self.rows // 100
        upsert = {"on_conflict": "update", "key": _KEY}
        cases = [
            (Merge("add and update, 1 % differ", 1.20), self.changed, upsert, (0, few, self.rows - few, 0)),
            (Merge("mirror, 1 % differ, 1 % missing", 1.20), self.mirrored, {**upsert, "on_missing": "delete"},
             (0, few, self.rows - 2 * few, few)),
        ]  # fmt: skip
        for _ in range(self.rounds):
            for case, path, options, expected in cases:
                self._by_hand(case, path, mirror="on_missing" in options)
                self._import(case, path, options, expected)
        return [case for case, *_ in cases]

    def _write_others(self) -> None:
        with (
            self.clean.open(encoding="utf-8") as clean,
            self.changed.open("w") as changed,
            self.mirrored.open("w") as left,
        ):
            for number, line in enumerate(clean):
                if number and number % 100 == _CHANGED:
                    line = line.rstrip("\n") + "7\n"  # one more digit of the last column, points
                changed.write(line)
                if not number or number % 100 != _GONE:
                    left.write(line)

    def _by_hand(self, case: Merge, path: Path, *, mirror: bool) -> None:
        names = HEADER.split(",")
        others = [name for name in names if name != _KEY]
        here = ", ".join(f"t.{name}" for name in others)
        there = ", ".join(f"EXCLUDED.{name}" for name in others)
        settings = ", ".join(f"{name} = EXCLUDED.{name}" for name in others)
        upsert = (
            f"INSERT INTO userdata.by_hand AS t ({HEADER}) SELECT {HEADER} FROM incoming ON CONFLICT ({_KEY})"
            f" DO UPDATE SET {settings} WHERE ({here}) IS DISTINCT FROM ({there})"
        )
        commands = [
            "BEGIN",
            "SET LOCAL work_mem = '64MB'",
            f"CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT {HEADER} FROM userdata.by_hand WITH NO DATA",
            f"\\copy incoming ({HEADER}) from '{path}' with (format csv, header true)",
            "ANALYZE incoming",
            upsert,
        ]
        if mirror:
            condition = f"SELECT FROM incoming i WHERE i.{_KEY} = t.{_KEY}"
            commands.append(f"DELETE FROM userdata.by_hand t WHERE NOT EXISTS ({condition})")
        self._fill("by_hand")
        seconds, used = self._measured(lambda: psql(self.system, *commands, "COMMIT"))
        case.reference.append(seconds)
        case.reference_used.append(used)
        self.system.delete_table("by_hand")

    def _import(self, case: Merge, path: Path, options: dict[str, Any], expected: tuple[int, ...]) -> None:
        self._fill("merged")
        seconds, used = self._measured(lambda: self._timed(case, path, options, expected))
        case.seconds.append(seconds)
        case.used.append(used)
        self.system.delete_table("merged")

    def _timed(self, case: Merge, path: Path, options: dict[str, Any], expected: tuple[int, ...]) -> float:
        job, seconds = self.system.import_file("merged", path, options)
        found = tuple(job[f"rows_{what}"] for what in ("imported", "updated", "unchanged", "removed"))
        if job["state"] != "completed" or found != expected:
            raise RuntimeError(f"The import is {job['state']} with {found}, not {expected}: {job['error']}")
        own = datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["started_at"])
        case.job_seconds.append(own.total_seconds())
        return seconds

    def _fill(self, table: str) -> None:
        self.system.create_table(table, FIELDS)
        psql(self.system, copy_command(table, self.clean), f"VACUUM ANALYZE userdata.{table}")

    def _measured(self, run: Callable[[], float]) -> tuple[float, float]:
        """What ``run`` returns, and the processor time that the stack and our own children used meanwhile."""
        before = self._used()
        seconds = run()
        time.sleep(1)  # until the server has taken note of the session's end
        return seconds, self._used() - before

    def _used(self) -> float:
        total = 0.0
        for process in [psutil.Process(self.system.pid), *self.system.processes("")]:
            try:
                times = process.cpu_times()
            except psutil.Error:  # it has ended
                continue
            total += times.user + times.system + times.children_user + times.children_system
        own = resource.getrusage(resource.RUSAGE_CHILDREN)
        return total + own.ru_utime + own.ru_stime


def report(bench: MergeBench, cases: list[Merge], *, when: datetime, machine: str) -> str:
    """A Markdown table."""
    lines = [
        f"# {bench.rows:,} rows onto as many records",
        "",
        f"{when:%Y-%m-%d}, {machine}. Ratios to the same by hand: `\\copy` into a temporary table and",
        "`INSERT … ON CONFLICT DO UPDATE … WHERE … IS DISTINCT FROM` (mirror: and `DELETE … WHERE NOT EXISTS`) in one",
        f"transaction of psql. Medians of {bench.rounds} rounds that alternate; lower is faster.",
        "",
        "| import | upload to completed | the job alone | processor time | goal | seconds | by hand |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case in cases:
        seconds, by_hand = statistics.median(case.seconds), statistics.median(case.reference)
        lines.append(
            f"| {case.name} | {case.ratio:.2f} | {case.job_ratio:.2f} | {case.used_ratio:.2f} | ≤ {case.goal:g} |"
            f" {seconds:.1f} | {by_hand:.1f} |"
        )
    return "\n".join([*lines, ""])
