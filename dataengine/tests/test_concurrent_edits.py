"""Two users change one record: the second one is told, with both values; no work is lost silently."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from dataengine.exceptions import Conflict
from dataengine.models import Table
from dataengine.records.model import Record
from dataengine.services.records import get_record, record_version, update_record
from dataengine.services.undo import undo
from dataengine.tests.threads import Beside
from dataengine.tests.waiting import PATIENCE_SECONDS

from .conftest import MakeTable
from .waiting import is_waited_for, until

URL = "/api/tables/t/records/1/"


@pytest.fixture
def table(client: APIClient, make_table: MakeTable) -> Table:
    made = make_table("t", a="TEXT", n="INTEGER")
    assert client.post("/api/tables/t/records/", {"a": "first", "n": 1}).status_code == 201
    return made


@pytest.mark.usefixtures("table")
def test_the_second_one_sees_theirs_and_yours(client: APIClient) -> None:
    seen = client.get(URL)["ETag"]
    first = client.patch(URL, {"a": "theirs"}, headers={"If-Match": seen})
    assert first.status_code == 200
    second = client.patch(URL, {"a": "yours"}, headers={"If-Match": seen})
    error = second.json()["error"]
    assert (second.status_code, error["code"]) == (409, "changed_meanwhile")
    assert (error["theirs"], error["yours"]) == ({"id": 1, "a": "theirs", "n": 1}, {"a": "yours"})
    assert client.delete(URL, headers={"If-Match": seen}).status_code == 409
    assert client.patch(URL, {"a": "yours"}, headers={"If-Match": first["ETag"]}).json()["a"] == "yours"


@pytest.mark.usefixtures("table")
def test_without_a_version_the_last_change_wins(client: APIClient) -> None:
    client.patch(URL, {"a": "theirs"})
    for headers in ({}, {"If-Match": "*"}):
        assert client.patch(URL, {"a": "yours"}, headers=headers).status_code == 200


def test_a_version_tells_every_difference(client: APIClient, table: Table) -> None:
    seen = {record_version(get_record(table, 1))}
    for data in ({"a": "1"}, {"a": ""}, {"a": None}, {"n": None}, {"n": 0}):
        client.patch(URL, data)
        seen.add(record_version(get_record(table, 1)))
    assert len(seen) == 6
    client.patch(URL, {"a": "first", "n": 1})
    assert record_version(get_record(table, 1)) in seen


def test_changes_of_other_columns_do_not_conflict(owner: User, table: Table) -> None:
    seen = record_version(get_record(table, 1))
    update_record(user=owner, table=table, pk=1, data={"n": 2})

    def change(column: str, value: object, before: object) -> dict[str, object]:
        def is_as_seen(record: Record) -> bool:
            return bool(record.values()[column] == before)

        data = {column: value}
        done = update_record(user=owner, table=table, pk=1, data=data, version=seen, is_as_seen=is_as_seen)
        return done.values()

    assert change("a", "yours", "first") == {"id": 1, "a": "yours", "n": 2}
    with pytest.raises(Conflict, match="Somebody else changed this record"):
        change("n", 3, 1)
    assert get_record(table, 1).values() == {"id": 1, "a": "yours", "n": 2}


@pytest.mark.django_db(transaction=True)
def test_one_of_many_parallel_changes_succeeds(owner: User, table: Table) -> None:
    version = record_version(get_record(table, 1))
    start = threading.Barrier(4, timeout=PATIENCE_SECONDS)
    outcomes: list[str] = []

    def change(number: int) -> None:
        try:
            start.wait()
            update_record(user=owner, table=table, pk=1, data={"n": number}, version=version)
            outcomes.append("changed")
        except Conflict as error:
            outcomes.append(error.error_code)
        finally:
            connection.close()

    threads = [Beside(target=change, args=(number,)) for number in range(10, 14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["changed", *["changed_meanwhile"] * 3]


@pytest.mark.django_db(transaction=True)
def test_undo_waits_for_a_change_that_is_under_way(
    client: APIClient, table: Table, second_connection: Callable[[], Any]
) -> None:
    changed = client.patch(URL, {"n": 2})
    other = second_connection()
    other.execute("BEGIN")
    other.execute("UPDATE userdata.t SET n = 3 WHERE id = 1")
    answers: list[Any] = []

    def undo() -> None:
        try:
            answers.append(client.post("/api/tables/t/undo/", {"event": int(changed["X-Undo"])}))
        finally:
            connection.close()

    thread = Beside(target=undo)
    thread.start()
    until(lambda: is_waited_for(other) or not thread.is_alive())
    other.execute("COMMIT")
    thread.join()
    assert (answers[0].status_code, answers[0].json()["error"]["code"]) == (409, "changed_since")
    assert client.get(URL).json()["n"] == 3


@pytest.mark.django_db(transaction=True)
def test_of_many_who_undo_the_same_one_does(client: APIClient, owner: User, table: Table) -> None:
    """Nor is a change undone while another, of which it is a part, is being undone."""
    first = int(client.patch(URL, {"n": 5})["X-Undo"])
    second = int(client.patch(URL, {"n": 6})["X-Undo"])
    start = threading.Barrier(6, timeout=PATIENCE_SECONDS)
    outcomes: list[tuple[int, str]] = []

    def take_back(event: int) -> None:
        try:
            start.wait()
            undo(user=owner, table=table, event_id=event)
            outcomes.append((event, "undone"))
        except Conflict as error:
            outcomes.append((event, error.error_code))
        finally:
            connection.close()

    threads = [Beside(target=take_back, args=(event,)) for event in (first, second) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = Counter(outcomes)
    assert (told[second, "undone"], told[second, "already_undone"]) == (1, 2)
    assert told[first, "undone"] <= 1
    assert client.get(URL).json()["n"] == (1 if told[first, "undone"] else 5)
