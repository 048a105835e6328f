"""Work beside the test, on a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connections


def in_thread(work: Callable[[], object]) -> threading.Thread:
    """A thread that does the work, as another worker would, and then gives its connections back."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread
