"""Texts sort as people expect on every server: case, accents and width last, numbers by their size."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from dataengine.models import Table
from dataengine.postgres.text_functions import SORTED_CHARACTERS
from dataengine.queries.listing import select
from dataengine.queries.ordering import whole
from dataengine.records.model import record_model
from dataengine.services import indexes
from dataengine.tests.importing import make_table
from dataengine.tests.indexing import build_waiting
from dataengine.tests.text_order import TEXTS, folded, place

pytestmark = pytest.mark.django_db(transaction=True)

IN_ORDER = [
    "", " ", "a%b", "a-1", "A2", "a2", "a9", "A10", "a010", "a10", "a10 c", "a10b", "abc", "ábc", "apfel", "Äpfel",
    "ÄPFEL B", "cafe\u0301", "café", "Ｃａｆｅ 2", "œuvre", "Ösi", "straße 9", "Strasse 10", "Zoo", "ζ", "Ж", "日本",
]  # fmt: skip


def _rows(statement: str, *parameters: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [row[0] for row in cursor.fetchall()]


@given(st.lists(TEXTS, max_size=30))
def test_the_key_orders_as_an_independent_definition(db: None, texts: list[str]) -> None:
    ordered = _rows('SELECT x FROM unnest(%s::text[]) x ORDER BY tablekeep_functions.sort_key(x) COLLATE "C"', texts)
    assert ordered == sorted(texts, key=place)
    assert _rows(
        "SELECT tablekeep_functions.fold(x) FROM unnest(%s::text[]) WITH ORDINALITY x(x, n) ORDER BY n", texts
    ) == [folded(text) for text in texts]


@given(TEXTS, TEXTS)
def test_keys_are_equal_where_texts_are(db: None, one: str, other: str) -> None:
    (equal,) = _rows("SELECT tablekeep_functions.sort_key(%s) = tablekeep_functions.sort_key(%s)", one, other)
    assert equal == (one == other)


def _filled(owner: User, texts: list[str | None]) -> Table:
    table = make_table(owner, "t", a="TEXT", c="CHOICE('b','A','a10','a9')")
    model = record_model(table)
    attribute = model.columns[0].attribute
    model.objects.bulk_create(model(**{attribute: text}) for text in reversed(texts))
    return table


def _walked(client: APIClient, **parameters: Any) -> list[Any]:
    answer = client.get("/api/get-records/", {"table_name": "t", "limit": 4, **parameters}).json()
    found = [record["a"] for record in answer["results"]]
    while answer["next"]:
        answer = client.get(answer["next"]).json()
        found += [record["a"] for record in answer["results"]]
    return found


@pytest.mark.parametrize("indexed", [False, True])
def test_lists_are_in_that_order(client: APIClient, owner: User, indexed: bool) -> None:
    table = _filled(owner, [None, *IN_ORDER, None])
    if indexed:
        indexes.set_indexed(user=owner, table=table, column=table.columns.get(name="a"), indexed=True)
        assert build_waiting() == ["completed"]
    assert sorted(IN_ORDER, key=place) == IN_ORDER
    assert _walked(client, order_by="a") == [*IN_ORDER, None, None]
    assert _walked(client, order_by="-a") == [*reversed(IN_ORDER), None, None]
    assert _walked(client, order_by="a", nulls="first") == [None, None, *IN_ORDER]
    assert _walked(client, order_by="-a,id", nulls="first") == [None, None, *reversed(IN_ORDER)]
    assert _walked(client, order_by="c,-a") == [*reversed(IN_ORDER), None, None]


def test_comparisons_follow_it(client: APIClient, owner: User) -> None:
    table = _filled(owner, [None, *IN_ORDER])
    for built in (False, True):
        if built:
            indexes.set_indexed(user=owner, table=table, column=table.columns.get(name="a"), indexed=True)
            assert build_waiting() == ["completed"]
        assert _walked(client, order_by="a", a__gte="a9", a__lt="abc") == ["a9", "A10", "a010", "a10", "a10 c", "a10b"]
        assert _walked(client, order_by="a", a__range="apfel,Äpfel") == ["apfel", "Äpfel"]
        assert _walked(client, order_by="a", a__gt="Ж") == ["日本"]
        assert _walked(client, order_by="a", a="apfel") == ["apfel"]
        assert _walked(client, order_by="a", a__in="Zoo,apfel,nothing") == ["apfel", "Zoo"]
        assert _walked(client, a__isnull="true") == [None]
        assert len(_walked(client, a__isnull="false")) == len(IN_ORDER)


def test_choices_are_texts(client: APIClient, owner: User) -> None:
    make_table(owner, "t", a="CHOICE('b','A','a10','a9')")
    records = [{"a": choice} for choice in ("b", "a10", "A", "a9")]
    assert client.post("/api/tables/t/records/bulk/", {"records": records}).status_code == 201
    assert _walked(client, order_by="a") == ["A", "a9", "a10", "b"]


@pytest.mark.parametrize("letter", ["a", "Ä", "語", "😀", "ﷺ", "1", "1 "])
def test_texts_of_any_length_have_a_place_in_an_index(client: APIClient, owner: User, letter: str) -> None:
    common = letter * (SORTED_CHARACTERS - 2)
    texts = [common + end for end in ("", "a", "b" * 9_000, "c")] + [letter * 100_000]
    table = _filled(owner, [*texts])
    indexes.set_indexed(user=owner, table=table, column=table.columns.get(name="a"), indexed=True)
    assert build_waiting() == ["completed"]
    walked = _walked(client, order_by="a", limit=1)
    assert sorted(walked) == sorted(texts)
    backwards = _walked(client, order_by="-a", limit=2)
    assert backwards == walked[::-1]
    assert walked[:2] == sorted(walked[:2], key=place)
    assert _walked(client, order_by="a", a=texts[2]) == [texts[2]]


def test_an_index_gives_the_order_and_finds_what_is_equal(owner: User) -> None:
    table = make_table(owner, "t", a="TEXT", u="TEXT UNIQUE")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO userdata.t (a, u) SELECT nullif('Name ' || i %% 5000, 'Name 7'), i"
            "  FROM generate_series(1, %s) i",
            [20_000],
        )
    for name in ("a", "u"):
        indexes.set_indexed(user=owner, table=table, column=table.columns.get(name=name), indexed=True)
    assert build_waiting() == ["completed", "completed"]
    model = record_model(table)
    key = {column.name: f"tk:{column.pk}:index" for column in model.columns}
    unique = f"tk:{model.columns[1].pk}:unique"
    for parameters, name in (
        ({"order_by": "a"}, key["a"]),
        ({"order_by": "-u"}, key["u"]),
        ({"a": "Name 9"}, key["a"]),
        ({"a__in": "Name 9,Name 10"}, key["a"]),
        ({"a__range": "Name 9,Name 11"}, key["a"]),
        ({"a__isnull": "true"}, key["a"]),
        ({"u": "100"}, unique),
        ({"u__gt": "19990"}, key["u"]),
    ):
        selection = select(model, parameters)
        plan = str(whole(selection.terms)[0].of(selection.records)[:20].explain())
        assert name in plan, (parameters, plan)
