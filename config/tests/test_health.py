"""Health checks answer without a log-in; metrics are for this machine and the bearer of METRICS_TOKEN."""

import socket

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client
from pytest_django.fixtures import Settings

from dataengine.models import Table


def test_live(client: Client) -> None:
    answer = client.get("/health/live/")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


@pytest.mark.django_db
def test_probes_may_ask_for_the_head_only(client: Client) -> None:
    for path in ("/health/live/", "/health/ready/", "/metrics"):
        answer = client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.django_db
def test_ready(client: Client) -> None:
    answer = client.get("/health/ready/")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": "ok", "migrations": "ok", "redis": "ok"}}


@pytest.mark.django_db
def test_not_ready_without_redis(client: Client, settings: Settings) -> None:
    with socket.socket() as deaf:  # nothing else can listen there meanwhile
        deaf.bind(("127.0.0.1", 0))
        settings.REDIS_URL = f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"

        answer = client.get("/health/ready/")

    assert answer.status_code == 503
    assert answer.json()["checks"]["redis"] == "unreachable"


@pytest.mark.django_db
def test_not_ready_while_migrations_wait(client: Client) -> None:
    from django.db.migrations.recorder import MigrationRecorder

    MigrationRecorder.Migration.objects.filter(app="dataengine").order_by("-id")[0].delete()

    answer = client.get("/health/ready/")

    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] == "waiting"


@pytest.mark.django_db
def test_not_ready_without_the_database(client: Client) -> None:
    def refuse(*args: object) -> None:
        raise OperationalError

    with connection.execute_wrapper(refuse):
        answer = client.get("/health/ready/")
        metrics = client.get("/metrics")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "unreachable", "migrations": "unknown", "redis": "ok"}
    assert (metrics.status_code, metrics["Content-Type"]) == (503, "text/plain; version=0.0.4; charset=utf-8")


@pytest.mark.django_db
def test_metrics_count_tables_and_jobs(client: Client, owner: User) -> None:
    Table.objects.create(name="one", owner=owner)

    lines = client.get("/metrics").content.decode().splitlines()

    assert "tablekeep_tables 1" in lines
    assert 'tablekeep_import_jobs{state="queued"} 0' in lines


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("token", "address", "headers", "status"),
    [
        ("", "127.0.0.1", {}, 200),
        ("", "::1", {}, 200),
        ("", "203.0.113.5", {}, 404),
        ("", "", {}, 404),
        ("", "203.0.113.5", {"Authorization": "Bearer "}, 404),
        # A proxy on the same machine that does not rewrite the address.
        ("", "127.0.0.1", {"X-Forwarded-For": "203.0.113.5"}, 404),
        ("s3cret", "203.0.113.5", {"Authorization": "Bearer s3cret"}, 200),
        ("s3cret", "203.0.113.5", {"Authorization": "Bearer other"}, 404),
    ],
)
def test_metrics_are_not_public(
    client: Client, settings: Settings, token: str, address: str, headers: dict[str, str], status: int
) -> None:
    settings.METRICS_TOKEN = token

    answer = client.get("/metrics", headers=headers, REMOTE_ADDR=address)

    assert answer.status_code == status
