"""Strikes a job before its end. A strike that came too late shows nothing, so it is repeated earlier."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator

_TRIES = 8
_SECONDS = 60
"""How long the kernel may take to end what is killed."""


def moments(first: float) -> Iterator[float]:
    """Seconds after the start of a job at which to strike: ``first``, then half as long each time.

    A test tries them until it has struck a job midway. Raises AssertionError if that never happened.
    """
    for number in range(_TRIES):
        yield first / 2**number
    raise AssertionError(f"Struck {_TRIES} times from {first:.2f} s on, but the job had always ended before.")


def kill(process: subprocess.Popen[bytes], *, after: float) -> None:
    """Kill a process after so many seconds, unless it has already ended."""
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    assert process.wait(_SECONDS) in {0, -signal.SIGKILL}
