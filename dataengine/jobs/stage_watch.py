"""Watches an attempt whose work has stages, and writes to the job's row how much of it is done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg

from dataengine.jobs.stages import Course
from dataengine.jobs.watch import Cancelled, Watch
from dataengine.models import ChangeJob

_MOST_MEASURED = 0.98  # a statement measured from outside is only done when it says so


class StageWatch(Watch):
    """Reports ``phase`` and ``progress``; neither, as long as no stages are planned."""

    def __init__(self, job: ChangeJob, session: psycopg.Connection[Any] | None = None) -> None:
        self._lock = threading.Lock()
        self._course = Course()
        self._phase = ""
        self._measure: Callable[[], float | None] | None = None
        super().__init__(job, session)

    def plan(self, **stages: float) -> None:
        """The stages to come, and how long each takes in relation to the others."""
        with self._lock:
            self._course.plan(stages)

    def at(self, phase: str, share: float = 0.0, measure: Callable[[], float | None] | None = None) -> None:
        """The work is in ``phase``, of which ``share`` is done; ``measure`` finds out more, once a second.

        Raises Cancelled once that was requested.
        """
        with self._lock:
            self._phase, self._measure = phase, measure
            self._course.at(phase, share)
        self.check()

    def check(self) -> None:
        """Raise Cancelled if that was requested."""
        if self.cancelled.is_set():
            raise Cancelled

    def values(self) -> dict[str, Any]:
        measure = self._measure
        share = measure() if measure is not None else None
        with self._lock:
            if not self._phase:
                return {}
            if share and measure is self._measure:
                self._course.at(self._phase, min(share, _MOST_MEASURED))
            return {"phase": self._phase, "progress": round(self._course.progress, 4)}
