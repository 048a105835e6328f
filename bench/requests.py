"""Single requests, and many at once, against a plain Django REST framework on the same PostgreSQL, alternating."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx
import psutil

from bench.clients import Kept, Request, throughput
from bench.imports import psql
from config.stack.embedded import free_port
from harness.system import PRODUCT_PYTHON, ROOT, System

FIELDS = {"name": "TEXT", "amount": "NUMERIC(10,2)", "day": "DATE"}
RECORDS = 10_000
CLIENTS = 20
_FILL = """
INSERT INTO {table} (name, amount, day)
SELECT 'Name ' || i, (i % 1000) / 4.0, '2020-01-01'::date + i % 1000 FROM generate_series(1, {records}) i
"""
_CPU = "CPU, ms | plain DRF | ratio"
_NEW = json.dumps({"name": "New {n}", "amount": "12.50", "day": "2024-02-29"})


@dataclass
class RequestCase:
    """Seconds of each request (``is_rate``: responses per second), ours and the reference's if there is one.

    ``cpu`` and ``reference_cpu`` are seconds of CPU time that the web process used for each request.
    """

    name: str
    ours: Request
    plain: Request | None = None
    goal: str = ""
    is_rate: bool = False
    taken: list[float] = field(default_factory=list)
    reference: list[float] = field(default_factory=list)
    cpu: float = 0.0
    reference_cpu: float = 0.0

    @property
    def ratio(self) -> float | None:
        """The ratio of the medians."""
        return statistics.median(self.taken) / statistics.median(self.reference) if self.reference else None


@dataclass
class Meter:
    """The CPU time of processes. The kernel counts in hundredths of a second, so measure many requests at once."""

    processes: list[psutil.Process]
    _before: float = 0.0
    seconds: float = 0.0

    def __enter__(self) -> Meter:
        self._before = self._spent()
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds += self._spent() - self._before

    def _spent(self) -> float:
        return sum(spent.user + spent.system for spent in (process.cpu_times() for process in self.processes))


@dataclass
class RequestBench:
    """``rounds`` single requests of each kind, ours and the reference's alternating; rates in slices of ``seconds``."""

    system: System
    folder: Path
    rounds: int = 300
    slices: int = 5
    seconds: float = 2.0

    def run(self) -> list[RequestCase]:
        self.system.create_table("t", FIELDS)
        psql(self.system, _FILL.format(table="userdata.t", records=RECORDS), "VACUUM ANALYZE userdata.t")
        with plain_drf(self.system, self.folder) as plain:
            cases = self.cases(plain.url, self.session())
            ours = self.system.processes("config.uvicorn")
            for case in cases:
                (self.rates if case.is_rate else self.medians)(case, Meter(ours), Meter([plain.process]))
        return cases

    def cases(self, plain: str, session: dict[str, str]) -> list[RequestCase]:
        kind = {"Content-Type": "application/json"}
        ours = kind | {"Authorization": f"Bearer {self.system.token()}"}
        token = httpx.post(f"{plain}/token/", json={"username": "bench", "password": self.system.password}, timeout=60)
        theirs = kind | {"Authorization": f"Bearer {token.json()['access']}"}
        part = session | {"HX-Request": "true", "HX-Request-Type": "partial"}
        form = part | {"Content-Type": "application/x-www-form-urlencoded"}
        url = self.system.url
        record = Request("GET", url, "/api/tables/t/records/{n}/", ours)
        listing = Request("GET", url, "/api/tables/t/records/?limit=50", ours)
        insert = Request("POST", url, "/api/tables/t/records/", ours, _NEW)
        plain_record = Request("GET", plain, "/records/{n}/", theirs)
        plain_list = Request("GET", plain, "/records/", theirs)
        plain_insert = Request("POST", plain, "/records/", theirs, _NEW)
        return [
            RequestCase("one record", record, plain_record, "≤ 1.0 ×"),
            RequestCase("list of 50", listing, plain_list, "≤ 1.0 ×"),
            RequestCase("insert", insert, plain_insert, "≤ 1.0 ×"),
            RequestCase("grid: first page of 50", Request("GET", url, "/tables/t/", session), None, "≤ 15 ms"),
            RequestCase(
                "grid: sorted by a number, partial", Request("GET", url, "/tables/t/?order_by=-amount", part), None,
                "≤ 10 ms",
            ),
            # PostgreSQL makes the keys of all texts for this, as there is no index.
            RequestCase(
                "grid: sorted by a text, partial", Request("GET", url, "/tables/t/?order_by=-name", part), None,
                "≤ 10 ms",
            ),
            RequestCase(
                "grid: a cell is saved", Request("POST", url, self.cell(), form, "value=Saved+{n}"), None,
                "≤ 10 ms",
            ),
            RequestCase("one record", record, plain_record, "≥ 1.5 ×", is_rate=True),
            RequestCase("list of 50", listing, plain_list, "≥ 1.5 ×", is_rate=True),
            RequestCase("insert", insert, plain_insert, "≥ 1.5 ×", is_rate=True),
        ]  # fmt: skip

    def cell(self) -> str:
        """The URL of a cell, read from the console, which alone knows its names of columns."""
        answer = httpx.get(f"{self.system.url}/tables/t/", headers=self.session(), timeout=60)
        column = answer.text.partition('data-column="c')[2].partition('"')[0]
        return f"/tables/t/records/7/c{column}/"

    def session(self) -> dict[str, str]:
        """Headers of a user who is logged in to the console."""
        with httpx.Client(base_url=self.system.url, timeout=60) as client:
            client.get("/login/")
            data = {"username": "bench", "password": self.system.password}
            client.post("/login/", data={**data, "csrfmiddlewaretoken": client.cookies["csrftoken"]})
            cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
            return {"Cookie": cookies, "X-CSRFToken": client.cookies["csrftoken"]}

    def medians(self, case: RequestCase, ours: Meter, plain: Meter) -> None:
        kept = Kept(case.ours.address)
        reference = Kept(case.plain.address) if case.plain else None
        for number in range(1, 20):  # the first ones have to load connections and code
            kept.seconds(case.ours, number)
            if reference and case.plain:
                reference.seconds(case.plain, number)
        with ours, plain:  # each is idle while the other answers
            for number in range(20, self.rounds + 20):
                case.taken.append(kept.seconds(case.ours, number))
                if reference and case.plain:
                    case.reference.append(reference.seconds(case.plain, number))
        case.cpu, case.reference_cpu = ours.seconds / self.rounds, plain.seconds / self.rounds

    def rates(self, case: RequestCase, ours: Meter, plain: Meter) -> None:
        for _ in range(self.slices):
            for request, kept, meter in ((case.ours, case.taken, ours), (case.plain, case.reference, plain)):
                if request is not None:
                    with meter:
                        kept.append(throughput(request, clients=CLIENTS, seconds=self.seconds))
        case.cpu = ours.seconds / (sum(case.taken) * self.seconds)
        if case.reference:
            case.reference_cpu = plain.seconds / (sum(case.reference) * self.seconds)


