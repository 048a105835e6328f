"""The options of an import, and errors before anything is stored."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from dataengine.exceptions import DataEngineError
from dataengine.models import ImportJob
from dataengine.services.records import insert_record
from dataengine.tests.importing import import_text, make_table, queue_import, records, rejected

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people(owner: User) -> None:
    make_table(owner, "people", email="TEXT UNIQUE NOT NULL", name="TEXT", age="INTEGER DEFAULT 18")
    import_text(owner, "people", "email,name,age\na@x,Ann,1\nb@x,Bob,2\n")


@pytest.mark.usefixtures("people")
def test_on_conflict_skip_leaves_records_as_they_are(owner: User) -> None:
    job = import_text(owner, "people", "email,name\na@x,New\nc@x,Cid\nc@x,Two\n", on_conflict="skip", key="email")
    assert (job.rows_imported, job.rows_skipped, job.rows_updated, job.rows_rejected) == (1, 1, 0, 1)
    assert records("people", "email", "name", "age") == [("a@x", "Ann", "1"), ("b@x", "Bob", "2"), ("c@x", "Cid", "18")]


@pytest.mark.usefixtures("people")
def test_a_value_to_be_skipped_is_not_an_error_of_a_rejected_row(owner: User) -> None:
    job = import_text(owner, "people", "email,age\na@x,old\nb@x,3\nc@x,4\n", on_conflict="skip")
    assert (job.rows_imported, job.rows_skipped, job.rows_rejected) == (1, 1, 1)
    assert rejected(job) == [(2, [("age", "invalid_type")])]


@pytest.mark.usefixtures("people")
def test_on_conflict_update_writes_the_columns_of_the_file(owner: User) -> None:
    text = "email,name\nb@x,Bert\nc@x,Cid\nb@x,Twice\n"
    job = import_text(owner, "people", text, on_conflict="update", key="email")
    assert (job.rows_imported, job.rows_skipped, job.rows_updated, job.rows_rejected) == (1, 0, 1, 1)
    assert records("people", "email", "name", "age") == [
        ("a@x", "Ann", "1"),
        ("b@x", "Bert", "2"),
        ("c@x", "Cid", "18"),
    ]
    assert rejected(job) == [(4, [("email", "duplicate_in_file")])]


@pytest.mark.usefixtures("people")
def test_on_error_abort_lets_nothing_in_and_names_the_rows(owner: User) -> None:
    job = import_text(owner, "people", "email,age\nc@x,5\nd@x,y\n", on_error="abort")
    counts = (job.rows_read, job.rows_imported, job.rows_skipped, job.rows_rejected)
    assert (job.state, counts) == ("failed", (2, 0, 1, 1))
    assert job.error.endswith("because 1 row has errors and on_error is “abort”. 1 without errors was skipped, too.")
    assert rejected(job) == [(3, [("age", "invalid_type")])]
    assert len(records("people")) == 2


@pytest.mark.usefixtures("people")
def test_a_dry_run_counts_and_touches_nothing(owner: User) -> None:
    job = import_text(owner, "people", "email,age\na@x,5\nc@x,y\nd@x,1\n", dry_run=True)
    assert (job.state, job.rows_imported, job.rows_rejected) == ("completed", 1, 2)
    assert rejected(job) == [(2, [("email", "duplicate_in_table")]), (3, [("age", "invalid_type")])]
    assert job.findings["sample"] == [{"email": "d@x", "age": "1"}]
    assert len(records("people")) == 2


@pytest.mark.usefixtures("people")
def test_a_dry_run_tells_changes_from_new_records(owner: User) -> None:
    before = records("people")
    text = "email,age\na@x,5\nc@x,7\n"
    job = import_text(owner, "people", text, dry_run=True, on_conflict="update", key="email")
    assert (job.rows_imported, job.rows_updated, job.rows_rejected) == (1, 1, 0)
    assert records("people") == before


@pytest.mark.usefixtures("people")
def test_headers_are_mapped(owner: User) -> None:
    import_text(owner, "people", "Mail;Age;x\nc@x;7;8\n", mapping={"Mail": "email", "x": None})
    assert records("people", "email", "age")[-1] == ("c@x", "7")


@pytest.mark.usefixtures("people")
def test_without_a_header_columns_go_by_position(owner: User) -> None:
    import_text(owner, "people", "c@x,Cid,3\nd@x,Dan,4\n", has_header=False)
    assert records("people", "email", "name", "age")[2:] == [("c@x", "Cid", "3"), ("d@x", "Dan", "4")]


NOT_IMPORTED: list[tuple[str | bytes, str, dict[str, Any], str]] = [
    ("", "data.csv", {}, "file"),
    ("email,name\n", "data.csv", {}, "file"),
    ("email,email\na@x,b\n", "data.csv", {}, "mapping"),
    ("email\na@x\n", "data.pdf", {}, "file"),
    (b"%PDF-1.7 \0\0", "data.csv", {}, "file"),
    ("first,second\na,b\n", "data.csv", {}, "mapping"),
    ("name\nAnn\n", "data.csv", {}, "mapping"),
    ("email\na@x\n", "data.csv", {"mapping": {"email": "nothing"}}, "mapping"),
    ("email\na@x\n", "data.csv", {"mapping": {"nothing": "email"}}, "mapping"),
    ("email\na@x\n", "data.csv", {"colour": "red"}, "colour"),
    ("email\na@x\n", "data.csv", {"on_conflict": "update"}, "key"),
    ("email\na@x\n", "data.csv", {"on_conflict": "skip", "key": "age"}, "key"),
    ("email\na@x\n", "data.csv", {"on_error": "cry"}, "on_error"),
    ("email\na@x\n", "data.csv", {"date_formats": ["%Q"]}, "date_formats"),
    ("email\na@x\n", "data.csv", {"delimiter": ",,"}, "delimiter"),
    ("email\na@x\n", "data.csv", {"encoding": "klingon"}, "encoding"),
    ("email\na@x\n", "data.csv", {"encoding": "utf-8\u00e9"}, "encoding"),
    ("email\na@x\n", "data.csv", {"encoding": ""}, "encoding"),
    (" \n\t\n", "data.csv", {}, "file"),
    ("email\na@x\n", "data.csv", {"dry_run": "yes"}, "dry_run"),
    ("email\na@x\n", "data.csv", {"key": "\ud800"}, "options"),
    ("email\na@x\n", "data.csv", {"mapping": {"\ud800": "email"}}, "options"),
    ("email\na@x\n", "data.csv", {"null_values": ["a\0b"]}, "options"),
    ("email\na@x\n", "data.csv", {"null_values": "n/a, -"}, "null_values"),
]


@pytest.mark.usefixtures("people")
def test_what_cannot_be_imported_is_refused_at_once(owner: User, subtests: pytest.Subtests) -> None:
    before = ImportJob.objects.count()
    for text, filename, options, field in NOT_IMPORTED:
        with subtests.test(text=text, filename=filename, options=options, field=field):
            with pytest.raises(DataEngineError) as caught:
                queue_import(owner, "people", text, filename=filename, **options)
            assert caught.value.status == 400
            assert field in caught.value.fields
            assert ImportJob.objects.count() == before


@pytest.mark.usefixtures("people")
def test_a_unique_column_cannot_be_left_to_its_default(owner: User, subtests: pytest.Subtests) -> None:
    """Only the first row could have it, and the others must not be left out without a word."""
    table = make_table(owner, "t", a="TEXT UNIQUE", code="TEXT UNIQUE DEFAULT 'x'")
    several: list[dict[str, Any]] = [
        {}, {"on_error": "abort"}, {"dry_run": True}, {"on_conflict": "update", "key": "a"}, {"replace": True}
    ]  # fmt: skip

    def refused(text: str, **options: Any) -> bool:
        before = records("t")
        job = import_text(owner, "t", text, **options)
        return (job.state, job.error_code, records("t")) == (
            "failed",
            "missing_columns",
            before,
        ) and "code" in job.error

    assert refused("a\n1\n2\n")
    insert_record(user=owner, table=table, data={"a": "0", "code": "y"})
    for options in several:
        with subtests.test(str(options)):
            assert refused("a\n1\n2\n", **options)
    assert import_text(owner, "t", "a\n1\n").rows_imported == 1
    assert refused("a\n2\n")
    assert records("t", "a", "code") == [("0", "y"), ("1", "x")]


def test_strangers_find_no_table(owner: User, stranger: User) -> None:
    for table in ("people", "nothing"):
        with pytest.raises(DataEngineError) as caught:
            queue_import(stranger, table, "email\na@x\n")
        assert caught.value.status == 404


def test_a_file_over_the_limit_is_refused(owner: User, settings: Any) -> None:
    make_table(owner, "t", a="TEXT")
    settings.MAX_UPLOAD_BYTES = 10
    with pytest.raises(DataEngineError) as caught:
        queue_import(owner, "t", "a\n" + "x" * 20 + "\n")
    assert caught.value.error_code == "too_large"
