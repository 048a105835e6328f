"""Imports whose rows refer to records by what people write, against the same rows with the records' ids."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from bench.imports import Case, ImportBench, copy_command, psql
from harness.files import FIELDS, HEADER

TARGETS = 100_000
_LOOKED_UP: dict[str, Any] = {"references": {"customer": {"match": "email"}}}


class ReferenceBench:
    """Ten columns and one that refers to a hundred thousand customers, each by its e-mail address or by its id."""

    def __init__(self, bench: ImportBench) -> None:
        self.bench, self.system = bench, bench.system
        self.by_id, self.by_value = bench.folder / "by_id.csv", bench.folder / "by_value.csv"

    def run(self) -> list[Case]:
        """Measure rounds of both in turn. ``bench`` has written its files."""
        self._make_customers()
        note = "reference: the same rows with ids"
        empty = Case(f"a column looked up among {TARGETS:,} e-mail addresses, an empty table", 1.30, note=note)
        filled = Case("the same, a table that holds as many records", 1.30, note=note)
        for _ in range(self.bench.rounds):
            self._both(empty, filled=False)
            self._both(filled, filled=True)
        self.system.delete_table("bench_customers")
        return [empty, filled]

    def _make_customers(self) -> None:
        self.system.create_table("bench_customers", {"name": "TEXT", "email": "EMAIL UNIQUE"})
        path = self.bench.folder / "customers.csv"
        with path.open("w", encoding="utf-8") as out:
            out.write("name,email\n")
            out.writelines(f"Customer {number},{_address(number)}\n" for number in range(1, TARGETS + 1))
        job, _ = self.system.import_file("bench_customers", path)
        if job["rows_imported"] != TARGETS:
            raise RuntimeError(f"The customers were not imported: {job['error'] or job['errors']}")
        rng = random.Random(TARGETS)
        with (
            self.bench.clean.open(encoding="utf-8") as rows,
            self.by_id.open("w", encoding="utf-8") as ids,
            self.by_value.open("w", encoding="utf-8") as values,
        ):
            next(rows)
            for out in (ids, values):
                out.write(f"customer,{HEADER}\n")
            for row in rows:
                number = rng.randrange(1, TARGETS + 1)
                ids.write(f"{number},{row}")
                values.write(f"{_address(number)},{row}")

    def _both(self, case: Case, *, filled: bool) -> None:
        for path, options in ((self.by_id, {}), (self.by_value, _LOOKED_UP)):
            seconds, own = self._timed(path, options, filled=filled)
            if options:
                case.seconds.append(seconds)
                case.job_seconds.append(own)
            else:
                case.reference.append(seconds)

    def _timed(self, path: Path, options: dict[str, Any], *, filled: bool) -> tuple[float, float]:
        self.system.create_table("bench_orders", {"customer": "REFERENCES bench_customers", **FIELDS})
        if filled:
            psql(self.system, copy_command("bench_orders", self.bench.more), "ANALYZE userdata.bench_orders")
        job, seconds, own = self.bench.timed_import("bench_orders", path, options, create=False)
        if job["rows_imported"] != self.bench.rows:
            raise RuntimeError(f"Rows were rejected: {job['errors']}")
        self.system.delete_table("bench_orders")
        return seconds, own


def _address(number: int) -> str:
    return f"customer.{number * 7919 % TARGETS}.{number}@example.com"
