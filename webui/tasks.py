"""The console's part of Celery's entrance."""

from __future__ import annotations

from celery import shared_task
from django.db import close_old_connections

from webui import reset_mail
from webui.imports import drafts, resumable


@shared_task(name="webui.tasks.forget_uploads")
def forget_uploads() -> None:
    """Remove uploads that were interrupted or never imported, after a day."""
    drafts.forget_old()
    resumable.forget_old()


@shared_task(name=reset_mail.TASK)
def send_reset_mail(email: str, base_url: str) -> None:
    """Send the link for a new password, if the address belongs to an account."""
    close_old_connections()
    reset_mail.send(email, base_url)


@shared_task(name=reset_mail.INVITE)
def send_invitation(pk: int, by: str, base_url: str) -> None:
    """Send a user the link by which the password is set."""
    close_old_connections()
    reset_mail.invite(pk, by, base_url)
