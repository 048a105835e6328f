"""What all kinds of jobs share: state, attempts, heartbeat and outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.db import models

from dataengine.origin import current_as_json


class Job(models.Model):
    """Work that outlives a request. The row is the truth; bells and messages about it are hints (``jobs/runner.py``).

    ::

        queued ──claim──> running ──commit──> completed
          ^  │               │ ├──cause───> failed
          │  └──cancel──┐    │ └──cancel──> cancelled
          │             v    │
          │         cancelled│
          └──what may pass───┘   (not before try_again_at; after MAX_ATTEMPTS claims failed)

    ``queued -> running`` is a conditional UPDATE that also raises ``attempt``; ``running -> completed`` happens in the
    transaction that does the work, where the work is one transaction. A job whose cancelling was accepted
    (``cancel_requested``) has no other end than ``cancelled``. Only imports go from ``completed`` to ``undone``, and
    back (``services/import_undo.py``).
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"
        UNDONE = "undone"

    ACTIVE = (State.QUEUED, State.RUNNING)
    MAX_ATTEMPTS = 3
    PAUSES: ClassVar[tuple[timedelta, ...]] = (timedelta(seconds=2), timedelta(seconds=10))
    """How long a job waits after its first failed attempt, the second, …; after any later one as after the last."""
    AT_THE_START: ClassVar[Mapping[str, Any]] = {}
    """The values of the other fields at the beginning of every attempt."""
    WITHOUT_RESULT: ClassVar[Mapping[str, Any]] = {}
    """The values of the other fields after an attempt without a result."""

    # The table whose lock the job takes. Each kind has its own foreign key; an import may not have a table yet.
    table_id: int | None

    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    # Null: at any time, since nothing has failed yet.
    try_again_at = models.DateTimeField(null=True, blank=True)
    # Why the job failed or, while it has not ended, why its last attempt failed.
    error_code = models.CharField(max_length=60, blank=True)
    error = models.TextField(blank=True)

    # By what and from where it was requested: dataengine.origin.Origin.
    origin = models.JSONField(default=current_as_json, blank=True, editable=False)

    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        default_permissions = ()
        indexes = [models.Index(fields=["state", "heartbeat_at"], name="%(class)s_sweep")]

    @property
    def is_over(self) -> bool:
        return self.state not in self.ACTIVE
