"""One fix for all rejected rows with the same error, and retries that read rows as their import did."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from dataengine.models import ChangeJob, ImportJob
from dataengine.queries.provenance import origin_of
from dataengine.services import change_runs
from dataengine.tests.importing import import_text, make_table, records, rejected
from dataengine.tests.threads import Beside

pytestmark = pytest.mark.django_db(transaction=True)


def fix(client: APIClient, job: ImportJob, column: str, code: str, /, **kind: Any) -> tuple[int, int]:
    answer = client.post(f"/api/imports/{job.pk}/rejected/fix/", {"column": column, "code": code, "fix": kind})
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert found["left"] == 0
    return found["changed"], found["now_good"]


def retried(client: APIClient, job: ImportJob) -> ImportJob:
    asked = client.post(f"/api/imports/{job.pk}/rejected/retry/")
    assert asked.status_code == 202, asked.content
    done = change_runs.run(asked.json()["id"])
    assert done is not None
    assert done.state == "completed", done.error
    job.refresh_from_db()
    assert job.rows_imported + job.rows_updated + job.rows_skipped + job.rows_rejected == job.rows_read
    assert job.rejected_rows.count() == job.rows_rejected
    return job


def undone(client: APIClient, job: ImportJob) -> None:
    asked = client.post(f"/api/imports/{job.pk}/undo/")
    assert asked.status_code == 202, asked.content
    done = change_runs.run(asked.json()["id"])
    assert done is not None
    assert done.state == "completed", done.error


def cells(job: ImportJob, column: str, client: APIClient) -> list[str | None]:
    rows = client.get(f"/api/imports/{job.pk}/rejected/").json()["results"]
    return [row["cells"][column] for row in rows]


def test_every_kind_of_fix(client: APIClient, owner: User) -> None:
    make_table(
        owner, "t", qty="INTEGER", price="NUMERIC(8,2)", born="DATE", size="CHOICE('S','M')", note="TEXT NOT NULL",
        level="SMALLINT DEFAULT 3",
    )  # fmt: skip
    text = (
        "qty,price,born,size,note,level\n"
        "1,1.5,2024-01-31,S,a,1\n2,2.5,2024-01-31,S,a,1\n"
        "\u00a03\u00a0,1.5,2024-01-31,S,a,1\n"  # 4: no-break spaces are no spaces
        "4,1.5,2024-01-31,small,a,1\n5,1.5,2024-01-31,big,a,1\n"
        "6,1.5,2024-01-31,S,,1\n"
        "7,1.5,2024-01-31,S,a,high\n8,1.5,2024-01-31,S,a,#REF!\n"
        "9,1.5,2024-01-32,S,a,1\n"
        "10x,1.5,2024-01-31,S,a,1\n"
    )
    job = import_text(owner, "t", text)
    assert (job.rows_imported, job.rows_rejected) == (2, 8)
    assert fix(client, job, "qty", "invalid_type", kind="trim") == (1, 1)
    assert fix(client, job, "size", "constraint_failed", kind="map", map={"small": "S", "huge": "M"}) == (1, 1)
    assert fix(client, job, "size", "constraint_failed", kind="map", map={"big": None}) == (1, 1)
    assert fix(client, job, "note", "missing_value", kind="default", value="none") == (1, 1)
    assert fix(client, job, "level", "invalid_type", kind="default") == (2, 2)
    assert fix(client, job, "born", "invalid_type", kind="null") == (1, 1)
    assert fix(client, job, "qty", "invalid_type", kind="replace", find="x", replace="") == (1, 1)
    assert fix(client, job, "qty", "invalid_type", kind="null") == (0, 0)
    assert retried(client, job).rows_rejected == 0
    assert records("t", "qty", "size", "note", "born", "level")[2:] == [
        ("3", "S", "a", "2024-01-31", "1"), ("4", "S", "a", "2024-01-31", "1"), ("5", None, "a", "2024-01-31", "1"),
        ("6", "S", "none", "2024-01-31", "1"), ("7", "S", "a", "2024-01-31", "3"), ("8", "S", "a", "2024-01-31", "3"),
        ("9", "S", "a", None, "1"), ("10", "S", "a", "2024-01-31", "1"),
    ]  # fmt: skip


def test_numbers_and_dates_written_otherwise(client: APIClient, owner: User) -> None:
    make_table(owner, "t", price="NUMERIC(10,2)", qty="INTEGER", born="DATE", at="TIMESTAMPTZ")
    good = "1234.50,1,2024-01-31,2024-01-31 10:00Z\n" * 50
    bad = '"1.234,50","1.000,00",31.01.2024,31.01.2024 10:00\n' * 2
    job = import_text(owner, "t", f"price,qty,born,at\n{good}{bad}", date_formats=["%Y-%m-%d"], decimal=".")
    assert (job.rows_imported, job.rows_rejected) == (50, 2)
    assert fix(client, job, "price", "invalid_type", kind="decimal") == (2, 0)
    assert fix(client, job, "qty", "invalid_type", kind="decimal", decimal=",", thousands=".") == (2, 0)
    assert fix(client, job, "born", "invalid_type", kind="date_format", format="%d.%m.%Y") == (2, 0)
    assert fix(client, job, "at", "invalid_type", kind="date_format", format="%d.%m.%Y %H:%M") == (2, 2)
    assert cells(job, "price", client) == ["1234.50"] * 2
    assert retried(client, job).rows_retried == 2
    made = records("t", "price", "qty", "born")
    assert (made[-1], made[-2]) == (("1234.50", "1000", "2024-01-31"),) * 2
    assert records("t", "at")[-1] == records("t", "at")[0]


def test_rows_are_read_as_their_import_read_them(client: APIClient, owner: User) -> None:
    """Alone they would be read differently: 1.000 is a thousand here, 2/1 in January, NA missing."""
    rows = "1.000,50;13/1/2024;NA;a\n" * 20
    job = import_text(owner, "made", f"sum;day;n;name\n{rows}1.000;2/1/2024;x;NA\n1.000;2/1/2024;7;b\n"
                      "5;3/1/2024;NA;c\n" + "1,5;3/1/2024;8;d\n" * 190, create_table=True)  # fmt: skip
    assert [row.line for row in job.rejected_rows.all()] == [22]
    answer = client.patch(f"/api/imports/{job.pk}/rejected/22/", {"cells": {"n": "NA"}})
    assert answer.json()["errors"] == []
    retried(client, job)
    assert records("made", "sum", "day", "n", "name")[-1] == ("1000", "2024-01-02", None, None)


def test_nothing_else_is_taken_for_missing_than_at_first(client: APIClient, owner: User) -> None:
    make_table(owner, "t", n="INTEGER", country="TEXT")
    job = import_text(owner, "t", "n,country\n1,DE\nx,NA\n")
    refused = client.patch(f"/api/imports/{job.pk}/rejected/3/", {"cells": {"n": "NA"}}).json()
    assert refused["errors"][0]["code"] == "invalid_type"
    client.patch(f"/api/imports/{job.pk}/rejected/3/", {"cells": {"n": "2"}})
    retried(client, job)
    assert records("t", "n", "country") == [("1", "DE"), ("2", "NA")]


@pytest.mark.parametrize("kind", ["json", "guarded"])
def test_rows_of_other_files(client: APIClient, owner: User, kind: str) -> None:
    make_table(owner, "t", n="INTEGER", name="TEXT")
    if kind == "json":
        found = [{"n": 1, "name": "a"}, {"n": "x", "name": "=b"}, {"n": "y", "name": ""}, {"n": "z", "name": None}]
        job = import_text(owner, "t", json.dumps(found), filename="a.json")
    else:
        text = 'n,name,_line,_errors\n1,a,1,\nx,\'=b,2,\ny,"",3,\nz,,4,\n'
        job = import_text(owner, "t", text, filename="rejected.csv")
    assert job.rows_rejected == 3
    assert cells(job, "name", client) == ["=b", "", None]
    assert fix(client, job, "n", "invalid_type", kind="map", map={"x": "2", "y": "3", "z": "4"}) == (3, 3)
    retried(client, job)
    assert records("t", "n", "name") == [("1", "a"), ("2", "=b"), ("3", ""), ("4", None)]


def test_rows_that_update_records_do_so_when_they_are_tried_again(client: APIClient, owner: User) -> None:
    make_table(owner, "t", email="TEXT UNIQUE", n="INTEGER")
    import_text(owner, "t", "email,n\na@x,1\nb@x,2\n")
    text = "email,n\na@x,10\nb@x,x\nc@x,y\n"
    job = import_text(owner, "t", text, on_conflict="update", key="email")
    assert (job.rows_updated, job.rows_imported, job.rows_rejected) == (1, 0, 2)
    assert fix(client, job, "n", "invalid_type", kind="map", map={"x": "20", "y": "30"}) == (2, 2)
    retried(client, job)
    assert (job.rows_updated, job.rows_imported, job.rows_retried) == (2, 1, 2)
    assert sorted(records("t", "email", "n")) == [("a@x", "10"), ("b@x", "20"), ("c@x", "30")]
    # All of it is of the one import: what it made, with lines, and what it changed.
    assert job.table is not None
    assert job.event is not None
    made = origin_of(job.table, 3)
    assert made is not None
    assert (made.job.pk, made.line) == (job.pk, 4)
    assert sorted(job.event.changes.values_list("record_id", "line")) == [(1, 2), (2, 3)]
    undone(client, job)
    assert sorted(records("t", "id", "email", "n")) == [("1", "a@x", "1"), ("2", "b@x", "2")]


def test_the_first_update_of_an_import_may_be_that_of_a_rejected_row(client: APIClient, owner: User) -> None:
    make_table(owner, "t", email="TEXT UNIQUE", n="INTEGER")
    job = import_text(owner, "t", "email,n\na@x,1\nb@x,2\nc@x,z\n", on_conflict="update", key="email")
    client.patch(f"/api/imports/{job.pk}/rejected/4/", {"cells": {"email": "b@x", "n": "3"}})
    retried(client, job)
    assert (job.rows_imported, job.rows_updated, job.rows_rejected) == (2, 1, 0)
    assert records("t", "email", "n") == [("a@x", "1"), ("b@x", "3")]
    undone(client, job)
    assert records("t") == []
    job.refresh_from_db()
    refused = client.post(f"/api/imports/{job.pk}/rejected/retry/")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_mendable")


def test_very_many_rows_at_once(client: APIClient, owner: User) -> None:
    make_table(owner, "t", n="INTEGER UNIQUE", d="DATE")
    text = "n,d\n" + "".join(f"{n},{n % 28 + 1}.01.2024\n" for n in range(5_120)) + "5,2024-01-01\n"
    job = import_text(owner, "t", text, date_formats=["%Y-%m-%d"])
    assert (job.rows_imported, job.rows_rejected) == (1, 5_120)
    again = fix(client, job, "d", "invalid_type", kind="date_format", format="%d.%m.%Y")
    assert again == (5_120, 5_119)  # 5 is taken
    retried(client, job)
    assert (job.rows_imported, job.rows_rejected, job.rows_retried) == (5_120, 1, 5_119)
    assert rejected(job) == [(7, [("n", "duplicate_in_table")])]
    assert job.errors[0] | {"message": ""} == {
        "code": "duplicate_in_table", "column": "n", "count": 1, "example_line": 7, "message": ""
    }  # fmt: skip


def test_a_fix_does_as_many_as_it_may_and_says_what_is_left(
    client: APIClient, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataengine.services.rejected_rows.MOST_FIXED", 3)
    monkeypatch.setattr("dataengine.services.rejected_rows._PORTION", 3)
    make_table(owner, "t", n="INTEGER")
    job = import_text(owner, "t", "n\n" + "x\n" * 7)
    asked = {"column": "n", "code": "invalid_type", "fix": {"kind": "null"}}
    answers = [client.post(f"/api/imports/{job.pk}/rejected/fix/", asked).json() for _ in range(4)]
    assert answers == [{"changed": n, "now_good": n, "left": left} for n, left in ((3, 4), (3, 1), (1, 0), (0, 0))]
    # Those that a fix does not concern are in nobody's way.
    other = import_text(owner, "t", "n\n" + "x\n" * 7 + "y\n")
    asked["fix"] = {"kind": "map", "map": {"y": "1"}}
    answer = client.post(f"/api/imports/{other.pk}/rejected/fix/", asked).json()
    assert answer == {"changed": 1, "now_good": 1, "left": 0}


def test_a_retry_that_is_rung_for_twice_happens_once(client: APIClient, owner: User) -> None:
    make_table(owner, "t", n="INTEGER")
    job = import_text(owner, "t", "n\n1\nx\n")
    fix(client, job, "n", "invalid_type", kind="map", map={"x": "2"})
    change = client.post(f"/api/imports/{job.pk}/rejected/retry/").json()["id"]

    def run() -> None:
        try:
            change_runs.run(change)
        finally:
            connection.close()

    threads = [Beside(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    change_runs.run(change)
    assert ChangeJob.objects.get(pk=change).state == "completed"
    assert records("t", "n") == [("1",), ("2",)]
    job.refresh_from_db()
    assert (job.rows_imported, job.rows_rejected, job.rows_retried) == (2, 0, 1)


def test_a_retry_that_ends_in_the_middle_leaves_everything(
    client: APIClient, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_table(owner, "t", n="INTEGER")
    job = import_text(owner, "t", "n\n1\nx\ny\n")
    fix(client, job, "n", "invalid_type", kind="map", map={"x": "2"})
    change = client.post(f"/api/imports/{job.pk}/rejected/retry/").json()["id"]
    with monkeypatch.context() as patched:
        patched.setattr("dataengine.services.retry_runs.record_event", lambda **_: 1 / 0)
        change_runs.run(change)
    job.refresh_from_db()
    assert (job.rows_imported, job.rows_rejected, job.rejected_rows.count()) == (1, 2, 2)
    assert records("t", "n") == [("1",)]
    ChangeJob.objects.filter(pk=change).update(try_again_at=None)
    change_runs.run(change)
    job.refresh_from_db()
    assert (job.rows_imported, job.rows_rejected, job.rejected_rows.count()) == (2, 1, 1)
    assert records("t", "n") == [("1",), ("2",)]


_PIECES = [
    "",
    " ",
    "a",
    "NA",
    "NULL",
    "\\N",
    "-",
    "#N/A",
    "é",
    "\u00a0",
    '"',
    "'",
    "=1",
    "'=1",
    "@x",
    ",",
    ";",
    "\t",
    "\n",
    "0",
    "\\",
]


def _written(text: str | None, rng: Random, delimiter: str, quote: str, escape: str) -> str:
    """A cell as a file may have it."""
    if text is None:
        return ""
    special = {delimiter, quote, "\n", "\r", escape} - {""}
    if not (special & set(text)) and text and rng.random() < 0.6:
        return text
    if not quote:
        return "".join(char for char in text if char not in special)
    inner = text.replace(escape, escape * 2) if escape else text
    return quote + inner.replace(quote, quote * 2) + quote


@pytest.mark.parametrize(
    ("delimiter", "quote", "escape", "has_nulls"),
    [(",", '"', "", True), (";", "'", "", False), ("\t", '"', "\\", True), ("|", "", "", False)],
)
def test_a_row_that_was_mended_is_the_record_that_it_would_have_been(
    client: APIClient, owner: User, delimiter: str, quote: str, escape: str, has_nulls: bool
) -> None:
    """The same file twice: with a bad cell in every row, which is mended, and without."""
    rng = Random(f"{delimiter}{has_nulls}")
    options = {"delimiter": delimiter, "quote": quote, "escape": escape, "encoding": "utf-8"}
    lines = [delimiter.join(["n", "a", "b"])]
    for number in range(150):
        texts = [None if rng.random() < 0.2 else "".join(rng.choices(_PIECES, k=rng.randint(0, 4))) for _ in range(2)]
        cells = [_written(text, rng, delimiter, quote, escape) for text in texts]
        lines.append(delimiter.join([f"§{number}§", *cells]))
    lines.append(delimiter.join(["NA" if has_nulls else "0", "x", "x"]))
    file = "\n".join(lines) + "\n"
    for name, text in (("good", file.replace("§", "")), ("mended", file.replace("§", "?"))):
        make_table(owner, name, n="INTEGER", a="TEXT", b="TEXT")
        job = import_text(owner, name, text, **options)
        assert job.rows_read >= 151
    changed, good = fix(client, job, "n", "invalid_type", kind="replace", find="?", replace="")
    whole = [line for line, errors in rejected(job) if ("*", "malformed_quotes") in errors]
    assert changed == good == job.rows_rejected - len(whole)
    retried(client, job)
    assert sorted(records("mended", "n", "a", "b")[1:], key=str) == sorted(records("good", "n", "a", "b")[:-1], key=str)


def test_rows_with_too_few_or_too_many_cells(client: APIClient, owner: User) -> None:
    make_table(owner, "people", name="TEXT", n="INTEGER", note="TEXT")
    text = 'name,n,note\nA,1\nB,x\nC,3,c,,\nD,4,"d",e,"f,g"\nE,5,NA\n"NA",6,h, \n"open,7,h\n'
    job = import_text(owner, "people", text, null_values=["NA"])
    assert [(error["code"], error["count"]) for error in job.errors] == [
        ("too_many_fields", 3), ("too_few_fields", 2), ("malformed_quotes", 1),
    ]  # fmt: skip
    for code, given, field in (
        ("too_few_fields", {"kind": "join"}, "fix.kind"),
        ("too_many_fields", {"kind": "join", "with": ";"}, "fix.with"),
        ("malformed_quotes", {"kind": "pad"}, "code"),
    ):
        answer = client.post(f"/api/imports/{job.pk}/rejected/fix/", {"column": "*", "code": code, "fix": given})
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])
    assert fix(client, job, "*", "too_few_fields", kind="pad") == (2, 1)
    assert fix(client, job, "*", "too_many_fields", kind="drop_empty") == (2, 2)
    assert fix(client, job, "*", "too_many_fields", kind="join") == (1, 1)
    assert fix(client, job, "n", "invalid_type", kind="map", map={"x": "2"}) == (1, 1)
    job = retried(client, job)
    assert sorted(records("people", "name", "n", "note")) == [
        ("A", "1", None), ("B", "2", None), ("C", "3", "c"), ("D", "4", "d,e,f,g"), ("E", "5", None), ("NA", "6", "h"),
    ]  # fmt: skip
    assert [line for line, *_ in rejected(job)] == [8]
