"""The web server as deployed, in its own process, for tests that the tests' process cannot do."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from config.stack.processes import Program
from config.uvicorn import listen
from harness.servers import start, stop

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def web_process(environment: dict[str, str], folder: Path) -> Iterator[int]:
    """Run the web server as deployed; yields its port."""
    with listen("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
        program = Program(
            name="web",
            argv=(sys.executable, "-m", "config.uvicorn", f"--fd={listener.fileno()}", "--grace=1"),
            env={**environment, "TABLEKEEP_ROLE": "web", "PYTHONUNBUFFERED": "1"},
            folder=ROOT,
            files=(listener.fileno(),),
            ready=lambda: True,
        )
        process = start(program, folder / "web.log")
        try:
            assert ask(port, "/health/live/")[0] == 200
            yield port
        finally:
            stop(program, process)


def ask(port: int, path: str, token: str = "") -> tuple[int, Any]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as client:
        client.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = client.getresponse()
        return answer.status, json.loads(answer.read())
