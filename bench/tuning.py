"""Indexes that make themselves: every column of nine types sorted, filtered, searched, before and after they are there.

As at most six are made for a table, the columns are asked for in two tables of the same kind: five of them and the
search in one, four and the search in the other.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from bench.grid import SLACK_SECONDS
from bench.imports import psql
from harness.system import System

FIELDS = {
    "name": "TEXT", "quantity": "INTEGER", "price": "NUMERIC(10,2)", "born": "DATE", "active": "BOOLEAN",
    "email": "EMAIL", "ratio": "DOUBLE PRECISION", "seen": "TIMESTAMPTZ", "key": "UUID",
}  # fmt: skip
TABLES = {"first": ("name", "quantity", "price", "born", "active"), "second": ("email", "ratio", "seen", "key")}
# Every fiftieth record has no value in one of the columns, in turn.
_GENERATE = """
INSERT INTO userdata.{table} (name, quantity, price, born, active, email, ratio, seen, key)
SELECT CASE WHEN i % 450 <> 0 THEN 'Name ' || (hashint8(i)::bigint & 1048575) || ' of ' || md5(i::text)
         || CASE WHEN i % ({rows} / 20) = 7 THEN ' {rare}' ELSE '' END END,
       CASE WHEN i % 450 <> 50 THEN hashint8(i) & 1048575 END,
       CASE WHEN i % 450 <> 100 THEN (hashint8(i + 1)::bigint & 16777215) / 100.0 END,
       CASE WHEN i % 450 <> 150 THEN '1900-01-01'::date + (hashint8(i + 2) & 32767) END,
       CASE WHEN i % 450 <> 200 THEN i % 3 = 0 END,
       CASE WHEN i % 450 <> 250 THEN 'user' || i || '@example.com' END,
       CASE WHEN i % 450 <> 300 THEN sqrt(i) END,
       CASE WHEN i % 450 <> 350 THEN '2020-01-01'::timestamptz + i * interval '7 seconds' END,
       CASE WHEN i % 450 <> 400 THEN md5(i::text)::uuid END
  FROM generate_series(1, {rows}) i
