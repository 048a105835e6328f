"""The real product in a temporary folder: `manage.py stack`, as `make run` starts it, and a client of its API."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).resolve().parent.parent
PRODUCT_PYTHON = ROOT / ".venv" / "bin" / "python"
"""The interpreter with the product's own requirements; the benchmarks run in one that has more."""
_PASSWORD = "only for this run"  # noqa: S105  a throw-away database on loopback


OUTSIDE = {"REMOTE_SOURCES": "1", "OUTGOING_ALLOW": "127.0.0.0/8"}
"""Settings with which files are fetched from, and messages sent to, a server on this machine."""


@dataclass
class System:
    """A running stack. ``database_url`` is its PostgreSQL, ``pid`` the supervisor's, ``folder`` its data."""

    url: str
    database_url: str
    pid: int
    folder: Path
    password: str = _PASSWORD
    _tokens: dict[str, Any] = field(default_factory=dict)
    # One for all calls, since making one takes 28 ms (it reads the system's certificates), but a connection for each:
    # one that was kept would be found dead after a fault.
    _client: httpx.Client = field(
        default_factory=lambda: httpx.Client(timeout=300, limits=httpx.Limits(max_keepalive_connections=0))
    )

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        """The JSON of a response, None for an empty one. Raises RuntimeError for an error."""
        answer = self._good_answer(method, path, **kwargs)
        return answer.json() if answer.content else None

    def _good_answer(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        answer = self.answer(method, path, **kwargs)
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer

    def environment(self) -> dict[str, str]:
        """The environment that a process of the stack needs."""
        lines = (self.folder / "stack.env").read_text().splitlines()
        pairs = (line.split("=", 1) for line in lines if "=" in line)
        return {"DATA_DIR": str(self.folder), **{name: value.strip("\"'") for name, value in pairs}}

    def token(self) -> str:
        """An access token, renewed shortly before it expires."""
        if time.monotonic() > self._tokens.get("until", 0):
            credentials = {"username": "bench", "password": _PASSWORD}
            answer = self._client.post(f"{self.url}/api/token/", json=credentials, timeout=60)
            answer.raise_for_status()
            self._tokens = {"access": answer.json()["access"], "until": time.monotonic() + 300}
        return str(self._tokens["access"])

    def answer(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """One API call."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        return self._client.request(method, self.url + path, headers=headers, **kwargs)

    def create_table(self, name: str, fields: dict[str, str]) -> None:
        self.call("POST", "/api/create-table/", json={"table_name": name, "fields": fields})

    def delete_table(self, name: str) -> None:
        """Delete a table for good: from the trash, its pages would be written out during what is measured next."""
        deleted = self._good_answer("DELETE", "/api/delete-table/", params={"table_name": name})
        self.call("DELETE", f"/api/trash/{deleted.headers['X-Trash']}/")

    def upload(self, table: str, path: Path, options: dict[str, Any] | None = None) -> dict[str, Any]:
        """Start an import through the API and return its job."""
        with path.open("rb") as file:
            data = {"table_name": table, "email": "bench@example.com", "options": json.dumps(options or {})}
            job = self.call("POST", "/api/upload-csv/", data=data, files={"file": (path.name, file, "text/csv")})
        return dict(job)

    def import_file(
        self, table: str, path: Path, options: dict[str, Any] | None = None, *, patience: float = 3_600
    ) -> tuple[dict[str, Any], float]:
        """Upload ``path`` and wait for the end. Returns the job and the seconds from the request to the end."""
        start = time.perf_counter()
        job = self.upload(table, path, options)
        while job["state"] in {"queued", "running"}:
            assert time.perf_counter() - start < patience, f"Not imported within {patience:.0f} s: {job}"
            time.sleep(0.2)  # asking also costs time
            job = self.call("GET", f"/api/imports/{job['id']}/")
        return job, time.perf_counter() - start

    def processes(self, word: str) -> list[psutil.Process]:
        """The stack's processes, with all their children, whose command line contains ``word``."""
        found: dict[int, psutil.Process] = {}
        for process in psutil.Process(self.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it has ended
                if word in " ".join(process.cmdline()):
                    found |= {one.pid: one for one in [process, *process.children(recursive=True)]}
        return list(found.values())


@contextlib.contextmanager
def running_system(folder: Path, **settings: str) -> Iterator[System]:
    """Start the stack in ``folder`` with environment variables ``settings``, yield it, stop it.

    Without them nobody's requests are limited: what is measured sends more than anybody may.
    """
    env = {
        **os.environ,
        "API_RATE": "0",
        "UPLOAD_RATE": "0",
        "ANONYMOUS_RATE": "0",
        **settings,
        "DATA_DIR": str(folder),
        "PORT": "0",
        "ADMIN_USERNAME": "bench",
        "ADMIN_PASSWORD": _PASSWORD,
        "ADMIN_EMAIL": "bench@example.com",
    }
    for name in ("DATABASE_URL", "READER_URL", "REDIS_URL", "DEBUG", "SECRET_KEY"):
        env.pop(name, None)
    log = (folder.parent / "stack.log").open("w+")
    process = subprocess.Popen(
        [str(PRODUCT_PYTHON), "manage.py", "stack"], cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        yield System(_wait_for_url(process, Path(log.name)), _database_url(folder), process.pid, folder)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(90)
        finally:
            process.kill()  # which ends its programs, too
            log.close()


def _wait_for_url(process: subprocess.Popen[bytes], log: Path) -> str:
    marker = "Tablekeep is ready at "
    while process.poll() is None:
        line = next((line for line in log.read_text().splitlines() if marker in line), None)
        if line is not None:
            return line.split(marker)[1].strip().rstrip("/")
        time.sleep(0.1)
    raise RuntimeError(f"The stack did not start:\n{log.read_text()[-3000:]}")


def _database_url(folder: Path) -> str:
    lines = (folder / "stack.env").read_text().splitlines()
    return next(line.split("=", 1)[1].strip("\"'") for line in lines if line.startswith("DATABASE_URL="))


class PeakMemory:
    """Samples the resident memory of processes from a thread; ``megabytes`` is the highest sum seen."""

    def __init__(self, system: System, word: str) -> None:
        self.megabytes = 0.0
        self._system, self._word = system, word
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _watch(self) -> None:
        processes: list[psutil.Process] = []
        samples = 0
        while not self._stop.wait(0.1):
            if samples % 10 == 0:  # pool children come and go, and listing them is not free
                processes = self._system.processes(self._word)
            samples += 1
            total = 0
            for process in processes:
                with contextlib.suppress(psutil.Error):
                    total += process.memory_info().rss
            self.megabytes = max(self.megabytes, total / 1e6)