@dataclass(frozen=True)
class Plain:
    """The reference: its URL and its process."""

    url: str
    process: psutil.Process


@contextmanager
def plain_drf(system: System, folder: Path) -> Iterator[Plain]:
    """Run the reference in its own database."""
    psql(system, "CREATE DATABASE plain")
    server = system.database_url.rsplit("/", 1)[0]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "bench.plain.settings",
        "DATABASE_URL": f"{server}/plain",
        "SECRET_KEY": "only for this run, and long enough for HMAC",
        "DJANGO_SUPERUSER_PASSWORD": system.password,
    }
    django = [str(PRODUCT_PYTHON), "-m", "django"]
    for words in (["migrate", "--run-syncdb"], ["createsuperuser", "--noinput", "--username=bench", "--email=b@x.org"]):
        subprocess.run([*django, *words], cwd=ROOT, env=environment, check=True, capture_output=True)
    there = System(system.url, environment["DATABASE_URL"], system.pid, system.folder)
    psql(there, _FILL.format(table="plain_record", records=RECORDS), "VACUUM ANALYZE plain_record")
    port = free_port()
    argv = [str(PRODUCT_PYTHON), "-m", "uvicorn", "bench.plain.asgi:application", f"--port={port}", "--log-level=error"]
    with (folder / "plain.log").open("w") as log:
        process = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        while process.poll() is None:
            try:
                httpx.get(url, timeout=60)
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        yield Plain(url, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(30)


def report(cases: list[RequestCase], *, when: datetime, machine: str) -> str:
    """Two Markdown tables."""
    lines = [
        "# Requests",
        "",
        f"{when:%Y-%m-%d %H:%M} UTC, {machine}. Kept connections, a table of three columns and {RECORDS:,}",
        "records. The reference is a plain Django REST framework (ModelViewSet, simplejwt, one process of uvicorn, no",
        "audit, undo or rights) on the same PostgreSQL, alternating with ours, which is one process, too, unless",
        "WEB_CONCURRENCY says otherwise. “CPU” is the CPU time of the web process for each request, without PostgreSQL",
        "and waiting: it depends less on what else the machine does.",
        "",
        f"| one after the other | ms | plain DRF | ratio | goal | {_CPU} |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case in cases:
        if case.is_rate and "at once" not in "".join(lines):
            lines += [
                "",
                f"| {CLIENTS} clients at once | answers a second | plain DRF | ratio | goal | {_CPU} |",
                "| --- | --- | --- | --- | --- | --- | --- | --- |",
            ]
        scale, digits = (1, 0) if case.is_rate else (1000, 1)
        taken = f"{scale * statistics.median(case.taken):.{digits}f}"
        reference = f"{scale * statistics.median(case.reference):.{digits}f}" if case.reference else "–"
        ratio = "–" if case.ratio is None else f"{case.ratio:.2f}"
        plain = f"{1000 * case.reference_cpu:.1f}" if case.reference else "–"
        share = f"{case.cpu / case.reference_cpu:.2f}" if case.reference else "–"
        lines.append(
            f"| {case.name} | {taken} | {reference} | {ratio} | {case.goal} "
            f"| {1000 * case.cpu:.1f} | {plain} | {share} |"
        )
    return "\n".join([*lines, ""])
