"""Records that an import made and to which others refer stand in the way of its undoing, which counts and names them.

The rest can go back.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from dataengine.models import ChangeJob, Table
from dataengine.services import change_runs
from dataengine.tests.importing import import_text, make_table, records
from dataengine.tests.test_imports_are_undone import ask, do

pytestmark = pytest.mark.django_db(transaction=True)


def test_referenced_records_stay(owner: User, client: APIClient) -> None:
    make_table(owner, "things", k="TEXT UNIQUE", t="TEXT NOT NULL")
    import_text(owner, "things", "k,t\na,x\nb,y\nc,z\n")
    job = import_text(owner, "things", "k,t\nd,x\n")
    make_table(owner, "other", thing="REFERENCES things")
    pk = records("things", "id")[-1][0]
    queued = ask(client, f"/api/imports/{job.pk}/undo/").json()
    client.post("/api/tables/other/records/", {"thing": int(pk)})
    error = ask(client, f"/api/imports/{job.pk}/undo/").json()["error"]
    assert error["code"] == "already_undone", "the worker comes first, and finds it"
    change_runs.run(queued["id"])
    done = ChangeJob.objects.get(pk=queued["id"])
    assert (done.state, done.error_code) == ("failed", "referenced")
    assert f"({pk}): records of “other” refer to it" in done.error
    assert len(records("things")) == 4
    refused = ask(client, f"/api/imports/{job.pk}/undo/")
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (409, "referenced")
    assert (error["count"], error["ids"], error["tables"]) == (1, [int(pk)], ["other"])
    assert do(client, f"/api/imports/{job.pk}/undo/", rest=True)["state"] == "completed"
    assert len(records("things")) == 4


def test_references_that_go_back_are_in_nobody_s_way(owner: User, client: APIClient) -> None:
    """A record that was there refers to a new one by the import itself: that goes back with it."""
    make_table(owner, "staff", name="TEXT UNIQUE", boss="REFERENCES staff")
    import_text(owner, "staff", "name\nAnn\n")
    options: dict[str, Any] = {"key": "name", "on_conflict": "update", "references": {"boss": {"match": "name"}}}
    job = import_text(owner, "staff", "name,boss\nAnn,Bob\nBob,\n", **options)
    undone = do(client, f"/api/imports/{job.pk}/undo/")
    assert (undone["state"], records("staff", "name")) == ("completed", [("Ann",)])
    do(client, undone["undo"])
    import_text(owner, "staff", "name,boss\nCid,Bob\n", **options)
    bob = int(records("staff", "id")[1][0])
    error = ask(client, f"/api/imports/{job.pk}/undo/").json()["error"]
    assert (error["code"], error["count"], error["ids"], error["tables"]) == ("referenced", 1, [bob], ["staff"])


def test_a_made_table_to_which_others_refer_is_emptied(owner: User, client: APIClient, stranger: User) -> None:
    job = import_text(owner, "made", "k,n\na,1\nb,2\n", create_table=True)
    table = make_table(owner, "other", thing="REFERENCES made")
    pk = records("made", "id")[0][0]
    record = client.post("/api/tables/other/records/", {"thing": int(pk)}).json()["id"]
    Table.objects.filter(pk=table.pk).update(owner=stranger)
    error = ask(client, f"/api/imports/{job.pk}/undo/").json()["error"]
    assert (error["code"], error["ids"], error["tables"]) == ("referenced", [int(pk)], [])
    Table.objects.filter(pk=table.pk).update(owner=owner)
    client.delete(f"/api/tables/other/records/{record}/")
    assert do(client, f"/api/imports/{job.pk}/undo/")["error_code"] == "referenced"
    undone = do(client, f"/api/imports/{job.pk}/undo/", rest=True)
    assert (undone["state"], records("made")) == ("completed", [])
    do(client, undone["undo"])
    assert len(records("made")) == 2
