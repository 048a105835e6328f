"""Celery's entrance: a task takes an id and calls one function. The job's row is the truth, a message a doorbell."""

from __future__ import annotations

from celery import shared_task
from django.db import close_old_connections

from dataengine.services import import_runs, index_builds, indexes
from dataengine.services.imports import ring

# Rung again at every sweep: while all workers are busy, bells that nobody heard must not pile up.
_EXPIRES_SECONDS = 15.0


@shared_task(name="dataengine.tasks.run_import")
def run_import(job_id: int) -> None:
    """Run one import. A redelivery finds the job claimed or over and does nothing."""
    close_old_connections()
    job = import_runs.run(job_id)
    if job is not None:
        for waiting in import_runs.waiting_for(job):
            ring(waiting)


@shared_task(name="dataengine.tasks.sweep")
def sweep() -> None:
    """Mend what crashes left and ring the doorbell of what was not heard."""
    close_old_connections()
    for job_id in import_runs.sweep():
        ring(job_id, expires=_EXPIRES_SECONDS)
    for index_id in index_builds.sweep():
        indexes.ring(index_id, expires=_EXPIRES_SECONDS)


@shared_task(name="dataengine.tasks.build_index")
def build_index(index_id: int) -> None:
    """Build one index. A redelivery finds it claimed or ready and does nothing."""
    close_old_connections()
    index = index_builds.run(index_id)
    if index is not None and index.is_over:
        for waiting in index_builds.waiting_for(index):
            indexes.ring(waiting)


@shared_task(name="dataengine.tasks.sweep_storage")
def sweep_storage() -> None:
    """Delete stored files that belong to nothing."""
    close_old_connections()
    import_runs.sweep_storage()
