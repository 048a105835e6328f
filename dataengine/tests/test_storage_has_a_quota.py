"""Uploads beyond a user's quota are refused, and the refusal says what is used; exports take places."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import pytest
import redis
from django.db import connection
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from dataengine.http.places import Places, TooMany
from dataengine.models import ImportJob, Table
from dataengine.postgres import usage
from dataengine.services import trash
from dataengine.tests.waiting import until

from .conftest import MakeTable

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db


def upload(client: APIClient, text: bytes) -> Any:
    file = io.BytesIO(text)
    file.name = "a.csv"
    return client.post("/api/tables/t/imports/", {"file": file}, format="multipart")


def fill(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO userdata.{name} (name) SELECT repeat('x', 100) FROM generate_series(1, 2000)")


def test_tables_and_files_count_together(client: APIClient, make_table: MakeTable, settings: Settings) -> None:
    make_table("t", name="TEXT")
    fill("t")
    used = usage.table_bytes(["t"])
    assert used > 200_000
    file = b"name\nAda\n"
    settings.STORAGE_QUOTA = used + 2 * len(file)
    assert [upload(client, file).status_code for _ in range(2)] == [202, 202]
    refused = upload(client, file)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (409, "quota_exceeded")
    assert "file" in error["fields"]
    assert error["storage"] == {
        "quota": settings.STORAGE_QUOTA, "tables": used, "files": 2 * len(file), "file": len(file)
    }  # fmt: skip
    assert ImportJob.objects.count() == 2
    ImportJob.objects.update(source="")
    assert upload(client, file).status_code == 202, "files that were deleted do not count"
    settings.STORAGE_QUOTA = 0
    assert upload(client, file).status_code == 202


def test_the_trash_counts_and_others_do_not(
    client: APIClient, make_table: MakeTable, owner: User, stranger: User, settings: Settings
) -> None:
    make_table("t", name="TEXT")
    make_table("gone", name="TEXT")
    fill("gone")
    settings.STORAGE_QUOTA = usage.table_bytes(["t"]) + 1_000
    trash.delete_table(user=owner, table=Table.objects.get(name="gone"))
    assert upload(client, b"name\nAda\n").json()["error"]["code"] == "quota_exceeded"
    Table.everything.filter(name="gone").update(owner=stranger)
    assert upload(client, b"name\nAda\n").status_code == 202


def test_places_are_those_of_all_processes(settings: Settings) -> None:
    """And the places of a process that is gone come free."""
    settings.MAX_EXPORTS_PER_USER = 2
    one, other, killed = Places(), Places(), Places(lease=0.3)
    killed._renewing = True  # so that nothing renews its leases
    given = [one.take(-1), other.take(-2)]
    killed.take(-1)

    def has_place(process: Places) -> bool:
        with suppress(TooMany):
            given.append(process.take(-1))
            return True
        return False

    until(lambda: has_place(other))  # once the lease of the killed one is over
    assert not has_place(one)
    given[0].give_back()
    given[0].give_back()
    assert has_place(one)
    assert not has_place(other)
    for place in given:
        place.give_back()


def test_leases_are_renewed_while_places_are_used(settings: Settings) -> None:
    """And end by themselves when they are not, though nobody gave them back."""
    settings.MAX_EXPORTS_PER_USER = 1
    client = redis.Redis.from_url(settings.REDIS_URL)
    places = Places(lease=1.5)

    def leases() -> dict[bytes, float]:
        return dict(cast("Any", client.zrange("tablekeep:exports:-3", 0, -1, withscores=True)))

    def is_renewed() -> bool:
        place.is_used()
        return max(leases().values(), default=0) > first + 2

    def can_be_taken() -> bool:
        with suppress(TooMany):
            places.take(-3).give_back()
            return True
        return False

    place = places.take(-3)
    [first] = leases().values()
    until(is_renewed)
    until(can_be_taken)
    assert not leases()


@pytest.mark.django_db(transaction=True)
def test_exports_take_places(client: APIClient, make_table: MakeTable, settings: Settings) -> None:
    make_table("t", name="TEXT")
    settings.MAX_EXPORTS_PER_USER = 2
    under_way = [client.get("/api/tables/t/export/") for _ in range(2)]
    refused = client.get("/api/tables/t/export/")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_exports")
    assert int(refused["Retry-After"]) > 0
    assert client.head("/api/tables/t/export/").status_code == 200
    under_way[0].close()
    under_way[0].close()
    third = client.get("/api/tables/t/export/")
    assert third.status_code == 200
    assert client.get("/api/tables/t/export/").status_code == 429
    for answer in (under_way[1], third):
        assert b"name" in b"".join(cast("Any", answer).streaming_content)
        answer.close()
