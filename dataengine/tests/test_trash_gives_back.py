"""What is deleted is out of sight at once, and comes back whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from dataengine.models import ImportJob, Index, Table, TrashItem
from dataengine.services import import_runs, trash

from .conftest import MakeTable


def items(client: APIClient) -> list[dict[str, Any]]:
    answer = client.get("/api/trash/")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def restored(client: APIClient, item: dict[str, Any], **body: Any) -> Any:
    answer = client.post(f"/api/trash/{item['id']}/restore/", body)
    assert answer.status_code == 200, answer.content
    return answer.json()


def records(client: APIClient, table: str) -> Any:
    return client.get(f"/api/tables/{table}/records/?limit=100").json()["results"]


@pytest.fixture
def shop(client: APIClient, make_table: MakeTable) -> Table:
    """Customers, and orders that refer to them and to themselves."""
    make_table("customers", name="TEXT NOT NULL")
    table = make_table(
        "orders", code="TEXT UNIQUE NOT NULL", customer="REFERENCES customers", parent="REFERENCES orders",
        price="NUMERIC(8,2) NOT NULL DEFAULT 1.50", size="CHOICE('s','m')",
    )  # fmt: skip
    for name in ("Anna", "Bob"):
        client.post("/api/tables/customers/records/", {"name": name})
    client.post("/api/tables/orders/records/", {"code": "a", "customer": 1, "size": "s"})
    client.post("/api/tables/orders/records/", {"code": "b", "customer": 2, "parent": 1, "price": "2.25"})
    return table


def test_a_table_comes_back_with_everything(client: APIClient, shop: Table, owner: User) -> None:
    before, held = client.get("/api/tables/orders/").json(), records(client, "orders")
    deleted = client.delete("/api/delete-table/?table_name=orders")
    assert deleted.status_code == 204
    assert client.get("/api/tables/orders/").status_code == 404
    assert [table["table_name"] for table in client.get("/api/list-tables/").json()["results"]] == ["customers"]
    [item] = items(client)
    assert str(item["id"]) == deleted.headers["X-Trash"]
    assert {key: item[key] for key in ("kind", "name", "table_name", "records", "deleted_by")} == {
        "kind": "table", "name": "orders", "table_name": "orders", "records": 2, "deleted_by": owner.username,
    }  # fmt: skip
    back = restored(client, item)
    assert (back["kind"], back["notes"], items(client)) == ("table", [], [])
    assert client.get("/api/tables/orders/").json() == before == back["table"]
    assert records(client, "orders") == held
    new = client.post("/api/tables/orders/records/", {"code": "c", "customer": 2})
    assert new.json()["id"] == 3
    for wrong in ({"code": "a"}, {"code": "d", "customer": 9}, {"code": "e", "size": "x"}, {"code": None}):
        assert client.post("/api/tables/orders/records/", wrong).status_code == 400


def test_the_name_is_free_at_once(client: APIClient, shop: Table, make_table: MakeTable) -> None:
    client.delete("/api/tables/orders/")
    make_table("Orders", a="TEXT")
    client.delete("/api/tables/Orders/")
    make_table("orders", a="TEXT")
    newer, older = items(client)
    taken = client.post(f"/api/trash/{older['id']}/restore/", {})
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "name_taken")
    assert list(taken.json()["error"]["fields"]) == ["name"]
    assert restored(client, older, name="old orders")["table"]["table_name"] == "old orders"
    assert len(records(client, "old orders")) == 2
    bad = client.post(f"/api/trash/{newer['id']}/restore/", {"name": "a__b"})
    assert (bad.status_code, list(bad.json()["error"]["fields"])) == (400, ["name"])
    assert restored(client, newer, name="newer")["table"]["columns"][0]["column_name"] == "a"


def test_what_is_in_the_trash_keeps_no_record(client: APIClient, shop: Table) -> None:
    assert client.delete("/api/tables/customers/").status_code == 409
    client.delete("/api/tables/orders/")
    assert client.delete("/api/tables/customers/records/2/").status_code == 204
    back = restored(client, items(client)[0])
    assert back["notes"] == ["1 references of “customer” to records that are gone are cleared."]
    assert [record["customer"] for record in records(client, "orders")] == [1, None]
    assert client.delete("/api/tables/customers/records/1/").status_code == 409


def test_what_a_table_refers_to_comes_back_first(client: APIClient, shop: Table) -> None:
    client.delete("/api/tables/orders/")
    client.delete("/api/tables/customers/")
    customers, orders = items(client)
    refused = client.post(f"/api/trash/{orders['id']}/restore/", {})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "reference_in_trash")
    restored(client, customers)
    assert restored(client, orders)["notes"] == []


def test_a_reference_to_a_purged_table_becomes_a_number(client: APIClient, shop: Table) -> None:
    client.delete("/api/tables/orders/")
    client.delete("/api/tables/customers/")
    customers, orders = items(client)
    assert client.delete(f"/api/trash/{customers['id']}/").status_code == 204
    columns = {c["column_name"]: c["column_type"] for c in restored(client, orders)["table"]["columns"]}
    assert (columns["customer"], columns["parent"]) == ("BIGINT", "REFERENCES orders")
    assert [record["customer"] for record in records(client, "orders")] == [1, 2]


def test_a_column_comes_back_with_its_values_and_rules(client: APIClient, shop: Table) -> None:
    before = client.get("/api/tables/orders/").json()["columns"]
    held = records(client, "orders")
    for name in ("code", "customer", "price", "size"):
        assert client.delete(f"/api/tables/orders/columns/{name}/").status_code == 204
    assert [column["column_name"] for column in client.get("/api/tables/orders/").json()["columns"]] == ["parent"]
    assert records(client, "orders")[1] == {"id": 2, "parent": 1}
    assert client.get("/api/tables/orders/records/?code=a").status_code == 400
    assert client.delete("/api/tables/customers/records/2/").status_code == 204
    found = items(client)
    assert {item["kind"] for item in found} == {"column"}
    notes = [restored(client, item)["notes"] for item in reversed(found)]
    assert notes == [[], ["1 references of “customer” to records that are gone are cleared."], [], []]
    after = {column["column_name"]: column for column in client.get("/api/tables/orders/").json()["columns"]}
    assert {**after, "customer": {}} == {**{c["column_name"]: c for c in before}, "customer": {}}
    held[1]["customer"] = None
    assert records(client, "orders") == held
    assert client.post("/api/tables/orders/records/", {"code": "a"}).status_code == 400
    assert client.post("/api/tables/orders/records/", {"code": "z"}).json()["price"] == "1.50"


def test_a_required_column_that_missed_records_is_not_required_any_more(client: APIClient, shop: Table) -> None:
    client.delete("/api/tables/orders/columns/code/")
    client.post("/api/tables/orders/records/", {"price": 3})
    client.post("/api/tables/orders/columns/", {"column_name": "code", "column_type": "TEXT"})
    [item] = items(client)
    taken = client.post(f"/api/trash/{item['id']}/restore/", {})
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "name_taken")
    assert list(taken.json()["error"]["fields"]) == ["name"]
    bad = client.post(f"/api/trash/{item['id']}/restore/", {"name": "a__b"})
    assert (bad.status_code, list(bad.json()["error"]["fields"])) == (400, ["name"])
    back = restored(client, item, name="old")
    assert (back["column"]["column_name"], back["column"]["required"], back["column"]["unique"]) == ("old", False, True)
    assert back["notes"] == ["“old” is not required any more: some records have no value in it."]
    assert [record["old"] for record in records(client, "orders")] == ["a", "b", None]


def test_an_import_into_the_emptied_table_leaves_a_deleted_column_behind(
    client: APIClient, make_table: MakeTable
) -> None:
    make_table("t", a="TEXT", b="INTEGER NOT NULL DEFAULT 4")
    client.delete("/api/tables/t/columns/b/")
    with connection.cursor() as cursor:  # as an import's shadow does: without what the catalog does not name
        cursor.execute(f'ALTER TABLE userdata.t DROP COLUMN "tk:{TrashItem.objects.get().column_id}:trash"')
    back = restored(client, items(client)[0])
    assert (back["column"]["default"], back["notes"]) == ("4", [])
    assert client.post("/api/tables/t/records/", {"a": "x"}).json()["b"] == 4


@pytest.mark.django_db(transaction=True)  # whoever watches the job sees what is committed
def test_a_column_that_was_left_behind_comes_back_whatever_its_rules(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT", code="TEXT UNIQUE NOT NULL", size="CHOICE('s','m') UNIQUE NOT NULL DEFAULT 's'")
    for name in ("code", "size"):
        client.delete(f"/api/tables/t/columns/{name}/")
    started = client.post(
        "/api/upload-csv/", {"table_name": "t", "file": SimpleUploadedFile("x.csv", b"a\nx\ny\n")}, format="multipart"
    )
    import_runs.run(started.json()["id"])
    size, code = items(client)
    notes = [restored(client, item)["notes"] for item in (code, size)]
    assert notes == [
        [f"“{name}” is not required any more: some records have no value in it."] for name in ("code", "size")
    ]
    assert records(client, "t") == [{"id": n, "a": a, "code": None, "size": None} for n, a in ((1, "x"), (2, "y"))]
    assert client.post("/api/tables/t/records/", {"code": "c"}).json()["size"] == "s"
    for wrong in ({"code": "c", "size": "m"}, {"code": "d"}, {"size": "x"}):
        assert client.post("/api/tables/t/records/", wrong).status_code == 400


def test_what_is_undone_is_undone_in_a_deleted_column_too(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT", b="INTEGER UNIQUE NOT NULL")
    for number in (1, 2):
        client.post("/api/tables/t/records/", {"a": "x", "b": number})
    updated = client.patch("/api/tables/t/records/1/", {"a": "y", "b": 5}).headers["X-Undo"]
    deleted = client.delete("/api/tables/t/records/2/").headers["X-Undo"]
    client.delete("/api/tables/t/columns/b/")
    for event in (deleted, updated):
        assert client.post("/api/tables/t/undo/", {"event": int(event)}).status_code == 200
    assert restored(client, items(client)[0])["notes"] == []
    assert records(client, "t") == [{"id": 1, "a": "x", "b": 1}, {"id": 2, "a": "x", "b": 2}]


def test_what_is_deleted_meanwhile_keeps_its_value_in_a_deleted_column(
    client: APIClient, make_table: MakeTable
) -> None:
    make_table("t", a="TEXT", b="NUMERIC NOT NULL", c="TEXT")
    for number in ("1.50", "2.0", "3"):
        client.post("/api/tables/t/records/", {"a": "x", "b": number})
    held = records(client, "t")
    client.delete("/api/tables/t/columns/c/")
    client.delete("/api/tables/t/columns/b/")
    answers = [
        client.delete("/api/tables/t/records/1/"),
        client.delete("/api/tables/t/records/bulk/", {"ids": [2]}),
        client.delete("/api/tables/t/records/bulk/", {"filter": {"a": "x"}}),
    ]
    assert records(client, "t") == []
    for answer in answers:
        event = int(answer.headers["X-Undo"])
        assert client.post("/api/tables/t/undo/", {"event": event}).status_code == 200
    for item in items(client):
        assert restored(client, item)["notes"] == []
    assert records(client, "t") == held


@pytest.mark.parametrize(("unique", "there", "then"), [(True, "Bo", "Bo"), ("ignore_case", "Bo", "bO")])
def test_a_unique_column_whose_values_repeat_is_not_unique_any_more(
    client: APIClient, unique: bool | str, there: str, then: str
) -> None:
    fields = {"a": "TEXT", "b": {"type": "TEXT", "unique": unique}}
    assert client.post("/api/create-table/", {"table_name": "t", "fields": fields}).status_code == 201
    for value in ("x", there):
        client.post("/api/tables/t/records/", {"b": value})
    deleted = client.delete("/api/tables/t/records/2/").headers["X-Undo"]
    assert client.patch("/api/tables/t/records/1/", {"b": then}).status_code == 200
    client.delete("/api/tables/t/columns/b/")
    assert client.post("/api/tables/t/undo/", {"event": int(deleted)}).status_code == 200
    back = restored(client, items(client)[0])
    assert (back["column"]["unique"], len(back["notes"])) == (False, 1)
    assert [record["b"] for record in records(client, "t")] == [then, there]
    assert client.post("/api/tables/t/records/", {"b": there}).status_code == 201


def test_a_column_that_is_unique_whatever_the_case_comes_back(client: APIClient) -> None:
    fields = {"a": "TEXT", "b": {"type": "TEXT", "unique": "ignore_case"}}
    client.post("/api/create-table/", {"table_name": "t", "fields": fields})
    client.post("/api/tables/t/records/", {"b": "Bo"})
    before = client.get("/api/tables/t/").json()["columns"]
    client.delete("/api/tables/t/columns/b/")
    assert restored(client, items(client)[0])["notes"] == []
    assert client.get("/api/tables/t/").json()["columns"] == before
    assert client.post("/api/tables/t/records/", {"b": "bO"}).status_code == 400


@pytest.mark.django_db(transaction=True)  # whoever watches the job sees what is committed
def test_undoing_passes_over_a_deleted_column_that_an_import_left_behind(
    client: APIClient, make_table: MakeTable
) -> None:
    make_table("t", a="TEXT", b="INTEGER")
    client.post("/api/tables/t/records/", {"a": "x", "b": 1})
    deleted = client.delete("/api/tables/t/records/1/").headers["X-Undo"]
    client.delete("/api/tables/t/columns/b/")
    file = SimpleUploadedFile("x.csv", b"id,a\n7,z\n")
    started = client.post("/api/upload-csv/", {"table_name": "t", "file": file}, format="multipart")
    import_runs.run(started.json()["id"])
    [record] = records(client, "t")
    assert client.delete(f"/api/tables/t/records/{record['id']}/").status_code == 204
    assert client.post("/api/tables/t/undo/", {"event": int(deleted)}).status_code in {200, 409}


def test_columns_in_the_trash_count_among_postgresql_s(client: APIClient, make_table: MakeTable) -> None:
    make_table("wide", **{f"c{number}": "INTEGER" for number in range(1_599)})
    client.delete("/api/tables/wide/columns/c3/")
    refused = client.post("/api/tables/wide/columns/", {"column_name": "c3", "column_type": "TEXT"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "too_many_columns")
    assert list(refused.json()["error"]["fields"]) == ["column_name"]
    assert restored(client, items(client)[0])["column"]["column_name"] == "c3"


def test_purged_is_gone(client: APIClient, shop: Table) -> None:
    client.delete("/api/tables/orders/columns/size/")
    client.delete("/api/tables/orders/")
    (table,) = (item for item in items(client))  # the column goes with its table
    assert client.delete(f"/api/trash/{table['id']}/").status_code == 204
    assert client.post(f"/api/trash/{table['id']}/restore/", {}).status_code == 404
    assert items(client) == []
    assert not TrashItem.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('userdata_trash')")
        assert cursor.fetchone() == (0,)
    assert client.delete("/api/tables/customers/").status_code == 204


def test_the_trash_is_emptied_after_its_days(client: APIClient, shop: Table, settings: Any) -> None:
    settings.TRASH_DAYS = 3
    client.delete("/api/tables/orders/columns/size/")
    client.delete("/api/tables/orders/")
    old = TrashItem.objects.filter(column=None)
    old.update(deleted_at=timezone.now() - timedelta(days=2, hours=23))
    assert trash.sweep() == 0
    old.update(deleted_at=timezone.now() - timedelta(days=3, minutes=1))
    assert trash.sweep() == 1
    assert not TrashItem.objects.exists()
    assert not Table.everything.filter(name="orders").exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_in_use_keeps_nothing_else_in_the_trash(
    client: APIClient, make_table: MakeTable, second_connection: Callable[[], Any], settings: Any
) -> None:
    make_table("busy", a="TEXT", b="TEXT")
    make_table("idle", a="TEXT")
    client.delete("/api/tables/busy/columns/a/")
    client.delete("/api/tables/idle/")
    settings.TRASH_DAYS = 0
    other = second_connection()
    other.execute("BEGIN; LOCK TABLE userdata.busy IN ACCESS SHARE MODE")
    assert trash.sweep() == 1
    assert [(item.kind, item.name) for item in TrashItem.objects.all()] == [("column", "a")]
    other.execute("ROLLBACK")
    assert trash.sweep() == 1
    assert not TrashItem.objects.exists()


def test_indexes_come_back(client: APIClient, make_table: MakeTable) -> None:
    table = make_table("t", a="TEXT", b="INTEGER")
    for name in ("a", "b"):
        client.patch(f"/api/tables/t/columns/{name}/", {"indexed": True})
    client.patch("/api/tables/t/", {"search_index": True})
    Index.objects.filter(table=table, column__name="b").update(state=Index.State.COMPLETED)
    client.delete("/api/tables/t/columns/a/")
    restored(client, items(client)[0])
    client.delete("/api/tables/t/")
    restored(client, items(client)[0])
    states = {index.column.name if index.column else None: index.state for index in Index.objects.filter(table=table)}
    assert states == {"a": "queued", "b": "completed", None: "queued"}


def test_others_see_nothing_of_it(
    client: APIClient, api: Any, stranger: User, colleague: User, shop: Table, share: Any
) -> None:
    share(shop, colleague, "design")
    client.delete("/api/tables/orders/columns/size/")
    [column] = items(client)
    assert items(api(stranger)) == []
    assert [item["id"] for item in items(api(colleague))] == [column["id"]]
    client.delete("/api/tables/orders/")
    [table] = items(client)
    for other in (stranger, colleague):
        assert items(api(other)) == []
        for pk in (column["id"], table["id"]):
            url = f"/api/trash/{pk}/"
            assert api(other).get(url).status_code == 404
            assert api(other).delete(url).status_code == 404
            assert api(other).post(f"{url}restore/", {}).status_code == 404
    assert TrashItem.objects.count() == 2


@pytest.mark.django_db(transaction=True)  # whoever watches the job sees what is committed
def test_a_waiting_import_goes_into_the_columns_that_were_told(client: APIClient, shop: Table) -> None:
    def begun(text: bytes) -> ImportJob:
        file = SimpleUploadedFile("x.csv", text)
        started = client.post("/api/upload-csv/", {"table_name": "orders", "file": file}, format="multipart")
        assert started.status_code == 202, started.content
        return ImportJob.objects.get(pk=started.json()["id"])

    renamed = begun(b"code,size,price\ny,m,7\n")
    for name, other in (("size", "width"), ("price", "size_in_euros")):
        client.patch(f"/api/tables/orders/columns/{name}/", {"column_name": other})
    import_runs.run(renamed.pk)
    [record] = [one for one in records(client, "orders") if one["code"] == "y"]
    assert (record["width"], record["size_in_euros"]) == ("m", "7.00")
    deleted = begun(b"code,width\nz,m\n")
    client.delete("/api/tables/orders/columns/width/")
    import_runs.run(deleted.pk)
    deleted.refresh_from_db()
    assert (deleted.state, deleted.error_code) == ("failed", "columns_changed")
    assert "“width”" in deleted.error
    assert not [one for one in records(client, "orders") if one["code"] == "z"]


@pytest.mark.django_db(transaction=True)  # whoever watches the job sees what is committed
def test_a_waiting_import_finds_its_table_gone(client: APIClient, shop: Table, owner: User, stranger: User) -> None:
    as_owner, as_stranger = Client(), Client()
    as_owner.force_login(owner)
    as_stranger.force_login(stranger)
    file = SimpleUploadedFile("x.csv", b"code\nz\n")
    started = client.post("/api/upload-csv/", {"table_name": "orders", "file": file}, format="multipart")
    assert started.status_code == 202, started.content
    client.delete("/api/tables/orders/")
    import_runs.run(started.json()["id"])
    job = ImportJob.objects.get(pk=started.json()["id"])
    assert (job.state, job.error_code) == ("failed", "table_not_found")
    # Who asks what became of it, or opens the mail's link, is told.
    shown = client.get(f"/api/imports/{job.pk}/").json()
    assert (shown["state"], shown["error"]) == ("failed", "There is no table “orders” any more.")
    assert as_owner.get(f"/imports/{job.pk}/").status_code == 200
    assert as_stranger.get(f"/imports/{job.pk}/").status_code == 404
