"""The progress of work with stages of different lengths, and how long it will still take. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable

_SOONEST_SECONDS = 0.5
_SMALLEST_SHARE = 0.02
"""Before so much of a stage is done, its duration cannot be estimated."""


class Course:
    """``progress`` is the share of the whole that is done, 0 to 1. It never decreases.

    If the work turns out to be different, ``plan`` divides the rest anew.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.progress = 0.0
        self._clock = clock
        self._base = 0.0
        self._stages: dict[str, float] = {}
        self._stage = ""
        self._share: float | None = None
        self._since = clock()

    def plan(self, stages: dict[str, float]) -> None:
        """Set the stages that are left, in order, and how long each takes in relation to the others."""
        self._base = self.progress
        self._stages = stages
        self._stage = ""

    def at(self, stage: str, share: float | None) -> None:
        """The work has reached ``stage``, of which ``share`` is done (None: unknown)."""
        if stage != self._stage:
            self._stage, self._since = stage, self._clock()
        self._share = share
        if stage not in self._stages:
            return
        before = sum(self._stages[name] for name in self._names()[: self._place()])
        done = (before + self._stages[stage] * (share or 0.0)) / sum(self._stages.values())
        self.progress = max(self.progress, self._base + (1.0 - self._base) * min(done, 1.0))

    @property
    def seconds_in_stage(self) -> float:
        return self._clock() - self._since

    def seconds_left(self) -> float | None:
        """The estimated time left at the pace of the present stage; None if unknown."""
        elapsed = self.seconds_in_stage
        if self._stage not in self._stages or elapsed < _SOONEST_SECONDS or (self._share or 0.0) < _SMALLEST_SHARE:
            return None
        assert self._share is not None
        later = sum(self._stages[name] for name in self._names()[self._place() + 1 :])
        return elapsed / self._share * (max(1.0 - self._share, 0.0) + later / self._stages[self._stage])

    def _names(self) -> list[str]:
        return list(self._stages)

    def _place(self) -> int:
        return self._names().index(self._stage)
