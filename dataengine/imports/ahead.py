"""Runs a generator in a thread of its own, a little ahead of its consumer. Pure."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from contextlib import closing, suppress

from dataengine import origin

_STALL_SECONDS = 0.2


class _End:
    """Follows the last item, with the exception that ended the generator if there was one."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead[T](make: Callable[[], Generator[T]], depth: int) -> Generator[T]:
    """The items of ``make()``, of which at most ``depth`` are prepared in advance.

    An exception in ``make()`` is raised here. Closing the generator early ends the thread before it returns.
    """
    ready: queue.Queue[T | _End] = queue.Queue(depth)
    stop = threading.Event()

    def put(item: T | _End) -> None:
        while not stop.is_set():
            with suppress(queue.Full):
                ready.put(item, timeout=_STALL_SECONDS)
                return

    def work() -> None:
        try:
            with closing(make()) as items:
                for item in items:
                    put(item)
                    if stop.is_set():
                        return
            put(_End(None))
        except BaseException as error:  # noqa: BLE001  (raised again in the thread that reads the queue)
            put(_End(error))

    thread = origin.thread(work, "ahead")
    thread.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stop.set()
        thread.join()
