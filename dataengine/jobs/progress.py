"""How far an import is: counters at one instant, written to the job's row and published to watchers.

A thread of its own does both, with its own database connection, so that neither a slow row nor a frozen Redis ever
holds up the import. The row is the truth and is written about once a second; messages are hints, at most four a second,
each with the absolute state.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypedDict, cast

import psycopg
from channels.layers import channel_layers
from redis.exceptions import RedisError

from dataengine import origin
from dataengine.jobs.stages import Course
from dataengine.jobs.watch import Cancelled, Watch
from dataengine.models import ImportJob
from dataengine.models.shapes import Cause
from dataengine.postgres.statement_progress import heap_bytes, plain_share

logger = logging.getLogger(__name__)

PUBLISH_SECONDS = 0.25
SEND_TIMEOUT_SECONDS = 1.0
_SILENCE_SECONDS = 5.0  # after a failed send
_SOONEST_PACE_SECONDS = 0.5
_MOST_MEASURED = 0.98  # a statement measured from outside is only done when it says so

_FIELDS = (
    "phase", "progress", "bytes_total", "bytes_read", "rows_read", "rows_imported", "rows_updated", "rows_unchanged",
    "rows_skipped", "rows_rejected", "rows_removed", "rows_per_second", "eta_seconds", "errors",
)  # fmt: skip


@dataclass(slots=True)
class ImportProgress:
    """Counters of one attempt at an import. No counter ever decreases.

    ``progress`` is the share of the whole work that is done, 0 to 1, weighted by how long its stages usually take.
    ``bytes_read`` is the position reached in the stored file, ``rows_read`` the number of rows up to there; if the file
    is read twice (types are inferred first) they stay at its end. ``rows_rejected`` are the rows found bad so far.
    ``rows_per_second`` is the pace of the present pass, ``eta_seconds`` the time left at the pace of the present phase;
    both are None if they are unknown.
    """

    phase: str = "reading"
    attempt: int = 1
    progress: float = 0.0
    bytes_total: int = 0
    bytes_read: int = 0
    rows_read: int = 0
    rows_imported: int = 0
    rows_updated: int = 0
    rows_unchanged: int = 0
    rows_skipped: int = 0
    rows_rejected: int = 0
    rows_removed: int = 0
    rows_per_second: float | None = None
    eta_seconds: float | None = None
    errors: list[Cause] = field(default_factory=list)


class ProgressData(TypedDict):
    """``ImportProgress`` as JSON, with the state: a part of the API's job."""

    state: str
    phase: str
    attempt: int
    progress: float
    bytes_total: int
    bytes_read: int
    rows_read: int
    rows_imported: int
    rows_updated: int
    rows_unchanged: int
    rows_skipped: int
    rows_rejected: int
    rows_removed: int
    rows_per_second: float | None
    eta_seconds: float | None
    errors: list[Cause]


class ImportChanged(TypedDict):
    """The message that an import's row has changed."""

    type: Literal["import.changed"]
    job_id: int


class ImportProgressed(TypedDict):
    """The message with the newest counters."""

    type: Literal["import.progress"]
    job_id: int
    progress: ProgressData


