"""Whatever an import did to the records that were there, undoing it brings back exactly these, and redoing does it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from dataengine.models import Table
from dataengine.services.trash import delete_column
from dataengine.tests.importing import import_text, make_table, records
from dataengine.tests.test_imports_are_undone import do

pytestmark = pytest.mark.django_db(transaction=True)

ALL: dict[str, Any] = {"max_delete_share": 1}
CASES: dict[str, tuple[str, dict[str, Any], tuple[int, int, int, int]]] = {
    # text, options, (imported, updated, unchanged, removed)
    "mirror": ("sku,size,n\na,1,1\nb,1,9\ne,1,5\n", {"key": ["sku", "size"], "on_missing": "delete", **ALL},
               (1, 1, 1, 3)),
    "mark": ("sku,size\na,1\n", {"key": ["sku", "size"], "on_missing": {"set": {"n": None, "code": "x"}}, **ALL},
             (0, 0, 1, 4)),
    "replace": ("sku,n,free\na,1,b's\nq,2,a's\n", {"replace": True}, (2, 0, 0, 5)),
    "several columns": ("sku,size,n\nb,2,7\nb,1,2.0\n", {"key": ["sku", "size"], "on_conflict": "update_only"},
                        (0, 2, 0, 0)),
}  # fmt: skip


@pytest.fixture
def goods(owner: User) -> Table:
    """Five records; one of the columns is in the trash."""
    table = make_table(
        owner, "goods", sku="TEXT", size="INTEGER", n="NUMERIC", code="TEXT", free="TEXT UNIQUE", old="TEXT NOT NULL"
    )
    text = "sku,size,n,code,free,old\na,1,1,c1,a's,o1\nb,1,2,c2,b's,o2\nb,2,3,c3,,o3\nc,1,4.50,c4,d's,o4\n,,,,,o5\n"
    import_text(owner, "goods", text)
    delete_column(user=owner, table=table, column=table.columns.get(name="old"))
    return table


STAFF: dict[str, tuple[str, str, dict[str, Any]]] = {
    # what a boss is, text, options: a new record refers to and is referred to, has what others let go of, or both
    "refers to a new one": ("", "name,code,boss\nAnn,1,Cid\nCid,3,Bob\n", {}),
    "whose code it takes": ("", "name,code,boss\nAnn,9,Cid\nCid,1,Ann\n", {}),
    "required": (" NOT NULL", "name,code,boss\nAnn,9,Cid\nCid,1,Cid\nEve,4,Cid\n", {}),
    "one each": (" UNIQUE NOT NULL", "name,code,boss\nAnn,9,Cid\nBob,2,Bob\nCid,1,Ann\nEve,4,Eve\n", {}),
    "instead of one that goes": ("", "name,code,boss\nAnn,2,Cid\nCid,1,Ann\nEve,4,\n", {"on_missing": "delete", **ALL}),
    "around": (" UNIQUE", "name,code,boss\nAnn,2,Bob\nBob,1,Eve\nEve,4,Ann\n", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", STAFF)
def test_records_of_the_same_file_refer_to_one_another(owner: User, client: APIClient, name: str) -> None:
    rules, text, more = STAFF[name]
    make_table(owner, "staff", name="TEXT UNIQUE", code="INTEGER UNIQUE", boss="REFERENCES staff" + rules)
    references: dict[str, Any] = {"references": {"boss": {"match": "name"}}}
    import_text(owner, "staff", "name,code,boss\nAnn,1,Bob\nBob,2,Ann\nEve,4,Eve\n", **references)
    before = records("staff")
    job = import_text(owner, "staff", text, key="name", on_conflict="update", **references, **more)
    assert (job.state, job.rows_rejected) == ("completed", 0), job.errors
    after = records("staff")
    assert after != before
    undo = f"/api/imports/{job.pk}/undo/"
    for _ in range(2):
        undone = do(client, undo)
        assert (undone["state"], undone["error"], records("staff")) == ("completed", None, before)
        redone = do(client, undone["undo"])
        assert (redone["state"], redone["error"], records("staff")) == ("completed", None, after)
        undo = redone["undo"]


def test_the_rest_leaves_what_is_needed(owner: User, client: APIClient) -> None:
    make_table(owner, "staff", name="TEXT UNIQUE", boss="REFERENCES staff")
    make_table(owner, "desks", of="REFERENCES staff")
    import_text(owner, "staff", "name\nAnn\nBob\n")
    options: dict[str, Any] = {"key": "name", "on_conflict": "update", "references": {"boss": {"match": "name"}}}
    text = "name,boss\nAnn,Cid\nCid,Dan\nDan,\nEve,Cid\nFay,\nGil,Eve\n"
    job = import_text(owner, "staff", text, **options)
    after = records("staff", "id", "name", "boss")
    ids = {name: int(pk) for pk, name, _ in after}
    assert client.patch(f"/api/tables/staff/records/{ids['Eve']}/", {"name": "Eva"}).status_code == 200
    assert client.post("/api/tables/desks/records/", {"of": ids["Fay"]}).status_code == 201
    undo = f"/api/imports/{job.pk}/undo/"
    refused = client.post(undo)
    assert (refused.status_code, refused.json()["error"]["ids"]) == (409, [ids["Eve"]])
    undone = do(client, undo, rest=True)
    assert (undone["state"], undone["error"]) == ("completed", None)
    # Eva was changed since, refers to Cid, and Cid to Dan; a desk is Fay's.
    assert records("staff", "name") == [(name,) for name in ("Ann", "Bob", "Cid", "Dan", "Eva", "Fay")]
    redone = do(client, undone["undo"])
    assert (redone["state"], redone["error"]) == ("completed", None)
    renamed = [(pk, "Eva" if name == "Eve" else name, boss) for pk, name, boss in after]
    assert records("staff", "id", "name", "boss") == renamed


@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("goods")
def test_an_import_goes_and_comes_back(owner: User, client: APIClient, name: str) -> None:
    text, options, expected = CASES[name]
    before = records("goods")
    job = import_text(owner, "goods", text, **options)
    assert job.state == "completed", job.error
    assert (job.rows_imported, job.rows_updated, job.rows_unchanged, job.rows_removed) == expected
    after = records("goods")
    assert after != before
    undone = do(client, f"/api/imports/{job.pk}/undo/")
    assert (undone["state"], undone["error"]) == ("completed", None)
    assert records("goods") == before
    redone = do(client, undone["undo"])
    assert (redone["state"], redone["error"], records("goods")) == ("completed", None, after)
