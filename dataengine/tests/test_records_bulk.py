"""Many records in one call: all or nothing, errors by index, in statements over the whole set."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from dataengine.models import AuditEvent, Table

from .conftest import MakeTable

URL = "/api/tables/t/records/bulk/"


@pytest.fixture
def table(make_table: MakeTable) -> Table:
    return make_table("t", a="TEXT UNIQUE", n="INTEGER NOT NULL DEFAULT 0", r="REFERENCES t")


def rows(client: APIClient) -> list[tuple[Any, ...]]:
    found = client.get("/api/tables/t/records/?limit=1000").json()["results"]
    return [(row["id"], row["a"], row["n"]) for row in found]


def faults(answer: Any) -> list[tuple[int, list[str]]]:
    assert answer.status_code == 400, answer.content
    return [(fault["index"], sorted(fault["fields"])) for fault in answer.json()["error"]["records"]]


def test_inserts_in_order(client: APIClient, table: Table) -> None:
    answer = client.post(URL, {"records": [{"a": "x"}, {"a": "y", "n": 5}, {}, {"a": "z", "r": None}]})
    assert answer.status_code == 201
    undo = f"http://testserver/api/tables/t/undo/{answer['X-Undo']}/"
    assert answer.json() == {"ids": [1, 2, 3, 4], "undo": undo}
    assert rows(client) == [(1, "x", 0), (2, "y", 5), (3, None, 0), (4, "z", 0)]


def test_every_invalid_record_is_named(client: APIClient, table: Table) -> None:
    records = [{"a": "x"}, {"n": "many"}, {"nope": 1, "a": 5}, [], "text", {"n": None}, {"id": 7}]
    answer = client.post(URL, {"records": records})
    assert faults(answer) == [(1, ["n"]), (2, ["nope"]), (3, ["data"]), (4, ["data"]), (5, ["n"]), (6, ["id"])]
    assert rows(client) == []


def test_every_record_that_postgresql_refuses_is_named(client: APIClient, table: Table) -> None:
    client.post(URL, {"records": [{"a": "taken"}]})
    records = [{"a": str(number)} for number in range(50)]
    records[7] = {"a": "6"}
    records[20] = {"a": "taken"}
    records[33] = {"a": "ok", "r": "99999"}
    records[49] = {"a": "0"}
    answer = client.post(URL, {"records": records})
    assert faults(answer) == [(7, ["a"]), (20, ["a"]), (33, ["r"]), (49, ["a"])]
    assert len(rows(client)) == 1
    assert AuditEvent.objects.filter(action="records.inserted").count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {}, {"records": []}, {"records": {}}, {"records": None}, {"records": "x"}, {"nope": []}, {"ids": [1]},
        {"records": [{}] * 10_001}, {"records": [{}], "filter": {}},
    ],
)  # fmt: skip
def test_bad_bodies(client: APIClient, table: Table, body: dict[str, Any]) -> None:
    answer = client.post(URL, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["fields"]
    assert rows(client) == []


def test_updates_name_their_own_columns(client: APIClient, table: Table) -> None:
    client.post(URL, {"records": [{"a": "x", "n": 1}, {"a": "y", "n": 2}, {"a": "z", "n": 3}]})
    records = [{"id": 3, "data": {"n": 30}}, {"id": 1, "data": {"a": "xx", "n": 10}}, {"id": 2, "data": {}}]
    assert client.patch(URL, {"records": records}).json()["updated"] == 3
    assert rows(client) == [(1, "xx", 10), (2, "y", 2), (3, "z", 30)]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([{"id": 1, "data": {"a": "new"}}, {"id": 9, "data": {}}], [(1, ["id"])]),
        ([{"id": 1, "data": {}}, {"id": 1, "data": {}}], [(1, ["id"])]),
        ([{"id": 1, "data": {"a": "new"}}, {"id": 2, "data": {"a": "z"}}], [(1, ["a"])]),
        ([{"id": 1, "data": {"n": None}}, {"id": "x", "data": {}}, {"data": {}}, 5], [
            (0, ["n"]), (1, ["id"]), (2, ["*"]), (3, ["*"])]),
        ([{"id": 1, "data": {"r": 77}}], [(0, ["r"])]),
        ([{"id": True, "data": {}}, {"id": 1.5, "data": {}}, {"id": 10**30, "data": {}}], [
            (0, ["id"]), (1, ["id"]), (2, ["id"])]),
    ],
)  # fmt: skip
def test_bad_updates_change_nothing(
    client: APIClient, table: Table, records: list[Any], expected: list[tuple[int, list[str]]]
) -> None:
    client.post(URL, {"records": [{"a": "x"}, {"a": "y"}, {"a": "z"}]})
    before = rows(client)
    assert faults(client.patch(URL, {"records": records})) == expected
    assert rows(client) == before


def test_changing_and_deleting_what_matches(client: APIClient, table: Table) -> None:
    client.post(URL, {"records": [{"a": str(number), "n": number} for number in range(10)]})
    assert client.patch(URL, {"filter": {"n__gte": 7}, "data": {"n": 0}}).json()["updated"] == 3
    assert client.delete(URL, {"filter": {"n": 0, "a__in": ["7", "8"]}}).json()["deleted"] == 2
    # The text "5", and the id 5.
    assert client.delete(URL, {"filter": {"search": "5"}}).json()["deleted"] == 2
    assert [row[1] for row in rows(client)] == ["0", "1", "2", "3", "6", "9"]
    refused = client.patch(URL, {"filter": {"n": 0}, "data": {"a": "same"}})
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["a"])


SELECTING_EVERYTHING: list[object] = [
    {},
    None,
    [],
    "n=1",
    {"n": ""},
    {"n": None},
    {"n__in": []},
    {"nope": 1},
    {"n__nope": 1},
    {"page": 1},
    {"n": {}},
]


def test_filters_that_would_select_everything_are_refused(
    client: APIClient, table: Table, subtests: pytest.Subtests
) -> None:
    client.post(URL, {"records": [{"a": "x"}, {"a": "y"}]})
    for conditions in SELECTING_EVERYTHING:
        with subtests.test(conditions=conditions):
            for answer in (
                client.delete(URL, {"filter": conditions}),
                client.patch(URL, {"filter": conditions, "data": {"n": 9}}),
            ):
                assert answer.status_code == 400
                assert answer.json()["error"]["fields"]
            assert [row[2] for row in rows(client)] == [0, 0]


def test_deleting_by_id(client: APIClient, table: Table) -> None:
    client.post(URL, {"records": [{"a": "x"}, {"a": "y"}, {"a": "z"}]})
    assert faults(client.delete(URL, {"ids": [1, 99, "x", 1]})) == [(2, ["id"])]
    assert faults(client.delete(URL, {"ids": [1, 99]})) == [(1, ["id"])]
    client.patch("/api/tables/t/records/3/", {"r": 1})
    referenced = client.delete(URL, {"ids": [1, 2]})
    assert (referenced.status_code, referenced.json()["error"]["code"]) == (409, "referenced")
    assert len(rows(client)) == 3
    assert client.delete(URL, {"ids": [1, 3]}).json()["deleted"] == 2
    assert rows(client) == [(2, "y", 0)]


def test_a_full_call_takes_few_statements(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT UNIQUE", n="INTEGER")
    records = [{"a": str(number), "n": number} for number in range(10_000)]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        ids = client.post(URL, {"records": records}).json()["ids"]
    assert len(ids) == 10_000
    assert ids == sorted(ids)
    assert len(queries) < 20
    changes = [{"id": pk, "data": {"n": pk + 1}} for pk in ids]
    with CaptureQueriesContext(connection) as queries:
        assert client.patch(URL, {"records": changes}).json()["updated"] == 10_000
    assert len(queries) < 20
    changes = [{"id": pk, "data": {"n": 0} if pk % 3 else {"a": f"x{pk}"} if pk % 2 else {}} for pk in ids]
    with CaptureQueriesContext(connection) as queries:
        assert client.patch(URL, {"records": changes}).json()["updated"] == 10_000
    assert len(queries) < 20
    with CaptureQueriesContext(connection) as queries:
        assert client.delete(URL, {"ids": ids}).json()["deleted"] == 10_000
    assert len(queries) < 20


def test_values_of_every_type_arrive_and_the_others_stay(client: APIClient, make_table: MakeTable) -> None:
    types = {
        "a": "TEXT", "v": "VARCHAR(5)", "s": "SMALLINT", "i": "BIGINT", "n": "NUMERIC(8,2)", "r": "REAL",
        "x": "DOUBLE PRECISION", "b": "BOOLEAN", "d": "DATE", "h": "TIME", "t": "TIMESTAMP", "z": "TIMESTAMPTZ",
        "u": "UUID", "j": "JSONB", "k": "JSON", "c": "CHOICE('one','two')", "e": "EMAIL", "o": "REFERENCES t",
    }  # fmt: skip
    make_table("t", **types)
    full: dict[str, Any] = {
        "a": 'quote" \\ {comma, NULL}', "v": "12345", "s": -5, "i": 2**62, "n": "-0.10", "r": 0.1,
        "x": 1e300, "b": False, "d": "0001-01-01", "h": "23:59:59.000001", "t": "2024-02-29T12:00:00.5",
        "z": "2024-02-29T12:00:00Z",
        "u": "6f2c1b0e-6d5c-4c39-9d0a-3c7f1f9ce1aa", "j": {"deep": [1, None, "ü"]}, "k": [1.5], "c": "two",
        "e": "a@example.com", "o": 1,
    }  # fmt: skip
    client.post(URL, {"records": [{}, full, full, {}]})
    [_, stored, _, _] = client.get("/api/tables/t/records/").json()["results"]
    odd = {name: value for place, (name, value) in enumerate(full.items()) if place % 2}
    changes = [
        {"id": 1, "data": full},
        {"id": 2, "data": dict.fromkeys(types)},
        {"id": 3, "data": {"a": ""}},
        {"id": 4, "data": odd},
    ]
    assert client.patch(URL, {"records": changes}).json()["updated"] == 4
    found = client.get("/api/tables/t/records/").json()["results"]
    assert found == [
        stored | {"id": 1},
        {"id": 2} | dict.fromkeys(types),
        stored | {"id": 3, "a": ""},
        {"id": 4} | dict.fromkeys(types) | {name: stored[name] for name in odd},
    ]


def test_what_python_cannot_read_stays_as_it_is(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", d="DATE", n="INTEGER")
    client.post(URL, {"records": [{"n": 1}, {"n": 2}]})
    with connection.cursor() as cursor:
        cursor.execute("UPDATE userdata.t SET d = '20000-01-01' WHERE id = 1")
    assert client.patch(URL, {"records": [{"id": 1, "data": {"n": 5}}, {"id": 2, "data": {"n": 6}}]}).status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT d::text, n FROM userdata.t ORDER BY id")
        assert cursor.fetchall() == [("20000-01-01", 5), (None, 6)]


def test_a_value_freed_by_one_record_can_be_taken_by_another(client: APIClient, table: Table) -> None:
    client.post(URL, {"records": [{"a": "x"}, {"a": "y"}, {"a": "z"}]})
    records = [{"id": 3, "data": {"a": "free"}}, {"id": 2, "data": {"a": "z"}}, {"id": 1, "data": {"a": "y"}}]
    assert client.patch(URL, {"records": records}).status_code == 200
    assert [row[1] for row in rows(client)] == ["y", "z", "free"]
