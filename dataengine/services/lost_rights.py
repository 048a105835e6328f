"""What ends with a right that somebody had on a table: the public links and the webhooks that were made by it.

For good: who gets the right back does not thereby open again what others believe closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from dataengine import access
from dataengine.models import PublicLink, Table, Webhook
from dataengine.models.shapes import AccountDetails, WebhookDetails
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def end_on(table: Table, *, by: User) -> None:
    """End what was made of this table by users who have not the right any more. In the caller's transaction."""
    _end(Q(table=table), by)


def end_of(user: User, *, by: User) -> None:
    """End what ``user`` made of tables and has not the right to any more. In the caller's transaction."""
    _end(Q(user=user), by)


def is_warranted(webhook: Webhook) -> bool:
    """Whether who answers for the webhook (made it, or changed it last) may still design its table."""
    return webhook.user is not None and "design" in access.rights_of(webhook.user, webhook.table)


def stop(webhook: Webhook, *, by: User | None = None) -> None:
    """Stop a webhook for which nobody answers any more, unless somebody else has meanwhile."""
    with transaction.atomic():
        found = Webhook.objects.filter(pk=webhook.pk, user=webhook.user_id, is_active=True)
        if found.update(is_active=False, stopped=Webhook.Stopped.RIGHT):
            details: WebhookDetails = {"webhook": webhook.pk, "url": webhook.url, "events": webhook.events}
            record_event(user=by, table=webhook.table, action="webhook.stopped", details=details)


def _end(which: Q, by: User) -> None:
    for link in PublicLink.objects.filter(which, user__is_active=True).select_related("table", "user"):
        if "own" not in access.rights_of(link.user, link.table):
            named: AccountDetails = {"name": link.name}
            record_event(user=by, table=link.table, action="link.revoked", details=named)
            link.delete()
    for webhook in Webhook.objects.filter(which, is_active=True).select_related("table", "user"):
        if not is_warranted(webhook):
            stop(webhook, by=by)
