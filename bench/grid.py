"""The grid and the records API: a small against a large table, on the same machine in the same run, medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import httpx

from bench import rendering
from bench.imports import psql
from harness.system import System

FIELDS = {
    "name": "TEXT NOT NULL", "email": "EMAIL", "price": "NUMERIC(10,2)", "quantity": "INTEGER",
    "ratio": "DOUBLE PRECISION", "active": "BOOLEAN", "born": "DATE", "seen": "TIMESTAMPTZ", "city": "TEXT",
    "code": "VARCHAR(12)", "notes": "TEXT",
}  # fmt: skip
INDEXED = ("price", "born", "city")
RARE = "zanzibarine"
_GENERATE = """
INSERT INTO userdata.{table} (name, email, price, quantity, ratio, active, born, seen, city, code, notes)
SELECT 'Name ' || i, 'user' || i || '@example.com',
       CASE WHEN i % 50 > 0 THEN (hashint8(i)::bigint & 1048575) / 100.0 END, i % 1000, sqrt(i), i % 3 = 0,
       '1950-01-01'::date + (hashint8(i + 1) & 16383), '2020-01-01'::timestamptz + i * interval '7 seconds',
       'City ' || (hashint8(i + 2) & 511), 'C' || i,
       'a note of some length about ' || md5(i::text) || CASE WHEN i % ({rows} / 20) = 7 THEN ' {rare}' ELSE '' END
  FROM generate_series(1, {rows}) i
