"""Watches one attempt at a job: says that its worker is alive, and hears whether anybody still wants it."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, ClassVar

import psycopg
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from dataengine.jobs.attempts import mine
from dataengine.models import Job

logger = logging.getLogger(__name__)

WRITE_SECONDS = 1.0
_LONGEST_WRITE_SECONDS = 30.0
_CANCEL_TIMEOUT_SECONDS = 5.0


class Cancelled(Exception):
    """Somebody does not want the job any more, or it is another attempt's now."""


class Watch:
    """Watches an attempt until it is closed, in a thread of its own with a database connection of its own.

    So neither a slow statement nor a lost connection of the work is in its way. ``session`` is the one that works: its
    statements are interrupted once the job is to be cancelled, again and again until somebody notices.
    """

    TICK_SECONDS: ClassVar[float] = WRITE_SECONDS

    def __init__(self, job: Job, session: psycopg.Connection[Any] | None = None) -> None:
        self.job = job
        self.session = session
        self.backend = session.info.backend_pid if session is not None else None
        self.cancelled = threading.Event()
        self._stop = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"watch-{job.pk}", daemon=True)
        self._thread.start()

    def complete(self, **changes: Any) -> None:
        """Write the end of the work, as part of the transaction that did it. Raises Cancelled instead where due.

        Whoever has asked for it to be cancelled by now gets that; who asks later waits for the row, and is told that
        it is over.
        """
        self.close()
        now = timezone.now()
        ending = {"state": Job.State.COMPLETED, "finished_at": now, "heartbeat_at": now, "error_code": "", "error": ""}
        if not mine(self.job).filter(cancel_requested=False).update(**{**ending, **changes}):
            raise Cancelled

    def close(self) -> None:
        """Stop; afterwards nobody but the caller writes the job's row, and nothing is interrupted any more."""
        self._stop.set()
        if self._writing.acquire(timeout=_LONGEST_WRITE_SECONDS):
            self._writing.release()

    def values(self) -> dict[str, Any]:
        """What else is to be written to the row. May ask the database, on the watch's own connection."""
        return {}

    def tick(self) -> None:
        """What else there is to do, every ``TICK_SECONDS``."""

    def finish(self) -> None:
        """The last thing that the thread does."""

    def _run(self) -> None:
        written = 0.0
        try:
            while not self._stop.wait(self.TICK_SECONDS):
                now = time.monotonic()
                if now - written >= WRITE_SECONDS:
                    with self._writing:
                        if not self._stop.is_set():
                            self._write()
                    written = now
                self.tick()
        finally:
            self.finish()
            connection.close()

    def _write(self) -> None:
        """Write the row. A database that is away is no business of this thread."""
        try:
            wanted = mine(self.job).filter(cancel_requested=False)
            if not wanted.update(heartbeat_at=timezone.now(), **self.values()):
                self._interrupt()
        except DatabaseError as error:
            logger.warning("%s %s cannot be watched: %s", type(self.job).__name__, self.job.pk, error)
            connection.close()

    def _interrupt(self) -> None:
        self.cancelled.set()
        try:
            if self.session is not None:
                self.session.cancel_safe(timeout=_CANCEL_TIMEOUT_SECONDS)
        except psycopg.Error as error:
            logger.info("%s %s could not be interrupted: %s", type(self.job).__name__, self.job.pk, error)
