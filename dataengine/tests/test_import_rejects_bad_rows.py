"""Valid rows are imported, bad ones are reported with line and all errors, and returned as a file to correct."""

from __future__ import annotations

import csv
import io
from random import Random
from string import ascii_letters

import pytest
from django.contrib.auth.models import User

from dataengine.imports.rejecting.rejected_rows import csv_lines
from dataengine.tests.importing import import_text, make_table, records, rejected

pytestmark = pytest.mark.django_db(transaction=True)


def test_good_rows_go_in_and_bad_ones_are_named(owner: User) -> None:
    make_table(owner, "people", name="TEXT NOT NULL", email="TEXT UNIQUE", age="SMALLINT", born="DATE")
    text = (
        "name,email,age,born\n"
        "Ann,ann@x.org,30,1990-01-02\n"
        ",bob@x.org,old,1990-02-30\n"  # line 3: three errors
        "Cid,ann@x.org,40,1980-01-01\n"  # line 4: repeats line 2
        "\n"
        'Dora,"dora@\nx.org",50,1970-01-01\n'  # lines 6 and 7
        "Eve,eve@x.org,70000,1960-01-01,extra\n"  # line 8
        "Fay,fay@x.org,70000,1960-01-01\n"  # line 9
        "Gus,gus@x.org,,\n"
    )
    job = import_text(owner, "people", text)
    assert (job.state, job.rows_read, job.rows_imported, job.rows_rejected) == ("completed", 7, 3, 4)
    assert records("people", "name", "age") == [("Ann", "30"), ("Dora", "50"), ("Gus", None)]
    assert rejected(job) == [
        (3, [("name", "missing_value"), ("age", "invalid_type"), ("born", "invalid_type")]),
        (4, [("email", "duplicate_in_file")]),
        (8, [("*", "too_many_fields")]),
        (9, [("age", "out_of_range")]),
    ]
    assert "line 2" in job.rejected_rows.get(line=4).errors[0]["message"]
    assert {(cause["code"], cause["column"], cause["count"], cause["example_line"]) for cause in job.errors} >= {
        ("duplicate_in_file", "email", 1, 4),
        ("out_of_range", "age", 1, 9),
    }


def test_a_bad_row_that_also_repeats_a_value_has_both_errors(owner: User) -> None:
    make_table(owner, "people", email="TEXT UNIQUE", age="INTEGER")
    job = import_text(owner, "people", "email,age\na@x,x\na@x,1\na@x,y\n")
    # The first row is not valid, so the second wins.
    assert records("people", "email", "age") == [("a@x", "1")]
    assert rejected(job) == [
        (2, [("age", "invalid_type")]),
        (4, [("email", "duplicate_in_file"), ("age", "invalid_type")]),
    ]


def test_duplicates_over_several_columns_are_decided_row_by_row(owner: User) -> None:
    make_table(owner, "pairs", a="INTEGER UNIQUE", b="INTEGER UNIQUE")
    # Row 3 fails because of b, so its a is free for row 4.
    job = import_text(owner, "pairs", "a,b\n1,1\n2,1\n2,3\n3,3\n1,3\n")
    assert records("pairs", "a", "b") == [("1", "1"), ("2", "3")]
    assert rejected(job) == [
        (3, [("b", "duplicate_in_file")]),
        (5, [("b", "duplicate_in_file")]),
        (6, [("a", "duplicate_in_file"), ("b", "duplicate_in_file")]),
    ]


def test_duplicates_of_records_are_told_from_duplicates_in_the_file(owner: User) -> None:
    make_table(owner, "people", email="TEXT UNIQUE", age="INTEGER")
    import_text(owner, "people", "email,age\na@x,1\n")
    job = import_text(owner, "people", "email,age\na@x,2\nb@x,3\nb@x,4\na@x,x\n")
    assert records("people", "email", "age") == [("a@x", "1"), ("b@x", "3")]
    assert rejected(job) == [
        (2, [("email", "duplicate_in_table")]),
        (4, [("email", "duplicate_in_file")]),
        (5, [("email", "duplicate_in_table"), ("age", "invalid_type")]),
    ]


@pytest.mark.parametrize("records_before", [0, 1])
def test_references_must_exist(owner: User, records_before: int) -> None:
    make_table(owner, "towns", name="TEXT")
    import_text(owner, "towns", "name\nWien\nGraz\n")
    make_table(owner, "people", name="TEXT", town="REFERENCES towns")
    if records_before:
        import_text(owner, "people", "name,town\nZoe,2\n")
    job = import_text(owner, "people", "name,town\nAnn,1\nBob,7\nCid,\nDan,x\n")
    assert records("people", "name", "town")[records_before:] == [("Ann", "1"), ("Cid", None)]
    assert rejected(job) == [(3, [("town", "unknown_reference")]), (5, [("town", "invalid_type")])]


