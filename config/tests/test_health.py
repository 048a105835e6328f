"""Health checks answer without a log-in; metrics are for this machine and the bearer of METRICS_TOKEN."""

import re
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from dataengine.models import ImportJob, Table


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

    MigrationRecorder.Migration.objects.filter(app="dataengine").delete()

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

    assert "tablekeep_tables 1.0" in lines
    assert 'tablekeep_import_jobs{state="queued"} 0.0' in lines


@pytest.mark.django_db
def test_metrics_tell_how_work_goes(client: Client, owner: User) -> None:
    table = Table.objects.create(name="one", owner=owner)
    about = {"table": table, "table_name": "one", "user": owner, "filename": "a.csv"}
    now = timezone.now()
    ImportJob.objects.create(
        **about, state="completed", rows_imported=7, rows_rejected=2, email="a@example.com",
        phase_seconds={"reading": 40.5, "indexing": 2},
        started_at=now - timedelta(minutes=9), finished_at=now - timedelta(minutes=8),
    )  # fmt: skip
    waits = ImportJob.objects.create(**about)
    ImportJob.objects.filter(pk=waits.pk).update(created_at=now - timedelta(hours=1))
    client.get("/api/tables/")

    lines = client.get("/metrics").content.decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))

    assert values['tablekeep_import_rows{outcome="imported"}'] == "7.0"
    assert values['tablekeep_import_rows{outcome="rejected"}'] == "2.0"
    assert float(values["tablekeep_import_seconds"]) == pytest.approx(60)
    assert values['tablekeep_import_phase_seconds{phase="reading"}'] == "40.5"
    assert values['tablekeep_import_phase_seconds{phase="checking"}'] == "0.0"
    assert values['tablekeep_queue_depth{kind="import"}'] == "1.0"
    assert float(values['tablekeep_queue_oldest_seconds{kind="import"}']) == pytest.approx(3600, abs=60)
    assert values["tablekeep_mails_unsent"] == "1.0"
    assert float(values['tablekeep_requests_total{method="GET",status="401",view="api-tables"}']) >= 1
    assert float(values['tablekeep_request_seconds_count{view="api-tables"}']) >= 1
    assert "tablekeep_sockets" in values


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


@pytest.mark.django_db
def test_the_examples_ask_for_metrics_that_exist(client: Client) -> None:
    folder = Path(__file__).resolve().parents[2] / "docs" / "monitoring"
    asked = set[str]()
    for name in ("alerts.yml", "dashboard.json"):
        asked |= set(re.findall(r"\btablekeep_\w+", (folder / name).read_text()))
    client.get("/api/tables/")
    told = set(re.findall(r"^(?:# TYPE )?(tablekeep_\w+)", client.get("/metrics").content.decode(), re.MULTILINE))
    assert len(asked) > 8
    assert asked - told <= {"tablekeep_pool"}, "the pool is that of a web process"
