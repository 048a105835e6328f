"""Tables of owner, colleague and stranger, for the console's tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client
from guardian.shortcuts import assign_perm
from pytest_django.fixtures import Settings

from dataengine.columns.sql_types import parse_sql_type
from dataengine.management.commands.look_into import answer
from dataengine.models import Table
from dataengine.services import import_looks
from dataengine.services.records import insert_record
from dataengine.services.tables import create_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PEOPLE = {
    "name": "TEXT NOT NULL",
    "email": "EMAIL UNIQUE",
    "born": "DATE",
    "score": "NUMERIC(6,2)",
    "active": "BOOLEAN",
    "notes": "TEXT",
}


def make_table(user: User, name: str, columns: dict[str, str], label: str = "") -> Table:
    specs = [parse_sql_type(column, text) for column, text in columns.items()]
    return create_table(user=user, name=name, columns=specs, label=label)


@pytest.fixture(autouse=True)
def _looks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads are looked into by the same code in this process: one of its own takes a second, nearly all to start.

    It does have one in tests with a worker or ``looks_apart`` (and in ``test_web_process_stays_small.py``).
    """

    def look_here(question: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(json.dumps(answer(json.loads(question))))
        return found

    if not {"celery_worker", "looks_apart"} & set(request.fixturenames):
        monkeypatch.setattr(import_looks, "_answer", look_here)


@pytest.fixture
def looks_apart() -> None:
    """Uploads are looked into by a process of its own, as web processes have it done."""


@pytest.fixture
def people(owner: User) -> Table:
    """The owner's table, with three records."""
    table = make_table(owner, "people", PEOPLE, label="People we know")
    for record in (
        {
            "name": "Ann",
            "email": "ann@example.com",
            "born": "1990-05-01",
            "score": "12.50",
            "active": True,
            "notes": "",
        },
        {"name": "Bob", "email": "bob@example.com", "score": "7"},
        {"name": "Cleo <b>", "born": "2001-01-01", "notes": "x" * 500},
    ):
        insert_record(user=owner, table=table, data=record)
    return table


@pytest.fixture
def shared(people: Table, colleague: User) -> Table:
    """The same table; the colleague may only view it."""
    assign_perm("view_table", colleague, people)
    return people


@pytest.fixture
def few_are_many(settings: Settings, people: Table) -> None:
    """Lists of 2,003 people have the indexes made that they need."""
    settings.AUTO_INDEX = True
    settings.AUTO_INDEX_AFTER_RECORDS = 1_000
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO userdata.people (name) SELECT 'person ' || i FROM generate_series(1, 2000) i")
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("ANALYZE userdata.people")


@pytest.fixture
def as_owner(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def as_colleague(colleague: User) -> Client:
    client = Client()
    client.force_login(colleague)
    return client


@pytest.fixture
def as_stranger(stranger: User) -> Client:
    client = Client()
    client.force_login(stranger)
    return client


PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
"""The headers of htmx when it will replace a part of the page."""
