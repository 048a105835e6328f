"""Files that say what a table holds: what they lack is removed or marked, unless that looks like a mistake."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from dataengine.exceptions import DataEngineError
from dataengine.models import ImportJob, RecordChange
from dataengine.tests.importing import import_text, make_table, queue_import, records, rejected

pytestmark = pytest.mark.django_db(transaction=True)

MIRROR: dict[str, Any] = {"key": "sku", "on_missing": "delete", "max_delete_share": 0.5}


@pytest.fixture
def goods(owner: User) -> list[str]:
    """A table of four records, a and b of the shop “n”, c and d of “s”; their ids."""
    make_table(owner, "goods", sku="TEXT", shop="TEXT", price="INTEGER", code="TEXT UNIQUE", gone="BOOLEAN")
    import_text(owner, "goods", "sku,shop,price,code\na,n,1,c1\nb,n,2,c2\nc,s,3,c3\nd,s,4,c4\n")
    return [number for (number,) in records("goods", "id")]


def counts(job: ImportJob) -> tuple[int, int, int, int, int]:
    """(imported, updated, unchanged, removed, rejected)."""
    assert job.state == "completed", job.error
    accepted = job.rows_imported + job.rows_updated + job.rows_unchanged + job.rows_skipped
    assert accepted + job.rows_rejected == job.rows_read
    return (job.rows_imported, job.rows_updated, job.rows_unchanged, job.rows_removed, job.rows_rejected)


def skus() -> str:
    return "".join(sku or "-" for (sku,) in records("goods", "sku"))


def test_what_the_file_lacks_is_deleted_and_kept_as_it_was(owner: User, goods: list[str]) -> None:
    text = "sku,price\na,1\nb,9\nc,3\ne,5\n"
    for dry in (True, False):
        job = import_text(owner, "goods", text, **MIRROR, dry_run=dry)
        assert counts(job) == (1, 1, 2, 1, 0)
    assert records("goods", "sku", "price", "code")[:3] == [("a", "1", "c1"), ("b", "9", "c2"), ("c", "3", "c3")]
    assert skus() == "abce"
    change = RecordChange.objects.get(event__action="import.completed", record_id=goods[3])
    assert change.after is None
    assert {"d", "s", "4", "c4"} <= {*(change.before or {}).values()}
    assert counts(import_text(owner, "goods", text, **MIRROR)) == (0, 0, 4, 0, 0)


def test_what_is_missing_goes_whatever_becomes_of_the_others(owner: User, goods: list[str]) -> None:
    text = "sku,price\na,9\nb,2\nc,3\ne,5\n"
    for dry in (True, False):
        job = import_text(owner, "goods", text, **MIRROR, on_conflict="skip", dry_run=dry)
        assert (counts(job), job.rows_skipped) == ((1, 0, 0, 1, 0), 3)
    text = "sku,price\na,9\nb,2\nc,3\nf,5\n"
    job = import_text(owner, "goods", text, **MIRROR, on_conflict="update_only")
    assert (counts(job), job.rows_skipped, skus()) == ((0, 1, 2, 1, 0), 1, "abc")
    text = f"id,price\n{goods[0]},7\n{goods[1]},2\n"
    for dry in (True, False):
        assert counts(import_text(owner, "goods", text, **MIRROR | {"key": "id"}, dry_run=dry)) == (0, 1, 1, 1, 0)
    assert records("goods", "sku", "price") == [("a", "7"), ("b", "2")]


def test_a_dry_run_shows_some_of_each_kind(owner: User, client: APIClient, goods: list[str]) -> None:
    def shown(job: ImportJob, kind: str) -> list[Any]:
        answer = client.get(f"/api/imports/{job.pk}/changes/?kind={kind}").json()
        return [(one["id"], one["line"], one["before"], one["after"]) for one in answer["results"]]

    a, b, _, d = map(int, goods)
    text = "sku,price\na,1\n\nb,9\nc,3\ne,5\n"
    job = import_text(owner, "goods", text, **MIRROR, dry_run=True)
    assert shown(job, "new") == [(None, 6, None, {"sku": "e", "price": "5"})]
    assert shown(job, "changed") == [(b, 4, {"price": "2"}, {"price": "9"})]
    gone = {"sku": "d", "shop": "s", "price": "4", "code": "c4", "gone": None}
    assert shown(job, "removed") == [(d, None, gone, None)]
    marked = import_text(owner, "goods", text, **MIRROR | {"on_missing": {"set": {"gone": True}}}, dry_run=True)
    assert shown(marked, "changed")[1] == (d, None, {"gone": None}, {"gone": "true"})
    by_id = import_text(owner, "goods", f"id,price\n{a},7\n", key="id", on_conflict="update", dry_run=True)
    assert (shown(by_id, "changed"), shown(by_id, "new")) == ([(a, 2, {"price": "1"}, {"price": "7"})], [])
    replaced = import_text(owner, "goods", "sku\nq\n", replace=True, dry_run=True)
    assert (len(shown(replaced, "removed")), shown(replaced, "new")) == (4, [(None, 2, None, {"sku": "q"})])


def test_only_records_within_the_scope_are_missing(owner: User, goods: list[str]) -> None:
    for scope in ({"shop": "s"}, {"shop__in": ["s"], "price__gt": 2}, {"shop__startswith": "s"}):
        job = import_text(owner, "goods", "sku,shop\nc,s\n", **MIRROR, scope=scope, dry_run=True)
        assert counts(job) == (0, 0, 1, 1, 0)
    job = import_text(owner, "goods", "sku,shop\nc,s\n", **MIRROR, scope={"shop": "s%"}, dry_run=True)
    assert counts(job) == (0, 0, 1, 0, 0)
    assert counts(import_text(owner, "goods", "sku,shop\nc,s\n", **MIRROR, scope={"shop": "s"})) == (0, 0, 1, 1, 0)
    assert skus() == "abc"


def test_what_the_file_lacks_is_marked(owner: User, goods: list[str]) -> None:
    options = MIRROR | {"on_missing": {"set": {"gone": True, "shop": "100%"}}}
    for dry in (True, False):
        assert counts(import_text(owner, "goods", "sku\na\nb\nc\n", **options, dry_run=dry)) == (0, 0, 3, 1, 0)
    assert records("goods", "sku", "shop", "gone")[3] == ("d", "100%", "true")
    change = RecordChange.objects.get(event__action="import.completed", record_id=goods[3])
    before, after = change.before or {}, change.after or {}
    assert (sorted(before.values(), key=str), sorted(after.values())) == ([None, "s"], ["100%", "true"])
    # What is marked already is left alone.
    assert counts(import_text(owner, "goods", "sku\na\nb\nc\n", **options)) == (0, 0, 3, 0, 0)


MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("sku\na\nb\nc\n", {"max_delete_share": 0.1}, "1 of 4 records (25 %)"),
    ("sku\na\nb\nc\n", {"max_delete_share": 0.2}, "“max_delete_share” is 0.2"),
    ("sku\na\nb\nc\n", {"max_delete_share": 0}, "“max_delete_share” is 0)"),
    ("sku\n", {"max_delete_share": 1}, "no rows"),
    ("", {"max_delete_share": 1}, "empty"),
    ("sku,price\nx,y\n", {"max_delete_share": 1, "allow_rejected": True}, "no row that is good"),
    ("sku,price\na,1\nb,2\nc,3\nd,x\n", {}, "1 row is rejected"),
    ("sku,price\na,1\nb,2\nc,3\n,4\n", {}, "1 row is rejected"),
    ("sku,price\na,1\nb,2\nc,3\nd", {"max_delete_share": 1, "allow_rejected": True}, "ends within a row"),
    ("sku\nc\n", {"scope": {"shop": "s"}, "max_delete_share": 0.49}, "1 of 2 records"),
    ("sku\na\n", {"on_missing": {"set": {"gone": True}}, "max_delete_share": 0.7}, "3 of 4 records"),
]


@pytest.mark.usefixtures("goods")
def test_what_looks_like_a_mistake_changes_nothing(owner: User, subtests: pytest.Subtests) -> None:
    before = records("goods")
    for text, options, why in MISTAKES:
        with subtests.test(text=text, options=options, why=why):
            job = import_text(owner, "goods", text, **MIRROR | options)
            assert (job.state, job.error_code) == ("failed", "too_many_deletions")
            assert why in job.error
            assert (job.rows_imported, job.rows_updated, job.rows_unchanged, job.rows_removed) == (0, 0, 0, 0)
            assert records("goods") == before
            if why not in {"no rows", "empty"}:
                rehearsed = import_text(owner, "goods", text, **MIRROR | options, dry_run=True)
                assert [warning["code"] for warning in rehearsed.findings["warnings"]] == ["too_many_deletions"]


@pytest.mark.usefixtures("goods")
def test_a_rejected_row_keeps_its_record(owner: User) -> None:
    text = "sku,price\na,1\nb,x\nc,3\n"
    job = import_text(owner, "goods", text, **MIRROR, allow_rejected=True)
    assert (counts(job), skus()) == ((0, 0, 2, 1, 1), "abc")


def test_values_of_what_goes_are_free(owner: User, goods: list[str]) -> None:
    text = "sku,code\na,c1\nb,c2\nc,c4\ne,c3\n"
    job = import_text(owner, "goods", text, **MIRROR)
    # Record c still has the code of e when that comes in line, but not once the file is in.
    assert (rejected(job), counts(job), skus()) == ([], (1, 1, 2, 1, 0), "abce")


@pytest.mark.usefixtures("goods")
def test_what_others_refer_to_stays_and_the_import_fails(owner: User) -> None:
    make_table(owner, "orders", good="REFERENCES goods")
    (last,) = records("goods", "id")[3]
    import_text(owner, "orders", f"good\n{last}\n")
    for options in (MIRROR, {"replace": True}):
        job = import_text(owner, "goods", "sku\na\nb\nc\n", **options)
        assert (job.state, job.error_code) == ("failed", "referenced")
        assert "1 in “orders” (good)" in job.error
        assert skus() == "abcd"


def test_records_let_go_of_those_that_go(owner: User) -> None:
    make_table(owner, "people", name="TEXT UNIQUE", boss="REFERENCES people")
    import_text(owner, "people", "name\nAnn\nBob\nCid\n")
    _, bob, cid = (pk for (pk,) in records("people", "id"))
    options: dict[str, Any] = {"key": "name", "max_delete_share": 1, "on_missing": "delete"}
    assert counts(import_text(owner, "people", f"name,boss\nAnn,{cid}\nBob,{cid}\nCid,\n", **options))[1] == 2
    job = import_text(owner, "people", f"name,boss\nAnn,{bob}\nBob,\n", **options)
    assert counts(job) == (0, 2, 0, 1, 0)
    assert records("people", "name", "boss") == [("Ann", bob), ("Bob", None)]
    job = import_text(owner, "people", f"name,boss\nAnn,{bob}\n", **options)
    assert (job.state, job.error_code) == ("failed", "referenced")
    assert records("people", "name") == [("Ann",), ("Bob",)]


def test_the_file_is_the_table_afterwards(owner: User, goods: list[str]) -> None:
    text = "sku,price,code\na,7,c4\nq,8,c1\nr,x,c2\n"
    for dry in (True, False):
        assert counts(import_text(owner, "goods", text, replace=True, dry_run=dry)) == (2, 0, 0, 4, 1)
    assert records("goods", "sku", "shop", "price", "code") == [("a", None, "7", "c4"), ("q", None, "8", "c1")]
    kept = RecordChange.objects.filter(record_id__in=goods, event__action="import.completed", after__isnull=True)
    assert kept.count() == 4
    job = import_text(owner, "goods", "sku,price\nr,x\n", replace=True)
    assert (job.state, job.error_code, skus()) == ("failed", "too_many_deletions", "aq")
    make_table(owner, "empty", a="TEXT")
    job = import_text(owner, "empty", "a\nx\n", replace=True)
    assert (job.rows_imported, job.rows_removed, records("empty", "a")) == (1, 0, [("x",)])


NOT_MEANT: list[tuple[dict[str, Any], str]] = [
    ({"on_missing": "delete"}, "key"),
    ({"on_missing": "delete", "key": "sku", "on_conflict": "reject"}, "on_conflict"),
    ({"on_missing": "remove", "key": "sku"}, "on_missing"),
    ({"on_missing": {"set": {}}, "key": "sku"}, "on_missing"),
    ({"on_missing": {"set": {"none": 1}}, "key": "sku"}, "on_missing"),
    ({"on_missing": {"set": {"price": "x"}}, "key": "sku"}, "on_missing"),
    ({"on_missing": {"set": {"code": "x"}}, "key": "sku"}, "on_missing"),
    ({"on_missing": "delete", "key": "sku", "scope": {"none": 1}}, "scope"),
    ({"on_missing": "delete", "key": "sku", "scope": {"price__like": 1}}, "scope"),
    ({"on_missing": "delete", "key": "sku", "scope": {"limit": 1}}, "scope"),
    ({"on_missing": "delete", "key": "sku", "scope": {"shop": None}}, "scope"),
    ({"on_missing": "delete", "key": "sku", "scope": "shop=n"}, "scope"),
    ({"scope": {"shop": "n"}}, "scope"),
    ({"on_missing": "delete", "key": "sku", "max_delete_share": 10}, "max_delete_share"),
    ({"on_missing": "delete", "key": "sku", "max_delete_share": True}, "max_delete_share"),
    ({"on_missing": "delete", "key": "sku", "allow_rejected": 1}, "allow_rejected"),
    ({"replace": "yes"}, "replace"),
    ({"replace": True, "on_conflict": "update", "key": "sku"}, "on_conflict"),
    ({"replace": True, "on_missing": "delete", "key": "sku"}, "on_missing"),
]


@pytest.mark.usefixtures("goods")
def test_what_cannot_be_meant_is_refused(owner: User, subtests: pytest.Subtests) -> None:
    for options, field in NOT_MEANT:
        with subtests.test(options=options, field=field):
            with pytest.raises(DataEngineError) as caught:
                queue_import(owner, "goods", "sku\na\n", **options)
            assert (caught.value.status, list(caught.value.fields)) == (400, [field])
