"""One real stack for all trials of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.system import System, running_system


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stack's DATA_DIR."""
    return tmp_path_factory.mktemp("stack") / "data"


@pytest.fixture(scope="session")
def system(folder: Path) -> Iterator[System]:
    with running_system(folder) as system:
        yield system
