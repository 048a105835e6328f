"""What an import keeps of what it did: which lines became which records, what records were before and after."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.contrib.auth.models import User

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
    first = import_text(owner, "things", "name,n\n" + "".join(f"line {n},1\n" for n in range(2, 5_002)))
    second = import_text(owner, "things", "name,n\n" + "".join(f"line {n},2\n" for n in range(2, 1_002)))
    for job, count in ((first, 5_000), (second, 1_000)):
        assert job.spans.count() == 1
        assert lines_by_name(table, job) == {f"line {n}": n for n in range(2, count + 2)}
    assert not RecordChange.objects.exists()


@pytest.mark.parametrize("create", [False, True])
def test_rows_of_several_lines_and_rejected_rows_keep_their_lines(owner: User, create: bool) -> None:
    chance = random.Random(5)
    rows, line, expected = ["name,n\n"], 2, {}
    for _ in range(3_000):
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
    assert job.event.details["columns"] == [n]
    assert lines_by_name(table, job) == {"new\n1": 4, "new\n2": 7}


def test_a_dry_run_and_a_refused_import_keep_nothing(owner: User) -> None:
    make_table(owner, "things", name="TEXT", n="INTEGER")
    kinds: list[dict[str, Any]] = [{"dry_run": True}, {"on_error": "abort"}]
    for options in kinds:
        job = import_text(owner, "things", "name,n\na,1\nb,x\n", **options)
        assert job.event is None
    assert not ImportedSpan.objects.exists()
