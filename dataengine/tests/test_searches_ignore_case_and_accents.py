"""A search, ``icontains`` and ``istartswith`` find a text however it is written; ``contains`` wants its letters."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from dataengine.models import Index
from dataengine.postgres.text_expressions import holds
from dataengine.queries import references
from dataengine.records.model import record_model
from dataengine.services import indexes
from dataengine.tests.importing import make_table
from dataengine.tests.indexing import build_waiting
from dataengine.tests.text_order import TEXTS, folded, written_otherwise

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS_HERE = [
    "Café au lait", "CAFE\u0301 NOIR", "cafeteria", "Ｃａｆé", "Straße", "STRASSE", "Øresund", "50% off", "50x off",
    "a_b", "axb", "Łódź", "Москва", "МОСКВА река", "５０％ weg", "a\\b",
]  # fmt: skip


@pytest.fixture
def client_of_texts(client: APIClient, owner: User) -> APIClient:
    make_table(owner, "t", a="TEXT", c="CHOICE('Été','Hiver')")
    records = [{"a": text} for text in TEXTS_HERE] + [{"c": "Été"}]
    assert client.post("/api/tables/t/records/bulk/", {"records": records}).status_code == 201
    return client


def found(client: APIClient, **parameters: str) -> list[str]:
    answer = client.get("/api/get-records/", {"table_name": "t", "limit": "100", **parameters})
    assert answer.status_code == 200, answer.content
    return [record["a"] or record["c"] for record in answer.json()["results"]]


def test_a_search_of_any_spelling(client_of_texts: APIClient, owner: User) -> None:
    client = client_of_texts
    cafes = TEXTS_HERE[:4]
    for text in ("café", "cafe\u0301", "CAFÉ", "cafe", "ＣＡＦＥ"):
        assert found(client, search=text) == cafes, text
        assert found(client, a__icontains=text) == cafes, text
        assert found(client, a__istartswith=text) == cafes, text
    assert found(client, search="strasse") == found(client, search="Straße") == ["Straße", "STRASSE"]
    assert found(client, search="ore") == ["Øresund"]
    assert found(client, search="lodz") == ["Łódź"]
    assert found(client, search="москва") == ["Москва", "МОСКВА река"]
    assert found(client, search="ete") == ["cafeteria", "Été"]
    assert found(client, a__icontains="0%") == ["50% off", "５０％ weg"]
    assert found(client, a__icontains="A_B") == ["a_b"]
    assert found(client, a__icontains="\\") == ["a\\b"]
    assert found(client, a__contains="café") == []
    assert found(client, a__contains="Café") == ["Café au lait"]
    assert found(client, a__startswith="Caf") == ["Café au lait"]
    assert found(client, a="cafe") == []
    indexes.set_searchable(user=owner, table=owner.owned_tables.get(name="t"), searchable=True)
    assert build_waiting() == ["completed"]
    for text in ("café", "cafe\u0301", "ＣＡＦＥ"):
        assert found(client, search=text) == cafes, text
    assert found(client, search="reka") == []
    assert found(client, search="РЕКА moск") == []
    # Trigrams find parts as they stand in a text, an index of words finds words in any order.
    has_words = Index.objects.get(column=None).method == Index.Method.WORDS
    assert found(client, search="река моск") == (["МОСКВА река"] if has_words else [])
    assert found(client, search="москва рек") == ["МОСКВА река"]
    assert found(client, search="strasse") == ["Straße", "STRASSE"]


def test_the_search_index_is_used(client_of_texts: APIClient, owner: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO userdata.t (a) SELECT 'Gewöhnlich ' || i FROM generate_series(1, 20000) i")
    table = owner.owned_tables.get(name="t")
    indexes.set_searchable(user=owner, table=table, searchable=True)
    assert build_waiting() == ["completed"]
    method = Index.objects.get(table=table, column=None).method
    model = record_model(table)
    if method == Index.Method.TRIGRAM:
        condition = holds(model.columns[0], "icontains", "øresu")
        assert f"tk:{table.pk}:search" in model.objects.filter(condition).explain()
    statements: list[str] = []

    def note(execute: Any, statement: Any, parameters: Any, many: bool, context: Any) -> Any:
        statements.append(statement % parameters if parameters else statement)
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(note):
        assert found(client_of_texts, search="ORESUND") == ["Øresund"]
    assert any("ANY" in statement or " IN (" in statement for statement in statements)


@given(TEXTS, st.data())
def test_whatever_is_written_otherwise_is_found(owner: User, text: str, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from(sorted(written_otherwise(text))))
    table = owner.owned_tables.filter(name="w").first() or make_table(owner, "w", a="TEXT")
    model = record_model(table)
    model.objects.all().delete()
    attribute = model.columns[0].attribute
    model.objects.create(**{attribute: f"before {text} after"})
    expected = folded(other) in folded(f"before {text} after")
    assert model.objects.filter(holds(model.columns[0], "icontains", other)).exists() == expected
    if folded(other) == folded(text):
        assert expected


def test_records_to_refer_to_are_found_so(owner: User) -> None:
    table = make_table(owner, "people", name="TEXT")
    model = record_model(table)
    attribute = model.columns[0].attribute
    for name in ("Zoë", "Éva 10", "eva 9", "Adèle", "Noé"):
        model.objects.create(**{attribute: name})
    assert [entry["label"] for entry in references.find(table, "E")] == [
        "eva 9", "Éva 10", "Adèle", "Noé", "Zoë",
    ]  # fmt: skip
    assert references.resolve(table, "Noé") == 5
