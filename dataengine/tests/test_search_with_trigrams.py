"""On a server with pg_trgm, a search index finds any part of a text, and helps filters for parts of texts too."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from dataengine.access import get_table
from dataengine.models import Index, Table
from dataengine.postgres import usage
from dataengine.queries.listing import select
from dataengine.records.model import record_model
from dataengine.services import indexes
from dataengine.tests.importing import make_table
from dataengine.tests.indexing import build_waiting, plans_of_selects

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS = ("Ada Lovelace", "Grace Hopper", "Lovely day", "naïve Ωmega", "100 % sure", "under_score", "back\\slash", "ﬁne")
PARTS = ("vel", "LOVE", "lace", "a", "ï", "OMEGA", "ωm", "%", "_", "\\", "0 %", "fin", "ada  lovelace", "nobody", "10")


@pytest.fixture(autouse=True)
def _only_with_trigrams(transactional_db: None) -> None:
    if not usage.has_trigrams():
        pytest.skip("this server has no pg_trgm; test_lists_on_a_newer_server.py starts one that has")


@pytest.fixture
def table(owner: User, client: APIClient) -> Table:
    made = make_table(owner, "t", a="TEXT", b="VARCHAR(50)", n="INTEGER UNIQUE", m="INTEGER")
    records: list[dict[str, Any]] = [{"a": text, "n": 100 + place, "m": 10} for place, text in enumerate(TEXTS)]
    records.append({"b": "velvet", "n": 10})
    assert client.post("/api/tables/t/records/bulk/", {"records": records}).status_code == 201
    return made


def found(client: APIClient, **parameters: Any) -> list[int]:
    answer = client.get("/api/tables/t/records/", parameters)
    assert answer.status_code == 200, answer.content
    return [record["id"] for record in answer.json()["results"]]


def build(owner: User, table: Table) -> Index:
    indexes.set_searchable(user=owner, table=table, searchable=True)
    assert build_waiting() == ["completed"]
    index = Index.objects.get(table=table, column=None)
    assert index.method == Index.Method.TRIGRAM
    return index


def test_it_finds_what_a_search_without_it_finds(client: APIClient, owner: User, table: Table) -> None:
    before = {part: (found(client, search=part), found(client, a__icontains=part)) for part in PARTS}
    assert before["vel"] == ([1, 3, 9], [1, 3])
    build(owner, table)
    for part, (searched, filtered) in before.items():
        assert found(client, a__icontains=part) == filtered, part
        if part != "10":
            assert found(client, search=part) == searched, part
    # Numbers only where an index finds them: n has one, m has none.
    assert found(client, search="10") == [5, 9]
    assert found(client, search="vel", order_by="-a") == [3, 1, 9]
    assert found(client, search="vel", n__gt=101) == [3]


def test_filters_and_searches_use_it(client: APIClient, owner: User, table: Table) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO userdata.t (a) SELECT 'Gewöhnlich ' || md5(i::text) FROM generate_series(1, 20000) i"
        )
    build(owner, table)
    name = f"tk:{table.pk}:search"
    model = record_model(get_table(owner, "t", "view"))
    for parameters in ({"a__icontains": "LOVELACE"}, {"b__icontains": "velv"}):
        assert name in select(model, parameters).records.explain(), parameters
    with plans_of_selects(" LIKE ") as plans:
        assert found(client, search="ovelac") == [1]
    assert len(plans) == 1
    assert name in plans[0]


def test_an_index_for_parts_is_made_automatically(
    client: APIClient, owner: User, table: Table, settings: Settings
) -> None:
    settings.AUTO_INDEX = True
    settings.AUTO_INDEX_AFTER_RECORDS = 1_000
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO userdata.t (a) SELECT 'Gewöhnlich ' || md5(i::text) FROM generate_series(1, 3000) i"
        )
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("ANALYZE userdata.t")
    assert found(client, a__icontains="ovelac") == [1]
    assert build_waiting() == ["completed"]
    index = Index.objects.get()
    assert (index.column, index.method, index.purpose) == (None, Index.Method.TRIGRAM, Index.Purpose.FILTER)
    assert index.because == "lists filtered by texts had to read 3,009 records"
    assert found(client, a__icontains="ovelac") == [1]


def test_very_many_text_columns_are_searched_by_words(client: APIClient, owner: User) -> None:
    made = make_table(owner, "t", **{f"c{number}": "TEXT" for number in range(33)})
    client.post("/api/tables/t/records/", {"c0": "Ada Lovelace", "c32": "wrote programs"})
    indexes.set_searchable(user=owner, table=made, searchable=True)
    assert build_waiting() == ["completed"]
    assert Index.objects.get().method == Index.Method.WORDS
    assert found(client, search="ada progr") == [1]
    assert found(client, search="velace") == []
