"""Defaults of lists and lengths of time, which are read as people write them, wherever they are put into records."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from dataengine.tests.conftest import MakeTable
from dataengine.tests.importing import import_text, records
from dataengine.tests.retyping import done, few_are_many, make_sold

pytestmark = pytest.mark.django_db(transaction=True)

DEFAULTS = [
    ("CHOICES('red','blue') DEFAULT 'red; blue'", "{red,blue}"),
    ("TEXT[] DEFAULT 'red; blue'", "{red,blue}"),
    ("DURATION DEFAULT '1.5 h'", "01:30:00"),
]


@pytest.mark.parametrize(("column_type", "stored"), DEFAULTS)
def test_a_default_takes_the_place_of_what_fails(
    client: APIClient, make_table: MakeTable, column_type: str, stored: str
) -> None:
    make_table("t", a="TEXT")
    assert client.post("/api/tables/t/records/", {"a": '["red", 1]'}).status_code == 201
    answer = client.patch("/api/tables/t/columns/a/", {"column_type": column_type, "on_failure": "default"})
    assert answer.status_code == 200, answer.content
    assert records("t", "a") == [(stored,)]


@pytest.mark.parametrize(("column_type", "stored"), DEFAULTS)
def test_a_default_takes_the_place_of_what_fails_in_large_tables(
    client: APIClient, owner: User, monkeypatch: pytest.MonkeyPatch, column_type: str, stored: str
) -> None:
    few_are_many(monkeypatch)
    make_sold(owner)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE userdata.sold SET price = '[\"red\", 1]'")
    asked = client.patch("/api/tables/sold/columns/price/", {"column_type": column_type, "on_failure": "default"})
    assert asked.status_code == 202, asked.content
    done(asked.json()["id"])
    assert {row[0] for row in records("sold", "price")} == {stored}


@pytest.mark.parametrize(("column_type", "stored"), DEFAULTS)
def test_an_empty_table_with_a_default_takes_files(
    owner: User, make_table: MakeTable, column_type: str, stored: str
) -> None:
    make_table("t", a="TEXT", b=column_type)
    assert import_text(owner, "t", "a\nx\n").state == "completed"
    assert records("t", "b") == [(stored,)]
