"""One real stack for all trials of a run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.system import System, running_system


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """The stack's DATA_DIR.

    Not among pytest's own folders: another run of pytest would close those to the user that PostgreSQL runs as.
    """
    with tempfile.TemporaryDirectory(prefix="tablekeep-stack-") as name:
        yield Path(name) / "data"


@pytest.fixture(scope="session")
def system(folder: Path) -> Iterator[System]:
    with running_system(folder) as system:
        assert system.password not in folder.with_name("stack.log").read_text()
        yield system
