"""Values of every type: valid ones are returned exactly, others are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from .conftest import MakeTable

UUID = "6f2c1b0e-6d5c-4c39-9d0a-3c7f1f9ce1aa"


@pytest.mark.parametrize(
    ("column_type", "sent", "stored"),
    [
        ("TEXT", " two  spaces ", " two  spaces "),
        ("TEXT", "", ""),
        ("LONGTEXT", " a\n\n b", " a\n\n b"),
        ("TEXT", None, None),
        ("TEXT", 5, "5"),
        ("VARCHAR(3)", "äöü", "äöü"),
        ("SMALLINT", -32768, -32768),
        ("INTEGER", "12", 12),
        ("BIGINT", 2**63 - 1, 2**63 - 1),
        ("NUMERIC", 1.10, "1.1"),
        ("NUMERIC", "0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("NUMERIC", 12345678901234567890123, "12345678901234567890123"),
        ("NUMERIC", "1e3", "1000"),
        ("NUMERIC", "1e131071", "1" + "0" * 131_071),
        ("SMALLINT", "5.0", 5),
        ("NUMERIC(5,2)", "1.5", "1.50"),
        ("REAL", 0.1, 0.1),
        ("DOUBLE PRECISION", 1e300, 1e300),
        ("DOUBLE PRECISION", "NaN", "NaN"),
        ("DOUBLE PRECISION", "-inf", "-Infinity"),
        ("BOOLEAN", True, True),
        ("BOOLEAN", "false", False),
        ("BOOLEAN", None, None),
        ("DATE", "2024-02-29", "2024-02-29"),
        ("TIME", "23:59:59.123456", "23:59:59.123456"),
        ("TIMESTAMP", "2024-03-31T02:30:00", "2024-03-31T02:30:00"),
        ("TIMESTAMP", "2024-03-31T02:30:00+02:00", "2024-03-31T00:30:00"),
        ("TIMESTAMPTZ", "2024-03-31T02:30:00+02:00", "2024-03-31T00:30:00Z"),
        ("TIMESTAMPTZ", "2024-03-31T02:30:00", "2024-03-31T02:30:00Z"),
        ("DURATION", "1:02:03", "PT1H2M3S"),
        ("DURATION", "P1DT1H", "PT25H"),
        ("DURATION", "-0:00:00.5", "-PT0.5S"),
        ("UUID", UUID.upper(), UUID),
        ("JSON", {"b": [1, None, "ü", 1.5]}, {"b": [1, None, "ü", 1.5]}),
        ("JSONB", [], []),
        ("JSONB", "text", "text"),
        ("EMAIL", "a@example.com", "a@example.com"),
        ("URL", "https://example.com/?q=1", "https://example.com/?q=1"),
        ("CHOICE('a','b')", "a", "a"),
        ("TEXT[]", ["b", "a", "a", "", "x, y", '"q"\n'], ["b", "a", "a", "", "x, y", '"q"\n']),
        ("TEXT[]", [], []),
        ("CHOICES('a','b')", ["b", "a"], ["b", "a"]),
        ("CHOICES('a','b')", [], []),
        ("CHOICES('a','b')", None, None),
    ],
)
def test_values_come_back(client: APIClient, make_table: MakeTable, column_type: str, sent: Any, stored: Any) -> None:
    make_table("t", v=column_type)
    answer = client.post("/api/insert-record/", {"table_name": "t", "data": {"v": sent}})
    assert answer.status_code == 201, answer.content
    assert answer.json()["v"] == stored
    assert client.get("/api/tables/t/records/1/").json()["v"] == stored
    again = client.put("/api/update-record/", {"table_name": "t", "id": 1, "data": {"v": answer.json()["v"]}})
    assert again.json() == answer.json()


@pytest.mark.parametrize(
    ("column_type", "values"),
    [
        ("TEXT", [True, {"a": 1}, ["a"]]),
        ("VARCHAR(3)", ["abcd"]),
        ("SMALLINT", [32768, -32769, 1.5, "x", True, "", "1_000", "٣"]),
        ("INTEGER", [2**31, "1e3", "٣x", [1]]),
        ("BIGINT", [2**63, -(2**63) - 1]),
        ("NUMERIC", ["NaN", "Infinity", "x", True, "1e200000", "1e-20000", {}, "", "1_0", "٣"]),
        ("NUMERIC(5,2)", ["1.234", "1234.5", 1000]),
        ("REAL", [1e39, 1e-46, "x", True]),
        ("DOUBLE PRECISION", ["1e400", "1e-400", "x", True]),
        ("BOOLEAN", ["perhaps", 2, {}, "", "null"]),
        ("DATE", ["2023-02-29", "01.02.2023", "2023-01-01T00:00:00", 5, "infinity", "٢٠٢٣-٠١-٠١"]),
        ("TIME", ["24:00", "12:00+02:00", "12:00:00.1234567", "x"]),
        ("TIMESTAMP", ["2023-13-01T00:00:00", "now", 5]),
        ("TEXT[]", ["a", {"a": 1}, [1], [None], [["a"]], ["\0"], 5]),
        ("CHOICES('a','b')", ["a", ["c"], ["a", "a"], [None], [1], True]),
        (
            "DURATION",
            [90, "90", "", "P1M", "1 year", True, [1], "1:60:00", "0:00:00.0000001", "P999999999D", "1\u0663:00"],
        ),
        ("TIMESTAMPTZ", ["0000-01-01T00:00:00Z", "now", 5]),
        ("UUID", [5, "x", UUID + "0", 10**60]),
        ("EMAIL", ["a@", "a b@example.com", "@example.com"]),
        ("URL", ["example.com", "javascript:alert(1)", "http://"]),
        ("CHOICE('a','b')", ["c", "A", "", 1]),
        ("TEXT NOT NULL", [None]),
    ],
)
def test_other_values_are_refused(
    client: APIClient, make_table: MakeTable, column_type: str, values: list[Any]
) -> None:
    make_table("t", v=column_type)
    for value in values:
        answer = client.post("/api/insert-record/", {"table_name": "t", "data": {"v": value}})
        assert answer.status_code == 400, (value, answer.content)
        assert list(answer.json()["error"]["fields"]) == ["v"], value
    assert client.get("/api/get-records/?table_name=t").json()["count"] == 0


def test_numbers_keep_the_text_that_was_sent(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", v="NUMERIC", w="TEXT")
    for text in ("0.10", "1.000000000000000000001", "1E+3", "100", "-0.0"):
        body = f'{{"table_name": "t", "data": {{"v": {text}, "w": {text}}}}}'
        answer = client.post("/api/insert-record/", body, content_type="application/json")
        assert answer.status_code == 201
        assert answer.json()["w"] == text
        assert answer.json()["v"] == {"1E+3": "1000", "-0.0": "0.0"}.get(text, text)


def test_json_keeps_the_digits_of_its_numbers(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", j="JSONB", k="JSON")
    address, long = "/api/tables/t/records/", "0.1234567890123456789012"
    value = f'{{"a": [{long}, 1.5, 2], "b": {{"c": -1.000000000000000000001}}, "d": "{long}"}}'

    def sent(method: Any, body: str, where: str = address) -> None:
        answer = method(where, body, content_type="application/json", HTTP_IDEMPOTENCY_KEY=body)
        assert answer.status_code in (200, 201), answer.content

    def found() -> list[str]:
        return [json.dumps(record, separators=(",", ":")) for record in read(client.get(address))["results"]]

    def read(answer: Any) -> Any:
        return json.loads(answer.content, parse_float=lambda text: f"~{text}")

    compact = value.replace(" ", "").replace(long, f'"~{long}"', 1).replace("1.5", '"~1.5"')
    compact = compact.replace("-1.000000000000000000001", '"~-1.000000000000000000001"')
    sent(client.post, f'{{"j": {value}, "k": {long}}}')
    sent(client.post, f'{{"records": [{{"j": {value}}}]}}', address + "bulk/")
    assert found() == [
        f'{{"id":1,"j":{compact},"k":"~{long}"}}',
        f'{{"id":2,"j":{compact},"k":null}}',
    ]
    sent(client.patch, f'{{"j": [{long}]}}', address + "1/")
    sent(client.patch, f'{{"records": [{{"id": 2, "data": {{"j": [{long}], "k": {value}}}}}]}}', address + "bulk/")
    assert found() == [f'{{"id":1,"j":["~{long}"],"k":"~{long}"}}', f'{{"id":2,"j":["~{long}"],"k":{compact}}}']


def test_json_numbers_that_no_float_holds(client: APIClient, make_table: MakeTable) -> None:
    from django.db import connection

    make_table("t", j="JSONB", d="DOUBLE PRECISION")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO userdata.t (j, d) VALUES ('{\"a\": 1e400}', 'NaN')")
    answer = client.get("/api/get-records/?table_name=t")
    assert json.loads(answer.content)["results"][0]["d"] == "NaN"


def test_defaults_and_missing_values(client: APIClient, make_table: MakeTable) -> None:
    make_table(
        "t", a="TEXT NOT NULL", b="TEXT NOT NULL DEFAULT 'x'", c="TEXT", d="INT DEFAULT 5", j="JSON DEFAULT '[]'"
    )
    answer = client.post("/api/insert-record/", {"table_name": "t", "data": {"a": ""}})
    assert answer.json() == {"id": 1, "a": "", "b": "x", "c": None, "d": 5, "j": []}
    missing = client.post("/api/insert-record/", {"table_name": "t", "data": {}})
    assert (missing.status_code, list(missing.json()["error"]["fields"])) == (400, ["a"])
    null = client.post("/api/insert-record/", {"table_name": "t", "data": {"a": "x", "d": None}})
    assert null.json()["d"] is None


def test_constraints(client: APIClient) -> None:
    made = client.post(
        "/api/create-table/",
        {
            "table_name": "t",
            "fields": {
                "price": {"type": "NUMERIC(8,2)", "constraints": {"minimum": 0.1, "exclusiveMaximum": 10}},
                "code": {"type": "TEXT", "unique": True, "constraints": {"pattern": "^[A-Z]+$", "minLength": 2}},
                "parent": "REFERENCES t",
            },
        },
    )
    assert made.status_code == 201, made.content

    def insert(**data: Any) -> Any:
        return client.post("/api/insert-record/", {"table_name": "t", "data": data})

    assert insert(price="0.10", code="AB").status_code == 201
    assert insert(price="9.99", code="AC", parent=1).status_code == 201
    for data, field, code in (
        ({"price": "0.09"}, "price", "invalid_record"),
        ({"price": 10}, "price", "constraint_failed"),
        ({"code": "A"}, "code", "invalid_record"),
        ({"code": "ab"}, "code", "constraint_failed"),
        ({"code": "AB"}, "code", "duplicate_in_table"),
        ({"parent": 99}, "parent", "unknown_reference"),
    ):
        answer = insert(**data)
        error = answer.json()["error"]
        assert (answer.status_code, list(error["fields"]), error["code"]) == (400, [field], code), data
    referenced = client.delete("/api/delete-record/", {"table_name": "t", "id": 1})
    assert (referenced.status_code, referenced.json()["error"]["code"]) == (409, "referenced")
    assert client.delete("/api/delete-record/", {"table_name": "t", "id": 2}).status_code == 204
    assert client.delete("/api/delete-record/", {"table_name": "t", "id": 1}).status_code == 204


@settings(max_examples=60)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "a": st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            "n": st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=4).map(str),
            "d": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "j": st.none()
            | st.dictionaries(
                st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.integers(), max_size=3
            ),
        },
    )
)
def test_any_record_comes_back(client: APIClient, make_table: MakeTable, data: dict[str, Any]) -> None:
    if client.get("/api/tables/whatever/").status_code == 404:
        make_table("whatever", a="TEXT", n="NUMERIC", d="DOUBLE PRECISION", j="JSONB")
    answer = client.post("/api/insert-record/", {"table_name": "whatever", "data": data})
    assert answer.status_code == 201
    expected = {"a": None, "n": None, "d": None, "j": None} | data
    found = answer.json()
    if expected["n"] is not None:
        assert float(found["n"]) == float(expected["n"])
        expected["n"] = found["n"]
    assert {name: found[name] for name in expected} == expected
