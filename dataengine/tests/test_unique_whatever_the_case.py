"""A text column can be unique whatever the case; e-mail columns are, unless they are told not to be."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from dataengine.columns.folding import without_case
from dataengine.models import Column
from dataengine.records.model import record_model
from dataengine.tests.importing import import_text, make_table, records, rejected
from dataengine.tests.text_order import TEXTS

pytestmark = pytest.mark.django_db(transaction=True)


def create(client: APIClient, **fields: Any) -> Any:
    return client.post("/api/create-table/", {"table_name": "t", "fields": fields})


def insert(client: APIClient, **data: Any) -> Any:
    return client.post("/api/insert-record/", {"table_name": "t", "data": data})


def shown(client: APIClient, column: str) -> tuple[Any, Any]:
    answer = client.get(f"/api/tables/t/columns/{column}/").json()
    return answer["unique"], answer["unique_ignores_case"]


def test_how_it_is_said(client: APIClient) -> None:
    answer = create(
        client,
        mail="EMAIL UNIQUE", plain="EMAIL", mail2={"type": "EMAIL", "unique": True}, text="TEXT UNIQUE",
        letters={"type": "EMAIL UNIQUE", "unique": "exact"}, code={"type": "VARCHAR(9)", "unique": "ignore_case"},
        no={"type": "TEXT", "unique": False},
    )  # fmt: skip
    assert answer.status_code == 201, answer.content
    said = {c["column_name"]: (c["unique"], c["unique_ignores_case"]) for c in answer.json()["columns"]}
    assert said == {
        "mail": (True, True), "plain": (False, False), "mail2": (True, True), "text": (True, False),
        "letters": (True, False), "code": (True, True), "no": (False, False),
    }  # fmt: skip
    added = client.post("/api/tables/t/columns/", {"column_name": "w", "column_type": "URL", "unique": "ignore_case"})
    assert (added.status_code, added.json()["unique_ignores_case"]) == (201, True)
    for kind in ("INTEGER", "DATE", "UUID"):
        refused = client.post(
            "/api/tables/t/columns/", {"column_name": "n", "column_type": kind, "unique": "ignore_case"}
        )
        assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["n"])
    refused = client.post("/api/tables/t/columns/", {"column_name": "n", "column_type": "TEXT", "unique": "sometimes"})
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["unique"])


def test_records_that_differ_in_case_only(client: APIClient) -> None:
    create(client, mail="EMAIL UNIQUE", name="TEXT")
    assert insert(client, mail="Anna@Example.org").status_code == 201
    assert insert(client, mail="bob@example.org").status_code == 201
    assert insert(client, mail=None).status_code == insert(client, mail=None).status_code == 201
    for mail in ("anna@example.org", "ANNA@EXAMPLE.ORG", "Anna@Example.org"):
        refused = insert(client, mail=mail)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "duplicate_in_table")
        assert list(refused.json()["error"]["fields"]) == ["mail"]
    changed = client.patch("/api/tables/t/records/2/", {"mail": "ANNA@example.org"})
    assert changed.json()["error"]["code"] == "duplicate_in_table"
    assert client.patch("/api/tables/t/records/1/", {"mail": "ANNA@example.org"}).status_code == 200
    exchanged = {
        "records": [{"id": 1, "data": {"mail": "BOB@example.org"}}, {"id": 2, "data": {"mail": "anna@example.org"}}]
    }
    assert client.patch("/api/tables/t/records/bulk/", exchanged).status_code == 200
    both = {"records": [{"mail": "c@example.org"}, {"mail": "C@example.org"}]}
    refused = client.post("/api/tables/t/records/bulk/", both)
    assert (refused.status_code, refused.json()["error"]["records"][0]["fields"].keys()) == (400, {"mail"})
    # Accents do count, and a filter wants just these letters.
    create_more = {"mail": "änna@example.org"}
    assert insert(client, **create_more).status_code == 201
    assert insert(client, mail="ÄNNA@example.org").status_code == 400
    assert client.get("/api/get-records/?table_name=t&mail=BOB@example.org").json()["count"] == 1
    assert client.get("/api/get-records/?table_name=t&mail=bob@example.org").json()["count"] == 0


def test_it_is_changed_both_ways(client: APIClient, owner: User) -> None:
    make_table(owner, "t", a="TEXT", n="INTEGER")
    url = "/api/tables/t/columns/a/"
    for text in ("x", "X"):
        insert(client, a=text)
    refused = client.patch(url, {"unique": "ignore_case"})
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (409, ["unique"])
    assert client.patch(url, {"unique": True}).status_code == 200
    assert shown(client, "a") == (True, False)
    assert client.patch(url, {"unique": "ignore_case"}).status_code == 409
    assert shown(client, "a") == (True, False)
    client.delete("/api/tables/t/records/2/")
    assert client.patch(url, {"unique": "ignore_case"}).status_code == 200
    assert shown(client, "a") == (True, True)
    assert client.patch(url, {"unique": True}).status_code == 200  # it is
    whole = client.get(url).json()
    assert client.patch(url, whole).json() == whole
    assert insert(client, a="X").status_code == 400
    assert client.patch(url, {"unique": "exact"}).json()["unique_ignores_case"] is False
    assert insert(client, a="X").status_code == 201
    assert insert(client, a="X").status_code == 400
    assert client.patch(url, {"unique": False}).json()["unique"] is False
    assert insert(client, a="X").status_code == 201
    assert client.patch("/api/tables/t/columns/n/", {"unique": "ignore_case"}).status_code == 400
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE schemaname = 'userdata' AND tablename = 't'")
        assert cursor.fetchone() == (1,)


def test_the_trash_gives_it_back(client: APIClient, owner: User) -> None:
    make_table(owner, "t", mail="EMAIL UNIQUE", n="INTEGER")
    insert(client, mail="a@x.org")
    assert client.delete("/api/tables/t/columns/mail/").status_code == 204
    insert(client, n=1)
    [item] = client.get("/api/trash/").json()["results"]
    assert client.post(f"/api/trash/{item['id']}/restore/").status_code == 200
    assert shown(client, "mail") == (True, True)
    assert insert(client, mail="A@X.org").status_code == 400
    assert insert(client, mail="b@X.org").status_code == 201


FILE = "mail,n\nA@x.org,1\nb@x.org,2\na@X.org,3\nÄ@x.org,4\nä@x.org,5\n,6\n,7\nB@x.org,oops\n"


@pytest.mark.parametrize("before", ["", "z@x.org"])
def test_a_file_is_checked_so(owner: User, client: APIClient, before: str) -> None:
    make_table(owner, "t", mail="EMAIL UNIQUE", n="INTEGER")
    if before:
        insert(client, mail=before)
    job = import_text(owner, "t", FILE)
    assert job.state == "completed", job.error
    assert [row[0] for row in records("t", "mail")] == [
        *([before] if before else []),
        "A@x.org",
        "b@x.org",
        "Ä@x.org",
        None,
        None,
    ]
    assert [(line, sorted(errors)) for line, errors in rejected(job)] == [
        (4, [("mail", "duplicate_in_file")]), (6, [("mail", "duplicate_in_file")]),
        (9, [("mail", "duplicate_in_file"), ("n", "invalid_type")]),
    ]  # fmt: skip
    again = import_text(owner, "t", "mail,n\nB@X.ORG,9\nnew@x.org,1\n")
    assert rejected(again) == [(2, [("mail", "duplicate_in_table")])]
    assert insert(client, mail="NEW@x.org").status_code == 400
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 't' ORDER BY indexname")
        column = Column.objects.get(table__name="t", name="mail")
        assert f"tk:{column.pk}:unique" in [name for (name,) in cursor.fetchall()]


@pytest.mark.parametrize("on_conflict", ["update", "skip"])
def test_a_key_finds_its_record_so(owner: User, client: APIClient, on_conflict: str) -> None:
    make_table(owner, "t", mail="EMAIL UNIQUE", code="TEXT UNIQUE", n="INTEGER")
    for mail in ("Anna@x.org", "bob@x.org"):
        insert(client, mail=mail, n=0, code=mail)
    text = "mail,code,n\nANNA@x.org,x,1\nnew@x.org,y,2\nNEW@x.org,z,3\nc@x.org,bob@x.org,4\n"
    job = import_text(owner, "t", text, on_conflict=on_conflict, key="mail")
    assert job.state == "completed", job.error
    first = ("Anna@x.org", "x", "1") if on_conflict == "update" else ("Anna@x.org", "Anna@x.org", "0")
    assert sorted(records("t", "mail", "code", "n")) == sorted(
        [first, ("bob@x.org", "bob@x.org", "0"), ("new@x.org", "y", "2")]
    )
    assert [line for line, _ in rejected(job)] == [4, 5]


@given(st.lists(TEXTS, max_size=20))
def test_postgres_and_python_ignore_the_same(db: None, texts: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablekeep_functions.case_key(x) FROM unnest(%s::text[]) WITH ORDINALITY x(x, n) ORDER BY n", [texts]
        )
        assert [key for (key,) in cursor.fetchall()] == [without_case(text) for text in texts]


def test_a_required_one_exchanges_its_values(client: APIClient, owner: User) -> None:
    table = make_table(owner, "t", mail="EMAIL UNIQUE NOT NULL")
    for mail in ("a@x.org", "b@x.org", "c@x.org"):
        insert(client, mail=mail)
    rows = [{"id": 1, "data": {"mail": "B@x.org"}}, {"id": 2, "data": {"mail": "A@x.org"}}]
    assert client.patch("/api/tables/t/records/bulk/", {"records": rows}).status_code == 200
    taken = [{"id": 1, "data": {"mail": "C@x.org"}}, {"id": 2, "data": {"mail": "d@x.org"}}]
    refused = client.patch("/api/tables/t/records/bulk/", {"records": taken})
    assert (refused.status_code, refused.json()["error"]["records"][0]["fields"].keys()) == (400, {"mail"})
    model = record_model(table)
    attribute = model.columns[0].attribute
    assert list(model.objects.order_by("id").values_list(attribute, flat=True)) == ["B@x.org", "A@x.org", "c@x.org"]
