"""Measures the console without its queries, in its own process: `python -m bench.rendering TABLE` prints JSON.

``page`` is the time of the whole response with 100 records minus that of its queries. ``cells`` is the difference to
the same with one record: the cost of turning 100 (exactly: 99) more records into cells. Times are the process's own CPU
seconds, so that other load on the machine counts less.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

from harness.system import ROOT, System

RECORDS = 100


def measure(system: System, table: str, rounds: int) -> dict[str, float]:
    """Seconds (``page`` and ``cells``), medians."""
    env = {**os.environ, **system.environment(), "DJANGO_SETTINGS_MODULE": "config.settings"}
    argv = [sys.executable, "-m", "bench.rendering", table, str(rounds)]
    done = subprocess.run(argv, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def main(table: str, rounds: int) -> None:
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    client = Client(SERVER_NAME="127.0.0.1", headers={"HX-Request": "true", "HX-Request-Type": "partial"})
    client.force_login(User.objects.get(username="bench"))
    spent = 0.0

    def timed(execute: Any, statement: Any, parameters: Any, many: bool, context: Any) -> Any:
        nonlocal spent
        start = time.process_time()
        try:
            return execute(statement, parameters, many, context)
        finally:
            spent += time.process_time() - start

    def beyond_queries(limit: int) -> float:
        nonlocal spent
        spent = 0.0
        start = time.process_time()
        with connection.execute_wrapper(timed):
            answer = client.get(f"/tables/{table}/", {"limit": limit})
        seconds = time.process_time() - start - spent
        if answer.status_code != 200 or answer.content.count(b"<tr") < limit:
            raise RuntimeError(f"{answer.status_code}: {answer.content[:300]!r}")
        return seconds

    for _ in range(3):
        beyond_queries(RECORDS), beyond_queries(1)
    pairs = [(beyond_queries(RECORDS), beyond_queries(1)) for _ in range(rounds)]
    cells = statistics.median(many - one for many, one in pairs)
    print(json.dumps({"page": statistics.median(many for many, _ in pairs), "cells": cells}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
