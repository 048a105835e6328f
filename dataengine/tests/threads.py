"""Work beside the test, on a connection of its own."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

from django.db import connections

from dataengine.tests.waiting import PATIENCE_SECONDS


class Beside(threading.Thread):
    """A thread that is not waited for in vain, neither by its test nor at the end of the process."""

    def __init__(self, target: Callable[..., object], args: Any = ()) -> None:
        super().__init__(target=target, args=args, daemon=True)

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end. Raises AssertionError with what it is at if that does not come."""
        super().join(PATIENCE_SECONDS if timeout is None else timeout)
        if timeout is None and self.is_alive():
            raise AssertionError(f"Waited {PATIENCE_SECONDS} s in vain for the end of a thread:\n{what_it_is_at(self)}")


def what_it_is_at(thread: threading.Thread) -> str:
    """Its stack, as tracebacks show it; empty if it has ended."""
    frame = sys._current_frames().get(thread.ident or 0)
    return "" if frame is None else "".join(traceback.format_stack(frame))


def in_thread(work: Callable[[], object]) -> Beside:
    """A thread that does the work, as another worker would, and then gives its connections back."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = Beside(run)
    thread.start()
    return thread
