"""Watches one attempt at a job: shows that its worker is alive, and checks whether the job was cancelled."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, ClassVar

import psycopg
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from dataengine import origin
from dataengine.jobs.attempts import mine
from dataengine.models import Job

logger = logging.getLogger(__name__)

WRITE_SECONDS = 1.0
_LONGEST_WRITE_SECONDS = 30.0
_CANCEL_TIMEOUT_SECONDS = 5.0


class Cancelled(Exception):
    """The job was cancelled, or another attempt has taken over."""


class Watch:
    """Watches an attempt until it is closed, in a thread of its own with a database connection of its own.

    So neither a slow statement nor a lost connection of the work is in its way. ``session`` is the session that works:
    its statements are interrupted once the job is to be cancelled, again and again until the work stops.
    """

    TICK_SECONDS: ClassVar[float] = WRITE_SECONDS

    def __init__(self, job: Job, session: psycopg.Connection[Any] | None = None) -> None:
        self.job = job
        self.session = session
        self.backend = session.info.backend_pid if session is not None else None
        self.cancelled = threading.Event()
        self._stop = threading.Event()
        self._writing = threading.Lock()
        self._thread = origin.thread(self._run, f"watch-{job.pk}")
        self._thread.start()

    def complete(self, **changes: Any) -> None:
        """Write the end of the work, in the transaction that did it. Raises Cancelled instead if that was requested.

        A request to cancel that came before this is honoured; a later one waits for the row and is told that the job
        has ended.
        """
        self.close()
        now = timezone.now()
        ending = {"state": Job.State.COMPLETED, "finished_at": now, "heartbeat_at": now, "error_code": "", "error": ""}
        if not mine(self.job).filter(cancel_requested=False).update(**{**ending, **changes}):
            raise Cancelled

    def close(self) -> None:
        """Stop. Afterwards only the caller writes the job's row, and nothing is interrupted any more."""
        self._stop.set()
        if self._writing.acquire(timeout=_LONGEST_WRITE_SECONDS):
            self._writing.release()

    def values(self) -> dict[str, Any]:
        """Further fields to write to the row. May query the database, on the watch's own connection."""
        return {}

    def tick(self) -> None:
        """Further work, every ``TICK_SECONDS``."""

    def finish(self) -> None:
        """Called at the end of the thread."""

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
        """Write the row. A missing database is not this thread's concern."""
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
