"""A search index of words finds rare ones at once, and page and API tell what is slow without one."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from dataengine.access import get_table
from dataengine.models import ChangeJob, Table
from dataengine.queries import listing, search
from dataengine.queries.counts import planned_rows
from dataengine.records.model import record_model
from dataengine.services import index_builds, indexes
from dataengine.tests.importing import make_table
from dataengine.tests.indexing import build_waiting, plans_of_selects

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on servers that have trigrams, for which see test_search_with_trigrams.py."""
    monkeypatch.setattr(index_builds, "_has_trigrams", lambda session: False)


@pytest.fixture
def table(owner: User, client: APIClient) -> Table:
    made = make_table(owner, "t", name="TEXT", note="VARCHAR(200)", mail="EMAIL", n="INTEGER UNIQUE", m="INTEGER")
    records: list[dict[str, Any]] = [
        {"name": "Ada Lovelace", "note": "wrote the first program", "mail": "ada@example.com", "n": 7, "m": 8},
        {"name": "Grace Hopper", "note": "found a moth; wrote COBOL's parent", "n": 11, "m": 12},
        {"name": "Lovely day", "note": None, "m": 7},
        {"name": "naïve Ωmega", "note": "it's 'quoted' & (odd) | !not :*"},
    ]
    client.post("/api/tables/t/records/bulk/", {"records": records})
    return made


def found(client: APIClient, text: str, **more: Any) -> list[int]:
    answer = client.get("/api/get-records/", {"table_name": "t", "search": text, **more})
    assert answer.status_code == 200, answer.content
    return [record["id"] for record in answer.json()["results"]]


def build(owner: User, table: Table) -> None:
    indexes.set_searchable(user=owner, table=table, searchable=True)
    assert build_waiting() == ["completed"]


def test_what_it_finds(client: APIClient, owner: User, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(client, "vel") == [1, 3]  # without an index: any part of a text
    build(owner, table)
    for text, expected in {
        "lovelace": [1],
        "LOVE": [1, 3],  # the last word may be incomplete
        "lovelace ada": [1],
        "love ada": [],  # only the last word
        "wrote": [1, 2],
        "program ada@": [1],
        "moth cobol": [2],
        "naïve": [4],
        "ωmega": [4],
        "quoted' & (odd": [4],
        "| ! & :*": [],
        "'": [],
        "7": [1],  # a number: the columns with an index, and the id
        "3": [3],
        "-": [],
    }.items():
        assert found(client, text) == expected, text
    assert found(client, "wrote", order_by="-name") == [2, 1]
    assert found(client, "wrote", n__gt=8) == [2]
    # A common word is looked for record by record, in the order asked for.
    monkeypatch.setattr(search, "RARE", 1)
    assert found(client, "wrote", order_by="-name") == [2, 1]
    assert found(client, "lovelace") == [1]


def test_the_index_is_used(client: APIClient, owner: User, table: Table) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO userdata.t (name) SELECT 'common ' || md5(i::text) FROM generate_series(1, 5000) i")
    build(owner, table)
    with plans_of_selects("@@") as plans:
        assert found(client, "hopper") == [2]
    assert len(plans) == 1
    assert f"tk:{table.pk}:search" in plans[0]


def test_records_of_any_length_can_be_stored(client: APIClient, owner: User, table: Table) -> None:
    build(owner, table)
    long = " ".join(f"wörd{n}é" for n in range(150_000))
    made = client.post("/api/insert-record/", {"table_name": "t", "data": {"name": long}})
    assert made.status_code == 201, made.content
    assert found(client, "wörd77é") == [made.json()["id"]]


def test_too_slow_is_an_answer(client: APIClient, owner: User, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "LIST_SECONDS", 0.2)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION userdata.slow(integer) RETURNS integer LANGUAGE sql IMMUTABLE"
            " RETURN (SELECT $1 FROM pg_sleep(0.3))"
        )
        cursor.execute('ALTER TABLE userdata.t RENAME TO "t0"')
        cursor.execute(
            "CREATE VIEW userdata.t AS SELECT id, name, note, mail, n, userdata.slow(m) AS m FROM userdata.t0"
        )
    try:
        slow = client.get(
            "/api/get-records/", {"table_name": "t", "order_by": "m", "search": "a", "name": "Ada Lovelace"}
        )
        assert slow.status_code == 503
        error = slow.json()["error"]
        assert error["code"] == "query_timeout"
        assert "Sorting by “m” needs an index." in error["message"]
        needed = [(entry["column"], entry["for"], entry["state"]) for entry in error["needs_index"]]
        assert needed == [
            (None, "Searching", None), ("name", "Filtering by “name”", None), ("m", "Sorting by “m”", None),
        ]  # fmt: skip
        # A change in progress ends by itself.
        ChangeJob.objects.create(table=table, user=owner, action="delete", state="running")
        meanwhile = client.get("/api/get-records/", {"table_name": "t", "order_by": "m"}).json()["error"]
        assert "are being changed" in meanwhile["message"]
        assert (meanwhile["code"], meanwhile["needs_index"]) == ("query_timeout", [])
        # The connection is unchanged.
        assert client.get("/api/tables/").status_code == 200
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP VIEW userdata.t")
            cursor.execute("DROP FUNCTION userdata.slow")
            cursor.execute('ALTER TABLE userdata."t0" RENAME TO t')


def test_a_common_word_is_walked_for_at_once(client: APIClient, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics reveal common words: no index lookup that would find half of the table."""
    made = make_table(owner, "many", name="TEXT")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO userdata.many (name) SELECT 'common ' || CASE WHEN i % 100 = 0 THEN 'seldom' ELSE '' END"
            " FROM generate_series(1, 3000) i"
        )
    build(owner, made)
    monkeypatch.setattr(search, "RARE", 100)
    monkeypatch.setattr("dataengine.queries.counts.EXACT_BELOW", 200)
    asked: list[str] = []

    def note(execute: Any, statement: Any, parameters: Any, many: bool, context: Any) -> Any:
        asked.append(str(statement))
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(note):
        for text, looked_up in (("common", False), ("seldom", True)):
            asked.clear()
            assert found(client, text, table_name="many", limit=2) == ([100, 200] if looked_up else [1, 2])
            assert any("enable_seqscan" in statement for statement in asked) is looked_up
            # Nor are they counted only to be estimated.
            assert any("AS counted" in statement for statement in asked) is looked_up
    # How common it is is known, although its beginning might be that of other words.
    model = record_model(get_table(owner, "many", "view"))
    assert 2_000 < planned_rows(listing.select(model, {"search": "common"}).records) <= 3_000
