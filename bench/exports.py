"""Exports against `psql \\copy (query) to` of the same records in the same order on the same server."""

from __future__ import annotations

import http.client
import statistics
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psutil

from bench.grid import FIELDS, GridBench
from bench.imports import Measured, psql
from harness.system import PeakMemory, System

TABLE = "export_bench"
GOAL = 1.5
_READ_BYTES = 256 * 1024


@dataclass
class ExportCase(Measured):
    """An export; ``megabytes`` is the size of the file."""

    megabytes: float = 0.0


@dataclass
class ExportBench:
    """One table, exported as every format. ``grown`` is the growth of the web process in MB while it sent CSV."""

    system: System
    folder: Path
    rows: int
    rounds: int
    grown: float = 0.0

    def run(self) -> list[ExportCase]:
        GridBench(self.system, self.rows).fill(TABLE, self.rows)
        psql(self.system, f"VACUUM ANALYZE userdata.{TABLE}")
        few = self.rows // 10
        whole = ExportCase(f"CSV, {self.rows:,} records", GOAL)
        part = ExportCase(f"CSV, filtered and sorted, about {self.rows // 2:,} records", GOAL)
        json = ExportCase(f"JSON, {self.rows:,} records")
        book = ExportCase(f"XLSX, {few:,} records")
        half = {"quantity__lt": "500", "order_by": "price"}
        self.reference()  # once, so that the table is in memory for both sides
        self.download(format="csv", id__lte=str(few))
        with PeakMemory(self.system, "uvicorn") as memory:
            before = sum(process.memory_info().rss for process in self.web()) / 1e6
            for _ in range(self.rounds):
                self.measure(whole, self.reference(), format="csv")
                self.measure(part, self.reference("WHERE quantity < 500", "price, id"), format="csv", **half)
            self.grown = memory.megabytes - before
        for _ in range(self.rounds):
            self.measure(json, self.reference(), format="json")
        self.measure(book, self.reference(f"WHERE id <= {few}"), format="xlsx", id__lte=str(few))
        return [whole, part, json, book]

    def web(self) -> list[psutil.Process]:
        return self.system.processes("uvicorn")

    def reference(self, where: str = "", order: str = "id") -> float:
        """Seconds of psql's own export."""
        names = ", ".join(["id", *FIELDS])
        path = self.folder / "reference.csv"
        query = f"SELECT {names} FROM userdata.{TABLE} {where} ORDER BY {order}"
        return psql(self.system, f"\\copy ({query}) to '{path}' with (format csv, header true)")

    def measure(self, case: ExportCase, reference: float, **query: str) -> None:
        seconds, size = self.download(**query)
        case.seconds.append(seconds)
        case.reference.append(reference)
        case.megabytes = size / 1e6

    def download(self, **query: str) -> tuple[float, int]:
        """Seconds from the request to the last byte in a file, and its size."""
        token = self.system.token()
        address = urlsplit(self.system.url)
        path = self.folder / "export"
        start = time.perf_counter()
        client = http.client.HTTPConnection(str(address.hostname), address.port, timeout=600)
        client.request(
            "GET", f"/api/tables/{TABLE}/export/?{urlencode(query)}", headers={"Authorization": f"Bearer {token}"}
        )
        answer = client.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"Export {query}: {answer.status} {answer.read(500)!r}")
        buffer = memoryview(bytearray(_READ_BYTES))
        with path.open("wb") as file:
            while length := answer.readinto(buffer):
                file.write(buffer[:length])
        client.close()
        return time.perf_counter() - start, path.stat().st_size


def report(bench: ExportBench, cases: list[ExportCase], *, when: datetime, machine: str) -> str:
    """A Markdown table."""
    head = (
        f"Measured {when:%Y-%m-%d %H:%M} UTC on {machine}. From the request to the last byte, as a ratio to "
        "`psql \\copy (query) to` a CSV file of the same records, medians of rounds that alternate; lower is faster."
    )
    lines = [
        head,
        "",
        "| export | ratio | goal | holds | seconds | MB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for case in cases:
        goal = "" if case.goal is None else f"≤ {case.goal:g}"
        seconds = statistics.median(case.seconds)
        lines.append(
            f"| {case.name} | {case.ratio:.2f} | {goal} | {'yes' if case.holds else 'no'} | {seconds:.2f} "
            f"| {case.megabytes:.0f} |"
        )
    lines += ["", f"While sending CSV the web process grew by {max(bench.grown, 0):.0f} MB."]
    return "\n".join(lines) + "\n"
