"""The console's part of Celery's entrance."""

from __future__ import annotations

from celery import shared_task

from webui.imports import drafts, resumable


@shared_task(name="webui.tasks.forget_uploads")
def forget_uploads() -> None:
    """Remove uploads that were interrupted or never imported, after a day."""
    drafts.forget_old()
    resumable.forget_old()
