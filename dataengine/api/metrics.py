"""Metrics for Prometheus: what this web process counted, and what the catalog says at the moment. No users' data."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, connections
from django.db.models import Count, F, FloatField, Min, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from dataengine.jobs import attempts
from dataengine.models import ChangeJob, Delivery, ImportJob, Index, Job, Table

_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_KINDS: dict[str, type[Job]] = {"import": ImportJob, "change": ChangeJob, "index": Index, "delivery": Delivery}
_MAIL_TAKES = timedelta(minutes=1)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """In Prometheus' text format, for this machine and for requests with METRICS_TOKEN; 404 for others."""
    if not _may_read(request):
        raise Http404
    registry = CollectorRegistry()
    registry.register(_Catalog())
    registry.register(_Pool())
    try:
        text = generate_latest(registry)
    except DatabaseError:
        return HttpResponse("# The database does not answer.\n", status=503, content_type=_TYPE)
    return HttpResponse(text + generate_latest(_counted()), content_type=_TYPE)


def _counted() -> CollectorRegistry:
    """What this process counted; with WEB_CONCURRENCY what all of them did."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # registers itself
    return registry


class _Catalog(Collector):
    """The state of work, by its rows, which are the truth."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("tablekeep_tables", "Tables that users designed.", Table.objects.count())
        states = dict.fromkeys(ImportJob.State.values, 0)
        states |= dict(ImportJob.objects.order_by().values_list("state").annotate(Count("id")))
        yield _labelled("tablekeep_import_jobs", "Import jobs by state.", "state", states)
        over = ImportJob.objects.filter(finished_at__isnull=False)
        total = over.aggregate(
            imported=Sum("rows_imported", default=0),
            updated=Sum("rows_updated", default=0),
            rejected=Sum("rows_rejected", default=0),
        )
        yield _labelled("tablekeep_import_rows", "Rows of all imports that have ended.", "outcome", total)
        spent = over.filter(started_at__isnull=False).aggregate(spent=Sum(F("finished_at") - F("started_at")))["spent"]
        seconds = spent.total_seconds() if spent else 0.0
        yield GaugeMetricFamily("tablekeep_import_seconds", "Seconds that all imports took that have ended.", seconds)
        phases = [phase for phase in ImportJob.Phase.values if phase]
        took = over.aggregate(
            **{
                phase: Sum(Cast(KeyTextTransform(phase, "phase_seconds"), FloatField()), default=0.0)
                for phase in phases
            }
        )
        yield _labelled("tablekeep_import_phase_seconds", "Seconds that their phases took.", "phase", took)
        yield from _queues()
        unsent = over.filter(mailed_at=None, finished_at__lt=timezone.now() - _MAIL_TAKES).exclude(email="")
        unsent = unsent.filter(state__in=[ImportJob.State.COMPLETED, ImportJob.State.FAILED])
        yield GaugeMetricFamily("tablekeep_mails_unsent", "Mails about imports that could not be sent.", unsent.count())
        failed = Delivery._default_manager.filter(state=Job.State.FAILED).count()
        yield GaugeMetricFamily("tablekeep_deliveries_failed", "Messages to webhooks that were given up.", failed)


def _queues() -> Iterator[GaugeMetricFamily]:
    now = timezone.now()
    depths, ages, running = {}, {}, {}
    for kind, model in _KINDS.items():
        found = attempts.claimable(model).order_by().aggregate(depth=Count("pk"), oldest=Min("created_at"))
        depths[kind] = found["depth"]
        ages[kind] = (now - found["oldest"]).total_seconds() if found["oldest"] else 0.0
        running[kind] = model._default_manager.filter(state=Job.State.RUNNING).count()
    yield _labelled("tablekeep_queue_depth", "Jobs that wait for a worker.", "kind", depths)
    yield _labelled("tablekeep_queue_oldest_seconds", "How long the oldest of them has waited.", "kind", ages)
    yield _labelled("tablekeep_jobs_running", "Jobs that a worker has.", "kind", running)


class _Pool(Collector):
    """The connections to PostgreSQL that this process keeps, those of the reader among them."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if not connection.settings_dict["OPTIONS"].get("pool"):
            return
        pools: list[Any] = [getattr(connections[alias], "pool", None) for alias in connections.settings]
        stats = [pool.get_stats() for pool in pools]
        names = ("pool_size", "pool_available", "requests_waiting")
        known = {name: sum(each.get(name, 0) for each in stats) for name in names}
        yield _labelled("tablekeep_pool", "Connections to PostgreSQL, and requests that wait for one.", "what", known)


def _labelled(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _may_read(request: HttpRequest) -> bool:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.METRICS_TOKEN and secrets.compare_digest(token.encode(), settings.METRICS_TOKEN.encode()):
        return True
    # Requests through a proxy on this machine come from loopback too, but have a header that tells.
    if "X-Forwarded-For" in request.headers:
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
