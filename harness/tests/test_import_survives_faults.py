"""Whatever dies in the middle, an import happens exactly once, with one mail and nothing left behind.

On the real stack, started as `make run` starts it. Each fault strikes once; `make soak` runs many more such trials.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.faults import FAULTS
from harness.system import System
from harness.trials import Trial, Workload, make_workload, run_trial, trials


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Workload:
    return make_workload(tmp_path_factory.mktemp("files"), rows=40_000)


@pytest.mark.parametrize("trial", list(trials(len(FAULTS), seed=20_261_123, within=1.0)), ids=str)
def test_an_import_happens_exactly_once(system: System, folder: Path, workload: Workload, trial: Trial) -> None:
    run_trial(system, folder, workload, trial)
