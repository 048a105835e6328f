"""If a list has to read very many records without an index, the index is made automatically."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from django.db import OperationalError, connection
from psycopg import errors
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from conftest import LiveServer
from dataengine.access import get_table
from dataengine.models import AuditEvent, Index, Table
from dataengine.queries import paging
from dataengine.queries.listing import Selection, select
from dataengine.records.model import record_model
from dataengine.services import automatic_indexes
from dataengine.tests.automatic_indexes import ROWS, ask, made
from dataengine.tests.automatic_indexes import goods as goods
from dataengine.tests.automatic_indexes import many_is_few as many_is_few
from dataengine.tests.bells import rung
from dataengine.tests.indexing import build_waiting
from dataengine.tests.waiting import until

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"order_by": "price"}, ("price", "sort", ROWS)),
        ({"order_by": "-price,name"}, ("price", "sort", ROWS)),
        ({"order_by": "name", "nulls": "first"}, ("name", "sort", ROWS)),
        ({"n": "7"}, ("n", "filter", ROWS)),
        ({"n__in": "7,8"}, ("n", "filter", ROWS)),
        ({"day__gte": "2028-01-01"}, ("day", "filter", ROWS)),
        ({"ratio__range": "5,6"}, ("ratio", "filter", ROWS)),
        ({"ok__isnull": "true"}, ("ok", "filter", ROWS)),
        ({"seen__year": "1999"}, ("seen", "filter", ROWS)),
        ({"kind": "none"}, ("kind", "filter", ROWS)),
        ({"name__startswith": "Nam"}, ("name", "filter", ROWS)),
        ({"name__istartswith": "NAMES"}, ("name", "filter", ROWS)),
        ({"search": "name 77"}, (None, "search", ROWS)),
        # Of several filters the one that finds the fewest; what it leaves is sorted at once.
        ({"kind": "k3", "n": "7", "order_by": "price"}, ("n", "filter", ROWS)),
    ],
)
def test_what_had_to_read_very_many_records_has_its_index_made(
    parameters: dict[str, str], expected: tuple[str | None, str, int], client: APIClient, goods: Table
) -> None:
    first = ask(client, **parameters).json()["results"]
    assert made() == [expected]
    [index] = Index.objects.all()
    assert rung() == [("build_index", index.pk)]
    event = AuditEvent.objects.get(action="index.requested")
    assert (event.user, event.details["because"]) == (None, index.because)
    assert build_waiting() == ["completed"]
    assert ask(client, **parameters).json()["results"] == first
    assert made() == [expected]


NOT_HELPED: list[dict[str, str]] = [
    {},
    {"order_by": "-id"},
    {"id__gte": "5"},
    {"name__iregex": "7$"},  # nothing would help
    {"name__endswith": "7"},
    {"name__startswith": "é"},
    {"extra__isnull": "false"},
    {"n__ne": "7"},
    {"order_by": "price", "id": "7"},  # one record is sorted
    {"n": "7", "id__in": "7,8"},
]


def test_what_did_not_or_what_no_index_helps_asks_for_none(
    client: APIClient, goods: Table, subtests: pytest.Subtests
) -> None:
    for parameters in NOT_HELPED:
        with subtests.test(parameters=parameters):
            assert ask(client, **parameters).status_code == 200
            assert made() == []


def test_what_is_met_soon_is_not_looked_for_to_the_end(
    client: APIClient, goods: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the records: the first page of them is at the beginning, and nobody counts them to the last."""
    monkeypatch.setattr("dataengine.queries.counts.EXACT_BELOW", 100)
    monkeypatch.setattr("dataengine.queries.needs.EXACT_BELOW", 100)
    assert not ask(client, ok="true").json()["count_exact"]
    assert made() == []
    ask(client, ok="true", order_by="price")  # but all of them are sorted
    assert made() == [("price", "sort", ROWS)]


def test_small_tables_are_left_alone(client: APIClient, goods: Table, settings: Settings) -> None:
    settings.AUTO_INDEX_AFTER_RECORDS = ROWS
    ask(client, order_by="price")
    assert made() == []


def test_it_can_be_switched_off(client: APIClient, goods: Table, settings: Settings) -> None:
    settings.AUTO_INDEX = False
    ask(client, order_by="price")
    ask(client, search="name 77")
    assert made() == []


def test_the_answer_that_takes_too_long_says_that_it_is_on_its_way(
    client: APIClient, goods: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(*args: object, **options: object) -> None:
        raise OperationalError("canceling statement due to statement timeout") from errors.QueryCanceled()

    monkeypatch.setattr("dataengine.queries.paging.page_by_number", page)
    error = ask(client, order_by="price").json()["error"]
    assert error["code"] == "query_timeout"
    assert "which is being built" in error["message"]
    assert error["needs_index"] == [{"column": "price", "for": "Sorting by “price”", "state": "queued"}]
    assert made() == [("price", "sort", ROWS)]


def test_what_takes_too_long_read_too_many_however_few(
    client: APIClient, goods: Table, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    def page(*args: object, **options: object) -> None:
        raise OperationalError("canceling statement due to statement timeout") from errors.QueryCanceled()

    settings.AUTO_INDEX_AFTER_RECORDS = ROWS
    ask(client, order_by="price")
    assert made() == []
    monkeypatch.setattr("dataengine.queries.paging.page_by_number", page)
    ask(client, order_by="price")
    assert made() == []  # so few that something else is the matter
    monkeypatch.setattr(automatic_indexes, "EXACT_BELOW", 1_000)
    ask(client, order_by="price")
    assert made() == [("price", "sort", ROWS)]


def test_many_who_ask_at_once_get_one(client: APIClient, goods: Table, owner: User, live_asgi: LiveServer) -> None:
    """In requests of their own, on connections of their own."""
    headers = {"Authorization": f"Bearer {RefreshToken.for_user(owner).access_token}"}

    def one(_: int) -> int:
        url = f"{live_asgi.url}/api/tables/goods/records/"
        return httpx.get(url, params={"order_by": "price"}, headers=headers, timeout=120).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(24))) == {200}
    assert made() == [("price", "sort", ROWS)]
    assert AuditEvent.objects.filter(action="index.requested").count() == 1


@pytest.mark.usefixtures("celery_worker")
def test_a_worker_builds_it_and_the_next_list_walks_it(client: APIClient, goods: Table, owner: User) -> None:
    assert "Sort" in plan(owner, order_by="-price")
    ask(client, order_by="-price")
    until(lambda: Index.objects.get().state == "completed")
    walked = plan(owner, order_by="-price")
    assert f"tk:{goods.columns.get(name='price').pk}:index" in walked
    assert "Sort" not in walked


def plan(user: User, **parameters: str) -> str:
    """How PostgreSQL takes the first page of a list."""
    table = get_table(user, "goods", "view")
    selection: Selection = select(record_model(table), parameters)
    shown: list[str] = []

    def explained(execute: Any, statement: Any, values: Any, many: bool, context: Any) -> Any:
        if statement.startswith("SELECT"):
            with connection.cursor() as cursor:
                cursor.cursor.execute("EXPLAIN (FORMAT JSON) " + statement, values)
                shown.append(json.dumps(cursor.cursor.fetchall()))
        return execute(statement, values, many, context)

    with connection.execute_wrapper(explained):
        paging.page_by_number(selection.records, selection.terms, number=1, limit=10)
    return " ".join(shown)
