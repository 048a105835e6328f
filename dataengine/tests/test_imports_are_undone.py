"""Imports are taken back, whole and exactly, and done again; what others changed since is never overwritten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from dataengine.models import AuditEvent, ChangeJob, ImportJob, RecordChange, Table
from dataengine.postgres import kept_records
from dataengine.services import change_runs, import_undo
from dataengine.tests.importing import import_text, make_table, records
from dataengine.tests.old_events import age

pytestmark = pytest.mark.django_db(transaction=True)

COLUMNS = {"k": "TEXT UNIQUE", "n": "NUMERIC(8,2)", "t": "TEXT NOT NULL"}
FIRST = "k,n,t\na,1,x\nb,2,y\nc,3,z\n"
SECOND = "k,n,t\nc,30,z\nd,4.50,new\nb,,y\ne,5,new\n"
UPDATE: dict[str, Any] = {"on_conflict": "update", "key": "k"}


def ask(client: APIClient, url: str, **body: Any) -> Any:
    return client.post(url.removeprefix("http://testserver"), body)


def do(client: APIClient, url: str, **body: Any) -> dict[str, Any]:
    """Post there, and have the change made; returns it as the API shows it."""
    answer = ask(client, url, **body)
    assert answer.status_code == 202, answer.content
    change_runs.run(answer.json()["id"])
    done: dict[str, Any] = client.get(answer.json()["url"].removeprefix("http://testserver")).json()
    return done


def shown(client: APIClient, job: ImportJob) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/imports/{job.pk}/").json()
    return found


@pytest.fixture
def table(owner: User) -> Table:
    made = make_table(owner, "things", **COLUMNS)
    import_text(owner, "things", FIRST)
    return made


def test_an_import_goes_and_comes_back(owner: User, client: APIClient, table: Table) -> None:
    before = records("things")
    job = import_text(owner, "things", SECOND, **UPDATE)
    after = records("things")
    assert len(after) == 5
    data = shown(client, job)
    assert data["undo_url"] == f"http://testserver/api/imports/{job.pk}/undo/"

    undone = do(client, data["undo_url"])
    assert (undone["state"], undone["action"], undone["count"], undone["error"]) == ("completed", "undo", 4, None)
    assert records("things") == before
    data = shown(client, job)
    assert (data["state"], data["undo_url"]) == ("undone", None)
    refused = ask(client, f"/api/imports/{job.pk}/undo/")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "already_undone")

    for _ in range(2):
        redone = do(client, undone["undo"])
        assert (redone["state"], redone["error"]) == ("completed", None)
        assert records("things") == after
        assert shown(client, job)["state"] == "completed"
        assert kept_records.every() == []
        undone = do(client, redone["undo"])
        assert records("things") == before


def test_the_first_import_into_a_table_goes_and_comes_back(owner: User, client: APIClient, table: Table) -> None:
    [job] = ImportJob.objects.all()
    whole = records("things")
    do(client, f"/api/imports/{job.pk}/undo/")
    assert records("things") == []
    inserted = client.post("/api/tables/things/records/", {"k": "own", "t": "x"}).json()
    assert inserted["id"] > 3
    do(client, f"/api/imports/{job.pk}/redo/")
    assert records("things")[:3] == whole
    assert len(records("things")) == 4


def test_what_was_changed_since_is_counted_named_and_left(owner: User, client: APIClient, table: Table) -> None:
    before = {row[0]: row for row in records("things")}
    job = import_text(owner, "things", SECOND, **UPDATE)
    ids = {key: int(pk) for pk, key in records("things", "id", "k")}
    url = f"/api/tables/things/records/{ids['d']}/"
    client.patch(url, {"t": "edited"})
    client.patch("/api/tables/things/records/bulk/", {"filter": {"k": "c"}, "data": {"n": 31}})
    client.patch(f"/api/tables/things/records/{ids['a']}/", {"n": 9})  # not the import's

    refused = ask(client, f"/api/imports/{job.pk}/undo/")
    assert refused.status_code == 409
    error = refused.json()["error"]
    assert (error["code"], error["count"], error["ids"]) == ("changed_since", 2, sorted([ids["c"], ids["d"]]))

    done = do(client, f"/api/imports/{job.pk}/undo/", rest=True)
    assert done["count"] == 2
    assert records("things", "k", "n", "t") == [
        ("a", "9.00", "x"), ("b", "2.00", "y"), ("c", "31.00", "z"), ("d", "4.50", "edited"),
    ]  # fmt: skip
    assert records("things")[1] == before[ids["b"]]
    do(client, done["undo"])
    assert records("things", "k", "n", "t") == [
        ("a", "9.00", "x"), ("b", None, "y"), ("c", "31.00", "z"), ("d", "4.50", "edited"), ("e", "5.00", "new"),
    ]  # fmt: skip


def test_deleted_records_are_changed_ones_and_restored_ones_are_not(
    owner: User, client: APIClient, table: Table
) -> None:
    job = import_text(owner, "things", "k,t\nd,x\ne,x\n")
    [*_, (d,), (e,)] = records("things", "id")
    event = client.delete(f"/api/tables/things/records/{e}/")["X-Undo"]
    refused = ask(client, f"/api/imports/{job.pk}/undo/").json()["error"]
    assert (refused["code"], refused["count"], refused["ids"]) == ("changed_since", 1, [int(e)])
    assert client.post("/api/tables/things/undo/", {"event": int(event)}).status_code == 200
    edit = client.patch(f"/api/tables/things/records/{d}/", {"t": "other"})["X-Undo"]
    assert ask(client, f"/api/imports/{job.pk}/undo/").json()["error"]["ids"] == [int(d)]
    client.post("/api/tables/things/undo/", {"event": int(edit)})
    do(client, f"/api/imports/{job.pk}/undo/")
    assert len(records("things")) == 3


def test_imports_over_imports_go_in_turn(owner: User, client: APIClient, table: Table) -> None:
    before = records("things")
    first = import_text(owner, "things", SECOND, **UPDATE)
    between = records("things")
    second = import_text(owner, "things", "k,n,t\nd,44,newer\nb,20,y\n", **UPDATE)
    refused = ask(client, f"/api/imports/{first.pk}/undo/").json()["error"]
    assert (refused["code"], refused["count"]) == ("changed_since", 2)
    do(client, f"/api/imports/{second.pk}/undo/")
    assert records("things") == between
    do(client, f"/api/imports/{first.pk}/undo/")
    assert records("things") == before


def test_a_record_changed_after_the_request_is_not_lost(owner: User, client: APIClient, table: Table) -> None:
    job = import_text(owner, "things", "k,t\nd,x\n")
    answer = ask(client, f"/api/imports/{job.pk}/undo/").json()
    twice = ask(client, f"/api/imports/{job.pk}/undo/")
    assert (twice.status_code, twice.json()["error"]["code"]) == (409, "already_undone")
    pk = records("things", "id")[-1][0]
    client.patch(f"/api/tables/things/records/{pk}/", {"t": "edited"})
    change_runs.run(answer["id"])
    done = ChangeJob.objects.get(pk=answer["id"])
    assert (done.state, done.error_code) == ("failed", "changed_since")
    assert len(records("things")) == 4
    assert shown(client, job)["state"] == "completed"


def test_unique_values_are_exchanged_back(owner: User, client: APIClient) -> None:
    make_table(owner, "pairs", k="TEXT UNIQUE", u="INTEGER UNIQUE NOT NULL")
    import_text(owner, "pairs", "k,u\na,1\nb,2\n")
    before = records("pairs")
    import_text(owner, "pairs", "k,u\na,3\n", **UPDATE)
    import_text(owner, "pairs", "k,u\nb,1\n", **UPDATE)
    job = import_text(owner, "pairs", "k,u\nc,2\n")
    second, first = ImportJob.objects.order_by("-pk")[1:3]
    refused = do(client, f"/api/imports/{first.pk}/undo/")
    assert (refused["state"], refused["error_code"]) == ("failed", "undo_refused")
    for one in (job, second, first):
        do(client, f"/api/imports/{one.pk}/undo/")
    assert records("pairs") == before


def test_a_table_made_by_an_import_goes_to_the_trash(owner: User, client: APIClient) -> None:
    job = import_text(owner, "made", "k,n\na,1\nb,2\n", create_table=True)
    before = records("made")
    undone = do(client, f"/api/imports/{job.pk}/undo/")
    assert (undone["state"], undone["count"]) == ("completed", 2), undone
    assert client.get("/api/tables/made/").status_code == 404
    [item] = client.get("/api/trash/").json()["results"]
    assert (item["kind"], item["name"], item["records"]) == ("table", "made", 2)
    assert shown(client, job)["state"] == "undone"
    redone = do(client, undone["undo"])
    assert redone["state"] == "completed", redone
    assert records("made") == before
    assert client.get("/api/trash/").json()["count"] == 0

    # By the trash's own way, too.
    do(client, f"/api/imports/{job.pk}/undo/")
    [item] = client.get("/api/trash/").json()["results"]
    assert client.post(f"/api/trash/{item['id']}/restore/").status_code == 200
    assert shown(client, job)["state"] == "completed"


def test_records_of_others_keep_a_made_table(owner: User, client: APIClient) -> None:
    job = import_text(owner, "made", "k,n\na,1\nb,2\n", create_table=True)
    own = client.post("/api/tables/made/records/", {"k": "own"}).json()["id"]
    error = ask(client, f"/api/imports/{job.pk}/undo/").json()["error"]
    assert (error["code"], error["count"], error["ids"]) == ("changed_since", 1, [own])
    do(client, f"/api/imports/{job.pk}/undo/", rest=True)
    assert records("made", "k") == [("own",)]


def test_columns_may_change_between_undoing_and_doing_again(owner: User, client: APIClient, table: Table) -> None:
    job = import_text(owner, "things", "k,n,t\nd,4.5,x\n")
    do(client, f"/api/imports/{job.pk}/undo/")
    client.patch("/api/tables/things/columns/n/", {"column_name": "number", "column_type": "TEXT"})
    client.post("/api/tables/things/columns/", {"column_name": "more", "column_type": "TEXT DEFAULT 'd'"})
    client.delete("/api/tables/things/columns/t/")
    done = do(client, f"/api/imports/{job.pk}/redo/")
    assert done["error"] is None
    assert records("things", "k", "number", "more")[-1] == ("d", "4.50", "d")


def test_only_completed_imports_are_undone_and_for_so_many_days(owner: User, client: APIClient, table: Table) -> None:
    dry = import_text(owner, "things", "k,t\nd,x\n", dry_run=True)
    failed = import_text(owner, "things", "k,t\nd,\n", on_error="abort")
    for job in (dry, failed):
        error = ask(client, f"/api/imports/{job.pk}/undo/").json()["error"]
        assert error["code"] == "not_undoable"
        assert shown(client, job)["undo_url"] is None
    job = import_text(owner, "things", "k,t\nd,x\n")
    assert ask(client, f"/api/imports/{job.pk}/redo/").json()["error"]["code"] == "not_undone"
    ImportJob.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(days=31))
    assert ask(client, f"/api/imports/{job.pk}/undo/").json()["error"]["code"] == "undo_expired"


def test_kept_records_are_forgotten_in_the_end(owner: User, client: APIClient, table: Table) -> None:
    job = import_text(owner, "things", "k,t\nd,x\n")
    do(client, f"/api/imports/{job.pk}/undo/")
    assert import_undo.sweep() == 0
    job.refresh_from_db()
    assert job.undo_event is not None
    age(AuditEvent.objects.filter(pk=job.undo_event.pk), days=31)
    assert ask(client, f"/api/imports/{job.pk}/redo/").json()["error"]["code"] == "undo_expired"
    assert import_undo.sweep() == 1
    assert kept_records.every() == []
    # With a table that is deleted for good they go at once.
    do(client, f"/api/imports/{import_text(owner, 'things', 'k,t\ne,x\n').pk}/undo/")
    trashed = client.delete("/api/tables/things/").headers["X-Trash"]
    assert len(kept_records.every()) == 1
    assert client.delete(f"/api/trash/{trashed}/").status_code == 204
    assert kept_records.every() == []


def test_who_may_undo(
    owner: User,
    colleague: User,
    api: Callable[[User], APIClient],
    share: Callable[[Table, User, str], Any],
    table: Table,
) -> None:
    job = import_text(owner, "things", "k,t\nd,x\n")
    theirs = api(colleague)
    assert ask(theirs, f"/api/imports/{job.pk}/undo/").status_code == 404
    share(table, colleague, "view")
    assert ask(theirs, f"/api/imports/{job.pk}/undo/").status_code == 403
    assert theirs.get(f"/api/imports/{job.pk}/changes/").status_code == 200
    share(table, colleague, "edit")
    do(theirs, f"/api/imports/{job.pk}/undo/")
    assert len(records("things")) == 3
    assert not RecordChange.objects.filter(event__action="import.undone").exists()


REPLACING: list[dict[str, Any]] = [
    {"replace": True},
    {"on_conflict": "update", "key": "k", "on_missing": "delete", "max_delete_share": 1},
    {"on_conflict": "update", "key": "k", "on_missing": {"set": {"t": "gone"}}, "max_delete_share": 1},
]


@pytest.mark.parametrize("options", REPLACING, ids=["replaced", "mirrored", "marked"])
def test_removed_and_marked_records_come_back(
    owner: User, client: APIClient, table: Table, options: dict[str, Any]
) -> None:
    before = records("things")
    job = import_text(owner, "things", "k,n,t\nb,20,y\nd,4,new\n", **options)
    after = records("things")
    assert job.state == "completed", job.error
    assert after != before
    listed = client.get(f"/api/imports/{job.pk}/changes/").json()["results"]
    kinds = sorted(change["kind"] for change in listed)
    assert len(kinds) == (5 if options.get("replace") else 4), kinds
    undone = do(client, f"/api/imports/{job.pk}/undo/")
    assert undone["error"] is None
    assert records("things") == before
    do(client, undone["undo"])
    assert records("things") == after
    do(client, f"/api/imports/{job.pk}/undo/")
    assert records("things") == before


def test_what_is_asked_wrongly_is_refused(owner: User, client: APIClient, table: Table) -> None:
    job = import_text(owner, "things", "k,t\nd,x\n")
    wrong = ask(client, f"/api/imports/{job.pk}/undo/", rest="perhaps")
    assert (wrong.status_code, list(wrong.json()["error"]["fields"])) == (400, ["rest"])
    assert ask(client, f"/api/imports/{job.pk + 1}/undo/").status_code == 404
    assert client.get(f"/api/imports/{job.pk}/undo/").status_code == 405
    assert client.get(f"/api/imports/{job.pk}/changes/?page=99999").json()["results"] == []
    client.delete("/api/tables/things/")
    for answer in (
        ask(client, f"/api/imports/{job.pk}/undo/"), client.get(f"/api/imports/{job.pk}/changes/"),
        client.get(f"/api/imports/{job.pk}/receipt/"),
    ):  # fmt: skip
        assert answer.status_code == 404


def test_records_made_elsewhere_go_and_come_back(owner: User, client: APIClient) -> None:
    make_table(owner, "customers", name="TEXT", email="EMAIL UNIQUE")
    import_text(owner, "customers", "name,email\nAnn,ann@x.org\n")
    make_table(owner, "orders", what="TEXT", customer="REFERENCES customers")
    import_text(owner, "orders", "what\nold\n")
    options = {"customer": {"match": "email", "missing": "create"}}
    text = "what,customer\n1,ann@x.org\n2,b@x.org\n3,c@x.org\n4,d@x.org\n5,b@x.org\n"
    job = import_text(owner, "orders", text, references=options)
    assert len(records("customers")) == 4, job.error
    ids = {str(email): int(pk) for pk, email in records("customers", "id", "email")}
    client.patch(f"/api/tables/customers/records/{ids['c@x.org']}/", {"name": "Cleo"})
    client.post("/api/tables/orders/records/", {"what": "later", "customer": ids["d@x.org"]})
    whole = records("customers"), records("orders")
    do(client, f"/api/imports/{job.pk}/undo/")
    assert records("customers", "email") == [("ann@x.org",), ("c@x.org",), ("d@x.org",)]
    assert records("orders", "what") == [("old",), ("later",)]
    do(client, f"/api/imports/{job.pk}/redo/")
    assert (records("customers"), records("orders")) == whole
    assert kept_records.every() == []


def test_a_made_table_comes_back_with_what_it_refers_to(owner: User, client: APIClient) -> None:
    make_table(owner, "customers", email="EMAIL UNIQUE")
    options = {"customer": {"match": "email", "missing": "create"}}
    job = import_text(
        owner, "made", "what,customer\n1,a@x.org\n2,b@x.org\n", create_table=True, references=options,
        types={"customer": "REFERENCES customers"},
    )  # fmt: skip
    whole = records("customers"), records("made")
    assert len(whole[0]) == len(whole[1]) == 2, job.error
    do(client, f"/api/imports/{job.pk}/undo/")
    assert records("customers") == []
    [item] = client.get("/api/trash/").json()["results"]
    assert client.post(f"/api/trash/{item['id']}/restore/").status_code == 200
    assert (records("customers"), records("made")) == whole


def test_what_programs_wrote_past_tablekeep_is_noticed(owner: User, client: APIClient, table: Table) -> None:
    job = import_text(owner, "things", "k,n,t\nf,6,new\ng,7,new\nh,8,new\n")
    ids = {key: int(pk) for pk, key in records("things", "id", "k")}
    url = f"/api/imports/{job.pk}/undo/"

    def write(words: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE userdata.things SET {words}")

    # What is done by Tablekeep is judged by its images: a value that is back is no change.
    for text in ("other", "new"):
        client.patch(f"/api/tables/things/records/{ids['h']}/", {"t": text})
    undone = do(client, url)
    assert undone["count"] == 3
    redone = do(client, undone["undo"])
    do(client, do(client, redone["undo"])["undo"])  # what is brought back is as the import left it

    write("t = 'by hand' WHERE k IN ('a', 'g')")
    refused = ask(client, url).json()["error"]
    assert (refused["code"], refused["count"], refused["ids"]) == ("changed_since", 1, [ids["g"]])
    assert do(client, url, rest=True)["count"] == 2
    assert records("things", "k", "t") == [("a", "by hand"), ("b", "y"), ("c", "z"), ("g", "by hand")]


def test_a_column_that_changed_is_no_edit_of_its_records(owner: User, client: APIClient, table: Table) -> None:
    job = import_text(owner, "things", "k,n,t\nf,6,new\n")
    answer = client.patch("/api/tables/things/columns/n/", {"column_type": "TEXT"})
    assert answer.status_code in (200, 202), answer.content
    if answer.status_code == 202:
        change_runs.run(answer.json()["id"])
    assert do(client, f"/api/imports/{job.pk}/undo/")["count"] == 1
    assert len(records("things")) == 3
