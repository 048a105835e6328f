"""The console's part of Celery's entrance. Each task imports what it needs, as `dataengine.tasks` do."""

from __future__ import annotations

from celery import shared_task
from django.db import close_old_connections


@shared_task(name="webui.tasks.forget_uploads")
def forget_uploads() -> None:
    """Remove uploads that were interrupted or never imported, after a day."""
    from webui.imports import drafts, resumable

    drafts.forget_old()
    resumable.forget_old()


@shared_task(name="webui.tasks.send_reset_mail")
def send_reset_mail(email: str, base_url: str) -> None:
    """Send the link for a new password, if the address belongs to an account."""
    from webui import reset_mail

    close_old_connections()
    reset_mail.send(email, base_url)


@shared_task(name="webui.tasks.send_invitation")
def send_invitation(pk: int, by: str, base_url: str) -> None:
    """Send a user the link by which the password is set."""
    from webui import reset_mail

    close_old_connections()
    reset_mail.invite(pk, by, base_url)


@shared_task(name="webui.tasks.send_address_link")
def send_address_link(pk: int, link: str) -> None:
    """Send a user the link by which the address is verified."""
    from webui import reset_mail

    close_old_connections()
    reset_mail.verify(pk, link)
