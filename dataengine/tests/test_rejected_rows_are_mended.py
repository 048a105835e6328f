"""Rejected rows are mended in place, many alike at once, and tried again: accepted and rejected make all, always."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from dataengine.imports.rejecting.rejected_rows import csv_lines
from dataengine.models import AuditEvent, ImportJob
from dataengine.services import change_runs
from dataengine.tests.importing import import_text, make_table, records, rejected
from dataengine.tests.threads import Beside
from dataengine.tests.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)

FILE = "name,qty,price,born\nAnn,1,1.5,2024-01-31\nBob,x,2.5,2024-02-30\nCid, 3 ,zz,2024-03-01\nDan,4,4.5\n"


@pytest.fixture
def job(owner: User) -> ImportJob:
    make_table(owner, "t", name="TEXT UNIQUE", qty="INTEGER", price="NUMERIC(8,2)", born="DATE")
    return import_text(owner, "t", FILE)


def url(job: ImportJob, *parts: Any) -> str:
    return "".join(f"{part}/" for part in ("/api/imports", job.pk, "rejected", *parts))


def mend(client: APIClient, job: ImportJob, line: int, version: int | None = None, **cells: Any) -> Any:
    body = {"cells": cells} | ({} if version is None else {"version": version})
    return client.patch(url(job, line), body)


def retried(client: APIClient, job: ImportJob, **chosen: Any) -> ImportJob:
    """Try again, as a worker does; the import afterwards."""
    asked = client.post(url(job, "retry"), chosen) if chosen else client.post(url(job, "retry"))
    assert asked.status_code == 202, asked.content
    change_runs.run(asked.json()["id"])
    change = client.get(asked.json()["url"]).json()
    assert (change["state"], change["action"], change["undo"]) == ("completed", "retry", None), change
    before = job.rows_read
    job.refresh_from_db()
    assert job.rows_read == before
    assert job.rows_imported + job.rows_updated + job.rows_skipped + job.rows_rejected == job.rows_read
    assert job.rejected_rows.count() == job.rows_rejected
    assert change["count"] == AuditEvent.objects.filter(action="import.retried").latest("pk").details["rows_retried"]
    return job


def test_a_row_is_mended_cell_by_cell_and_becomes_a_record(client: APIClient, job: ImportJob) -> None:
    assert (job.rows_imported, job.rows_rejected, job.rows_retried) == (1, 3, 0)
    row = client.get(url(job, 3)).json()
    assert row["cells"] == {"name": "Bob", "qty": "x", "price": "2.5", "born": "2024-02-30"}
    assert [error["column"] for error in row["errors"]] == ["qty", "born"]
    assert (row["raw"], row["version"], row["mended"]) == ("Bob,x,2.5,2024-02-30", 0, False)
    answer = mend(client, job, 3, born="2024-02-29")
    assert answer.status_code == 200
    assert answer["ETag"] == '"1"'
    assert answer.json() == row | {
        "cells": row["cells"] | {"born": "2024-02-29"}, "errors": row["errors"][:1], "version": 1, "mended": True
    }  # fmt: skip
    assert mend(client, job, 3, qty="many").json()["errors"][0]["message"].endswith("“many”")
    assert mend(client, job, 3, qty="7").json()["errors"] == []
    told = client.get(f"/api/imports/{job.pk}/").json()
    assert (told["rows_imported"], told["rows_rejected"], told["rows_retried"]) == (1, 3, 0)
    assert {(cause["column"], cause["code"]) for cause in told["errors"]} == {
        ("price", "invalid_type"), ("*", "too_few_fields")
    }  # fmt: skip
    assert [row["line"] for row in client.get(url(job), {"ready": "true"}).json()["results"]] == [3]
    again = retried(client, job)
    assert (again.rows_imported, again.rows_rejected, again.rows_retried) == (2, 2, 1)
    assert records("t", "name", "qty", "price", "born")[1] == ("Bob", "7", "2.50", "2024-02-29")
    assert rejected(again) == [(4, [("price", "invalid_type")]), (5, [("*", "too_few_fields")])]
    assert client.get(url(job, 3)).status_code == 404


def test_only_the_chosen_rows_are_tried_again(client: APIClient, job: ImportJob) -> None:
    assert mend(client, job, 3, qty="7", born="2024-02-29").json()["errors"] == []
    assert mend(client, job, 4, price="1").json()["errors"] == []
    for lines, said in (([2], "2"), ([3, 99], "99"), ([], "empty"), (["x"], "integer"), ("3", "list")):
        answer = client.post(url(job, "retry"), {"lines": lines})
        assert answer.status_code == 400, lines
        assert said in str(answer.json()["error"]["fields"]), answer.json()
    again = retried(client, job, lines=[4, 5])
    assert (again.rows_imported, again.rows_rejected, again.rows_retried) == (2, 2, 1)
    left = client.get(url(job)).json()["results"]
    assert [(row["line"], bool(row["errors"])) for row in left] == [(3, False), (5, True)]
    assert [name for (name,) in records("t", "name")] == ["Ann", "Cid"]
    again = retried(client, job)
    assert (again.rows_imported, again.rows_rejected, again.rows_retried) == (3, 1, 2)


def test_a_damaged_row_is_what_its_cells_say_once_somebody_writes_into_them(client: APIClient, job: ImportJob) -> None:
    assert client.get(url(job, 5)).json()["cells"] == {"name": "Dan", "qty": "4", "price": "4.5", "born": None}
    assert mend(client, job, 5, born="2024-04-01").json()["errors"] == []
    assert retried(client, job).rows_retried == 1
    assert records("t", "name", "born")[-1] == ("Dan", "2024-04-01")
    text = 'name,qty,price,born\nEve,"5,6,2024-05-01\nFay,1,2,3,4\nG\xffy,1,1,2024-06-01\n'
    other = import_text(User.objects.get(username="owner"), "t", text.encode("latin-1"), encoding="utf-8")
    nothing = dict.fromkeys(("name", "qty", "price", "born"))
    assert [row["cells"] for row in client.get(url(other)).json()["results"]] == [
        nothing, nothing, nothing | {"name": "G\ufffdy", "qty": "1", "price": "1", "born": "2024-06-01"}
    ]  # fmt: skip
    assert mend(client, other, 4, qty="2").json()["errors"][0]["code"] == "invalid_encoding"
    assert mend(client, other, 2, name="Eve").json()["errors"] == []
    assert retried(client, other).rows_retried == 1
    assert records("t", "name", "qty")[-1] == ("Eve", None)
    assert mend(client, other, 4, name="Guy").json()["errors"] == []
    assert retried(client, other).rows_retried == 2
    assert records("t", "name", "qty")[-1] == ("Guy", "2")


def test_what_is_wrong_is_found_in_the_table_as_it_is_now(client: APIClient, job: ImportJob) -> None:
    assert mend(client, job, 4, price="1", name="Ann").json()["errors"] == [
        {"column": "name", "code": "duplicate_in_table", "message": "a record of the table has the same value"}
    ]
    client.delete("/api/tables/t/records/1/")
    assert mend(client, job, 4, name="Ann").json()["errors"] == []
    client.post("/api/tables/t/records/", {"name": "Ann"})
    assert retried(client, job).rows_retried == 0
    assert rejected(job)[1] == (4, [("name", "duplicate_in_table")])


def test_of_two_people_the_second_is_told(client: APIClient, job: ImportJob) -> None:
    assert mend(client, job, 3, 0, qty="5").status_code == 200
    refused = mend(client, job, 3, 0, qty="6")
    assert refused.status_code == 409
    error = refused.json()["error"]
    assert (error["code"], error["version"], error["yours"]) == ("changed_meanwhile", 1, {"qty": "6"})
    assert error["theirs"] == client.get(url(job, 3)).json()
    for header, status in (('"0"', 409), ("0", 409), ("x", 400), ('W/"1"', 200), ("*", 200)):
        answer = client.patch(url(job, 3), {"cells": {"qty": "7"}}, headers={"If-Match": header})
        assert answer.status_code == status, (header, answer.content)


def test_two_at_the_same_moment_do_not_both_win(api: Any, job: ImportJob, owner: User) -> None:
    start = threading.Barrier(4, timeout=PATIENCE_SECONDS)
    statuses: list[int] = []

    def write(text: str) -> None:
        client = api(owner)
        start.wait()
        try:
            statuses.append(mend(client, job, 3, 0, qty=text).status_code)
        finally:
            connection.close()

    threads = [Beside(target=write, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409, 409, 409]
    assert job.rejected_rows.get(line=3).version == 1


def test_a_retry_that_is_asked_for_twice_at_once_is_one(api: Any, job: ImportJob, owner: User) -> None:
    start = threading.Barrier(3, timeout=PATIENCE_SECONDS)
    statuses: list[int] = []

    def ask() -> None:
        client = api(owner)
        start.wait()
        try:
            statuses.append(client.post(url(job, "retry")).status_code)
        finally:
            connection.close()

    threads = [Beside(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [202, 409, 409]


def test_a_retry_that_is_cancelled_changes_nothing(client: APIClient, job: ImportJob) -> None:
    mend(client, job, 3, qty="7", born="2024-02-29")
    change = client.post(url(job, "retry")).json()
    assert client.post(f"{change['url']}cancel/").json()["state"] == "cancelled"
    change_runs.run(change["id"])
    job.refresh_from_db()
    assert (job.rows_imported, job.rows_rejected, job.rows_retried) == (1, 3, 0)
    assert mend(client, job, 3, qty="8").status_code == 200
    assert retried(client, job).rows_retried == 1


def test_who_may_not_look_into_a_table_does_not_by_mending(
    api: Any, client: APIClient, owner: User, colleague: User, share: Any
) -> None:
    make_table(owner, "firms", name="TEXT UNIQUE")
    import_text(owner, "firms", "name\nAcme\n")
    table = make_table(owner, "staff", name="TEXT", firm="REFERENCES firms")
    job = import_text(owner, "staff", "name,firm\nAnn,Acme\nBob,Acne\n", references={"firm": {"match": "name"}})
    share(table, colleague, "edit")
    assert mend(api(colleague), job, 3, firm="Acme").status_code == 403
    assert mend(client, job, 3, firm="Nobody").json()["errors"][0]["code"] == "unknown_reference"
    assert mend(client, job, 3, firm="Acme").json()["errors"] == []
    assert retried(client, job).rows_retried == 1
    assert records("staff", "name", "firm") == [("Ann", "1"), ("Bob", "1")]


def test_the_file_of_rejected_rows_has_what_was_mended(client: APIClient, job: ImportJob, owner: User) -> None:
    mend(client, job, 3, qty="=5", born="2024-02-29")
    mend(client, job, 5, name="D,an", born="2024-04-01")
    text = b"".join(csv_lines(job)).decode()
    assert text.splitlines()[1:] == [
        'Bob,\'=5,2.5,2024-02-29,3,"qty: invalid_type: expected a whole number, found “=5”"',
        'Cid, 3 ,zz,2024-03-01,4,"price: invalid_type: expected a decimal number, found “zz”"',
        '"D,an",4,4.5,2024-04-01,5,',
    ]
    again = import_text(owner, "t", text, filename=f"rejected-{job.pk}.csv")
    assert (again.rows_imported, again.rows_rejected) == (1, 2)


def test_columns_that_changed_since(client: APIClient, job: ImportJob) -> None:
    table = "/api/tables/t/columns/"
    assert client.patch(f"{table}qty/", {"column_name": "amount"}).status_code == 200
    assert client.delete(f"{table}price/").status_code == 204
    made = client.post(table, {"column_name": "kind", "column_type": "TEXT NOT NULL DEFAULT 'a'"})
    assert made.status_code == 201, made.content
    assert client.patch(f"{table}kind/", {"default": None}).status_code == 200
    row = mend(client, job, 4, amount="3").json()
    assert row["cells"] == {"name": "Cid", "amount": "3", "born": "2024-03-01", "kind": None}
    assert row["errors"][0] | {"message": ""} == {"column": "kind", "code": "missing_value", "message": ""}
    assert mend(client, job, 4, kind="b").json()["errors"] == []
    assert mend(client, job, 3, qty="9").json()["cells"]["amount"] == "9"
    assert retried(client, job).rows_retried == 1
    assert records("t", "name", "amount", "kind")[-1] == ("Cid", "3", "b")
    assert rejected(job)[0] == (3, [("born", "invalid_type"), ("kind", "missing_value")])


def test_bad_input_names_what_is_wrong(client: APIClient, job: ImportJob) -> None:
    for cells, field in (
        ({"nope": "1"}, "cells.nope"),
        ({"qty": 1}, "cells.qty"),
        ({"qty": "a" * 1_000_001}, "cells.qty"),
        ({}, "cells"),
        ("x", "cells"),
    ):
        answer = client.patch(url(job, 3), {"cells": cells})
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field]), answer.content
    for fix, field in (
        ({}, "kind"),
        ({"kind": "magic"}, "kind"),
        ({"kind": "trim", "x": 1}, "x"),
        ({"kind": "default"}, "value"),
        ({"kind": "decimal", "decimal": ";"}, "decimal"),
        ({"kind": "decimal", "thousands": ","}, "thousands"),
        ({"kind": "date_format", "format": "%d"}, "kind"),
        ({"kind": "replace", "find": ""}, "find"),
        ({"kind": "replace", "find": "a"}, "replace"),
        ({"kind": "map", "map": {"a": 1}}, "map"),
    ):
        answer = client.post(url(job, "fix"), {"column": "qty", "code": "invalid_type", "fix": fix})
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [f"fix.{field}"]), answer.content
    bad = {"column": "born", "code": "invalid_type", "fix": {"kind": "date_format", "format": "%d %q"}}
    assert list(client.post(url(job, "fix"), bad).json()["error"]["fields"]) == ["fix.format"]
    assert client.post(url(job, "fix"), bad | {"column": "no"}).json()["error"]["fields"]["column"]
    assert client.patch(url(job, 99), {"cells": {"qty": "1"}}).status_code == 404
    assert client.get(url(job, 2**63 - 1)).status_code == 404


def test_who_may(api: Any, client: APIClient, job: ImportJob, colleague: User, stranger: User, share: Any) -> None:
    assert job.table is not None
    share(job.table, colleague, "view")
    for user, code in ((stranger, 404), (colleague, 403)):
        theirs = api(user)
        assert mend(theirs, job, 3, qty="1").status_code == code
        fix = {"column": "qty", "code": "invalid_type", "fix": {"kind": "null"}}
        assert theirs.post(url(job, "fix"), fix).status_code == code
        assert theirs.post(url(job, "retry")).status_code == code
    assert api(colleague).get(url(job, 3)).status_code == 200
    assert api(stranger).get(url(job, 3)).status_code == 404


def test_only_what_can_become_records_is_mended(client: APIClient, job: ImportJob, owner: User) -> None:
    trial = import_text(owner, "t", FILE, dry_run=True)
    assert mend(client, trial, 3, qty="1").json()["error"]["code"] == "not_mendable"
    aborted = import_text(owner, "t", FILE, on_error="abort")
    assert client.post(url(aborted, "retry")).json()["error"]["code"] == "not_mendable"
    assert client.post(url(job, "retry")).status_code == 202
    assert mend(client, job, 3, qty="1").json()["error"]["code"] == "retry_running"
    assert client.post(url(job, "retry")).json()["error"]["code"] == "retry_running"
    clean = import_text(owner, "t", "name\nZoe\n")
    assert client.post(url(clean, "retry")).json()["error"]["code"] == "nothing_to_retry"