"""
RARE = "zanzibarine"
# What is equal to the value of one record, and what lies between two that are near each other.
_EQUAL: dict[str, Any] = {
    "quantity": 77_777, "price": "12345.67", "born": "1950-05-05", "active": "true", "email": "user4321@example.com",
    "ratio": "64.0", "seen": "2020-01-01T01:10:00Z", "key": "e4da3b7f-bbce-2345-d777-2b0674a318d5",
    "name": "Name 1 of nobody",
}  # fmt: skip
_BETWEEN: dict[str, dict[str, Any]] = {
    "quantity": {"quantity__range": "5000,5010"},
    "price": {"price__range": "500.00,500.50"},
    "born": {"born__range": "1950-05-05,1950-05-06"},
    "active": {"active__in": "true,false"},
    "email": {"email__in": "user7@example.com,user8@example.com"},
    "ratio": {"ratio__range": "50,50.01"},
    "seen": {"seen__lt": "2020-01-01T00:10:00Z"},
    "key": {"key__in": "e4da3b7f-bbce-2345-d777-2b0674a318d5,c4ca4238-a0b9-2382-0dcc-509a6f75849b"},
    "name": {"name__range": "Name 500 of,Name 501 of"},
}


@dataclass
class Request:
    """One list: seconds of the first visit and, once the indexes are there, of later ones (medians)."""

    name: str
    table: str
    parameters: dict[str, Any]
    first: float = 0.0
    small: float = 0.0
    large: float = 0.0

    @property
    def holds(self) -> bool:
        return self.large <= max(1.5 * self.small, self.small + SLACK_SECONDS)


def requests() -> list[Request]:
    """Five for each of nine columns, two searches in each table."""
    found: list[Request] = []
    for table, columns in TABLES.items():
        for name in columns:
            for what, parameters in (
                (f"sorted by {name}", {"order_by": name}),
                (f"sorted by -{name}", {"order_by": f"-{name}"}),
                (f"{name} equal to a value", {name: _EQUAL[name]}),
                (f"{name} among some", _BETWEEN[name]),
                (f"{name} missing", {f"{name}__isnull": "true", "order_by": "-id"}),
            ):
                found.append(Request(what, table, parameters))
        found.append(Request("search for a rare word", table, {"search": RARE}))
        found.append(Request("search for a common word", table, {"search": "of"}))
    return found


@dataclass
class TuningBench:
    """Fills a small and a large table of each kind, and asks for every list twice: before and after."""

    system: System
    rows: int
    small_rows: int = 10_000
    rounds: int = 5
    built_in: float = field(default=0.0, init=False)
    """Seconds until all indexes were there."""
    # A kept connection, as clients have them; making a client takes longer than most lists.
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60), init=False)

    def run(self) -> list[Request]:
        for table in TABLES:
            for size, rows in (("small", self.small_rows), ("large", self.rows)):
                self.system.create_table(f"{table}_{size}", FIELDS)
                psql(self.system, _GENERATE.format(table=f"{table}_{size}", rows=rows, rare=RARE))
                psql(self.system, f"VACUUM ANALYZE userdata.{table}_{size}")
        asked = requests()
        for request in asked:
            request.first = self.visit(request, "large")
        self.wait()
        for request in asked:
            self.visit(request, "small"), self.visit(request, "large")
            pairs = [(self.visit(request, "small"), self.visit(request, "large")) for _ in range(self.rounds)]
            request.small = statistics.median(small for small, _ in pairs)
            request.large = statistics.median(large for _, large in pairs)
        return asked

    def visit(self, request: Request, size: str) -> float:
        path = f"/api/tables/{request.table}_{size}/records/"
        headers = {"Authorization": f"Bearer {self.system.token()}"}
        start = time.perf_counter()
        answer = self._client.get(self.system.url + path, params={"limit": 50, **request.parameters}, headers=headers)
        seconds = time.perf_counter() - start
        if answer.status_code not in {200, 503}:
            raise RuntimeError(f"{path} {request.parameters}: {answer.status_code} {answer.text[:300]}")
        return seconds

    def wait(self) -> None:
        """Until every index that was asked for is there, and no other than those."""
        start = time.perf_counter()
        for table in TABLES:
            while True:
                shown = self.system.call("GET", f"/api/tables/{table}_large/")
                states = [column["index_state"] for column in shown["columns"]] + [shown["search_index"]]
                if "failed" in states:
                    raise RuntimeError(f"An index was not built: {shown}")
                if not {"queued", "building"} & {*states}:
                    break
                time.sleep(0.5)
        self.built_in = time.perf_counter() - start


def report(bench: TuningBench, requests: list[Request], *, when: datetime, machine: str) -> str:
    """A Markdown table."""
    held = sum(request.holds for request in requests)
    lines = [
        f"# Indexes that make themselves, {bench.rows:,} records",
        "",
        f"{when:%Y-%m-%d}, {machine}. Milliseconds from request to answer: the first visit, and later ones (medians",
        f"of {bench.rounds}) once the indexes were there, {bench.built_in:.0f} s after. The goal is 1.5 × or 60 ms",
        f"more than with {bench.small_rows:,} records; {held} of {len(requests)} hold it.",
        "",
        f"| list | first | later | {bench.small_rows:,} | ratio | holds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for request in requests:
        first, large, small = (f"{1000 * seconds:.0f}" for seconds in (request.first, request.large, request.small))
        ratio = f"{request.large / request.small:.2f}"
        lines.append(f"| {request.name} | {first} | {large} | {small} | {ratio} | {'yes' if request.holds else 'no'} |")
    return "\n".join([*lines, ""])
