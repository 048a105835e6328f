"""Limits, lengths, patterns, choices, references and defaults of a column that holds values already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from dataengine.models import ChangeJob, ImportJob
from dataengine.postgres import locks

from .changing import change, fill, rehearse, undo, values
from .conftest import MakeTable


@pytest.mark.parametrize(
    ("column_type", "held", "constraints", "failing", "bad"),
    [
        ("INTEGER", [1, 5, None, 10], {"minimum": 5}, [1], 4),
        ("INTEGER", [1, 5, 10], {"exclusiveMaximum": 10, "minimum": 0}, [3], 10),
        ("NUMERIC", ["1.5", "0.1"], {"exclusiveMinimum": 0.1}, [2], "0.1"),
        ("NUMERIC(5,1)", ["1.5", "9.9"], {"maximum": 9}, [2], "9.1"),
        ("DOUBLE PRECISION", [0.5, 1e300], {"maximum": 1}, [2], 2),
        ("TEXT", ["a", "abc", "", None], {"minLength": 1, "maxLength": 2}, [2, 3], ""),
        ("DATE", ["2024-05-01", "2023-12-31", None], {"minimum": "2024-01-01"}, [2], "2023-01-01"),
        ("TIME", ["09:00:00", "18:00:00"], {"exclusiveMaximum": "18:00:00"}, [2], "18:00:00.5"),
        (
            "TIMESTAMP",
            ["2024-05-01T10:00:00", "2024-05-01T10:00:00.500000"],
            {"exclusiveMinimum": "2024-05-01T10:00:00"},
            [1],
            "2024-05-01T10:00:00",
        ),
        (
            "TIMESTAMPTZ",
            ["2024-05-01T10:00:00Z", "2024-05-01T12:00:00Z"],
            {"minimum": "2024-05-01T09:00:00Z", "maximum": "2024-05-01T11:00:00Z"},
            [2],
            "2024-05-01T12:30:00+01:00",
        ),
        ("DURATION", ["PT1H", "PT100H", "-PT1S"], {"minimum": "PT0S", "maximum": "PT99H59M"}, [2, 3], "100:00:00"),
        ("TEXT", ["a1", "b", None], {"pattern": "^[a-z][0-9]$"}, [2], "b"),
        ("EMAIL", ["a@example.org", "b@example.com"], {"pattern": "[.]org$"}, [2], "x@y.de"),
    ],
)
def test_limits_are_tried_on_what_there_is(
    client: APIClient, make_table: MakeTable, column_type: str, held: list[Any], constraints: dict[str, Any],
    failing: list[int], bad: Any,
) -> None:  # fmt: skip
    make_table("t", a=column_type)
    fill(client, "t", "a", held)
    shown = values(client)
    found = rehearse(client, {"constraints": constraints})
    named = sorted(example["id"] for cause in found["causes"] for example in cause["examples"])
    assert (found["failing"], named, {cause["code"] for cause in found["causes"]}) == (
        len(failing), failing, {"constraint_failed"},
    )  # fmt: skip
    refused = change(client, {"constraints": constraints})
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (409, ["constraints"])
    done = change(client, {"constraints": constraints, "on_failure": "null"})
    assert (done.status_code, done.json()["constraints"]) == (200, constraints)
    assert [place for place, value in enumerate(values(client), 1) if value != shown[place - 1]] == failing
    assert client.post("/api/tables/t/records/", {"a": bad}).status_code == 400
    assert undo(client, done.json()["undo"]).status_code == 200
    assert values(client) == shown
    assert client.post("/api/tables/t/records/", {"a": bad}).status_code == 201


@pytest.mark.parametrize(
    ("column_type", "constraints"),
    [
        ("NUMERIC", {"minimum": 3}),
        ("NUMERIC(6,2)", {"maximum": 3}),
        ("VARCHAR(9)", {"pattern": "^[0-9]$"}),
        ("BIGINT", {"exclusiveMinimum": 4, "maximum": 9}),
    ],
)
def test_limits_are_tried_on_what_values_become(
    client: APIClient, make_table: MakeTable, column_type: str, constraints: dict[str, Any]
) -> None:
    make_table("t", a="TEXT")
    fill(client, "t", "a", ["1", "4", "25"])
    body = {"column_type": column_type, "constraints": constraints}
    if constraints.get("maximum") == 9:
        answer = change(client, body)
        assert (answer.status_code, client.get("/api/tables/t/columns/a/").json()["type"]) == (409, "text")
        return
    found = rehearse(client, body)
    assert found["failing"] > 0
    assert {cause["code"] for cause in found["causes"]} == {"constraint_failed"}
    done = change(client, {**body, "on_failure": "keep"})
    assert done.status_code == 200, done.content
    kept = values(client, "a_before")
    assert [value for value in kept if value is not None]
    assert undo(client, done.json()["undo"]).status_code == 200
    assert values(client) == ["1", "4", "25"]


def test_rules_that_no_longer_apply_are_dropped_and_that_is_said(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT")
    assert change(client, {"constraints": {"maxLength": 3}}).status_code == 200
    fill(client, "t", "a", ["1"])
    found = rehearse(client, {"column_type": "INTEGER"})
    assert any("maxLength" in note for note in found["notes"])
    done = change(client, {"column_type": "INTEGER"}).json()
    assert done["constraints"] == {}
    assert undo(client, done["undo"]).status_code == 200
    assert client.get("/api/tables/t/columns/a/").json()["constraints"] == {"maxLength": 3}
    assert client.post("/api/tables/t/records/", {"a": "abcd"}).status_code == 400


def test_choices_are_offered_and_taken_away(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="CHOICE('s','m') DEFAULT 's'")
    fill(client, "t", "a", ["s", "m", None])
    assert change(client, {"choices": ["s", "m", "l, xl"]}).json()["column_type"] == "CHOICE('s','m','l, xl')"
    assert client.post("/api/tables/t/records/", {"a": "l, xl"}).status_code == 201
    found = rehearse(client, {"choices": ["s", "l, xl"]})
    assert (found["failing"], found["rewrites_table"]) == (1, False)
    refused = change(client, {"choices": ["m"], "on_failure": "null"})
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["a"])  # the default is gone
    done = change(client, {"choices": ["m"], "default": "m", "on_failure": "default"})
    assert done.status_code == 200, done.content
    assert values(client) == ["m", "m", None, "m"]
    assert undo(client, done.json()["undo"]).status_code == 200
    assert values(client) == ["s", "m", None, "l, xl"]
    for choices in ([], "s", ["s", "s"], [""], ["a\n"]):
        answer = change(client, {"choices": choices})
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["choices"]), choices
    make_table("u", a="TEXT")
    assert change(client, {"choices": ["s"]}, table="u").status_code == 400
    assert change(client, {"choices": ["s"], "column_type": "CHOICE"}, table="u").status_code == 200
    answer = change(client, {"choices": ["s", "t"], "column_type": "CHOICE('x')"}, table="u")
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["choices"])


def test_numbers_become_references_to_records_that_are_there(
    client: APIClient, make_table: MakeTable, api: Callable[[User], APIClient], stranger: User
) -> None:
    make_table("people", name="TEXT")
    fill(client, "people", "name", ["Anna", "Bob"])
    make_table("t", a="BIGINT", b="TEXT")
    fill(client, "t", "a", [1, 2, 9, None])
    found = rehearse(client, {"column_type": "REFERENCES people"})
    assert (found["failing"], found["causes"][0]["code"]) == (1, "unknown_reference")
    assert found["causes"][0]["examples"] == [{"id": 3, "value": "9"}]
    assert change(client, {"column_type": "REFERENCES people"}).status_code == 409
    done = change(client, {"column_type": "REFERENCES people", "on_failure": "keep"})
    assert done.status_code == 200, done.content
    assert (values(client), values(client, "a_before")) == ([1, 2, None, None], [None, None, "9", None])
    assert client.delete("/api/tables/people/records/1/").status_code == 409
    assert done.json()["indexed"] is True
    assert undo(client, done.json()["undo"]).status_code == 200
    assert values(client) == [1, 2, 9, None]
    assert client.delete("/api/tables/people/records/1/").status_code == 204
    assert rehearse(client, {"column_type": "REFERENCES people"}, "b")["failing"] == 0
    api(stranger).post("/api/create-table/", {"table_name": "secret", "fields": {"x": "TEXT"}})
    for name in ("secret", "nowhere"):
        answer = change(client, {"column_type": f"REFERENCES {name}"})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (400, "unknown_reference")
        assert error["message"] == f"There is no table “{name}” to refer to."


@pytest.mark.parametrize("column_type", ["REFERENCES two", "BIGINT", "TEXT"])
def test_a_reference_comes_back_though_its_table_has_another_name(
    client: APIClient, make_table: MakeTable, column_type: str
) -> None:
    for name in ("one", "two"):
        make_table(name, x="TEXT")
        fill(client, name, "x", ["a"])
    make_table("t", a="REFERENCES one")
    fill(client, "t", "a", [1])
    url = change(client, {"column_type": column_type}).json()["undo"]
    for name in ("one", "two"):
        assert client.patch(f"/api/tables/{name}/", {"table_name": f"{name}s"}).status_code == 200
    back = undo(client, url)
    assert back.status_code == 200, back.content
    assert client.get("/api/tables/t/columns/a/").json()["column_type"] == "REFERENCES ones"
    assert undo(client, back.json()["undo"]).status_code == 200
    now = column_type.replace("two", "twos")
    assert client.get("/api/tables/t/columns/a/").json()["column_type"] == now
    assert values(client) == ["1" if now == "TEXT" else 1]


def test_a_reference_moves_to_another_table(client: APIClient, make_table: MakeTable) -> None:
    for name, count in (("one", 2), ("two", 1)):
        make_table(name, x="TEXT")
        fill(client, name, "x", ["a"] * count)
    make_table("t", a="REFERENCES one")
    fill(client, "t", "a", [1, 2])
    assert rehearse(client, {"column_type": "REFERENCES two"})["failing"] == 1
    done = change(client, {"column_type": "REFERENCES two", "on_failure": "null"})
    assert values(client) == [1, None]
    assert client.delete("/api/tables/two/records/1/").status_code == 409
    assert client.delete("/api/tables/one/records/1/").status_code == 204
    refused = undo(client, done.json()["undo"]).json()["error"]
    assert (refused["code"], refused["ids"]) == ("changed_since", [1])
    assert client.get("/api/tables/t/columns/a/").json()["column_type"] == "REFERENCES two"


BAD_INPUT: list[tuple[dict[str, Any], str]] = [
    ({"column_type": "NUMBERS"}, "column_type"),
    ({"column_type": ""}, "column_type"),
    ({"column_type": "INTEGER PRIMARY KEY"}, "column_type"),
    ({"column_type": "VARCHAR(0)"}, "column_type"),
    ({"column_type": "JSON", "unique": True}, "unique"),
    ({"column_type": "INTEGER", "default": "x"}, "default"),
    ({"column_type": "INTEGER DEFAULT 'x'"}, "a"),
    ({"constraints": {"minimum": 1}}, "constraints"),
    ({"constraints": {"maxLength": -1}}, "constraints"),
    ({"constraints": {"maxLength": 2, "minLength": 3}}, "constraints"),
    ({"constraints": {"pattern": "("}}, "constraints"),
    ({"constraints": {"pattern": 5}}, "constraints"),
    ({"constraints": {"maximal": 5}}, "constraints"),
    ({"constraints": []}, "constraints"),
    ({"position": 99}, "position"),
    ({"on_failure": "explode", "column_type": "INTEGER"}, "on_failure"),
    ({"on_failure": "default", "column_type": "INTEGER"}, "on_failure"),
    ({"column_name": "a__b"}, "column_name"),
    ({"reference": "x"}, "reference"),
    ({"type": "integer"}, "type"),
    ({"display": {"style": "percent"}}, "display"),
]


def test_bad_input_is_named_and_changes_nothing(
    client: APIClient, make_table: MakeTable, subtests: pytest.Subtests
) -> None:
    make_table("t", a="TEXT")
    fill(client, "t", "a", ["x"])
    before = client.get("/api/tables/t/columns/a/").json()
    for body, field in BAD_INPUT:
        with subtests.test(body=body, field=field):
            answer = change(client, body)
            assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field]), answer.content
            assert client.get("/api/tables/t/columns/a/").json() == before


def test_a_pattern_that_takes_for_ever_is_refused(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT")
    fill(client, "t", "a", ["ab" * 150 + "c"])
    too_large = ("((((x{1,60}){1,60}){1,60}){1,60})", r"(((a{1,30}){1,30}){1,30})\1x")
    for pattern in (r"^(.+)(.+)(.+)(.+)\4\3\2\1$", *too_large):
        answer = change(client, {"constraints": {"pattern": pattern}})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (400, "invalid_pattern"), answer.content
        assert error["fields"].keys() <= {"constraints", "a"}
    assert client.post("/api/tables/t/records/", {"a": "y"}).status_code == 201
    # These are quick with short texts only; a worker that loads longer ones has no time limit.
    for pattern, is_taken in ((r"(.)\1", False), (r"^\\1$", True), (r"\\\d(?:x)", True), (r"***=(.)\1", True)):
        column = {"type": "TEXT", "constraints": {"pattern": pattern}}
        made = client.post("/api/create-table/", {"table_name": "u", "fields": {"a": column}})
        assert made.status_code == (201 if is_taken else 400), made.content
        assert is_taken or made.json()["error"]["code"] == "invalid_pattern"
        client.delete("/api/tables/u/")


def test_nothing_is_changed_while_something_else_works_on_the_table(
    client: APIClient, make_table: MakeTable, owner: User, second_connection: Callable[[], Any]
) -> None:
    table = make_table("t", a="TEXT")
    fill(client, "t", "a", ["1"])
    job = ChangeJob.objects.create(table=table, user=owner, action=ChangeJob.Action.DELETE, parameters={})
    answer = change(client, {"column_type": "INTEGER"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "change_running")
    job.delete()
    session = second_connection()
    session.execute("SELECT pg_advisory_lock(%s, %s)", [locks.NAMESPACE, table.pk])
    ImportJob.objects.create(table=table, table_name="t", user=owner, filename="x.csv", state=ImportJob.State.RUNNING)
    answer = change(client, {"column_type": "INTEGER"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "import_running")
    session.execute("SELECT pg_advisory_unlock_all()")
    assert change(client, {"column_type": "INTEGER"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_what_somebody_is_writing_is_not_passed_over(
    client: APIClient, make_table: MakeTable, second_connection: Callable[[], Any]
) -> None:
    make_table("t", a="TEXT")
    fill(client, "t", "a", ["1"])
    session = second_connection()
    session.execute("BEGIN")
    session.execute("INSERT INTO userdata.t (a) VALUES ('x')")
    answer = change(client, {"column_type": "INTEGER"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "table_busy")
    session.execute("COMMIT")
    assert change(client, {"column_type": "INTEGER"}).json()["error"]["code"] == "would_lose_data"
    assert change(client, {"column_type": "INTEGER", "on_failure": "null"}).status_code == 200
    assert values(client) == [1, None]


def test_indexes_search_and_lists_follow(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT", b="TEXT")
    fill(client, "t", "a", ["10", "9", "100"])
    client.patch("/api/tables/t/columns/a/", {"indexed": True})
    client.patch("/api/tables/t/", {"search_index": True})
    done = change(client, {"column_type": "INTEGER"})
    assert (done.json()["indexed"], done.json()["index_state"]) == (True, "queued")
    found = client.get("/api/tables/t/records/?order_by=a&a__gte=10").json()["results"]
    assert [record["a"] for record in found] == [10, 100]
    assert client.get("/api/tables/t/records/?search=100").json()["count"] == 1
    undo(client, done.json()["undo"])
    found = client.get("/api/tables/t/records/?order_by=a").json()["results"]
    assert [record["a"] for record in found] == ["9", "10", "100"]
    assert change(client, {"column_type": "JSON"}).json()["indexed"] is False


def test_names_for_what_is_kept_are_free_ones(client: APIClient, make_table: MakeTable) -> None:
    long = "é" * 31
    make_table("t", **{"a": "TEXT", "A_before": "TEXT", long: "TEXT"})
    fill(client, "t", "a", ["x"])
    fill(client, "t", long, ["x"])
    assert change(client, {"column_type": "DATE", "on_failure": "keep"}).status_code == 200
    assert change(client, {"column_type": "DATE", "on_failure": "keep"}, long).status_code == 200
    names = [column["column_name"] for column in client.get("/api/tables/t/").json()["columns"]]
    assert names == ["a", "a_before_2", "A_before", long, "é" * 28 + "_before"]
    assert [values(client, name) for name in ("a_before_2", "é" * 28 + "_before")] == [["x", None], [None, "x"]]


def test_a_table_without_records_takes_any_type(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT NOT NULL UNIQUE DEFAULT '7'")
    found = rehearse(client, {"column_type": "INTEGER"})
    assert (found["records"], found["failing"], found["causes"]) == (0, 0, [])
    done = change(client, {"column_type": "INTEGER"})
    assert done.status_code == 200, done.content
    assert client.post("/api/tables/t/records/", {}).json()["a"] == 7
    assert client.post("/api/tables/t/records/", {}).status_code == 400


def test_what_others_built_on_a_column_is_in_the_way(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="VARCHAR(5) UNIQUE NOT NULL DEFAULT '1'", b="TEXT")
    fill(client, "t", "a", ["1"])
    client.patch("/api/tables/t/columns/a/", {"indexed": True})
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW userdata.seen AS SELECT a FROM userdata.t")
        cursor.execute("CREATE INDEX theirs ON userdata.t (lower(a))")
    for column_type in ("INTEGER", "VARCHAR(9)"):
        error = change(client, {"column_type": column_type}).json()["error"]
        assert (error["code"], len(error["in_the_way"])) == ("in_the_way", 2), error
        assert "view userdata.seen" in error["message"]
    assert change(client, {"column_type": "JSON"}, "b").status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("DROP VIEW userdata.seen")
        cursor.execute("DROP INDEX userdata.theirs")
    assert change(client, {"column_type": "INTEGER"}).status_code == 200


def test_an_empty_default_takes_the_place_of_what_fails(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT")
    fill(client, "t", "a", ["x", None])
    done = change(client, {"required": True, "default": "", "on_failure": "default"})
    assert done.status_code == 200, done.content
    assert values(client) == ["x", ""]
