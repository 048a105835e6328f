"""Records are found by one or several columns, and only those are written that differ."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from dataengine.exceptions import DataEngineError
from dataengine.models import ImportJob
from dataengine.tests.importing import import_text, make_table, queue_import, records, rejected

pytestmark = pytest.mark.django_db(transaction=True)

BY_SKU: dict[str, Any] = {"on_conflict": "update", "key": "sku"}
BY_BOTH: dict[str, Any] = {"on_conflict": "update", "key": ["sku", "size"]}


@pytest.fixture
def stock(owner: User) -> None:
    """Records whose key nothing enforces: two of them have the SKU “b”, no two the same SKU and size."""
    make_table(owner, "stock", sku="TEXT", size="INTEGER", price="NUMERIC", note="TEXT", code="TEXT UNIQUE")
    import_text(owner, "stock", "sku,size,price,note,code\na,1,1.5,n1,c1\nb,1,2,n2,c2\nb,2,3,n3,c3\n,9,4,n4,c4\n")


def counts(job: ImportJob) -> tuple[int, int, int, int, int]:
    """(imported, updated, unchanged, skipped, rejected); together they are all rows, also after a dry run."""
    found = (job.rows_imported, job.rows_updated, job.rows_unchanged, job.rows_skipped, job.rows_rejected)
    assert (job.state, sum(found)) == ("completed", job.rows_read), job.error
    return found


def versions(table: str) -> list[Any]:
    """Where PostgreSQL stores each record: a record that was written has moved."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT id, ctid::text, xmin::text FROM userdata."{table}" ORDER BY id')
        return list(cursor.fetchall())


@pytest.mark.usefixtures("stock")
def test_only_records_that_differ_are_written(owner: User) -> None:
    before = versions("stock")
    text = "sku,size,price\na,1,1.5\nb,1,2.0\nb,2,5\nc,1,7\n"
    for dry in (True, False):
        job = import_text(owner, "stock", text, **BY_BOTH, dry_run=dry)
        assert counts(job) == (1, 2, 1, 0, 0)  # 2.0 is written differently, so it differs
    assert records("stock", "sku", "size", "price", "note", "code") == [
        ("a", "1", "1.5", "n1", "c1"),
        ("b", "1", "2.0", "n2", "c2"),
        ("b", "2", "5", "n3", "c3"),
        (None, "9", "4", "n4", "c4"),
        ("c", "1", "7", None, None),
    ]
    after = versions("stock")
    assert (after[0], after[3]) == (before[0], before[3])
    assert all(new != old for new, old in zip(after[1:3], before[1:3], strict=True))
    assert counts(import_text(owner, "stock", text, **BY_BOTH)) == (0, 0, 4, 0, 0)
    assert versions("stock") == after


@pytest.mark.usefixtures("stock")
def test_a_key_of_several_records_is_an_error_that_says_so(owner: User) -> None:
    job = import_text(owner, "stock", "sku,price\na,9\nb,9\nd,9\n", **BY_SKU)
    assert counts(job) == (1, 1, 0, 0, 1)
    (row,) = job.rejected_rows.all()
    assert [(error["column"], error["code"]) for error in row.errors] == [("sku", "duplicate_in_table")]
    assert row.errors[0]["message"].startswith("several records of the table have this value")
    import_text(owner, "stock", "sku,size\nb,1\n")
    job = import_text(owner, "stock", "sku,size,price\nb,1,9\nb,2,9\n", **BY_BOTH)
    assert (counts(job), rejected(job)) == ((0, 1, 0, 0, 1), [(2, [("*", "duplicate_in_table")])])
    assert "several records of the table have this key (sku, size)" in job.rejected_rows.get().errors[0]["message"]


@pytest.mark.usefixtures("stock")
def test_of_rows_with_the_same_key_the_first_good_one_counts(owner: User) -> None:
    text = (
        "sku,size,price,code\n"
        "a,1,1.5,c1\n"  # as it is
        "a,1,8,c1\n"
        "b,1,x,c2\n"
        "b,1,6,c2\n"
        "b,1,2,c2\n"
        "b,2,7,c1\n"  # another record has the code
        "b,2,7,c3\n"
        "e,1,1,\n"
        "e,1,1,\n"
    )
    for dry in (True, False):
        job = import_text(owner, "stock", text, **BY_BOTH, dry_run=dry)
        assert counts(job) == (1, 2, 1, 0, 5)
        assert rejected(job) == [
            (3, [("*", "duplicate_in_file"), ("code", "duplicate_in_file")]),
            (4, [("price", "invalid_type")]),
            (6, [("*", "duplicate_in_file"), ("code", "duplicate_in_file")]),
            (7, [("code", "duplicate_in_table")]),
            (10, [("*", "duplicate_in_file")]),
        ]
    said = {row.line: row.errors[0]["message"] for row in job.rejected_rows.all()}
    assert [said[line] for line in (3, 6, 10)] == [f"line {first} has the same key (sku, size)" for first in (2, 5, 9)]
    assert [price for (price,) in records("stock", "price")] == ["1.5", "6", "7", "4", "1"]


