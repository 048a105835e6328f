"""How far an import is: counters at one instant, written to the job's row and published to who watches.

A thread of its own does both, on its own database connection, so that neither a slow row nor a frozen Redis ever holds
up the import. The row is the truth and is written about once a second; messages are hints, at most four a second, each
with the absolute state.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from channels.layers import channel_layers
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone
from redis.exceptions import RedisError

from dataengine.models import ImportJob

logger = logging.getLogger(__name__)

PUBLISH_SECONDS = 0.25
WRITE_SECONDS = 1.0
SEND_TIMEOUT_SECONDS = 1.0
_SILENCE_SECONDS = 5.0  # after a failed send

_FIELDS = (
    "phase", "bytes_total", "bytes_read", "rows_read", "rows_imported", "rows_updated", "rows_skipped", "rows_rejected",
    "rows_per_second", "eta_seconds",
)  # fmt: skip


@dataclass(slots=True)
class ImportProgress:
    """Counters of a running import. None of them ever goes back.

    ``bytes_read`` counts the stored file; where it has to be read twice (types are inferred first) each reading counts
    half. ``rows_rejected`` are the rows found bad so far.
    """

    phase: str = "reading"
    bytes_total: int = 0
    bytes_read: int = 0
    rows_read: int = 0
    rows_imported: int = 0
    rows_updated: int = 0
    rows_skipped: int = 0
    rows_rejected: int = 0
    rows_per_second: float | None = None
    eta_seconds: float | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)


class Cancelled(Exception):
    """The person who watches has had enough."""


class ProgressReporter:
    """Reports one import until it is closed, and hears whether it is to be cancelled.

    ``interrupt`` is called once when it is, so that a long statement ends early; ``watch`` (for a terminal) at every
    report, in the reporter's thread.
    """

    def __init__(
        self,
        job: ImportJob,
        *,
        interrupt: Callable[[], None] | None = None,
        watch: Callable[[ImportProgress], None] | None = None,
    ) -> None:
        self._job_id = job.pk
        self._attempt = job.attempt
        self._interrupt = interrupt
        self._watch = watch
        self._lock = threading.Lock()
        self._progress = ImportProgress(bytes_total=job.bytes_total)
        self._started = time.monotonic()
        self._dirty = True
        self._stop = threading.Event()
        self.cancelled = threading.Event()
        self._sender = Sender()
        self._thread = threading.Thread(target=self._run, name=f"progress-{job.pk}", daemon=True)
        self._thread.start()

    def update(self, **changes: Any) -> None:
        """Set counters; a smaller number than before is ignored. Raises Cancelled once that was asked for."""
        with self._lock:
            for name, value in changes.items():
                old = getattr(self._progress, name)
                if isinstance(value, int) and isinstance(old, int) and value < old:
                    continue
                setattr(self._progress, name, value)
            self._estimate()
            self._dirty = True
        if self.cancelled.is_set():
            raise Cancelled

    def _estimate(self) -> None:
        progress = self._progress
        elapsed = time.monotonic() - self._started
        if elapsed > 0.5 and progress.rows_read:
            progress.rows_per_second = round(progress.rows_read / elapsed, 1)
        if elapsed > 0.5 and progress.bytes_read and progress.bytes_total:
            left = (progress.bytes_total - progress.bytes_read) / (progress.bytes_read / elapsed)
            progress.eta_seconds = round(max(left, 0.0) + 0.2 * elapsed, 1) if left > 0 else None

    def snapshot(self) -> ImportProgress:
        with self._lock:
            return ImportProgress(**asdict(self._progress))

    def close(self) -> None:
        """Stop reporting; afterwards nobody but the caller writes the job's row."""
        self._stop.set()
        self._thread.join(timeout=30)
        if self._watch is not None:
            self._watch(self.snapshot())

    def _run(self) -> None:
        written = 0.0
        try:
            while not self._stop.wait(PUBLISH_SECONDS):
                now = time.monotonic()
                if now - written >= WRITE_SECONDS:
                    self._write()
                    written = now
                if self._dirty:
                    self._dirty = False
                    if self._watch is not None:
                        self._watch(self.snapshot())
                    self._sender.send(self._job_id, shape(self.snapshot()))
        finally:
            self._sender.close()
            connection.close()

    def _write(self) -> None:
        """Write the row, and read whether to cancel. A database that is away is no business of this thread."""
        progress = self.snapshot()
        try:
            running = ImportJob.objects.filter(pk=self._job_id, attempt=self._attempt, state=ImportJob.State.RUNNING)
            running.update(heartbeat_at=timezone.now(), **{name: getattr(progress, name) for name in _FIELDS},
                           errors=progress.errors)  # fmt: skip
            if not self.cancelled.is_set() and running.filter(cancel_requested=True).exists():
                self.cancelled.set()
                if self._interrupt is not None:
                    self._interrupt()
        except DatabaseError as error:
            logger.warning("Import %s: progress could not be written: %s", self._job_id, error)
            connection.close()


def shape(progress: ImportProgress) -> dict[str, Any]:
    """A snapshot by the names of the API's job."""
    return {"state": str(ImportJob.State.RUNNING), **asdict(progress)}


class Sender:
    """Sends to the channel layer from a thread, on an event loop of its own.

    ``async_to_sync`` would make a loop for each call, and the layer's connections, which belong to the first, would
    then die with "Event loop is closed" (channels_redis #332).
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # Its own as well: closing the pools of the shared one would close those of other threads' loops.
        self._layer = channel_layers.make_backend("default")
        self._silent_until = 0.0

    def send(self, job_id: int, progress: dict[str, Any] | None) -> None:
        """Publish, or do without after a second. ``progress`` None says only that the row has changed."""
        if time.monotonic() < self._silent_until:
            return
        message: dict[str, Any] = {"type": "import.changed", "job_id": job_id}
        if progress is not None:
            message |= {"type": "import.progress", "progress": progress}
        try:
            self._loop.run_until_complete(self._send(f"import.{job_id}", message))
        except (OSError, TimeoutError, RedisError) as error:
            self._silent_until = time.monotonic() + _SILENCE_SECONDS
            logger.info("Progress of import %s was not published: %s", job_id, error)

    async def _send(self, group: str, message: dict[str, Any]) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
            await self._layer.group_send(group, message)

    def close(self) -> None:
        with contextlib.suppress(OSError, TimeoutError, RedisError):
            self._loop.run_until_complete(self._close_pools())
        self._loop.close()

    async def _close_pools(self) -> None:
        if hasattr(self._layer, "close_pools"):
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await self._layer.close_pools()


def publish(job_id: int) -> None:
    """Tell who watches that the job's row has changed. Takes a second at most, whatever Redis does."""

    def send() -> None:
        sender = Sender()
        try:
            sender.send(job_id, None)
        finally:
            sender.close()

    thread = threading.Thread(target=send, name=f"publish-{job_id}", daemon=True)
    thread.start()
    thread.join(timeout=SEND_TIMEOUT_SECONDS)
