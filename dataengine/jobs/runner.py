"""Runs jobs, whatever their kind: once each, in one process at a time, whatever dies meanwhile.

A job is claimed by a conditional UPDATE under a lock that dies with the database session. So one whose row says that it
runs, and whose lock is free, has lost its worker: the sweeper queues it again. Celery only rings (``doorbell.py``): a
bell that is lost costs some seconds, one that is heard twice nothing.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

import psycopg
from django.db.models import Q
from django.utils import timezone

from dataengine.exceptions import DataEngineError
from dataengine.jobs import attempts
from dataengine.jobs.doorbell import ring_waiting
from dataengine.jobs.failures import Failure, PutOff, failure_of
from dataengine.jobs.watch import Cancelled, Watch
from dataengine.models import Job
from dataengine.postgres import locks
from dataengine.postgres.statements import raw_connection

logger = logging.getLogger(__name__)

FROZEN_AFTER = timedelta(seconds=120)
"""A worker that holds its job but has not written its row for so long is frozen, or cut off from the database."""
RING_AGAIN_AFTER = timedelta(seconds=10)
"""How long a new job is given to be heard before the sweeper rings for it."""
_MOST_BELLS = 100
_PAUSES_SECONDS = (0.5, 1.0, 2.0)  # until an index build that is stopped has cleared up

type Session = psycopg.Connection[Any]


class Runner[J: Job, W: Watch](ABC):
    """One kind of job. What is abstract here, and ``hold``, ``may_begin``, ``failure`` and ``after``, is its own."""

    model: type[J]
    namespace: ClassVar[int]
    """Of the locks of its jobs."""
    stops_builds: ClassVar[bool] = False
    """Whether the build of an index gives way to it. Not to what may come all the time: it would never be built."""

    def run(self, pk: int) -> J | None:
        """Do the job if it waits and nothing stands against it. Harmless to call twice, late or at once in two workers.

        Returns the job as it stands afterwards, None where there is none: over, or queued again (another job has its
        table, or something failed that may pass).
        """
        job = attempts.claimable(self.model).filter(pk=pk).first()
        if job is not None and self.may_begin(job):
            for pause in (*_PAUSES_SECONDS, None):
                is_taken = self._try(job) == "table_taken"
                if not is_taken or pause is None or not self._stop_build(job.table_id):
                    break
                time.sleep(pause)
        return self._found(pk)

    def sweep(self) -> list[int]:
        """Mend what crashes left; return the jobs whose bell is to be rung. Safe to call at any time, and often."""
        now = timezone.now()
        for job in self.model._default_manager.filter(state=Job.State.RUNNING):
            if not locks.job_is_held(job.pk, self.namespace):
                # Where it has ended between the two questions, this changes nothing.
                if attempts.try_again(job, "The process that ran it ended unexpectedly."):
                    self._tell(job.pk)
            elif job.heartbeat_at is not None and job.heartbeat_at < now - FROZEN_AFTER:
                logger.warning("%s %s: its worker is frozen; its session is ended", type(job).__name__, job.pk)
                locks.end_holder(job.pk, self.namespace)
        attempts.cancel_waiting(self.model._default_manager.all())
        rung_a_moment_ago = Q(try_again_at=None, created_at__gt=now - RING_AGAIN_AFTER)
        waiting = attempts.claimable(self.model).exclude(rung_a_moment_ago)
        return list(waiting.order_by("pk").values_list("pk", flat=True)[:_MOST_BELLS])

    # What each kind of job has of its own ------------------------------------------------------------------------

    def may_begin(self, job: J) -> bool:
        """Whether nothing but a lock may stand against it."""
        return True

    @contextmanager
    def hold(self, job: J) -> Iterator[tuple[locks.LockOutcome, Session]]:
        """Hold the locks of the job and of its table. Yields what came of it, and the session that has them."""
        with locks.held_by_job(job.pk, job.table_id, self.namespace) as outcome:
            yield outcome, raw_connection()

    @abstractmethod
    def watch(self, job: J, session: Session) -> W:
        """Begin to watch an attempt."""

    @abstractmethod
    def work(self, job: J, watch: W) -> None:
        """One attempt. Ends with ``watch.complete``; raises whatever goes wrong."""

    def failure(self, error: Exception) -> Failure:
        """What an error makes of the job."""
        return failure_of(error)

    def after(self, job: J) -> None:  # noqa: B027  (most kinds have nothing to add)
        """Called when the job is over or queued again, and its locks are free."""

    # One attempt --------------------------------------------------------------------------------------------------

    def _try(self, job: J) -> locks.LockOutcome:
        """Make an attempt, unless something stands against it."""
        with self.hold(job) as (outcome, session):
            is_mine = outcome == "held" and attempts.claim(job)
            if is_mine:
                self._attempt(job, session)
        if is_mine:
            ring_waiting(job.table_id)
            self._tell(job.pk)
        return outcome

    def _stop_build(self, table_id: int | None) -> bool:
        """Whether it was an index build that had the table, and that gives way now."""
        return self.stops_builds and table_id is not None and locks.cancel_build(table_id)

    def _attempt(self, job: J, session: Session) -> None:
        """This is the task's boundary: whatever goes wrong ends in the job's row."""
        watch = self.watch(job, session)
        try:
            self.work(job, watch)
        except Exception as error:
            watch.close()
            is_cancelled = isinstance(error, Cancelled) or watch.cancelled.is_set()
            if not (is_cancelled or isinstance(error, DataEngineError | PutOff)):
                logger.exception("%s %s, attempt %s", type(job).__name__, job.pk, job.attempt)
            attempts.write_down(partial(self._end, job, error, is_cancelled=is_cancelled))
        except KeyboardInterrupt:  # somebody at a terminal; workers are told by other signals
            watch.close()
            attempts.end(job, Job.State.CANCELLED)
            raise
        finally:
            watch.close()

    def _end(self, job: J, error: Exception, *, is_cancelled: bool) -> None:
        if is_cancelled:
            attempts.end(job, Job.State.CANCELLED)
            return
        if isinstance(error, PutOff):
            attempts.try_again(job, str(error), counts=False)
            return
        failure = self.failure(error)
        if failure.is_final:
            attempts.end(job, Job.State.FAILED, code=failure.code, reason=failure.reason)
        else:
            attempts.try_again(job, failure.reason)

    def _tell(self, pk: int) -> None:
        job = self._found(pk)
        if job is not None:
            self.after(job)

    def _found(self, pk: int) -> J | None:
        return self.model._default_manager.filter(pk=pk).first()
