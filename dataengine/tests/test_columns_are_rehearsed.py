"""What a change of a column would do to its values is said beforehand, value by value, and nothing is touched."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from dataengine.models import Table
from dataengine.records.model import record_model
from dataengine.services import records

from .changing import change, fill, rehearse, undo, values
from .conftest import MakeTable


def counts(found: dict[str, Any]) -> tuple[int, int, int, int]:
    return found["records"], found["converted"], found["unchanged"], found["failing"]


@pytest.fixture
def table(make_table: MakeTable) -> Table:
    return make_table("t", a="TEXT", other="INTEGER")


def test_texts_are_read_as_an_import_reads_cells(client: APIClient, table: Table) -> None:
    fill(client, "t", "a", ["1.234,56", "7", None, "N/A", "", "abc", "-0,5"])
    found = rehearse(client, {"column_type": "NUMERIC"})
    assert counts(found) == (7, 5, 1, 1)
    [cause] = found["causes"]
    assert (cause["code"], cause["count"], cause["examples"]) == ("invalid_type", 1, [{"id": 6, "value": "abc"}])
    assert "abc" in cause["message"]
    assert found["rewrites_table"] is True
    assert values(client) == ["1.234,56", "7", None, "N/A", "", "abc", "-0,5"]
    refused = change(client, {"column_type": "NUMERIC"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "would_lose_data")
    again = refused.json()["error"]["rehearsal"]
    assert {**again, "plan": "", "expires_at": ""} == {**found, "plan": "", "expires_at": ""}
    assert values(client)[0] == "1.234,56"
    done = change(client, {"column_type": "NUMERIC", "on_failure": "null"})
    assert done.status_code == 200, done.content
    assert done.json()["column_type"] == "NUMERIC"
    assert values(client) == ["1234.56", "7", None, None, None, None, "-0.5"]
    back = undo(client, done.json()["undo"])
    assert back.status_code == 200, back.content
    assert values(client) == ["1.234,56", "7", None, "N/A", "", "abc", "-0,5"]
    assert client.get("/api/tables/t/columns/a/").json()["column_type"] == "TEXT"
    redone = undo(client, back.json()["undo"])
    assert redone.status_code == 200, redone.content
    assert values(client) == ["1234.56", "7", None, None, None, None, "-0.5"]
    back = undo(client, redone.json()["undo"])
    assert back.status_code == 200, back.content
    assert values(client) == ["1.234,56", "7", None, "N/A", "", "abc", "-0,5"]


@pytest.mark.parametrize(
    ("held", "column_type", "wanted", "failing"),
    [
        (["1.234,56", "7"], "NUMERIC(10,2)", ["1234.56", "7.00"], []),
        (["31.12.2024", "01.02.2024"], "DATE", ["2024-12-31", "2024-02-01"], []),
        (["12/31/2024", "1/2/2024"], "DATE", ["2024-12-31", "2024-01-02"], []),
        (["yes", "no", "Y", "-"], "BOOLEAN", [True, False, True, None], []),
        (["12", "NA", " 5 "], "INTEGER", [12, None, 5], []),
        (["12", "1.5", "3000000000"], "INTEGER", [12, None, None], [2, 3]),
        (["a@b.de", " c@d.de", "x"], "EMAIL", ["a@b.de", "c@d.de", None], [3]),
        (["red", "blue", "Red"], "CHOICE('red','blue')", ["red", "blue", None], [3]),
        (["abc", "abcd", ""], "VARCHAR(3)", ["abc", None, ""], [2]),
        (['{"a": 1}', "{", "null"], "JSON", [{"a": 1}, None, None], [2]),
        (["2024-01-31 12:00", "2024-01-31"], "TIMESTAMP", ["2024-01-31T12:00:00", "2024-01-31T00:00:00"], []),
        (["0f8fad5b-d9cb-469f-a165-70867728950e", "0"], "UUID", ["0f8fad5b-d9cb-469f-a165-70867728950e", None], [2]),
        (["25:00:00", "90 min", "90", "1 month"], "DURATION", ["PT25H", "PT1H30M", None, None], [3, 4]),
        (["a; b", '["x, y"]', "[1]", ""], "TEXT[]", [["a", "b"], ["x, y"], None, None], [3]),
        (["red, blue", "red", "pink"], "CHOICES('red','blue')", [["red", "blue"], ["red"], None], [3]),
        ([" a\n b", ""], "LONGTEXT", [" a\n b", ""], []),
        (["0.1", "1e400", "1e-5"], "DOUBLE PRECISION", [0.1, None, 1e-05], [2]),
    ],
)  # fmt: skip
def test_text_becomes_any_type(
    client: APIClient, table: Table, held: list[Any], column_type: str, wanted: list[Any], failing: list[int]
) -> None:
    fill(client, "t", "a", held)
    found = rehearse(client, {"column_type": column_type})
    named = sorted(example["id"] for cause in found["causes"] for example in cause["examples"])
    assert (found["failing"], named) == (len(failing), failing)
    done = change(client, {"column_type": column_type, "on_failure": "null"})
    assert done.status_code == 200, done.content
    assert values(client) == wanted
    assert undo(client, done.json()["undo"]).status_code == 200
    assert values(client) == held


@pytest.mark.parametrize(
    ("before", "held", "after", "wanted", "failing"),
    [
        ("TIME", ["12:34:56.5", "00:00:00"], "DURATION", ["PT12H34M56.5S", "PT0S"], 0),
        ("DURATION", ["1:02:03", "25:00:00", "-0:00:01"], "TIME", ["01:02:03", None, None], 2),
        ("DURATION", ["1:02:03", "PT25H"], "TEXT", ["1:02:03", "25:00:00"], 0),
        ("JSONB", [["a", "b, c"], [], ["d", 1], "e", {"f": "g"}], "TEXT[]", [["a", "b, c"], [], None, None, None], 3),
        ("TEXT[]", [["a", "b"], ["a", "a"], ["c"], []], "CHOICES('a','b')", [["a", "b"], None, None, []], 2),
        ("CHOICES('a','b')", [["b", "a"], []], "TEXT[]", [["b", "a"], []], 0),
        ("CHOICES('a','b')", [["b", "a"], ["a"]], "CHOICES('a','c')", [None, ["a"]], 1),
        ("CHOICES('a')", [["a"]], "CHOICES('b','a')", [["a"]], 0),
        ("CHOICE('a','b, c')", ["a", "b, c"], "CHOICES('a','b, c')", [["a"], ["b, c"]], 0),
        ("TEXT[]", [["a", "b, c"]], "JSONB", [["a", "b, c"]], 0),
        ("TEXT[]", [["a", "b, c"]], "TEXT", ['["a","b, c"]'], 0),
        ("TEXT[]", [["a", "b, c"]], "LONGTEXT", ['["a","b, c"]'], 0),
    ],
)
def test_durations_and_lists_become_others_and_come_back(
    client: APIClient, make_table: MakeTable, before: str, held: list[Any], after: str, wanted: list[Any], failing: int
) -> None:
    make_table("u", a=before)
    fill(client, "u", "a", held)
    first = values(client, table="u")
    found = rehearse(client, {"column_type": after}, table="u")
    assert (found["failing"], found["records"]) == (failing, len(held)), found
    done = change(client, {"column_type": after, "on_failure": "null"}, table="u")
    assert done.status_code == 200, done.content
    assert values(client, table="u") == wanted
    back = undo(client, done.json()["undo"])
    assert back.status_code == 200, back.content
    assert values(client, table="u") == first


@pytest.mark.parametrize(
    ("old", "held", "new", "failing", "counted"),
    [
        ("INTEGER", [1, 70000, None], "SMALLINT", [2], (0, 2)),
        ("INTEGER", [1, 70000, None], "BIGINT", [], (0, 3)),
        ("INTEGER", [1, 0, 5], "BOOLEAN", [3], (2, 0)),
        ("INTEGER", [1, None], "TEXT", [], (1, 1)),
        ("BIGINT", [9007199254740993, 5], "DOUBLE PRECISION", [1], (0, 1)),
        ("NUMERIC", ["1.50", "1.234"], "NUMERIC(5,2)", [2], (0, 1)),
        ("NUMERIC(5,2)", ["1.50"], "NUMERIC(8,2)", [], (0, 1)),
        ("NUMERIC(5,2)", ["1.50"], "NUMERIC(8,3)", [], (0, 1)),
        ("DOUBLE PRECISION", [0.5, 1e15, "NaN"], "BIGINT", [1, 3], (0, 1)),
        ("TIMESTAMP", ["2024-01-31T00:00:00", "2024-01-31T10:00:00"], "DATE", [2], (1, 0)),
        ("DATE", ["2024-01-31"], "TIMESTAMP", [], (1, 0)),
        ("VARCHAR(5)", ["abc", "abcde"], "VARCHAR(4)", [2], (0, 1)),
        ("CHOICE('a','b')", ["a", "b"], "CHOICE('b','c')", [1], (0, 1)),
        ("EMAIL", ["a@b.de"], "TEXT", [], (0, 1)),
        ("JSON", [{"a": 1}], "TEXT", [], (1, 0)),
    ],
)
def test_types_become_one_another_without_a_loss_that_is_not_said(
    client: APIClient, make_table: MakeTable, old: str, held: list[Any], new: str, failing: list[int],
    counted: tuple[int, int],
) -> None:  # fmt: skip
    make_table("t", a=old)
    fill(client, "t", "a", held)
    shown = values(client)
    found = rehearse(client, {"column_type": new})
    named = sorted(example["id"] for cause in found["causes"] for example in cause["examples"])
    assert (found["failing"], named, (found["converted"], found["unchanged"])) == (len(failing), failing, counted)
    done = change(client, {"column_type": new, **({"on_failure": "null"} if failing else {})})
    assert done.status_code == 200, done.content
    after = values(client)
    assert [place for place, value in enumerate(after, 1) if value is None and shown[place - 1] is not None] == failing
    assert undo(client, done.json()["undo"]).status_code == 200
    assert values(client) == shown
    assert client.get("/api/tables/t/columns/a/").json()["column_type"] == old


def test_types_that_share_no_value_are_refused(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="DATE")
    for answer in (
        change(client, {"column_type": "BOOLEAN"}),
        client.post("/api/tables/t/columns/a/rehearse/", {"column_type": "BOOLEAN"}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "cannot_convert")
        assert list(answer.json()["error"]["fields"]) == ["column_type"]


def test_a_unique_column_names_who_has_the_same(client: APIClient, table: Table) -> None:
    fill(client, "t", "a", ["x", "y", "x", None, "x", None])
    found = rehearse(client, {"unique": True})
    assert counts(found) == (6, 0, 4, 2)
    [cause] = found["causes"]
    assert cause["code"] == "duplicate_in_table"
    assert cause["examples"] == [{"id": 3, "value": "x", "same_as": 1}, {"id": 5, "value": "x", "same_as": 1}]
    refused = change(client, {"unique": True})
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (409, ["unique"])
    done = change(client, {"unique": True, "on_failure": "keep"})
    assert done.status_code == 200, done.content
    assert values(client) == ["x", "y", None, None, None, None]
    assert values(client, "a_before") == [None, None, "x", None, "x", None]
    names = [column["column_name"] for column in client.get("/api/tables/t/").json()["columns"]]
    assert names == ["a", "a_before", "other"]
    assert client.post("/api/tables/t/records/", {"a": "y"}).status_code == 400
    assert undo(client, done.json()["undo"]).status_code == 200
    assert values(client) == ["x", "y", "x", None, "x", None]
    assert [column["column_name"] for column in client.get("/api/tables/t/").json()["columns"]] == ["a", "other"]


def test_values_that_become_the_same_are_found(client: APIClient, table: Table) -> None:
    fill(client, "t", "a", ["1", "01", "1.0", "2"])
    found = rehearse(client, {"column_type": "INTEGER UNIQUE"})
    assert found["failing"] == 2
    assert [example["id"] for example in found["causes"][0]["examples"]] == [2, 3]
    mails = rehearse(client, {"column_type": "TEXT", "unique": "ignore_case"})
    assert mails["failing"] == 0


def test_a_required_column_counts_what_is_missing_and_its_default_fills_it(client: APIClient, table: Table) -> None:
    fill(client, "t", "a", ["x", None, "", None])
    found = rehearse(client, {"required": True})
    assert (found["failing"], found["causes"][0]["code"], found["causes"][0]["count"]) == (2, "missing_value", 2)
    assert change(client, {"required": True}).status_code == 409
    for choice in ("null", "keep"):
        answer = change(client, {"required": True, "on_failure": choice})
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["on_failure"])
    answer = change(client, {"required": True, "on_failure": "default"})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["on_failure"])
    done = change(client, {"required": True, "default": "none", "on_failure": "default"})
    assert done.status_code == 200, done.content
    assert values(client) == ["x", "none", "", "none"]
    assert undo(client, done.json()["undo"]).status_code == 200
    assert values(client) == ["x", None, "", None]
    column = client.get("/api/tables/t/columns/a/").json()
    assert (column["required"], column["default"]) == (False, None)


def test_type_rules_and_default_are_changed_at_once(client: APIClient, table: Table) -> None:
    fill(client, "t", "a", ["5", "bad", None])
    body = {
        "column_type": "INTEGER NOT NULL DEFAULT 9",
        "constraints": {"minimum": 3},
        "column_name": "n",
        "label": "N",
    }
    found = rehearse(client, body)
    assert (found["failing"], sorted(cause["code"] for cause in found["causes"])) == (
        2,
        ["invalid_type", "missing_value"],
    )
    done = change(client, {**body, "on_failure": "keep"})
    assert done.status_code == 200, done.content
    assert (values(client, "n"), values(client, "n_before")) == ([5, 9, 9], [None, "bad", None])
    column = client.get("/api/tables/t/columns/n/").json()
    assert (column["required"], column["default"], column["constraints"]) == (True, "9", {"minimum": 3})
    assert client.post("/api/tables/t/records/", {"n": 2}).status_code == 400
    assert client.post("/api/tables/t/records/", {}).json()["n"] == 9
    refused = undo(client, done.json()["undo"]).json()["error"]
    assert (refused["code"], refused["count"], len(refused["ids"])) == ("changed_since", 1, 1)
    assert undo(client, done.json()["undo"], {"rest": True}).status_code == 200
    assert values(client) == ["5", "bad", None, "9"]


def test_odd_texts_stay_what_they_are_and_long_ones_are_shown_in_part(client: APIClient, table: Table) -> None:
    held = ["a\rb", "a\r\nb", "\n", '"', '""', ",", "\\.", "\\N", "\ufeffx", "é" * 300_000, "\x1f", " ", "''", "=1", ""]
    fill(client, "t", "a", held)
    for column_type in ("VARCHAR(300000)", "VARCHAR(9)"):
        done = change(client, {"column_type": column_type, "on_failure": "keep"})
        assert done.status_code == 200, done.content
        kept = values(client, "a_before") if column_type == "VARCHAR(9)" else held
        assert [old if new is None else new for new, old in zip(values(client), kept, strict=True)] == held
        assert undo(client, done.json()["undo"]).status_code == 200
        assert values(client) == held
    for body in ({"column_type": "VARCHAR(9)"}, {"constraints": {"maxLength": 9}}):
        [cause] = rehearse(client, body)["causes"]
        assert cause["examples"] == [{"id": 10, "value": "é" * 1_000 + "…"}]


def test_any_text_may_be_in_a_list(client: APIClient, make_table: MakeTable) -> None:
    make_table("lists", a="TEXT")
    fill(client, "lists", "a", ["NaN", "#N/A", "null", "-", "x"])
    assert change(client, {"column_type": "TEXT[]"}, table="lists").status_code == 200
    assert values(client, table="lists") == [["NaN"], ["#N/A"], ["null"], ["-"], ["x"]]


@pytest.mark.parametrize(
    ("old", "new"), [("INTEGER", "NUMERIC"), ("TEXT", "INTEGER"), ("NUMERIC", "BIGINT"), ("REAL", "TEXT")]
)
def test_who_writes_while_the_type_changes_gets_an_answer(
    client: APIClient, make_table: MakeTable, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    table = make_table("busy", a=old)
    fill(client, "busy", "a", ["1"] if old == "TEXT" else [1])
    before = record_model(table)
    assert change(client, {"column_type": new}, table="busy").status_code == 200
    monkeypatch.setattr(records, "record_model", lambda table: before)
    sent = {"a": "2"} if old == "TEXT" else {"a": 2}
    made = client.post("/api/tables/busy/records/", sent)
    assert made.status_code in {201, 409}, made.content
    if made.status_code == 409:  # nothing was written
        assert len(values(client, table="busy")) == 1
        return
    assert float(made.json()["a"]) == 2
    assert client.patch("/api/tables/busy/records/1/", sent).status_code in {200, 409}
    assert client.get("/api/tables/busy/records/1/").status_code in {200, 409}
    monkeypatch.undo()
    assert [float(value) for value in values(client, table="busy")][1:] == [2]