@pytest.mark.usefixtures("stock")
def test_only_updates_leave_new_rows_out(owner: User) -> None:
    text = "sku,size,price\na,1,2\nz,1,1\nb,2,3\n,9,7\n"
    for dry in (True, False):
        job = import_text(owner, "stock", text, on_conflict="update_only", key=["sku", "size"], dry_run=dry)
        assert counts(job) == (0, 1, 1, 2, 0)
    assert [price for (price,) in records("stock", "price")] == ["2", "2", "3", "4"]
    make_table(owner, "empty", sku="TEXT", must="TEXT NOT NULL")
    assert counts(import_text(owner, "empty", "sku\na\n", on_conflict="update_only", key="sku")) == (0, 0, 0, 1, 0)
    (pk,) = next(iter(records("stock", "id")))
    job = import_text(owner, "stock", f"id,price\n{pk},2\n99999,2\n", on_conflict="update_only", key="id")
    assert counts(job) == (0, 0, 1, 1, 0)


@pytest.mark.usefixtures("stock")
def test_a_key_is_held_to_while_rows_are_only_added(owner: User) -> None:
    text = "sku,size,price\na,1,9\nc,1,9\nc,1,8\n,9,1\n"
    job = import_text(owner, "stock", text, key=["sku", "size"])
    assert (counts(job), rejected(job)) == (
        (2, 0, 0, 0, 2),
        [(2, [("*", "duplicate_in_table")]), (4, [("*", "duplicate_in_file")])],
    )
    job = import_text(owner, "stock", text, on_conflict="skip", key=["sku", "size"])
    assert counts(job) == (1, 0, 0, 3, 0)
    make_table(owner, "fresh", sku="TEXT", size="INTEGER")
    job = import_text(owner, "fresh", "sku,size\na,1\na,1\na,2\n", **BY_BOTH)
    assert (counts(job), rejected(job)) == ((2, 0, 0, 0, 1), [(3, [("*", "duplicate_in_file")])])


@pytest.mark.usefixtures("stock")
def test_a_file_of_keys_alone_changes_nothing(owner: User) -> None:
    before = versions("stock")
    assert counts(import_text(owner, "stock", "sku,size\na,1\nb,2\n", **BY_BOTH)) == (0, 0, 2, 0, 0)
    assert versions("stock") == before


NOT_MEANT: list[tuple[str, dict[str, Any], str]] = [
    ("sku,price\na,1\n", BY_BOTH, "key"),
    ("sku\na\n", {"on_conflict": "update", "key": ["sku", "nothing"]}, "key"),
    ("sku\na\n", {"on_conflict": "update", "key": []}, "key"),
    ("sku\na\n", {"on_conflict": "update", "key": ["sku", "sku"]}, "key"),
    ("sku\na\n", {"on_conflict": "update", "key": [1]}, "key"),
    ("sku\na\n", {"on_conflict": "update", "key": {"a": 1}}, "key"),
    ("sku\na\n", {"on_conflict": "update_only"}, "key"),
    ("id,sku\n1,a\n", {"on_conflict": "update", "key": ["id", "sku"]}, "key"),
    ("sku\na\n", {"on_conflict": "delete", "key": "sku"}, "on_conflict"),
    ("sku\na\n", {"on_conflict": ["update"], "key": "sku"}, "on_conflict"),
]


@pytest.mark.usefixtures("stock")
def test_what_cannot_be_meant_is_refused(owner: User, subtests: pytest.Subtests) -> None:
    for text, options, field in NOT_MEANT:
        with subtests.test(text=text, options=options, field=field):
            with pytest.raises(DataEngineError) as caught:
                queue_import(owner, "stock", text, **options)
            assert (caught.value.status, list(caught.value.fields)) == (400, [field])
