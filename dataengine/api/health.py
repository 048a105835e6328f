"""Health checks for whatever runs the installation: no log-in, and no users' data."""

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dataengine.postgres.backend.reader import reading


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


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        with reading(), connection.cursor() as cursor:  # lists have a login of their own
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
