"""Runs jobs of any kind: once each, in one process at a time, whatever crashes meanwhile.

A job is claimed by a conditional UPDATE under a lock that ends with the database session. So a job whose row says that
it is running, but whose lock is free, has lost its worker: the sweeper queues it again. Celery only rings
(``doorbell.py``): a lost bell costs some seconds, a bell heard twice nothing.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

import psycopg
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from dataengine.exceptions import DataEngineError
from dataengine.jobs import attempts
from dataengine.jobs.doorbell import ring_waiting
from dataengine.jobs.failures import Failure, PutOff, failure_of
from dataengine.jobs.watch import Cancelled, Watch
from dataengine.models import Job
from dataengine.origin import Origin, acting
from dataengine.postgres import locks
from dataengine.postgres.sessions import drop_if_interrupted
from dataengine.postgres.statements import raw_connection

logger = logging.getLogger(__name__)

FROZEN_AFTER = timedelta(seconds=120)
"""A worker that holds a job's lock but has not written its row for so long is frozen or cut off from the database."""
RING_AGAIN_AFTER = timedelta(seconds=10)
"""How long the sweeper waits before it rings for a new job."""
_MOST_BELLS = 100
_PAUSES_SECONDS = (0.5, 1.0, 2.0)  # until a stopped index build has cleaned up

type Session = psycopg.Connection[Any]


class Runner[J: Job, W: Watch](ABC):
    """One kind of job. It defines the abstract methods, and any of those with a body."""

    model: type[J]
    namespace: ClassVar[int]
    """The namespace of its jobs' locks."""
    stops_builds: ClassVar[bool] = False
    """Whether index builds make way for it. Not for jobs that come all the time: no index would ever be built."""

    def run(self, pk: int) -> J | None:
        """Do the job if it waits and nothing is in the way. Harmless to call twice, late or in two workers at once.

        Returns the job in its state afterwards (None if there is none): over, or queued again because another job has
        its table or because something failed that may pass. Raises RuntimeError within a transaction: its watch, in a
        session of its own, would not see the job and take it for one that was given to somebody else.
        """
        if connection.in_atomic_block:
            raise RuntimeError("Jobs are not run within a transaction")
        job = attempts.claimable(self.model).filter(pk=pk).first()
        if job is not None and self.may_begin(job):
            for pause in (*_PAUSES_SECONDS, None):
                with acting(replace(Origin.read(job.origin), job=f"{job._meta.verbose_name} {job.pk}")):
                    is_taken = self._try(job) == "table_taken"
                if not is_taken or pause is None or not self._stop_build(job.table_id):
                    break
                time.sleep(pause)
        return self._found(pk)

    def sweep(self) -> list[int]:
        """Clean up after crashes. Returns the jobs to ring for. Safe to call at any time, and often."""
        now = timezone.now()
        for job in self.model._default_manager.filter(state=Job.State.RUNNING):
            if not locks.job_is_held(job.pk, self.namespace):
                # If it has ended between the two queries, this changes nothing.
                if attempts.try_again(job, "The process that ran it ended unexpectedly."):
                    self._tell(job.pk)
            elif job.heartbeat_at is not None and job.heartbeat_at < now - FROZEN_AFTER:
                logger.warning("%s %s: its worker is frozen, so its session was ended", type(job).__name__, job.pk)
                locks.end_holder(job.pk, self.namespace)
        attempts.cancel_waiting(self.model._default_manager.all())
        rung_a_moment_ago = Q(try_again_at=None, created_at__gt=now - RING_AGAIN_AFTER)
        waiting = attempts.claimable(self.model).exclude(rung_a_moment_ago)
        return list(waiting.order_by("pk").values_list("pk", flat=True)[:_MOST_BELLS])

    # What each kind of job defines ------------------------------------------------------------------------

    def may_begin(self, job: J) -> bool:
        """Whether nothing but a lock can be in the way."""
        return True

    @contextmanager
    def hold(self, job: J) -> Iterator[tuple[locks.LockOutcome, Session]]:
        """Hold the locks of the job and of its table. Yields the outcome, and the session that holds them."""
        with locks.held_by_job(job.pk, job.table_id, self.namespace) as outcome:
            yield outcome, raw_connection()

    def claim(self, job: J) -> bool:
        """Begin an attempt; false if somebody else has. The job's lock is held."""
        return attempts.claim(job)

    @abstractmethod
    def watch(self, job: J, session: Session) -> W:
        """Start to watch an attempt."""

    @abstractmethod
    def work(self, job: J, watch: W) -> None:
        """Do the work of one attempt. Ends with ``watch.complete``; raises whatever goes wrong."""

    def failure(self, error: Exception) -> Failure:
        """What an error means for the job."""
        return failure_of(error)

    def after(self, job: J) -> None:  # noqa: B027  (most kinds have nothing to add)
        """Called when the job is over or queued again, and its locks are free."""

    # One attempt --------------------------------------------------------------------------------------------------

    def _try(self, job: J) -> locks.LockOutcome:
        """Make an attempt, unless something is in the way."""
        with self.hold(job) as (outcome, session):
            is_mine = outcome == "held" and self.claim(job)
            if is_mine:
                self._attempt(job, session)
        if is_mine:
            ring_waiting(job.table_id)
            self._tell(job.pk)
        return outcome

    def _stop_build(self, table_id: int | None) -> bool:
        """Stop the index build that has the table, if there is one and it makes way. Returns whether it does."""
        return self.stops_builds and table_id is not None and locks.cancel_build(table_id)

    def _attempt(self, job: J, session: Session) -> None:
        """The boundary of the task: whatever goes wrong is written to the job's row."""
        logger.info("Attempt %s begins", job.attempt)
        watch = self.watch(job, session)
        try:
            self.work(job, watch)
        except Exception as error:
            watch.close()
            is_cancelled = isinstance(error, Cancelled) or watch.cancelled.is_set()
            if not (is_cancelled or isinstance(error, DataEngineError | PutOff)):
                logger.exception("%s %s, attempt %s", type(job).__name__, job.pk, job.attempt)
            attempts.until_stored(partial(self._end, job, error, is_cancelled=is_cancelled))
        except KeyboardInterrupt:  # at a terminal; workers get other signals
            watch.close()
            drop_if_interrupted()
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
            logger.info("Attempt %s is over: %s", job.attempt, job.state)
            self.after(job)

    def _found(self, pk: int) -> J | None:
        return self.model._default_manager.filter(pk=pk).first()