@pytest.mark.parametrize("on_conflict", ["reject", "skip"])
@pytest.mark.parametrize("records_before", [0, 1])
def test_references_to_rows_of_the_same_file_do_not_count(owner: User, records_before: int, on_conflict: str) -> None:
    make_table(owner, "tree", name="TEXT", parent="REFERENCES tree")
    if records_before:
        import_text(owner, "tree", "name\nRoot\n")
    job = import_text(owner, "tree", "name,parent\nA,\nB,1\nC,2\nD,99\n", on_conflict=on_conflict)
    unknown = [("parent", "unknown_reference")]
    if records_before:
        assert records("tree", "name", "parent") == [("Root", None), ("A", None), ("B", "1")]
        assert rejected(job) == [(4, unknown), (5, unknown)]
    else:
        assert records("tree", "name", "parent") == [("A", None)]
        assert rejected(job) == [(3, unknown), (4, unknown), (5, unknown)]


def test_rules_of_columns_hold(owner: User) -> None:
    from dataengine.columns.types import ColumnSpec
    from dataengine.services.tables import create_table

    specs = [
        ColumnSpec("code", "text", constraints={"pattern": "^[A-Z]{2}$"}),
        ColumnSpec("level", "integer", constraints={"minimum": 1, "maximum": 5}),
        ColumnSpec("price", "numeric", constraints={"exclusiveMinimum": 0}),
        ColumnSpec("day", "date", constraints={"minimum": "2024-01-01"}),
        ColumnSpec("at", "time", constraints={"exclusiveMaximum": "18:00:00"}),
        ColumnSpec("seen", "timestamptz", constraints={"maximum": "2024-06-01T00:00:00Z"}),
        ColumnSpec("took", "duration", constraints={"minimum": "PT1H30M"}),
    ]
    create_table(user=owner, name="things", columns=specs)
    for _ in range(2):  # into the empty table, then into the filled one
        job = import_text(
            owner,
            "things",
            (
                "code,level,price,day,at,seen,took\n"
                "AB,1,0.10,2024-01-01,17:59:59,2024-06-01 00:00:00Z,1:30:00\n"
                "ab,6,1,2023-12-31,18:00:00,2024-06-01 00:00:00.5Z,1:29:59\n"
                "CD,5,0,,,,\n"
            ),
        )
        failed = [(name, "constraint_failed") for name in ("code", "level", "day", "at", "seen", "took")]
        assert rejected(job) == [(3, failed), (4, [("price", "constraint_failed")])]
    assert {error["message"] for error in job.errors} >= {
        "expected 2024-01-01 or later, found “2023-12-31”", "expected before 18:00:00, found “18:00:00”",
        "expected at least 1:30:00, found “1:29:59”",
    }  # fmt: skip
    assert records("things", "code", "level", "price") == [("AB", "1", "0.10")] * 2


def test_ids_ascend_in_the_order_of_the_file(owner: User) -> None:
    make_table(owner, "numbers", n="INTEGER")
    for _ in range(2):
        import_text(owner, "numbers", "n\n" + "\n".join(map(str, range(500))) + "\n")
    ids = [int(row[0]) for row in records("numbers", "id")]
    assert ids == sorted(set(ids))
    assert [int(row[0]) for row in records("numbers", "n")] == [*range(500), *range(500)]


@pytest.mark.parametrize("records_before", [0, 1])
def test_what_no_index_can_hold_costs_its_row(owner: User, records_before: int) -> None:
    make_table(owner, "L", code="TEXT UNIQUE", note="TEXT")
    if records_before:
        import_text(owner, "L", "code,note\nq,0\n")
    random = Random(1)
    long = "".join(random.choice(ascii_letters) for _ in range(20_000))
    job = import_text(owner, "L", f"code,note\na,{long}\n{long},b\nc,\n")
    assert (job.state, rejected(job)) == ("completed", [(3, [("code", "value_too_long")])])


def test_rejected_csv_can_be_corrected_and_uploaded_as_it_is(owner: User) -> None:
    make_table(owner, "people", name="TEXT", note="TEXT", age="INTEGER")
    job = import_text(owner, "people", 'name,note,age\nAnn,=1+1,x\nBob,"",x\nCid,-5,1\nDan,\'=a,x\nEve,1\n')
    text = b"".join(csv_lines(job)).decode()
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["name", "note", "age", "_line", "_errors"]
    assert rows[1][:4] == ["Ann", "'=1+1", "x", "2"]
    assert rows[1][4] == "age: invalid_type: expected a whole number, found “x”"
    assert rows[3][0] == "Dan"
    assert rows[3][1] == "''=a"
    assert rows[4][:4] == ["Eve", "1", "", "6"]
    corrected = text.replace(",x,", ",7,").replace("Eve,1,,6", "Eve,1,9,6")
    again = import_text(owner, "people", corrected)
    assert (again.rows_imported, again.rows_rejected) == (4, 0), again.errors
    assert records("people", "name", "note", "age") == [
        ("Cid", "-5", "1"),
        ("Ann", "=1+1", "7"),
        ("Bob", "", "7"),
        ("Dan", "'=a", "7"),
        ("Eve", "1", "9"),
    ]
