"""A list in groups: each value of a column once, in order, with how many records have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from dataengine.access import get_table
from dataengine.exceptions import InvalidInput
from dataengine.models import Table
from dataengine.queries import groups
from dataengine.queries.listing import select
from dataengine.records.model import record_model
from dataengine.services import bulk_records, indexes
from dataengine.tests.importing import make_table
from dataengine.tests.indexing import build_waiting

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = ["a9", "Zoo", "apfel", "a10", "Äpfel", None, "a9", "", "x" * 400, "x" * 401]


def found(owner: User, column: str, number: int = 1, **parameters: str) -> list[tuple[Any, int]]:
    table = get_table(owner, "t", "view")
    selection = select(record_model(table), parameters)
    of = next(each for each in table.all_columns() if each.name == column)
    page = groups.grouped(selection, of, number=number)
    for group in page.groups:
        assert len(groups.records_of(selection, of, group.value, limit=100)) == group.count.value
    return [(group.value, group.count.value) for group in page.groups]


def test_values_come_once_in_order_with_an_index_and_without(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    table = make_table(owner, "t", word="TEXT", n="REAL", day="DATE")
    records = [{"word": word, "n": 0.1 if number % 3 else None} for number, word in enumerate(WORDS)]
    bulk_records.insert_many(user=owner, table=table, records=records)
    words = [("", 1), ("a9", 2), ("a10", 1), ("apfel", 1), ("Äpfel", 1), ("x" * 400, 1), ("x" * 401, 1), ("Zoo", 1)]

    def check() -> None:
        assert found(owner, "word") == [*words, (None, 1)]
        assert found(owner, "word", order_by="-word") == [*reversed(words), (None, 1)]
        assert found(owner, "n") == [(pytest.approx(0.1), 6), (None, 4)]
        assert found(owner, "day") == [(None, 10)]
        assert found(owner, "word", word__istartswith="a", match="any", n__isnull="true") == [
            ("a9", 2), ("a10", 1), ("apfel", 1), ("Äpfel", 1), ("x" * 401, 1),
        ]  # fmt: skip

    check()
    for column in table.columns.all():
        indexes.set_indexed(user=owner, table=table, column=column, indexed=True)
    assert build_waiting() == ["completed"] * 3
    check()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE userdata.t")
    monkeypatch.setattr(groups, "_LARGE", 5)
    monkeypatch.setattr(groups, "_PER_VALUE", 0.01)
    walk, walked = groups._walked, []

    def noted(*args: Any) -> list[groups.Group]:
        walked.append(args)
        return walk(*args)

    monkeypatch.setattr(groups, "_walked", noted)
    check()
    assert walked
    walked.clear()
    monkeypatch.setattr(groups, "_PER_VALUE", 1000)  # to walk would take longer than to read all
    check()
    assert not walked
    monkeypatch.setattr(groups, "_PER_VALUE", 0.01)
    monkeypatch.setattr(groups, "MOST", 3)
    assert found(owner, "word", 2) == words[3:6]


def test_what_cannot_be_grouped_by_is_said(owner: User) -> None:
    table: Table = make_table(owner, "t", j="JSONB", a="TEXT")
    model = record_model(get_table(owner, "t", "view"))
    for name in ("j", "nope", "id"):
        with pytest.raises(InvalidInput) as refused:
            groups.column_named(model, name)
        assert list(refused.value.fields) == ["group"]
    assert groups.column_named(model, "a") == table.columns.get(name="a")


def test_the_api_counts_them_and_leads_to_their_records(client: APIClient, owner: User) -> None:
    people = make_table(owner, "people", name="TEXT")
    bulk_records.insert_many(user=owner, table=people, records=[{"name": "Ann"}])
    table = make_table(owner, "t", word="TEXT", price="NUMERIC", boss="REFERENCES people")
    rows = [("a", "1.50", 1), ("a", "1.50", None), ("", "2", None), (None, "3", 1)]
    records = [{"word": word, "price": price, "boss": boss} for word, price, boss in rows]
    bulk_records.insert_many(user=owner, table=table, records=records)
    address = "/api/tables/t/groups/"

    def ask(**asked: str) -> list[tuple[Any, int]]:
        answer = client.get(address, asked)
        assert answer.status_code == 200, answer.content
        for group in answer.json()["results"]:
            listed = client.get(group["records_url"]).json()
            assert (listed["count"], group["count_exact"]) == (group["count"], True)
        return [(group["value"], group["count"]) for group in answer.json()["results"]]

    assert ask(group="word") == [("", 1), ("a", 2), (None, 1)]
    assert ask(group="word", order_by="-word", price__lt="3") == [("a", 2), ("", 1)]
    assert ask(group="price", search="a") == [("1.50", 2)]
    of_boss = client.get(address, {"group": "boss", "word": "a", "price": "1.5", "match": "any"}).json()
    assert [(one["value"], one["label"], one["records_url"]) for one in of_boss["results"]] == [
        (1, "Ann", None), (None, None, None),
    ]  # fmt: skip
    for wrong in ({}, {"group": "nope"}, {"group": "word", "page": "0"}, {"group": "word", "nope": "1"}):
        assert client.get(address, wrong).status_code == 400, wrong
    bulk_records.insert_many(user=owner, table=table, records=[{"word": f"w{n:03}"} for n in range(150)])
    first = client.get(address, {"group": "word"}).json()
    second = client.get(first["next"]).json()
    assert (len(first["results"]), first["previous"], len(second["results"]), second["next"]) == (100, None, 53, None)
    assert client.get(second["previous"]).json() == first
