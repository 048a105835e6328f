"""Webhooks of a table: making, changing and deleting them, and sending a message again."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction

from dataengine import outgoing
from dataengine.exceptions import Conflict, InvalidInput, NotFound
from dataengine.jobs.doorbell import DELIVER, ring
from dataengine.models import Delivery, Table, Webhook
from dataengine.models.shapes import WebhookDetails
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_WEBHOOKS = 20
_PREFIX = "whsec_"
_SECRET_BYTES = 32


def create_webhook(
    *, user: User, table: Table, url: str, events: Sequence[str] | None = None, secret: str = ""
) -> Webhook:
    """A new webhook; ``secret`` is one of the caller's (``whsec_`` and base64), otherwise one is made.

    Raises InvalidInput for an address that may not be reached, Conflict beyond the limit.
    """
    _check_url(url)
    _check_secret(secret)
    with transaction.atomic():
        # Of two requests at once, the second counts the first one's.
        Table.objects.select_for_update(no_key=True).get(pk=table.pk)
        if table.webhooks.count() >= MAX_WEBHOOKS:
            raise Conflict(f"The table has {MAX_WEBHOOKS} webhooks; delete one first.", code="too_many_webhooks")
        webhook = Webhook.objects.create(
            table=table,
            user=user,
            url=url,
            events=_in_order(events if events is not None else Webhook.Event.values),
            secret=secret or _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode(),
        )
        _record(user, webhook, "webhook.created")
    return webhook


def get_webhook(table: Table, pk: int) -> Webhook:
    """The table's webhook with that id. Raises NotFound."""
    webhook = table.webhooks.filter(pk=pk).first()
    if webhook is None:
        raise NotFound(f"There is no webhook {pk}.", code="webhook_not_found")
    return webhook


def update_webhook(*, user: User, webhook: Webhook, **changes: Any) -> Webhook:
    """Change ``url``, ``events`` or ``is_active``. Raises InvalidInput as ``create_webhook`` does.

    Who changes where messages go, or switches it on, answers for it from then on.
    """
    if "url" in changes:
        _check_url(changes["url"])
    if "events" in changes:
        changes["events"] = _in_order(changes["events"])
    changed = [name for name, value in changes.items() if getattr(webhook, name) != value]
    if changed:
        for name in changed:
            setattr(webhook, name, changes[name])
        if "url" in changed or ("is_active" in changed and webhook.is_active):
            webhook.user = user
        if "is_active" in changed:
            webhook.stopped = Webhook.Stopped.NOT
        with transaction.atomic():
            webhook.save(update_fields=[*changed, "user", "stopped"])
            _record(user, webhook, "webhook.changed")
    return webhook


def delete_webhook(*, user: User, webhook: Webhook) -> None:
    """Delete a webhook, and with it what was not delivered yet."""
    with transaction.atomic():
        _record(user, webhook, "webhook.deleted")
        webhook.delete()


def get_delivery(webhook: Webhook, pk: int) -> Delivery:
    """The webhook's delivery with that id. Raises NotFound."""
    delivery = webhook.deliveries.filter(pk=pk).first()
    if delivery is None:
        raise NotFound(f"There is no delivery {pk}.", code="delivery_not_found")
    return delivery


def send_again(*, user: User, delivery: Delivery) -> Delivery:
    """Send a message that was taken or given up once more, with the same id. Raises Conflict if it is under way."""
    with transaction.atomic():
        ended = Delivery.objects.filter(pk=delivery.pk).exclude(state__in=Delivery.ACTIVE)
        fresh: dict[str, Any] = {"attempt": 0, "try_again_at": None, "error": "", "error_code": "", "finished_at": None}
        if not ended.update(state=Delivery.State.QUEUED, cancel_requested=False, **fresh):
            raise Conflict("This message is already under way.", code="delivery_running")
        _record(user, delivery.webhook, "webhook.resent")
        transaction.on_commit(lambda: ring(DELIVER, delivery.pk))
    delivery.refresh_from_db()
    return delivery


def _in_order(events: Sequence[str]) -> list[str]:
    """The events, each once."""
    chosen = [event for event in Webhook.Event.values if event in events]
    if not chosen:
        reason = "Choose at least one."
        raise InvalidInput(f"events: {reason}", fields={"events": reason})
    return chosen


def _check_url(url: str) -> None:
    try:
        outgoing.check_url(url)
    except outgoing.Refused as error:
        raise InvalidInput(f"url: {error}", code="invalid_url", fields={"url": str(error)}) from error


def _check_secret(secret: str) -> None:
    if not secret:
        return
    try:
        size = len(base64.b64decode(secret.removeprefix(_PREFIX), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not secret.startswith(_PREFIX) or not 24 <= size <= 64:
        reason = f"A secret is {_PREFIX} and 24 to 64 bytes in base64."
        raise InvalidInput(f"secret: {reason}", fields={"secret": reason})


def _record(user: User, webhook: Webhook, action: str) -> None:
    details: WebhookDetails = {"webhook": webhook.pk, "url": webhook.url, "events": webhook.events}
    record_event(user=user, table=webhook.table, action=action, details=details)
