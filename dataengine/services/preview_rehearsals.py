"""Rehearses files while people look at their preview: in the background, one at a time, never in the way of imports.

A rehearsal runs in a process of its own (``file_rehearsals.py``), with the lowest priority. It is for one draft and its
present options: other options end it, and so does a page that asks no more. It begins when no import waits or runs, and
ends when one comes or somebody waits for a lock of it; then it begins again later, as long as the page asks.
A web process has one at a time, and keeps the last answers; they hold for the table as it was (``mark_of``).
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from django.conf import settings

from dataengine.models import AuditEvent, ImportJob, Table
from dataengine.services import imports

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

AT_MOST_SECONDS = 120.0
FORSAKEN_SECONDS = 10.0
"""After so long without a question, nobody waits for the answer."""
_REST_SECONDS = 3.0
"""After one that gave way."""
_KEPT = 32
_EVENTS = 20
"""Of a table that are looked at."""

type Reason = Literal["counting", "another", "imports"]


class Pending(Exception):
    """The answer is not there yet; ask again. ``reason`` is why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


@dataclass(slots=True)
class _Trial:
    """A rehearsal that runs."""

    key: str
    question: str
    asked_at: float
    is_unwanted: threading.Event = field(default_factory=threading.Event)


class _Rehearsals:
    """The rehearsal of this process, and the last answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: _Trial | None = None
        self._answers: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._not_before = 0.0
        self._failed = ""
        """The last question to which there was no answer."""

    def ask(self, key: str, question: str) -> dict[str, Any]:
        """The answer. Raises Pending as long as there is none."""
        now = time.monotonic()
        with self._lock:
            if (found := self._answers.get(question)) is not None:
                self._answers.move_to_end(question)
                return found
            if (running := self._running) is not None:
                if running.question == question and not running.is_unwanted.is_set():
                    running.asked_at = now
                    raise Pending("counting")
                if running.key == key:
                    running.is_unwanted.set()
                raise Pending("counting" if running.key == key else "another")
            if now < self._not_before:
                raise Pending("imports")
            self._running = trial = _Trial(key, question, now)
        threading.Thread(target=self._run, args=(trial,), name="rehearsal", daemon=True).start()
        raise Pending("counting")

    def end(self, key: str) -> None:
        """Nobody wants to know any more what would become of that file."""
        with self._lock:
            if self._running is not None and self._running.key == key:
                self._running.is_unwanted.set()

    def _run(self, trial: _Trial) -> None:
        found: dict[str, Any] = {}
        try:
            found = _rehearsed(trial)
        except (OSError, ValueError) as error:
            logger.warning("A file could not be rehearsed: %s", error)
        finally:
            with self._lock:
                self._running = None
                match found.get("ending"):
                    case "unwanted":
                        pass
                    case "gave_way":
                        self._not_before = time.monotonic() + _REST_SECONDS
                    case None if not found and self._failed != trial.question:
                        # Once may be the database's restart; what fails twice would fail for ever.
                        self._failed = trial.question
                        self._not_before = time.monotonic() + _REST_SECONDS
                    case _:
                        self._answers[trial.question] = found
                        while len(self._answers) > _KEPT:
                            self._answers.popitem(last=False)


_rehearsals = _Rehearsals()


def is_small_enough(size: int) -> bool:
    """Whether a file is rehearsed without being asked for."""
    most: int = settings.REHEARSAL_BYTES
    return size <= most


def mark_of(table: Table | None) -> str:
    """Changes whenever the table does: its last events, and not only the newest, which others may overtake."""
    if table is None:
        return ""
    newest = AuditEvent.objects.filter(table=table).order_by("-pk").values_list("pk", flat=True)[:_EVENTS]
    return ".".join(map(str, newest))


def ask(
    *, user: User, table: Table | None, table_name: str, file: BinaryIO, key: str, filename: str, size: int,
    options: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """What an import of the stored file ``key``, open as ``file``, would do with these options.

    Raises Pending, or what a start of the import would raise at once.
    """
    wanted = imports.wish(user, table, table_name, options)
    _, read = imports.findings_of(user, file, filename, wanted)
    target = wanted.table
    question = {
        "user": user.pk,
        "table": None if target is None else target.pk,
        "table_name": table_name if target is None else target.name,
        "key": key,
        "filename": filename,
        "size": size,
        "options": read.given,
        "mark": mark_of(target),
        "columns": [] if target is None else [asdict(column.to_spec()) for column in target.columns.all()],
        "seconds": AT_MOST_SECONDS,
    }
    asked = json.dumps(question, sort_keys=True, default=str)
    if ImportJob.objects.filter(state__in=ImportJob.ACTIVE).exists():
        raise Pending("imports")
    return {**_rehearsals.ask(key, asked), "mark": question["mark"]}


def end(key: str) -> None:
    """The file ``key`` is about to be imported or thrown away."""
    _rehearsals.end(key)


def _rehearsed(trial: _Trial) -> dict[str, Any]:
    """Run the process, for as long as somebody wants to know."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "django", "rehearse_file"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TABLEKEEP_ROLE": "worker"},
        cwd=settings.BASE_DIR,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        leave = threading.Thread(target=_leave_alone, args=(trial, process), daemon=True)
        leave.start()
        with suppress(BrokenPipeError):
            process.stdin.write(f"{trial.question}\n")
            process.stdin.flush()
        text = process.stdout.read()
        trial.is_unwanted.set()  # whatever else: it is over
        leave.join()
    answer: dict[str, Any] = json.loads(text)
    return answer


def _leave_alone(trial: _Trial, process: subprocess.Popen[str]) -> None:
    """Close the input of the process once nobody wants its answer, which ends it."""
    while not trial.is_unwanted.wait(0.5):
        if time.monotonic() - trial.asked_at > FORSAKEN_SECONDS:
            trial.is_unwanted.set()
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()