class ProgressReporter(Watch):
    """Watches one import, and reports its progress until it is closed.

    ``session`` is the import's; its index builds are watched too. ``watch`` (for a terminal) is called at every
    report, in the reporter's thread.
    """

    TICK_SECONDS = PUBLISH_SECONDS

    def __init__(
        self,
        job: ImportJob,
        session: psycopg.Connection[Any] | None = None,
        *,
        watch: Callable[[ImportProgress], None] | None = None,
    ) -> None:
        self._watch = watch
        self._lock = threading.Lock()
        self._progress = ImportProgress(attempt=job.attempt, bytes_total=job.bytes_total)
        self._course = Course()
        self._measure: Callable[[], float | None] | None = None
        self._started = self._phase_began = time.monotonic()
        self._spent: dict[str, float] = {}
        self._dirty = True
        self._sender = Sender()
        super().__init__(job, session)

    def plan(self, **stages: float) -> None:
        """The phases to come, and how long each takes in relation to the others."""
        with self._lock:
            self._course.plan(stages)

    def update(self, *, share: float | None = None, **changes: Any) -> None:
        """Set counters; smaller values than before are ignored. Raises Cancelled once that was requested.

        ``share`` is how much of the phase is done.
        """
        with self._lock:
            progress = self._progress
            phase = changes.get("phase", progress.phase)
            if phase != progress.phase:
                self._leave(progress.phase)
            if share is not None or phase != progress.phase:
                self._measure = None
                progress.rows_per_second = None
                self._course.at(phase, share)
            for name, value in changes.items():
                old = getattr(progress, name)
                if isinstance(value, int) and isinstance(old, int) and value < old:
                    continue
                setattr(progress, name, value)
            seconds = self._course.seconds_in_stage
            if share is not None and "rows_read" in changes and seconds > _SOONEST_PACE_SECONDS:
                progress.rows_per_second = round(changes["rows_read"] / seconds, 1)
            self._dirty = True
        if self.cancelled.is_set():
            raise Cancelled

    def building(self, done: int, of: int) -> None:
        """``done`` of ``of`` indexes are built; PostgreSQL is asked how far the next one is."""

        def measure() -> float | None:
            share = plain_share(self.backend) if self.backend else None
            return None if share is None else (done + share) / of

        self.update(phase="indexing", share=done / of)
        self._measure = measure

    def growing(self, relation: str, expected: int) -> None:
        """The table ``relation`` (quoted) is about to grow by about ``expected`` bytes; it has no free space."""
        before = heap_bytes(relation)
        self._measure = lambda: (heap_bytes(relation) - before) / expected if expected else None

    def phase_seconds(self) -> dict[str, float]:
        """How long each phase took until now."""
        with self._lock:
            self._leave(self._progress.phase)
            return {phase: round(seconds, 3) for phase, seconds in self._spent.items() if phase}

    def snapshot(self) -> ImportProgress:
        with self._lock:
            self._progress.progress = round(self._course.progress, 4)
            left = self._course.seconds_left()
            self._progress.eta_seconds = None if left is None else round(left, 1)
            return ImportProgress(**asdict(self._progress))

    def close(self) -> None:
        """Stop reporting after a last report. Does not wait for messages."""
        super().close()
        with self._lock:
            elapsed = time.monotonic() - self._started
            self._progress.rows_per_second = round(self._progress.rows_read / elapsed, 1) if elapsed else None
        if self._watch is not None:
            self._watch(self.snapshot())

    def values(self) -> dict[str, Any]:
        """The counters for the row."""
        self._look()
        progress = self.snapshot()
        return {name: getattr(progress, name) for name in _FIELDS}

    def tick(self) -> None:
        """Publish any news."""
        if self._dirty:
            self._dirty = False
            if self._watch is not None:
                self._watch(self.snapshot())
            self._sender.send(self.job.pk, shape(self.snapshot()))

    def finish(self) -> None:
        """Close the connections to Redis."""
        self._sender.close()

    def _leave(self, phase: str) -> None:
        now = time.monotonic()
        self._spent[phase] = self._spent.get(phase, 0.0) + now - self._phase_began
        self._phase_began = now

    def _look(self) -> None:
        """Ask PostgreSQL how far the statement is for which the import is waiting."""
        measure = self._measure
        share = measure() if measure is not None else None
        with self._lock:
            if measure is self._measure and share:
                self._course.at(self._progress.phase, min(share, _MOST_MEASURED))
                self._dirty = True


def shape(progress: ImportProgress) -> ProgressData:
    """A snapshot with the names that the API's job has."""
    return cast("ProgressData", {"state": str(ImportJob.State.RUNNING), **asdict(progress)})


class Sender:
    """Sends to the channel layer from a thread, on an event loop of its own.

    ``async_to_sync`` would make a loop for each call; the layer's connections, which belong to the first loop, would
    then fail with "Event loop is closed" (channels_redis #332).
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # A layer of its own too: closing the shared one's pools would close those of other threads' loops.
        self._layer = channel_layers.make_backend("default")
        self._silent_until = 0.0

    def send(self, job_id: int, progress: ProgressData | None) -> None:
        """Publish, but give up after a second. With ``progress`` None it only says that the row has changed."""
        if time.monotonic() < self._silent_until:
            return
        message: ImportChanged | ImportProgressed = {"type": "import.changed", "job_id": job_id}
        if progress is not None:
            message = {"type": "import.progress", "job_id": job_id, "progress": progress}
        try:
            self._loop.run_until_complete(self._send(f"import.{job_id}", message))
        except (OSError, TimeoutError, RedisError) as error:
            self._silent_until = time.monotonic() + _SILENCE_SECONDS
            logger.info("Progress of import %s was not published: %s", job_id, error)

    async def _send(self, group: str, message: ImportChanged | ImportProgressed) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
            await self._layer.group_send(group, {**message})

    def close(self) -> None:
        with contextlib.suppress(OSError, TimeoutError, RedisError):
            self._loop.run_until_complete(self._close_pools())
        self._loop.close()

    async def _close_pools(self) -> None:
        if hasattr(self._layer, "close_pools"):
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await self._layer.close_pools()


def publish(job_id: int) -> None:
    """Tell watchers that the job's row has changed. Takes at most a second, whatever Redis does."""

    def send() -> None:
        sender = Sender()
        try:
            sender.send(job_id, None)
        finally:
            sender.close()

    thread = origin.thread(send, f"publish-{job_id}")
    thread.start()
    thread.join(timeout=SEND_TIMEOUT_SECONDS)
