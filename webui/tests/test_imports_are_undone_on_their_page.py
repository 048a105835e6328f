"""An import's page takes it back and does it again; a record's page says where the record came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from dataengine.models import ChangeJob, ImportJob
from dataengine.services import change_runs
from dataengine.services.records import insert_record, update_record
from dataengine.tests.importing import import_text, make_table, records
from webui.tests.conftest import PARTIAL
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def run_last() -> None:
    change = ChangeJob.objects.order_by("pk").last()
    assert change is not None
    change_runs.run(change.pk)


def test_undo_rest_and_redo(as_owner: Client, owner: User) -> None:
    table = make_table(owner, "things", k="TEXT UNIQUE", n="INTEGER")
    import_text(owner, "things", "k,n\na,1\n")
    job = import_text(owner, "things", "k,n\na,2\nb,3\nc,4\n", on_conflict="update", key="k")
    page, undo = f"/imports/{job.pk}/", f"/imports/{job.pk}/undo/"
    assert "Takes back 2 new records and the old values of 1." in read(as_owner.get(page))
    pk = records("things", "id")[-1][0]
    record = read(as_owner.get(f"/tables/things/records/{pk}/"))
    assert "From line 4 of data.csv, import" in record
    assert record.elements("a", href=page)
    listed = read(as_owner.get(f"/tables/things/?_import={job.pk}"))
    assert "Import is" in listed

    update_record(user=owner, table=table, pk=int(pk or 0), data={"n": 5})
    refused = as_owner.post(undo)
    assert refused.status_code == 409
    shown = read(refused)
    assert "1 record was changed since" in shown
    assert shown.elements("a", href=f"/tables/things/records/{pk}/")
    [rest] = shown.elements("button", name="rest")
    assert "Undo the rest" in rest
    assert as_owner.post(undo, {"rest": "on"}).headers["Location"] == page
    assert "Taking it back" in read(as_owner.get(page))
    assert "Taking it back" in read(as_owner.get(undo, headers=PARTIAL))
    run_last()
    assert as_owner.get(undo, headers=PARTIAL).headers["HX-Redirect"] == page
    shown = read(as_owner.get(page))
    assert "Undone by owner" in shown
    assert "1 record stays, changed since" in shown
    assert "undone" in read(as_owner.get("/imports/"))
    as_owner.post(undo)
    run_last()
    assert sorted(records("things", "k", "n")) == [("a", "2"), ("b", "3"), ("c", "5")]


def test_what_others_refer_to_stays(as_owner: Client, owner: User) -> None:
    make_table(owner, "things", k="TEXT")
    desks = make_table(owner, "desks", thing="REFERENCES things")
    job = import_text(owner, "things", "k\na\nb\n")
    pk = int(records("things", "id")[0][0] or 0)
    insert_record(user=owner, table=desks, data={"thing": pk})
    shown = read(as_owner.post(f"/imports/{job.pk}/undo/"))
    assert f"1 of its records cannot go ({pk}): records of “desks” refer to it" in shown
    assert shown.elements("a", href=f"/tables/things/records/{pk}/")
    assert [button.words for button in shown.elements("button", name="rest")] == ["Undo the rest"]
    as_owner.post(f"/imports/{job.pk}/undo/", {"rest": "on"})
    run_last()
    assert records("things", "k") == [("a",)]


def test_a_table_in_the_trash(as_owner: Client, owner: User) -> None:
    job = import_text(owner, "made", "k,n\na,1\nb,2\n", create_table=True)
    page = f"/imports/{job.pk}/"
    assert "Moves the table with 2 records to the trash." in read(as_owner.get(page))
    as_owner.post(f"{page}undo/")
    run_last()
    shown = read(as_owner.get(page))
    assert "Brings the table with 2 records back from the trash." in shown
    assert not shown.elements("a", href="/tables/made/")
    assert as_owner.get("/imports/").status_code == as_owner.get("/").status_code == 200
    as_owner.post(f"{page}undo/")
    run_last()
    assert len(records("made")) == 2


def test_nobody_else_is_offered_it(as_owner: Client, as_stranger: Client, owner: User) -> None:
    make_table(owner, "things", k="TEXT")
    job = import_text(owner, "things", "k\na\n", dry_run=True)
    assert not read(as_owner.get(f"/imports/{job.pk}/")).elements("section", id="undoing")
    real = import_text(owner, "things", "k\na\n")
    assert as_stranger.post(f"/imports/{real.pk}/undo/").status_code == 404
    assert not ChangeJob.objects.exists()
    assert ImportJob.objects.get(pk=real.pk).state == "completed"
