"""Sends the messages of webhooks, and keeps sending those that nobody took, with growing pauses."""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from dataengine.exceptions import Unavailable
from dataengine.jobs.attempts import mine
from dataengine.jobs.doorbell import DELIVER, ring
from dataengine.jobs.failures import Failure
from dataengine.jobs.runner import Runner, Session
from dataengine.jobs.watch import Watch
from dataengine.models import Delivery, ImportJob, Webhook
from dataengine.postgres import locks
from dataengine.services import lost_rights

ANNOUNCED_FOR = timedelta(days=1)
"""How long after an import's end the sweeper still makes its messages, should nobody have."""
KEPT_FOR = timedelta(days=30)
_GONE = 410
_EVENTS = {
    ImportJob.State.COMPLETED: Webhook.Event.COMPLETED,
    ImportJob.State.FAILED: Webhook.Event.FAILED,
}


class _Unwanted(Exception):
    """No further attempt will do better."""


class DeliveryRunner(Runner[Delivery, Watch]):
    """An attempt is one request; whatever answers 2xx has taken the message."""

    model = Delivery
    namespace = locks.DELIVERY_NAMESPACE

    def watch(self, job: Delivery, session: Session) -> Watch:
        return Watch(job, session)

    def work(self, job: Delivery, watch: Watch) -> None:
        started = timezone.now()
        status, reason, is_final = self._send(job, started)
        tried = {"at": started.isoformat(), "status": status, "error": reason or None}
        tries = [*job.tries, tried][-3 * Delivery.MAX_ATTEMPTS :]
        if not reason:
            watch.complete(tries=tries)
            return
        mine(job).update(tries=tries)
        raise _Unwanted(reason) if is_final else Unavailable(reason)

    def _send(self, job: Delivery, now: datetime) -> tuple[int | None, str, bool]:
        """One request: its status, why it failed if it did, and whether that is final."""
        # Not before a message goes out: this module is in every worker that sweeps.
        from standardwebhooks import Webhook as Signer

        from dataengine import outgoing

        webhook = job.webhook
        if not lost_rights.is_warranted(webhook):
            lost_rights.stop(webhook)
            return None, "Who made the webhook may not design the table any more.", True
        body = json.dumps(job.payload, separators=(",", ":"))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Tablekeep",
            "webhook-id": job.message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Signer(webhook.secret).sign(job.message_id, now, body),
        }
        try:
            status = outgoing.post(webhook.url, body.encode(), headers).status
        except outgoing.Refused as error:
            return None, str(error), True
        except outgoing.Unreachable as error:
            return None, str(error), False
        if 200 <= status < 300:
            return status, "", False
        if status == _GONE:
            Webhook.objects.filter(pk=webhook.pk).update(is_active=False, stopped=Webhook.Stopped.GONE)
            return status, "The address says that it is gone (410), so the webhook was switched off.", True
        return status, f"The address answered {status}.", False

    def failure(self, error: Exception) -> Failure:
        if isinstance(error, _Unwanted):
            return Failure(str(error), "not_delivered", is_final=True)
        return super().failure(error)


def run(delivery_id: int) -> Delivery | None:
    """Make one attempt at a delivery (see ``Runner.run``)."""
    return DeliveryRunner().run(delivery_id)


def announce(job: ImportJob) -> None:
    """Queue the messages about an import that is over, once for each webhook that was there; ring for them."""
    event = _EVENTS.get(ImportJob.State(job.state))
    if event is None or job.options.get("dry_run"):
        return
    wanted = Webhook.objects.filter(table=job.table_id, created_at__lt=job.finished_at)
    if not wanted.exists():
        return
    made = []
    with transaction.atomic():
        # Of two processes, one makes them.
        if ImportJob.objects.filter(pk=job.pk, announced_at=None).update(announced_at=timezone.now()):
            active = wanted.filter(is_active=True, events__contains=event).select_related("table", "user")
            warranted = []
            for webhook in active:
                if lost_rights.is_warranted(webhook):
                    warranted.append(webhook)
                else:
                    lost_rights.stop(webhook)
            made = [
                Delivery.objects.create(
                    webhook=webhook,
                    import_job=job,
                    event_type=event,
                    message_id=f"msg_{secrets.token_urlsafe(18)}",
                    payload=_payload(job, event.value),
                )
                for webhook in warranted
            ]
    for delivery in made:
        ring(DELIVER, delivery.pk)


def _payload(job: ImportJob, event: str) -> dict[str, Any]:
    from dataengine.jobs.serializers import import_job_data  # loads the API's addresses, 10 MB

    ended = job.finished_at or timezone.now()
    data = import_job_data(job, base_url=settings.PUBLIC_URL)
    return {"type": event, "timestamp": ended.isoformat(), "data": data}


def sweep() -> list[int]:
    """Clean up after crashes, and make the messages that a crash prevented. Returns the deliveries to ring for."""
    untold = ImportJob.objects.filter(
        state__in=_EVENTS,
        announced_at=None,
        finished_at__gt=timezone.now() - ANNOUNCED_FOR,
        table__webhooks__created_at__lt=F("finished_at"),
    )
    for job in untold.distinct().order_by("pk")[:20]:
        announce(job)
    return DeliveryRunner().sweep()


def forget_old() -> None:
    """Delete the messages that were taken or given up long ago."""
    over = Delivery.objects.exclude(state__in=Delivery.ACTIVE)
    over.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
