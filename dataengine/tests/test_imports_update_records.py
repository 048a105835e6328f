"""Files that change records: found by a unique column or by the id that exports carry."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from dataengine.exceptions import DataEngineError
from dataengine.models import ImportJob, Table
from dataengine.queries.counts import planned_rows
from dataengine.records.model import record_model
from dataengine.services import change_runs, import_undo
from dataengine.tests.importing import import_text, make_table, queue_import, records, rejected

pytestmark = pytest.mark.django_db(transaction=True)

BY_ID: dict[str, Any] = {"on_conflict": "update", "key": "id"}


def notes_of(job: ImportJob) -> list[str]:
    return list(job.findings["notes"])


@pytest.fixture
def things(owner: User) -> list[str]:
    """A table with three records; their ids."""
    make_table(owner, "things", k="TEXT UNIQUE", a="TEXT", b="TEXT NOT NULL", n="INTEGER")
    import_text(owner, "things", "k,a,b,n\nx,old,b1,1\ny,old,b2,2\nz,old,b3,3\n")
    return [number for (number,) in records("things", "id")]


def test_records_are_updated_by_the_id_of_their_export(owner: User, things: list[str]) -> None:
    text = f"id,a,n\n{things[0]},new,7\n{things[2]},newer,\n"
    job = import_text(owner, "things", text, **BY_ID)
    assert (job.state, job.rows_updated, job.rows_imported, job.rows_rejected) == ("completed", 2, 0, 0), job.error
    assert records("things", "id", "k", "a", "b", "n") == [
        (things[0], "x", "new", "b1", "7"),
        (things[1], "y", "old", "b2", "2"),
        (things[2], "z", "newer", "b3", None),
    ]


def test_an_export_comes_back_whole_with_one_cell_changed(owner: User, client: APIClient, things: list[str]) -> None:
    answer = client.get("/api/tables/things/export/?format=csv")
    text = b"".join(answer).decode().replace("b2", "mended")
    job = import_text(owner, "things", text, **BY_ID)
    assert (job.rows_updated, job.rows_unchanged, job.rows_rejected) == (1, 2, 0), rejected(job)
    assert records("things", "id", "b") == [(things[0], "b1"), (things[1], "mended"), (things[2], "b3")]


def test_unknown_ids_are_rejected_and_no_record_is_made(owner: User, things: list[str]) -> None:
    text = f"id,a\n{things[0]},new\n999999,new\n,new\nx,new\n{things[0]},twice\n-1,new\n1.5,new\n"
    job = import_text(owner, "things", text, **BY_ID)
    assert (job.rows_read, job.rows_updated, job.rows_imported, job.rows_rejected) == (7, 1, 0, 6)
    assert rejected(job) == [
        (3, [("id", "unknown_reference")]),
        (4, [("id", "missing_value")]),
        (5, [("id", "invalid_type")]),
        (6, [("id", "duplicate_in_file")]),
        (7, [("id", "unknown_reference")]),
        (8, [("id", "invalid_type")]),
    ]
    assert [a for (a,) in records("things", "a")] == ["new", "old", "old"]


def test_other_unique_values_still_clash(owner: User, things: list[str]) -> None:
    job = import_text(owner, "things", f"id,k\n{things[0]},y\n{things[1]},y\n{things[2]},w\n", **BY_ID)
    assert (job.rows_updated, job.rows_unchanged) == (1, 1)
    assert rejected(job) == [(2, [("k", "duplicate_in_table")])]
    assert [k for (k,) in records("things", "k")] == ["x", "y", "w"]


def test_records_exchange_their_unique_values(owner: User, subtests: Any) -> None:
    make_table(owner, "seats", person="TEXT UNIQUE", seat="INTEGER UNIQUE NOT NULL", note="TEXT UNIQUE", n="INTEGER")
    first = "person,seat,note,n\na,1,x,0\nb,2,y,0\nc,3,z,0\nd,4,,0\n"
    taken = [("seat", "duplicate_in_table")]
    # By file: the records (person, seat, note) afterwards, and what is rejected.
    cases: dict[str, tuple[str, list[Any]]] = {
        # two, and three in a circle
        "person,seat\na,2\nb,1\n": ("a2x b1y c3z d4-", []),
        "person,seat\na,2\nb,3\nc,1\n": ("a2x b3y c1z d4-", []),
        # in both columns, one of them letting go of a value for none
        "person,seat,note\na,2,y\nb,1,\n": ("a2y b1- c3z d4-", []),
        # a new record has a value that another lets go
        "person,seat\ne,1\na,5\n": ("a5x b2y c3z d4- e1-", []),
        # a record that stays, or whose row is rejected, lets nothing go, nor does whoever counts on it
        "person,seat,n\na,2,0\nb,3,0\n": ("a1x b2y c3z d4-", [(2, taken), (3, taken)]),
        "person,seat,n\na,2,0\nb,3,0\nc,1,x\n": (
            "a1x b2y c3z d4-", [(2, taken), (3, taken), (4, [*taken, ("n", "invalid_type")])],
        ),
        # one that is unchanged
        "person,seat\na,2\nb,2\n": ("a1x b2y c3z d4-", [(2, taken)]),
    }  # fmt: skip
    for text, (expected, faults) in cases.items():
        with subtests.test(text):
            import_text(owner, "seats", first, replace=True)
            before = records("seats", "person", "seat", "note")
            tried = import_text(owner, "seats", text, on_conflict="update", key="person", dry_run=True)
            job = import_text(owner, "seats", text, on_conflict="update", key="person")
            shown = sorted(
                f"{who}{seat}{note or '-'}" for who, seat, note in records("seats", "person", "seat", "note")
            )
            assert (job.state, " ".join(shown), rejected(job)) == ("completed", expected, faults), job.error
            assert (tried.rows_updated, tried.rows_rejected) == (job.rows_updated, job.rows_rejected)
            change = import_undo.undo(user=owner, job=job)
            change_runs.run(change.pk)
            assert records("seats", "person", "seat", "note") == before


def test_rows_that_mean_one_another_exchange_values_too(owner: User) -> None:
    make_table(
        owner, "staff", name="TEXT UNIQUE", seat="INTEGER UNIQUE NOT NULL", mail="TEXT UNIQUE", boss="REFERENCES staff"
    )
    by_mail: dict[str, Any] = {"on_conflict": "update", "key": "name", "references": {"boss": {"match": "mail"}}}
    import_text(owner, "staff", "name,seat,mail\na,1,a@x\nb,2,b@x\nc,3,c@x\n")
    before = records("staff")
    # a and b exchange seats, and d, who is new, gets that of c; who has which address stays clear.
    text = "name,seat,mail,boss\na,2,a@x,\nb,1,b@x,a@x\nc,4,c@x,\nd,3,d@x,c@x\n"
    tried = import_text(owner, "staff", text, **by_mail, dry_run=True)
    job = import_text(owner, "staff", text, **by_mail)
    assert (job.state, job.rows_imported, job.rows_updated, rejected(job)) == ("completed", 1, 3, []), job.error
    assert (tried.rows_imported, tried.rows_updated, tried.rows_rejected) == (1, 3, 0)
    a, _, c, _ = (number for (number,) in records("staff", "id"))
    assert records("staff", "name", "seat", "boss") == [
        ("a", "2", None),
        ("b", "1", a),
        ("c", "4", None),
        ("d", "3", c),
    ]
    change_runs.run(import_undo.undo(user=owner, job=job).pk)
    assert records("staff") == before
    job = import_text(owner, "staff", "name,seat,mail,boss\na,1,b@x,a@x\nb,2,a@x,\n", **by_mail)
    assert rejected(job) == [(line, [("mail", "duplicate_in_table")]) for line in (2, 3)]


def test_a_row_without_part_of_the_key_is_about_no_record(owner: User) -> None:
    make_table(owner, "stock", sku="TEXT", shop="TEXT", code="TEXT UNIQUE")
    import_text(owner, "stock", "sku,shop,code\na,,c1\n")
    job = import_text(owner, "stock", "sku,shop,code\na,,c1\na,,c2\n", on_conflict="update", key=["sku", "shop"])
    assert (job.state, rejected(job)) == ("completed", [(2, [("code", "duplicate_in_table")])]), job.error
    assert records("stock", "code") == [("c1",), ("c2",)]


def test_a_dry_run_by_id_counts_and_changes_nothing(owner: User, things: list[str]) -> None:
    job = import_text(owner, "things", f"id,a\n{things[0]},new\n7777,new\n", **BY_ID, dry_run=True)
    assert (job.rows_updated, job.rows_imported, job.rows_rejected) == (1, 0, 1)
    assert job.findings["sample"] == [{"id": things[0], "a": "new"}]
    assert [a for (a,) in records("things", "a")] == ["old"] * 3


def test_an_empty_table_has_no_record_to_update(owner: User) -> None:
    make_table(owner, "empty", a="TEXT")
    job = import_text(owner, "empty", "id,a\n1,x\n", **BY_ID)
    assert (job.rows_imported, rejected(job)) == (0, [(2, [("id", "unknown_reference")])])
    assert records("empty") == []


def test_a_header_of_another_name_may_be_mapped_to_the_id(owner: User, things: list[str]) -> None:
    job = import_text(owner, "things", f"No,a\n{things[1]},new\n", **BY_ID, mapping={"No": "id"})
    assert (job.rows_updated, [a for (a,) in records("things", "a")]) == (1, ["old", "new", "old"])


NO_KEYS: list[tuple[str, dict[str, Any], str]] = [
    ("a\nx\n", {"on_conflict": "update", "key": "id"}, "key"),
    ("id,a\n1,x\n", {"on_conflict": "skip", "key": "id"}, "key"),
    ("id,a\n1,x\n", {"key": "id"}, "key"),
    ("No,b\n1,x\n", {"mapping": {"No": "id"}}, "mapping"),
]


@pytest.mark.usefixtures("things")
def test_an_id_that_cannot_be_the_key_is_refused(owner: User, subtests: pytest.Subtests) -> None:
    for text, options, field in NO_KEYS:
        with subtests.test(text=text, options=options, field=field):
            with pytest.raises(DataEngineError) as caught:
                queue_import(owner, "things", text, **options)
            assert caught.value.status == 400
            assert field in caught.value.fields


def test_known_keys_are_updated_without_the_required_columns(owner: User, things: list[str]) -> None:
    job = import_text(owner, "things", "k,a\nx,new\nw,add\n,add\ny,new\n", on_conflict="update", key="k")
    assert (job.rows_updated, job.rows_imported, job.rows_rejected) == (2, 0, 2)
    assert rejected(job) == [(3, [("b", "missing_value")]), (4, [("b", "missing_value")])]
    assert records("things", "id", "a", "b") == [
        (things[0], "new", "b1"),
        (things[1], "new", "b2"),
        (things[2], "old", "b3"),
    ]


def test_an_empty_table_has_no_known_key(owner: User) -> None:
    make_table(owner, "empty", k="TEXT UNIQUE", b="TEXT NOT NULL")
    job = import_text(owner, "empty", "k\nx\n", on_conflict="update", key="k")
    assert (job.state, job.rows_imported, rejected(job)) == ("completed", 0, [(2, [("b", "missing_value")])])


def test_rows_that_only_add_still_need_every_required_column(owner: User, things: list[str]) -> None:
    for options in ({}, {"on_conflict": "skip", "key": "k"}):
        with pytest.raises(DataEngineError) as caught:
            queue_import(owner, "things", "k,a\nx,new\n", **options)
        assert caught.value.error_code == "missing_columns"


def test_what_the_mapping_leaves_out_stays_as_it_is(owner: User, things: list[str]) -> None:
    text = "k,a,b,n\nx,new,9,zz\n"
    job = import_text(owner, "things", text, on_conflict="update", key="k", mapping={"b": None, "n": None})
    assert (job.rows_updated, job.rows_rejected) == (1, 0)
    assert records("things", "k", "a", "b", "n")[0] == ("x", "new", "b1", "1")
    assert not [note for note in notes_of(job) if note.startswith("Ignored")]


@pytest.mark.usefixtures("things")
def test_the_note_says_what_an_id_is_without_being_the_key(owner: User) -> None:
    job = import_text(owner, "things", "id,k,b,other\n1,q,x,y\n")
    told = [note for note in notes_of(job) if "“id”" in note or note.startswith("Ignored")]
    assert told[0].startswith("“id” was ignored: new records get ids of their own")
    assert told[1] == "Ignored, since no column has this name: other"


def test_an_id_of_a_new_table_is_a_column_and_said(owner: User) -> None:
    job = import_text(owner, "made", "id,name\n7,x\n9,y\n", create_table=True)
    assert records("made", "id_column", "name") == [("7", "x"), ("9", "y")]
    assert any("“id” is the system's own key: the file's column is called “id_column”" in n for n in notes_of(job))


def test_a_name_where_a_reference_belongs_is_told_what_belongs_there(owner: User) -> None:
    make_table(owner, "cities", name="TEXT UNIQUE")
    import_text(owner, "cities", "name\nOslo\nRome\n")
    make_table(owner, "people", p="TEXT", city="REFERENCES cities")
    (first, _) = [number for (number,) in records("cities", "id")]
    job = import_text(owner, "people", f"p,city\nA,Oslo\nD,{first}\nE,\n")
    assert records("people", "p", "city") == [("D", first), ("E", None)]
    (row,) = job.rejected_rows.all()
    assert row.errors[0]["code"] == "invalid_type"
    assert "the id of a record of “cities”" in row.errors[0]["message"]
    assert "“Oslo”" in row.errors[0]["message"]


def test_a_list_has_about_the_right_count_as_soon_as_it_has_wider_records(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_table(owner, "wide", k="INTEGER UNIQUE", a="TEXT")
    monkeypatch.setattr("dataengine.services.import_execution.EXACT_BELOW", 100)
    import_text(owner, "wide", "k,a\n" + "".join(f"{number},\n" for number in range(1000)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE userdata.wide")
    model = record_model(Table.objects.get(name="wide"))
    for first, options in ((1000, {}), (1500, {"on_conflict": "update", "key": "k"})):
        rows = "".join(f"{number},{'x' * 500}\n" for number in range(first, first + 500))
        assert import_text(owner, "wide", f"k,a\n{rows}", **options).rows_imported == 500
        assert planned_rows(model.objects.all()) == first + 500
