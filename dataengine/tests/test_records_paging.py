"""Walking ``next`` (and back) visits every matching record exactly once, in the order of a plain Python model."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from dataengine.exceptions import InvalidInput
from dataengine.queries import paging
from dataengine.queries.listing import select
from dataengine.queries.ordering import Term, parse_ordering
from dataengine.queries.paging import page_by_cursor, page_by_number
from dataengine.records.model import Record, record_model

from .conftest import MakeTable
from .text_order import place

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "t": st.none() | st.sampled_from(["", "a", "B", "b", "é", "e\u0301", "Z z", "10", "9", "009", "É9", "e10", "ß"]),
    "n": st.none() | st.integers(-3, 3),
    "r": st.none() | st.sampled_from([0.1, 0.2, -1.5, math.nan, math.inf]),
    "m": st.integers(0, 2),
}
ORDERS = st.lists(
    st.tuples(st.sampled_from([*VALUES, "id"]), st.booleans()), max_size=4, unique_by=lambda order: order[0]
)

# Parameter, value, and a condition on the record's values by column.
FILTERS: list[tuple[str, str, Callable[[dict[str, Any]], bool]]] = [
    ("n__gte", "0", lambda row: row["n"] is not None and row["n"] >= 0),
    ("n__ne", "1", lambda row: row["n"] != 1),
    ("n__range", "-1,2", lambda row: row["n"] is not None and -1 <= row["n"] <= 2),
    ("n__isnull", "true", lambda row: row["n"] is None),
    ("t__icontains", "B", lambda row: row["t"] in {"B", "b"}),
    ("t__isnull", "false", lambda row: row["t"] is not None),
    ("t__iregex", "^[a-z]", lambda row: (row["t"] or " ")[0].isascii() and (row["t"] or " ")[0].isalpha()),
    ("r__lt", "0.2", lambda row: row["r"] is not None and row["r"] < 0.2),
    ("r__ne", "0.1", lambda row: row["r"] != 0.1),
    ("m__in", "0,2", lambda row: row["m"] != 1),
    ("search", "b", lambda row: row["t"] in {"B", "b"}),
]


def python_order(rows: list[Record], order: list[tuple[str, bool]], nulls: str) -> list[int]:
    """The ids in order: NULLs last (or first) in either direction, NaN above every number."""
    attributes = {column.name: column.attribute for column in rows[0].columns} if rows else {}

    def value_of(row: Record, name: str) -> Any:
        return row.pk if name == "id" else getattr(row, attributes[name])

    def key(row: Record, name: str) -> Any:
        value = value_of(row, name)
        if value is None:
            return (-1, 0)
        if isinstance(value, str):
            return (0, place(value))
        return (1, 0) if isinstance(value, float) and math.isnan(value) else (0, value)

    found = sorted(rows, key=lambda row: row.pk, reverse=order[-1][1] if order else False)
    for name, descending in reversed(order):
        found.sort(key=lambda row: key(row, name), reverse=descending)
        found.sort(key=lambda row: (value_of(row, name) is None) == (nulls != "first"))
    return [row.pk for row in found]


@pytest.fixture
def keys_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find every page but the first by its keys, as for far ones."""
    monkeypatch.setattr(paging, "KEYS_FIRST", 0)
    monkeypatch.setattr(Term, "is_indexed", True)


@pytest.mark.usefixtures("keys_first")
@settings(max_examples=150)
@given(
    st.lists(st.fixed_dictionaries(VALUES), max_size=25),
    ORDERS,
    st.sampled_from(["", "first", "last"]),
    st.lists(st.sampled_from(FILTERS), max_size=2, unique_by=lambda made: made[0]),
    st.integers(1, 7),
)
def test_walking_visits_every_record_once(
    make_table: MakeTable,
    owner: User,
    rows: list[dict[str, Any]],
    order: list[tuple[str, bool]],
    nulls: str,
    filters: list[tuple[str, str, Callable[[dict[str, Any]], bool]]],
    limit: int,
) -> None:
    table = owner.owned_tables.filter(name="walk").first()
    if table is None:
        table = make_table("walk", t="TEXT", n="INTEGER", r="REAL", m="SMALLINT NOT NULL")
    model = record_model(table)
    model.objects.all().delete()
    attributes = {column.name: column.attribute for column in model.columns}
    model.objects.bulk_create(model(**{attributes[name]: value for name, value in row.items()}) for row in rows)
    order_by = ",".join(f"{'-' * descending}{name}" for name, descending in order)
    selection = select(model, {name: value for name, value, _ in filters} | {"order_by": order_by, "nulls": nulls})
    records, terms = selection.records, selection.terms
    kept = [row for row in model.objects.all() if all(holds(row.values()) for _, _, holds in filters)]
    expected = python_order(kept, order, nulls)

    page = page_by_number(records, terms, number=1, limit=limit)
    assert page.previous is None
    forwards, pages = [record.pk for record in page.records], [page]
    while page.next:
        page = page_by_cursor(records, terms, cursor=page.next, limit=limit)
        forwards += [record.pk for record in page.records]
        pages.append(page)
        assert page.number == len(pages)
    assert forwards == expected

    backwards = [record.pk for record in page.records]
    while page.previous:
        page = page_by_cursor(records, terms, cursor=page.previous, limit=limit)
        backwards = [record.pk for record in page.records] + backwards
    assert backwards == expected
    assert page.number == 1

    for number, walked in enumerate(pages, start=1):
        again = page_by_number(records, terms, number=number, limit=limit)
        assert [record.pk for record in again.records] == [record.pk for record in walked.records]
    beyond = page_by_number(records, terms, number=len(pages) + 1, limit=limit)
    assert (beyond.records, beyond.next) == ([], None)
    assert beyond.previous is not None
    last = page_by_cursor(records, terms, cursor=beyond.previous, limit=limit)
    assert [record.pk for record in last.records] == expected[-limit:]


