"""Health checks and metrics for whatever runs and monitors the installation: no log-in, and no users' data."""

import secrets
from ipaddress import ip_address

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dataengine.models import ImportJob, Table

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers at all."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 if requests can be served, else 503: ``{"status", "checks": {"database", "migrations", "redis"}}``."""
    database = _database()
    # Do not wait a second time for a database that does not answer.
    migrations = _migrations() if database == "ok" else "unknown"
    checks = {"database": database, "migrations": migrations, "redis": _redis()}
    fine = all(result == "ok" for result in checks.values())
    return JsonResponse({"status": "ok" if fine else "unavailable", "checks": checks}, status=200 if fine else 503)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Counters in Prometheus' text format, for this machine and for requests with METRICS_TOKEN; 404 for others."""
    if not _may_read_metrics(request):
        raise Http404
    jobs = dict.fromkeys(ImportJob.State.values, 0)
    try:
        jobs |= dict(ImportJob.objects.order_by().values_list("state").annotate(Count("id")))
        tables = Table.objects.count()
    except DatabaseError:
        return HttpResponse("# The database does not answer.\n", status=503, content_type=_METRICS_TYPE)
    lines = [
        "# HELP tablekeep_tables Tables that users designed.",
        "# TYPE tablekeep_tables gauge",
        f"tablekeep_tables {tables}",
        "# HELP tablekeep_import_jobs Import jobs by state.",
        "# TYPE tablekeep_import_jobs gauge",
        *(f'tablekeep_import_jobs{{state="{state}"}} {count}' for state, count in jobs.items()),
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type=_METRICS_TYPE)


def _may_read_metrics(request: HttpRequest) -> bool:
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


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return "ok"


def _migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "unknown"
    return "waiting" if waiting else "ok"


def _redis() -> str:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2)
    try:
        client.ping()
    except redis.RedisError:
        return "unreachable"
    finally:
        client.close()
    return "ok"
