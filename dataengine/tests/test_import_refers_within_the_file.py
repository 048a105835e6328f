"""Rows of a file may mean one another by a value, wherever in the file they stand."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from dataengine.models import AuditEvent, ChangeJob, Table
from dataengine.queries.provenance import origin_of
from dataengine.services import change_runs, import_undo
from dataengine.tests.importing import import_text, make_table, records, rejected

pytestmark = pytest.mark.django_db(transaction=True)

BY_NAME: dict[str, Any] = {"boss": {"match": "name"}}


@pytest.fixture
def people(owner: User) -> Table:
    """People, each with a boss."""
    return make_table(owner, "people", name="TEXT UNIQUE", boss="REFERENCES people", age="INTEGER")


def bosses() -> dict[str, str | None]:
    named = dict(records("people", "id", "name"))
    return {name: named[boss] if boss else None for name, boss in records("people", "name", "boss")}


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.usefixtures("people")
def test_forwards_and_backwards(before: bool, owner: User) -> None:
    if before:
        import_text(owner, "people", "name\nZoe\n")
    job = import_text(owner, "people", "name,boss\nAnn,Bob\nBob,\nCid,Ann\nDan,Zoe\nEva,Eva\n", references=BY_NAME)
    expected = {"Ann": "Bob", "Bob": None, "Cid": "Ann", "Eva": "Eva"}
    if before:
        assert bosses() == {"Zoe": None, **expected, "Dan": "Zoe"}
        assert job.rows_rejected == 0
    else:
        assert bosses() == expected
        assert rejected(job) == [(5, [("boss", "unknown_reference")])]
    ids = [int(number) for (number,) in records("people", "id")]
    assert ids == sorted(ids)
    counts = job.findings["references"]["boss"]
    assert (counts["known"], counts["new"], counts["unknown"]) == ((4, 0, 0) if before else (3, 0, 1))


@pytest.mark.usefixtures("people")
def test_who_means_a_rejected_row_is_rejected_too(owner: User) -> None:
    text = "name,boss,age\nAnn,Bob,1\nBob,Cid,2\nCid,,x\nDan,,4\nEva,Dan,5\nDan,,6\n"
    job = import_text(owner, "people", text, references=BY_NAME)
    assert bosses() == {"Dan": None, "Eva": "Dan"}
    assert rejected(job) == [
        (2, [("boss", "unknown_reference")]),
        (3, [("boss", "unknown_reference")]),
        (4, [("age", "invalid_type")]),
        (7, [("name", "duplicate_in_file")]),
    ]
    assert "no accepted row" in job.rejected_rows.get(line=2).errors[0]["message"]
    assert job.rows_imported + job.rows_rejected == job.rows_read


@pytest.mark.usefixtures("people")
def test_the_first_row_that_is_good_is_meant(owner: User) -> None:
    job = import_text(owner, "people", "name,boss\nAnn,Nobody\nAnn,\nBob,Ann\n", references=BY_NAME)
    assert bosses() == {"Ann": None, "Bob": "Ann"}
    assert [line for line, _ in rejected(job)] == [2]


def test_two_rows_of_the_same_name_are_ambiguous(owner: User) -> None:
    make_table(owner, "people", name="TEXT", boss="REFERENCES people")
    job = import_text(owner, "people", "name,boss\nAnn,\nAnn,\nBob,Ann\nCid,Bob\nDan,\nEva,Dan\n", references=BY_NAME)
    assert rejected(job) == [(4, [("boss", "ambiguous_reference")]), (5, [("boss", "unknown_reference")])]
    assert [name for (name,) in records("people", "name")] == ["Ann", "Ann", "Dan", "Eva"]


@pytest.mark.usefixtures("people")
def test_what_neither_has_is_null_or_made(owner: User) -> None:
    references = {"boss": {"match": "name", "missing": "null"}}
    job = import_text(owner, "people", "name,boss\nAnn,Bob\nBob,Zoe\n", references=references)
    assert (bosses(), job.rows_rejected) == ({"Ann": "Bob", "Bob": None}, 0)
    references = {"boss": {"match": "name", "missing": "create"}}
    job = import_text(owner, "people", "name,boss\nCid,Dan\nDan,Eva\nFay,Eva\n", references=references)
    assert bosses() == {"Ann": "Bob", "Bob": None, "Eva": None, "Cid": "Dan", "Dan": "Eva", "Fay": "Eva"}
    assert job.findings["references"]["boss"]["new"] == 1


@pytest.mark.usefixtures("people")
def test_rows_that_update_records_may_mean_new_ones(owner: User) -> None:
    import_text(owner, "people", "name,boss\nAnn,\nBob,Ann\nCid,Ann\n", references=BY_NAME)
    text = "name,boss\nAnn,Zoe\nZoe,Bob\nBob,Ann\nCid,Nobody\n"
    job = import_text(owner, "people", text, references=BY_NAME, on_conflict="update", key="name")
    assert bosses() == {"Ann": "Zoe", "Bob": "Ann", "Cid": "Ann", "Zoe": "Bob"}
    assert (job.rows_imported, job.rows_updated, job.rows_unchanged, job.rows_rejected) == (1, 1, 1, 1)


@pytest.mark.usefixtures("people")
def test_a_trial_run_says_the_same_and_leaves_nothing(owner: User) -> None:
    job = import_text(owner, "people", "name,boss\nAnn,Bob\nBob,Zoe\nCid,Ann\nDan,\n", references=BY_NAME, dry_run=True)
    assert (job.rows_imported, job.rows_rejected, records("people")) == (1, 3, [])


@pytest.mark.usefixtures("people")
def test_records_know_their_lines(owner: User) -> None:
    job = import_text(owner, "people", "name,boss\nAnn,Bob\nX,Nobody\nBob,\n", references=BY_NAME)
    table = Table.objects.get(name="people")
    lines = {}
    for number, name in records("people", "id", "name"):
        origin = origin_of(table, int(number))
        assert origin is not None
        assert origin.job == job
        lines[name] = origin.line
    assert lines == {"Ann": 2, "Bob": 4}


@pytest.mark.usefixtures("people")
def test_records_made_beside_the_rows_are_of_the_import(owner: User) -> None:
    references = {"boss": {"match": "name", "missing": "create"}}
    job = import_text(owner, "people", "name,boss\nAnn,Bob\nBob,Zoe\nCid,Zoe\n", references=references)
    assert bosses() == {"Zoe": None, "Ann": "Bob", "Bob": "Zoe", "Cid": "Zoe"}
    made = dict(records("people", "name", "id"))
    origin = origin_of(Table.objects.get(name="people"), int(made["Zoe"]))
    assert origin is not None
    assert (origin.job, origin.line) == (job, 3)
    assert not AuditEvent.objects.filter(action="import.referenced").exists()
    import_undo.undo(user=owner, job=job)
    change_runs.run(ChangeJob.objects.latest("pk").pk)
    assert records("people") == []
