"""Filters: which records each lookup keeps, for every type."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from dataengine.columns.types import REGISTRY
from dataengine.models import Table
from dataengine.queries import filters, listing
from dataengine.queries.filters import record_filterset
from dataengine.records.model import record_model

from .conftest import MakeTable

A, B = "6f2c1b0e-6d5c-4c39-9d0a-3c7f1f9ce1aa", "7f2c1b0e-6d5c-4c39-9d0a-3c7f1f9ce1ab"
ROWS: list[dict[str, Any]] = [
    {"name": "Anna", "n": 1, "p": "0.10", "r": 0.1, "d": "2024-01-31", "ts": "2024-01-31T10:00:00", "b": True, "u": A},
    {"name": "bob, jr", "n": 2, "p": "2.50", "r": 2.5, "d": "2024-02-01", "tz": "2024-02-01T00:30:00Z", "b": False},
    {"name": "50% off_", "n": -3, "p": "3", "r": 1e30, "d": "2023-12-31", "u": B, "j": {"a": 1}, "c": "x"},
    {"name": "", "c": "y"},
    {},
]


@pytest.fixture
def table(client: APIClient, make_table: MakeTable) -> Table:
    made = make_table(
        "t", name="TEXT", n="INTEGER", p="NUMERIC(8,2)", r="REAL", d="DATE", ts="TIMESTAMP", tz="TIMESTAMPTZ",
        b="BOOLEAN", u="UUID", j="JSONB", c="CHOICE('x','y')",
    )  # fmt: skip
    answer = client.post("/api/tables/t/records/bulk/", {"records": ROWS})
    assert answer.status_code == 201
    return made


KEPT: list[tuple[str, list[int]]] = [
    ("name=Anna", [1]), ("name__exact=Anna", [1]), ("name=anna", []), ("name__ne=Anna", [2, 3, 4, 5]),
    ("name__contains=nn", [1]), ("name__contains=%25", [3]), ("name__contains=_", [3]), ("name__icontains=B", [2]),
    ("name__startswith=a", []), ("name__istartswith=a", [1]), ("name__endswith=jr", [2]),
    ("name__iregex=^a.*a$", [1]), ("name__in=Anna,50% off_", [1, 3]), ('name__in="bob, jr",Anna', [1, 2]),
    ("name__in=Anna&name__in=50% off_", [1, 3]), ("name__isnull=true", [5]), ("name__isnull=0", [1, 2, 3, 4]),
    ("name__gt=Am&name__lt=B", [1]), ("name=", [4]), ("name__ne=", [1, 2, 3, 5]),
    ("name__icontains=", [1, 2, 3, 4, 5]),
    ("n=1", [1]), ("n__ne=1", [2, 3, 4, 5]), ("n__lt=2", [1, 3]), ("n__lte=2", [1, 2, 3]), ("n__gt=1", [2]),
    ("n__gte=1", [1, 2]), ("n__range=-3,1", [1, 3]), ("n__in=1,2", [1, 2]), ("n__isnull=yes", [4, 5]),
    ("n=99999999999", []), ("n__lt=99999999999", [1, 2, 3]), ("n__in=1,99999999999", [1]),
    ("n__range=0,99999999999", [1, 2]), ("p=0.1", [1]), ("p__in=0.10,3.00", [1, 3]),
    ("p__lt=99999999999", [1, 2, 3]), ("r=0.1", [1]), ("r__in=0.1,2.5", [1, 2]), ("r__range=0.1,0.1", [1]),
    ("r__lt=2.5", [1]), ("r__ne=0.1", [2, 3, 4, 5]),
    ("d=2024-01-31", [1]), ("d__year=2024", [1, 2]), ("d__month=12", [3]), ("d__day=31", [1, 3]),
    ("d__range=2024-01-01,2024-12-31", [1, 2]), ("ts=2024-01-31T10:00:00", [1]), ("ts__year=2024", [1]),
    ("ts__day=31", [1]), ("ts__month=1", [1]), ("ts__gte=2024-01-31", [1]), ("tz__day=1", [2]),
    ("tz__year=2024", [2]),
    ("tz=2024-02-01T01:30:00%2B01:00", [2]), ("tz__lt=2024-02-01", []), ("b=true", [1]), ("b=no", [2]),
    ("b__ne=true", [2, 3, 4, 5]), ("b__isnull=true", [3, 4, 5]), (f"u={A.upper()}", [1]),
    (f"u__in={A},{B}", [1, 3]),
    ("j__isnull=false", [3]), ("c=x", [3]), ("c__in=x,y", [3, 4]), ("c=z", []), ("id=3", [3]),
    ("id__in=1,5", [1, 5]),
    ("id__gt=3", [4, 5]), ("n__gt=0&name__contains=n", [1]), ("search=ANN", [1]), ("search=b", [2]),
    ("search=50%25", [3]), ("search=2", [2]), ("search=2.5", [2]), (f"search={A}", [1]), ("search=-3", [3]),
    ("search=" + "9" * 25, []), ("search=zzz", []), ("search=", [1, 2, 3, 4, 5]), ("search=nan", []),
    ("search=x&n__isnull=false", [3]),
    ("n=1&b=no&match=any", [1, 2]), ("n=1&match=any", [1]), ("match=any", [1, 2, 3, 4, 5]),
    ("n__gte=1&n__lt=2&c=y&match=any", [1, 4]), ("n__lt=0&n__gt=1&match=any", [2, 3]),
    ("n__ne=1&c=x&match=any", [2, 3, 4, 5]), ("n=1&c=x&search=anna&match=any", [1]),
    ("n__lt=99999999999&c=y&match=any", [1, 2, 3, 4]), ("name__gt=Am&name__lt=b&match=any", [1, 2, 3, 4]),
]  # fmt: skip


def test_keeps(client: APIClient, table: Table, subtests: pytest.Subtests) -> None:
    for query, ids in KEPT:
        with subtests.test(query=query, ids=ids):
            answer = client.get(f"/api/get-records/?table_name=t&{query}")
            assert answer.status_code == 200, answer.content
            assert [record["id"] for record in answer.json()["results"]] == ids
            assert answer.json()["count"] == len(ids)


@pytest.mark.parametrize("name", ["name__in", "n__in", "id__in", "n__range"])
def test_no_value_at_all_is_no_filter_left_out(client: APIClient, table: Table, name: str) -> None:
    answer = client.get(f"/api/tables/t/records/?{name}=")
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [name])
    assert client.get("/api/tables/t/records/?n__gt=").json()["count"] == 5  # as forms send it


def test_many_records_are_changed_that_meet_any_condition(client: APIClient, table: Table) -> None:
    def change(**conditions: Any) -> Any:
        return client.patch("/api/tables/t/records/bulk/", {"filter": conditions, "data": {"n": 7}})

    assert change(match="any").status_code == 400
    assert change(match="some", n=1).json()["error"]["fields"].keys() == {"match"}
    assert change(match="any", **{f"n__{x}": "1" for x in ("lt", "gt")}, name="Anna", c="y").json()["updated"] == 4


def test_every_lookup_of_every_type_works(client: APIClient, make_table: MakeTable) -> None:
    samples = {
        "text": "x", "longtext": "x", "varchar": "x", "smallint": "1", "integer": "1", "bigint": "1", "numeric": "1.5",
        "real": "1.5", "double": "1.5", "boolean": "true", "date": "2024-01-31", "time": "10:00",
        "timestamp": "2024-01-31T10:00", "timestamptz": "2024-01-31T10:00Z", "duration": "25:00:00", "uuid": A,
        "email": "a@example.com", "url": "http://a.example", "choice": "x", "choices": "x", "texts": "x",
        "reference": "1", "json": "1", "jsonb": "1",
    }  # fmt: skip
    make_table("other", a="TEXT")
    types = {name: REGISTRY[name].sql_names[0] for name in REGISTRY} | {
        "choice": "CHOICE('x')",
        "choices": "CHOICES('x')",
        "reference": "REFERENCES other",
    }
    made = make_table("t", **{f"c_{name}": text for name, text in types.items()})
    columns = list(made.columns.all())
    for column in columns:
        for lookup in column.kind.lookups:
            value = "true" if lookup == "isnull" else "7" if lookup in {"month", "day"} else samples[column.type]
            value = "2024" if lookup == "year" else f"{value},{value}" if lookup in {"in", "range"} else value
            answer = client.get(f"/api/tables/t/records/?{column.name}__{lookup}={value}")
            assert answer.status_code == 200, (column.name, lookup, answer.content)
    assert client.get("/api/tables/t/records/?c_json__exact=1").status_code == 400


@pytest.mark.parametrize("name", ["page", "search", "match", "order_by", "format", "count", "cursor", "table_name"])
def test_columns_named_like_parameters(client: APIClient, make_table: MakeTable, name: str) -> None:
    make_table("t", **{name: "TEXT"})
    for value in ("a", "b"):
        assert client.post("/api/tables/t/records/", {name: value}).status_code == 201
    answer = client.get(f"/api/tables/t/records/?{name}__exact=b&order_by={name}")
    assert [record[name] for record in answer.json()["results"]] == ["b"]


@pytest.mark.parametrize("name", ["objects", "save", "pk", "c1", "c2", "_meta", "columns", "values", "DoesNotExist"])
def test_columns_named_like_the_models_own_words(client: APIClient, make_table: MakeTable, name: str) -> None:
    make_table("t", **{name: "INTEGER", "other": "TEXT"})
    made = client.post("/api/tables/t/records/", {name: 5, "other": "x"})
    assert made.json() == {"id": 1, name: 5, "other": "x"}
    assert client.patch("/api/tables/t/records/1/", {name: 6}).json()[name] == 6
    assert client.get(f"/api/tables/t/records/?{name}__gte=6&order_by=-{name}").json()["count"] == 1


def test_the_resource_takes_a_verbs_envelope_unless_a_column_is_called_data(
    client: APIClient, make_table: MakeTable
) -> None:
    make_table("t", a="TEXT")
    make_table("u", data="JSONB")
    assert client.post("/api/tables/t/records/", {"data": {"a": "x"}}).json() == {"id": 1, "a": "x"}
    assert client.post("/api/tables/u/records/", {"data": {"a": "x"}}).json() == {"id": 1, "data": {"a": "x"}}


def test_only_filters_asked_for_are_made(table: Table) -> None:
    filterset = record_filterset(record_model(table))({"n__gt": "1", "page": "2"})
    assert list(filterset.filters) == ["n__gt"]
    assert filterset.is_filtered
    assert not record_filterset(table)({"n": ""}).is_filtered


def test_a_regular_expression_that_takes_ages_is_refused(
    client: APIClient, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(filters, "_COMPILE_SECONDS", 0.1)
        answer = client.get("/api/tables/t/records/", {"name__iregex": "(.*.*.*.*.*.*.*){0,200}$"})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["name__iregex"])
    assert client.get("/api/tables/t/records/?name__iregex=^a").json()["count"] == 1


def test_a_comparison_that_takes_ages_is_given_up(
    client: APIClient, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE userdata.t SET name = 'a' || (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 9) i)"
        )
    slow = r"^(.+)(.+)(.+)(.+)\4\3\2\1$"  # PostgreSQL tries every way of splitting the text
    with monkeypatch.context() as patched:
        patched.setattr(listing, "LIST_SECONDS", 0.2)
        answer = client.get("/api/tables/t/records/", {"name__iregex": slow})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "query_timeout")
    assert client.get("/api/tables/t/records/?name__iregex=^a").json()["count"] == 5
    # A worker would try for ever.
    answer = client.patch("/api/tables/t/records/bulk/", {"filter": {"name__iregex": slow}, "data": {"name": "x"}})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["name__iregex"])
