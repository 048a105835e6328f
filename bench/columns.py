"""A column's type changed, text to numeric, against PostgreSQL's `ALTER TABLE … TYPE … USING` of the same table.

Meanwhile clients read and write the table all the time; what counts is how long they had to wait at most.
"""

from __future__ import annotations

import statistics
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from bench.imports import Measured, copy_command, psql
from harness.files import FIELDS, write_clean
from harness.system import PeakMemory, System

COLUMN = "balance"
_CHANGE = {"column_type": "NUMERIC"}
_PAUSE_SECONDS = 0.002
_ROOM_MB = 450


@dataclass
class Client:
    """Somebody who sends the same statement again and again, each time for another record."""

    name: str
    statement: str
    url: str
    rows: int
    longest: float = 0.0
    times: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _error: psycopg.Error | None = None

    def __enter__(self) -> Client:
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._error is not None:  # who is gone waits for nothing
            raise RuntimeError(f"The {self.name} got an error.") from self._error

    def _work(self) -> None:
        try:
            self._send()
        except psycopg.Error as error:
            self._error = error

    def _send(self) -> None:
        with psycopg.connect(self.url, autocommit=True, prepare_threshold=None) as session:
            while not self._stop.wait(_PAUSE_SECONDS):
                self.times += 1
                key = 1 + self.times * 7919 % self.rows
                start = time.perf_counter()
                session.execute(self.statement, [key])
                self.longest = max(self.longest, time.perf_counter() - start)


@dataclass
class ColumnBench:
    """Alternates with the reference, each on a fresh table."""

    system: System
    folder: Path
    rows: int
    rounds: int
    waits: dict[str, float] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)
    megabytes: float = 0.0
    jobs: list[dict[str, Any]] = field(default_factory=list)
    """The changes that have ended."""

    def run(self) -> list[Measured]:
        path = self.folder / "clean.csv"
        write_clean(path, self.rows)
        rehearsal = Measured("rehearsal", 0.50)
        whole = Measured("rehearsal and change, from the request until it is completed", 1.50)
        busy = Measured("the same while others read and write")
        undo = Measured("undoing it")
        for _ in range(self.rounds):
            reference = self.reference(path)
            self.fill("retyped", path)
            rehearsal.seconds.append(self.rehearse("retyped"))
            rehearsal.reference.append(reference)
            with PeakMemory(self.system, "config.celery worker") as memory:
                whole.seconds.append(self.change("retyped"))
            self.megabytes = max(self.megabytes, memory.megabytes)
            whole.reference.append(reference)
            undo.seconds.append(self.undo("retyped"))
            undo.reference.append(reference)
            self.system.delete_table("retyped")
            busy.seconds.append(self.with_others(path))
            busy.reference.append(reference)
        return [rehearsal, whole, busy, undo]

    def fill(self, table: str, path: Path) -> None:
        self.system.create_table(table, {**FIELDS, COLUMN: "TEXT"})
        psql(self.system, copy_command(table, path), f"VACUUM ANALYZE userdata.{table}")

    def reference(self, path: Path) -> float:
        """Seconds of PostgreSQL's own change."""
        self.fill("reference", path)
        alter = f"ALTER TABLE userdata.reference ALTER {COLUMN} TYPE numeric USING {COLUMN}::numeric"
        seconds = psql(self.system, alter)
        self.system.delete_table("reference")
        return seconds

    def rehearse(self, table: str) -> float:
        start = time.perf_counter()
        found = self.system.call("POST", f"/api/tables/{table}/columns/{COLUMN}/rehearse/", json=_CHANGE)
        seconds = time.perf_counter() - start
        if found["records"] != self.rows or found["failing"]:
            raise RuntimeError(f"The rehearsal found something else: {found}")
        return seconds

    def change(self, table: str) -> float:
        """Without a plan: the request rehearses, and leaves the change to the worker."""
        start = time.perf_counter()
        job = self.system.call("PATCH", f"/api/tables/{table}/columns/{COLUMN}/", json=_CHANGE)
        self.wait(job)
        return time.perf_counter() - start

    def undo(self, table: str) -> float:
        start = time.perf_counter()
        answer = self.system.call("POST", f"/api/tables/{table}/undo/{self.jobs[-1]['event']}/", json={})
        if "state" in answer:
            self.wait(answer)
        return time.perf_counter() - start

    def wait(self, job: dict[str, Any]) -> None:
        while job["state"] in {"queued", "running"}:
            time.sleep(0.05)
            job = self.system.call("GET", f"/api/changes/{job['id']}/")
        if job["state"] != "completed":
            raise RuntimeError(f"The change ended as {job['state']}: {job['error']}")
        self.jobs.append(job)

    def with_others(self, path: Path) -> float:
        self.fill("shared", path)
        url = self.system.database_url
        clients = [
            Client("reader", "SELECT name, balance FROM userdata.shared WHERE id = %s", url, self.rows),
            Client("writer", "UPDATE userdata.shared SET balance = '12.50', age = 1 WHERE id = %s", url, self.rows),
            Client("writer of other columns", "UPDATE userdata.shared SET age = 2 WHERE id = %s", url, self.rows),
        ]
        with clients[0], clients[1], clients[2]:
            seconds = self.change("shared")
        for client in clients:
            self.waits[client.name] = max(self.waits.get(client.name, 0.0), client.longest)
            self.turns[client.name] = self.turns.get(client.name, 0) + client.times
        self.system.delete_table("shared")
        return seconds


def report(bench: ColumnBench, cases: list[Measured], *, when: datetime, machine: str) -> str:
    """A Markdown table."""
    head = (
        f"Measured {when:%Y-%m-%d %H:%M} UTC on {machine}. From the request until it is done, as a ratio to"
        " `ALTER TABLE … TYPE numeric USING …` of the same table, medians of rounds that alternate."
    )
    lines = [
        f"# A column's type changed, {bench.rows:,} records of ten columns",
        "",
        head,
        "",
        "| what | ratio | goal | holds | seconds |",
        "| --- | --- | --- | --- | --- |",
    ]
    for case in cases:
        goal, holds = "", ""
        if case.goal is not None:
            goal, holds = f"≤ {case.goal:.2f}", "yes" if case.holds else "no"
        lines.append(f"| {case.name} | {case.ratio:.2f} | {goal} | {holds} | {statistics.median(case.seconds):.2f} |")
    lines += [
        "",
        "| meanwhile | longest wait, seconds | goal | holds | statements |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, seconds in bench.waits.items():
        holds = "yes" if seconds <= 1 else "no"
        lines.append(f"| {name} | {seconds:.2f} | ≤ 1.00 | {holds} | {bench.turns[name]:,} |")
    fits = "yes" if bench.megabytes <= _ROOM_MB else "no"
    lines += ["", f"Peak memory of worker and children: {bench.megabytes:.0f} MB (goal ≤ {_ROOM_MB}: {fits})."]
    return "\n".join(lines) + "\n"