"""
SLACK_SECONDS = 0.060
FAR_SECONDS = 0.300
CELLS_SECONDS = 0.010
PAGES_ONWARD = 50


@dataclass
class GridCase:
    """Median seconds for each table. ``limit`` is an absolute goal for the large one; otherwise it is relative."""

    name: str
    limit: float | None = None
    small: float = 0.0
    large: float = 0.0
    note: str = ""

    @property
    def holds(self) -> bool:
        if self.limit is not None:
            return self.large <= self.limit
        return self.large <= max(1.5 * self.small, self.small + SLACK_SECONDS)


@dataclass
class GridBench:
    """Fills two tables and measures every case on both, through the API and in the console."""

    system: System
    rows: int
    small_rows: int = 10_000
    rounds: int = 9
    # Kept connections, as browsers and API clients have them; making a client takes longer than most requests.
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60, follow_redirects=True))
    _api: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    def run(self) -> list[GridCase]:
        for table, rows in (("grid_small", self.small_rows), ("grid_large", self.rows)):
            self.prepare(table, rows)
        self.log_in()
        far = self.rows // 100 if self.rows < 10_000_000 else 100_000
        cases: list[tuple[GridCase, Callable[[str], float]]] = [
            (GridCase("first page"), lambda table: self.api(table)),
            (GridCase("first page of 100"), lambda table: self.api(table, limit=100)),
            *(
                (GridCase(f"sorted by {order}"), lambda table, order=order: self.api(table, order_by=order))
                for name in INDEXED
                for order in (name, f"-{name}")
            ),
            (GridCase(f"{PAGES_ONWARD} pages onward, each"), lambda table: self.onward(table, limit=50)),
            (GridCase(f"the same by -{INDEXED[0]}"),
             lambda table: self.onward(table, limit=50, order_by=f"-{INDEXED[0]}")),
            (GridCase("last page"), lambda table: self.last(table)),
            (GridCase(f"last page by {INDEXED[0]}"), lambda table: self.last(table, order_by=INDEXED[0])),
            (GridCase("filter on an indexed column"), lambda table: self.api(table, city="City 77", limit=50)),
            (GridCase("range on an indexed column, sorted by it"),
             lambda table: self.api(table, born__gte="1980-05-01", order_by="born", limit=50)),
            (GridCase("console: first page"), lambda table: self.page(table)),
            (GridCase(f"console: sorted by {INDEXED[0]}"), lambda table: self.page(table, order_by=INDEXED[0])),
            (GridCase("console: charts under the heads"), lambda table: self.page(table, "charts/", 'class="bar')),
        ]  # fmt: skip
        found = [case for case, measure in cases if self.compare(case, measure)]
        far_pages: dict[str, dict[str, Any]] = {
            f"page={far:,} of 100 records": {"limit": 100, "page": far - 1},
            f"page={far:,}": {"limit": 10, "page": far},
            f"page={far:,} by {INDEXED[0]}": {"limit": 10, "page": far, "order_by": INDEXED[0]},
            f"page={far:,} of 100, by -{INDEXED[0]}": {"limit": 100, "page": far - 1, "order_by": f"-{INDEXED[0]}"},
            "search for a rare word": {"search": RARE},
            f"search for a rare word, by {INDEXED[0]}": {"search": RARE, "order_by": INDEXED[0]},
            "search for a common word": {"search": "note"},
        }
        for name, arguments in far_pages.items():
            case = GridCase(name, limit=FAR_SECONDS, note="large table only")
            case.large = self.median(partial(self.api, "grid_large", **arguments))
            found.append(case)
        rendered = rendering.measure(self.system, "grid_large", 3 * self.rounds)
        found.append(
            GridCase("console: 100 × 12 cells, without the queries", limit=CELLS_SECONDS, large=rendered["cells"])
        )
        found.append(GridCase("console: the whole response, without the queries", large=rendered["page"]))
        slow: dict[str, dict[str, Any]] = {
            "always below 5 s: sorted without an index": {"order_by": "notes"},
            "always below 5 s: a filter without an index": {"notes__iregex": "^(x|y)+$"},
        }
        for name, arguments in slow.items():
            case = GridCase(name, limit=5.0, note="answer or query_timeout")
            case.large = max(self.api("grid_large", **arguments) for _ in range(2))
            found.append(case)
        return found

    def prepare(self, table: str, rows: int) -> None:
        """Create and fill the table, and let the worker build its indexes."""
        self.fill(table, rows)
        for name in INDEXED:
            self.system.call("PATCH", f"/api/tables/{table}/columns/{name}/", json={"indexed": True})
        self.system.call("PATCH", f"/api/tables/{table}/", json={"search_index": True})
        while not self.is_built(table):
            time.sleep(0.5)
        psql(self.system, f"VACUUM ANALYZE userdata.{table}")

    def fill(self, table: str, rows: int) -> None:
        self.system.create_table(table, FIELDS)
        psql(self.system, _GENERATE.format(table=table, rows=rows, rare=RARE))

    def is_built(self, table: str) -> bool:
        shown = self.system.call("GET", f"/api/tables/{table}/")
        states = {column["index_state"] for column in shown["columns"]} | {shown["search_index"]}
        if "failed" in states:
            raise RuntimeError(f"An index of {table} was not built: {shown}")
        return not states & {"queued", "building"}

    def compare(self, case: GridCase, measure: Callable[[str], float]) -> bool:
        """Alternate between the tables, so that other load on the machine affects both."""
        small: list[float] = []
        large: list[float] = []
        measure("grid_small"), measure("grid_large")
        for _ in range(self.rounds):
            small.append(measure("grid_small"))
            large.append(measure("grid_large"))
        case.small, case.large = statistics.median(small), statistics.median(large)
        return True

    def median(self, measure: Callable[[], float]) -> float:
        measure()
        return statistics.median(measure() for _ in range(self.rounds))

    def api(self, table: str, **arguments: Any) -> float:
        return self.timed(f"/api/tables/{table}/records/", arguments)[0]

    def timed(self, path: str, arguments: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.system.token()}"}
        start = time.perf_counter()
        answer = self._api.get(self.system.url + path, params=arguments, headers=headers)
        seconds = time.perf_counter() - start
        if answer.status_code not in {200, 503}:
            raise RuntimeError(f"{path} {arguments}: {answer.status_code} {answer.text[:300]}")
        return seconds, dict(answer.json())

    def onward(self, table: str, **arguments: Any) -> float:
        """Median seconds of a page when following ``next``."""
        path = f"/api/tables/{table}/records/"
        _, page = self.timed(path, arguments)
        taken: list[float] = []
        for _ in range(PAGES_ONWARD):
            seconds, page = self.timed(page["next"].removeprefix(self.system.url), {})
            taken.append(seconds)
        return statistics.median(taken)

    def last(self, table: str, **arguments: Any) -> float:
        _, page = self.timed(f"/api/tables/{table}/records/", arguments)
        return self.timed(page["last"].removeprefix(self.system.url), {})[0]

    def log_in(self) -> None:
        self._client.get(f"{self.system.url}/login/")
        answer = self._client.post(
            f"{self.system.url}/login/",
            data={
                "username": "bench", "password": self.system.password,
                "csrfmiddlewaretoken": self._client.cookies["csrftoken"],
            },
            headers={"Referer": f"{self.system.url}/login/"},
        )  # fmt: skip
        answer.raise_for_status()

    def page(self, table: str, part: str = "", holds: str = 'class="records"', **arguments: Any) -> float:
        start = time.perf_counter()
        answer = self._client.get(f"{self.system.url}/tables/{table}/{part}", params={"limit": 100, **arguments})
        seconds = time.perf_counter() - start
        if holds not in answer.text:
            raise RuntimeError(f"The console does not show {table}: {answer.status_code}")
        return seconds


def report(cases: list[GridCase], *, rows: int, small_rows: int, when: datetime, machine: str) -> str:
    """A Markdown table."""
    lines = [
        f"# The grid at {small_rows:,} and at {rows:,} records",
        "",
        f"{when:%Y-%m-%d}, {machine}. Milliseconds from request to answer on kept connections, medians. The goal is",
        "1.5 × or 60 ms more, unless another is given.",
        "",
        f"| case | {small_rows:,} | {rows:,} | ratio | goal | holds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for case in cases:
        small = f"{1000 * case.small:.0f}" if case.small else "–"
        ratio = f"{case.large / case.small:.2f}" if case.small else "–"
        goal = f"{1000 * case.limit:.0f}" if case.limit is not None else ""
        lines.append(
            f"| {case.name} | {small} | {1000 * case.large:.0f} | {ratio} | {goal} | {'yes' if case.holds else 'no'} |"
        )
    return "\n".join([*lines, ""])