def test_pages_stay_steady_while_records_come_and_go(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="INTEGER")
    client.post("/api/tables/t/records/bulk/", {"records": [{"a": number} for number in range(10)]})
    first = client.get("/api/get-records/?table_name=t&limit=4&order_by=a").json()
    client.delete("/api/tables/t/records/bulk/", {"ids": [1, 4]})
    client.post("/api/insert-record/", {"table_name": "t", "data": {"a": -1}})
    second = client.get(first["next"]).json()
    assert [record["a"] for record in second["results"]] == [4, 5, 6, 7]
    back = client.get(second["previous"]).json()
    assert [record["a"] for record in back["results"]] == [-1, 1, 2]
    assert back["previous"] is None


def test_cursors_belong_to_one_list(client: APIClient, make_table: MakeTable) -> None:
    for name in ("t", "u"):
        make_table(name, a="INTEGER")
        client.post(f"/api/tables/{name}/records/bulk/", {"records": [{"a": number} for number in range(5)]})
    url = client.get("/api/get-records/?table_name=t&limit=2").json()["next"]
    assert client.get(url).status_code == 200
    for wrong in (url.replace("table_name=t", "table_name=u"), url + "&order_by=a", url.replace("cursor=", "cursor=x")):
        answer = client.get(wrong)
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["cursor"])


def test_links_keep_filters(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="INTEGER")
    client.post("/api/tables/t/records/bulk/", {"records": [{"a": number % 2} for number in range(10)]})
    page = client.get("/api/tables/t/records/?a=1&limit=2&order_direction=DESC&page=2").json()
    assert [record["id"] for record in page["results"]] == [6, 4]
    assert [record["id"] for record in client.get(page["next"]).json()["results"]] == [2]
    assert [record["id"] for record in client.get(page["previous"]).json()["results"]] == [10, 8]


@pytest.mark.parametrize("order", ["nope", "-", "id__gt", "?", "pk", "c1", "j"])
def test_unknown_orders(make_table: MakeTable, order: str) -> None:
    model = record_model(make_table("t", a="INTEGER", j="JSONB"))
    with pytest.raises(InvalidInput) as caught:
        parse_ordering(model, order)
    assert list(caught.value.fields) == ["order_by"]


def test_counts(client: APIClient, make_table: MakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dataengine.queries.counts.EXACT_BELOW", 10)
    make_table("t", a="INTEGER")
    client.post("/api/tables/t/records/bulk/", {"records": [{"a": number} for number in range(30)]})
    rough = client.get("/api/get-records/?table_name=t").json()
    assert rough["count_exact"] is False
    assert rough["count"] > 10
    exact = client.get("/api/get-records/?table_name=t&count=exact").json()
    assert (exact["count"], exact["count_exact"]) == (30, True)
    few = client.get("/api/get-records/?table_name=t&a__lt=5").json()
    assert (few["count"], few["count_exact"]) == (5, True)
    # The last page, by number if that is known.
    assert client.get(exact["last"]).json()["page"] == 3
    assert [record["id"] for record in client.get(exact["last"]).json()["results"]] == list(range(21, 31))
    last = client.get(rough["last"]).json()
    assert ([record["id"] for record in last["results"]], last["page_exact"]) == (list(range(21, 31)), False)
    assert (last["next"], last["last"]) == (None, None)


def test_where_very_many_are_expected_a_tenth_is_counted(
    client: APIClient, make_table: MakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enough to find out where PostgreSQL is far off: here it does not know that the filters exclude each other."""
    monkeypatch.setattr("dataengine.queries.counts.EXACT_BELOW", 100)
    make_table("t", a="INTEGER", b="INTEGER")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO userdata.t (a, b) SELECT i % 2, greatest(i % 2, i / 2995) FROM generate_series(1, 3000) i"
        )
        cursor.execute("ANALYZE userdata.t")

    def ask(query: str) -> tuple[Any, str]:
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(f"/api/get-records/?table_name=t&{query}").json()
        limits = [limit for text in asked for limit in re.findall(r"LIMIT (\d+)\) AS counted", text["sql"])]
        return answer["count"] if answer["count_exact"] else "about", ", ".join(limits)

    assert ask("a=0") == ("about", "11")
    assert ask("a=0&b=0") == ("about", "11")
    assert ask("a=0&b=1&limit=2") == (3, "11")
    assert ask("id__lte=50") == (50, "101")
