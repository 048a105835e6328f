"""What an import keeps of what it did: which lines became which records, what records were before and after."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from dataengine.models import ImportedSpan, ImportJob, RecordChange, Table
from dataengine.queries.provenance import origin_of
from dataengine.tests.importing import import_text, make_table, records

pytestmark = pytest.mark.django_db(transaction=True)


def lines_by_name(table: Table, job: ImportJob) -> dict[str, int]:
    """The line that each record of an import says it came from; the records are named after theirs."""
    found = {}
    for key, name in records(table.name, "id", "name"):
        origin = origin_of(table, int(key))
        if origin is not None and origin.job == job:
            found[str(name)] = origin.line
    return found


def test_lines_are_kept_as_spans(owner: User) -> None:
    table = make_table(owner, "things", name="TEXT", n="INTEGER")
    first = import_text(owner, "things", "name,n\n" + "".join(f"line {n},1\n" for n in range(2, 152)))
    second = import_text(owner, "things", "name,n\n" + "".join(f"line {n},2\n" for n in range(2, 52)))
    for job, count in ((first, 150), (second, 50)):
        assert job.spans.count() == 1
        assert lines_by_name(table, job) == {f"line {n}": n for n in range(2, count + 2)}
    assert not RecordChange.objects.exists()


@pytest.mark.parametrize("create", [False, True])
def test_rows_of_several_lines_and_rejected_rows_keep_their_lines(owner: User, create: bool) -> None:
    chance = random.Random(5)
    rows, line, expected = ["name,n\n"], 2, {}
    for _ in range(150):
        name, kind = f"line {line}", chance.choice(["plain", "long", "bad", "blank"])
        if kind in {"plain", "long"}:
            expected[name] = line
        if kind == "blank":
            rows.append("\n")
        elif kind == "long":
            rows.append(f'{name},"1\n"\n')
        else:
            rows.append(f"{name},{'1' if kind == 'plain' else 'x'}\n")
        line += 2 if kind == "long" else 1
    for _ in range(2):  # into an empty table, and into one with records
        if not (create and ImportJob.objects.exists()):
            options: dict[str, Any] = {"create_table": True, "types": {"n": "INTEGER"}} if create else {}
            if not create and not ImportJob.objects.exists():
                make_table(owner, "things", name="TEXT", n="INTEGER")
            job = import_text(owner, "things", "".join(rows), **options)
            assert job.rows_imported == len(expected), job.error
            assert lines_by_name(Table.objects.get(), job) == expected


def test_ids_after_rejected_rows_at_the_end_are_not_the_imports(owner: User) -> None:
    table = make_table(owner, "things", name="TEXT", n="INTEGER")
    job = import_text(owner, "things", "name,n\na,1\nb,x\nc,x\n")
    other = import_text(owner, "things", "name,n\nd,1\n")
    assert lines_by_name(table, job) == {"a": 2}
    assert lines_by_name(table, other) == {"d": 2}


def test_updates_keep_images_and_lines(owner: User) -> None:
    table = make_table(owner, "things", name="TEXT UNIQUE", n="NUMERIC", other="TEXT")
    import_text(owner, "things", "name,n,other\na,1.50,x\nb,2,y\nc,3,z\n")
    [(a,), (_,), (c,)] = records("things", "id")
    text = 'name,n\n"c",30\n\n"new\n1",9\na,1.5\n"new\n2",9\nx,x\n'
    job = import_text(owner, "things", text, on_conflict="update", key="name")
    assert (job.rows_updated, job.rows_imported, job.rows_rejected) == (2, 2, 1)
    n = f"c{table.columns.get(name='n').pk}"
    kept = RecordChange.objects.filter(event=job.event).values_list("record_id", "before", "after", "line")
    assert list(kept) == [(int(a), {n: "1.50"}, {n: "1.5"}, 6), (int(c), {n: "3"}, {n: "30"}, 2)]
    assert job.event is not None
    assert n in job.event.details["columns"]
    assert lines_by_name(table, job) == {"new\n1": 4, "new\n2": 7}


def test_a_dry_run_and_a_refused_import_keep_nothing(owner: User) -> None:
    make_table(owner, "things", name="TEXT", n="INTEGER")
    kinds: list[dict[str, Any]] = [{"dry_run": True}, {"on_error": "abort"}]
    for options in kinds:
        job = import_text(owner, "things", "name,n\na,1\nb,x\n", **options)
        assert job.event is None
    assert not ImportedSpan.objects.exists()


def test_lists_are_filtered_by_import(owner: User, client: APIClient) -> None:
    make_table(owner, "things", name="TEXT UNIQUE", n="INTEGER")
    first = import_text(owner, "things", "name,n\na,1\nb,x\nc,3\n")
    client.post("/api/tables/things/records/", {"name": "own"})
    second = import_text(owner, "things", "name,n\nc,30\nd,4\n", on_conflict="update", key="name")
    url = "/api/tables/things/records/?order_by=id&_import="

    def names(query: object) -> list[str]:
        return [record["name"] for record in client.get(f"{url}{query}").json()["results"]]

    assert names(first.pk) == ["a", "c"]
    assert names(second.pk) == ["d"]
    assert names(f"{first.pk}&n__gt=1") == ["c"]
    assert names(second.pk + 1) == []
    exported = b"".join(client.get(f"/api/tables/things/export/?format=csv&_import={first.pk}")).decode()
    assert exported.splitlines()[1:] == ["1,a,1", "3,c,30"]
    for wrong in ("x", "0", "-1", "1.5", str(1 << 70)):
        error = client.get(f"{url}{wrong}").json()["error"]
        assert (error["code"], list(error["fields"])) == ("invalid_filter", ["_import"])
    changed = client.patch("/api/tables/things/records/bulk/", {"filter": {"_import": first.pk}, "data": {"n": 9}})
    assert changed.json()["updated"] == 2


def test_very_many_spans_are_filtered_and_taken_back(owner: User, client: APIClient) -> None:
    table = make_table(owner, "things", name="TEXT", n="INTEGER")
    job = import_text(owner, "things", "name,n\n" + "".join(f"{n},1\n" for n in range(100)))
    job.spans.all().delete()
    ImportedSpan.objects.bulk_create(
        ImportedSpan(job=job, first_id=first, last_id=first, first_line=first + 1) for first in range(1, 100, 2)
    )
    found = client.get(f"/api/tables/things/records/?limit=100&order_by=id&_import={job.pk}").json()["results"]
    assert [record["id"] for record in found] == list(range(1, 100, 2))
    assert origin_of(table, 2) is None


def test_changes_are_listed(owner: User, client: APIClient) -> None:
    make_table(owner, "things", name="TEXT UNIQUE", n="NUMERIC", flag="BOOLEAN")
    import_text(owner, "things", "name,n,flag\na,1.50,yes\nb,2,no\n")
    job = import_text(owner, "things", "name,n\n\nc,3\nb,\nd,4\n", on_conflict="update", key="name")
    url = f"/api/imports/{job.pk}/changes/"

    def listed(query: str = "") -> list[tuple[Any, ...]]:
        results = client.get(url + query).json()["results"]
        return [(one["id"], one["line"], one["before"], one["after"]) for one in results]

    new = [
        (3, 3, None, {"name": "c", "n": "3", "flag": None}),
        (4, 5, None, {"name": "d", "n": "4", "flag": None}),
    ]
    ids = [entry[0] for entry in listed("?kind=new")]
    new = [(pk, *entry[1:]) for pk, entry in zip(ids, new, strict=True)]
    changed = [(2, 4, {"n": "2"}, {"n": None})]
    assert listed("?kind=new") == new
    assert listed("?kind=changed") == changed
    assert listed("?kind=removed") == []
    assert listed() == [*new, *changed]
    page = client.get(f"{url}?limit=1&page=3").json()
    assert (page["count"], page["results"][0]["kind"], page["next"]) == (3, "changed", None)
    assert client.get(f"{url}?kind=x").status_code == 400
    dry = import_text(owner, "things", "name,n\ne,5\n", dry_run=True)
    [one] = client.get(f"/api/imports/{dry.pk}/changes/").json()["results"]
    assert (one["id"], one["kind"], one["after"]) == (None, "new", {"name": "e", "n": "5"})


def test_a_receipt_says_what_was_imported(owner: User, client: APIClient) -> None:
    make_table(owner, "things", name="TEXT", n="INTEGER")
    text = "Name;n\na;1\nb;x\n"
    job = import_text(owner, "things", text, filename="a.csv", mapping={"Name": "name", "n": "n"})
    answer = client.get(f"/api/imports/{job.pk}/receipt/")
    receipt = answer.json()
    assert "attachment" in answer["Content-Disposition"]
    assert receipt["sha256"] == hashlib.sha256(text.encode()).hexdigest() == client.get(job_url(job)).json()["sha256"]
    assert (receipt["filename"], receipt["bytes"], receipt["user"]) == ("a.csv", len(text), owner.username)
    assert receipt["dialect"]["delimiter"] == ";"
    assert receipt["mapping"] == {"Name": "name", "n": "n"}
    assert receipt["counts"]["rows_imported"] == receipt["counts"]["rows_rejected"] == 1
    assert receipt["finished_at"]


def job_url(job: ImportJob) -> str:
    return f"/api/imports/{job.pk}/"
