"""Striking a job before its end. A strike that comes too late has shown nothing: it is repeated, sooner."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator

_TRIES = 8


def moments(first: float) -> Iterator[float]:
    """Seconds after a job's begin at which to strike: ``first``, then half as long each time.

    For a test to go through until it has struck a job midway. Raises AssertionError where that never happened.
    """
    for number in range(_TRIES):
        yield first / 2**number
    raise AssertionError(f"Struck {_TRIES} times from {first:.2f} s on, and the job was always over before.")


def kill(process: subprocess.Popen[bytes], *, after: float) -> None:
    """Kill it, so many seconds from now; it may have come to its own end before."""
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    assert process.wait() in {0, -signal.SIGKILL}
