"""Celery's entrance: a task takes an id and calls one function. The job's row is the truth, a message only a doorbell.

Each task imports the services it needs: a worker's processes stay small. What every sweep needs, the parent has
loaded (`config.celery`), in memory that its children share.
"""

from __future__ import annotations

from celery import shared_task
from django.db import close_old_connections

from dataengine.jobs.doorbell import BUILD_INDEX, DELIVER, DOWNLOAD, RUN_CHANGE, RUN_IMPORT, ring

# Bells are repeated at every sweep; while all workers are busy, they must not pile up.
_EXPIRES_SECONDS = 15.0


@shared_task(name=RUN_IMPORT)
def run_import(job_id: int) -> None:
    """Run an import: not always the one that was rung for, but the one whose turn it is, if there is one."""
    from dataengine.services import import_runs

    close_old_connections()
    import_runs.run_in_turn()


@shared_task(name="dataengine.tasks.sweep")
def sweep() -> None:
    """Clean up after crashes, and ring again for jobs that were not heard."""
    from dataengine.services import change_runs, downloads, import_runs, index_builds, source_runs, webhook_runs

    close_old_connections()
    source_runs.sweep()
    for job_id in import_runs.sweep():
        ring(RUN_IMPORT, job_id, expires=_EXPIRES_SECONDS)
    for index_id in index_builds.sweep():
        ring(BUILD_INDEX, index_id, expires=_EXPIRES_SECONDS)
    for change_id in change_runs.sweep():
        ring(RUN_CHANGE, change_id, expires=_EXPIRES_SECONDS)
    for delivery_id in webhook_runs.sweep():
        ring(DELIVER, delivery_id, expires=_EXPIRES_SECONDS)
    for download_id in downloads.sweep():
        ring(DOWNLOAD, download_id, expires=_EXPIRES_SECONDS)


@shared_task(name=BUILD_INDEX)
def build_index(index_id: int) -> None:
    """Build one index. A redelivery finds it claimed or ready and does nothing."""
    from dataengine.services import index_builds

    close_old_connections()
    index_builds.run(index_id)


@shared_task(name=RUN_CHANGE)
def run_change(change_id: int) -> None:
    """Change very many records. A redelivery finds the change claimed or over and does nothing."""
    from dataengine.services import change_runs

    close_old_connections()
    change_runs.run(change_id)


@shared_task(name=DELIVER)
def deliver(delivery_id: int) -> None:
    """Send one message of a webhook. A redelivery finds it claimed or over and does nothing."""
    from dataengine.services import webhook_runs

    close_old_connections()
    webhook_runs.run(delivery_id)


@shared_task(name=DOWNLOAD)
def download(download_id: int) -> None:
    """Fetch one file. A redelivery finds it claimed or over and does nothing."""
    from dataengine.services import downloads

    close_old_connections()
    downloads.run(download_id)


@shared_task(name="dataengine.tasks.sweep_indexes")
def sweep_indexes() -> None:
    """Drop automatic indexes that are no longer used."""
    from dataengine.services import automatic_indexes

    close_old_connections()
    automatic_indexes.sweep()


@shared_task(name="dataengine.tasks.sweep_storage")
def sweep_storage() -> None:
    """Delete stored files that belong to no job, old messages of webhooks, and what was fetched long ago."""
    from dataengine.services import downloads, import_runs, webhook_runs

    close_old_connections()
    import_runs.sweep_storage()
    webhook_runs.forget_old()
    downloads.forget_old()


@shared_task(name="dataengine.tasks.sweep_kept_answers")
def sweep_kept_answers() -> None:
    """Forget answers that were kept for long enough."""
    from dataengine.services import kept_answers

    close_old_connections()
    kept_answers.sweep()


@shared_task(name="dataengine.tasks.sweep_trash")
def sweep_trash() -> None:
    """Delete for good what has been in the trash for long enough."""
    from dataengine.services import import_undo, trash

    close_old_connections()
    trash.sweep()
    import_undo.sweep()


@shared_task(name="dataengine.tasks.sweep_accounts")
def sweep_accounts() -> None:
    """Forget sessions and tokens whose time is over."""
    from dataengine.services import sessions

    close_old_connections()
    sessions.forget_expired()


@shared_task(name="dataengine.tasks.sweep_audit")
def sweep_audit() -> None:
    """Delete what the audit trail has held for long enough."""
    from dataengine.services import retention

    close_old_connections()
    retention.sweep()
