"""`make soak`: many trials on one running stack; ends at the first failure."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from harness.system import OUTSIDE, running_system
from harness.trials import OTHER_WORKS, WORKS, make_workload, run_trial, trials


def main() -> None:
    parser = argparse.ArgumentParser(prog="harness", description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--works", nargs="+", choices=sorted({*WORKS, *OTHER_WORKS}))
    arguments = parser.parse_args()
    sys.stdout.write(f"seed {arguments.seed}\n")
    with tempfile.TemporaryDirectory(prefix="tablekeep-soak-") as name:
        folder = Path(name)
        workload = make_workload(folder, arguments.rows)
        works = arguments.works or [*WORKS, *OTHER_WORKS, "add"]
        with running_system(folder / "data", **OUTSIDE) as system:
            within = arguments.rows / 60_000
            for trial in trials(arguments.trials, seed=arguments.seed, within=within, works=works):
                moment = run_trial(system, folder / "data", workload, trial)
                sys.stdout.write(f"passed {trial}, struck at {moment:.2f}s\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
