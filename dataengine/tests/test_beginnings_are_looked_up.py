"""What texts begin with is looked up in the index that they are sorted by, and nothing is missed there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from rest_framework.test import APIClient

from dataengine.models import Table
from dataengine.postgres import names
from dataengine.queries import index_walks
from dataengine.queries.listing import select
from dataengine.records.model import record_model
from dataengine.services import bulk_records, indexes
from dataengine.tests.importing import make_table
from dataengine.tests.indexing import build_waiting, plans_of_selects

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS = [
    "", " ", "a", "A", "ab", "aB2", "AB 12", "ab-12", "a" * 400, "a" + "\u0301" * 40 + "bc", "àb", "Äb", "ａｂ", "ß",
    "ss", "SSx", "İstanbul", "istanbul", "ﬁn", "fin", "12", "1a", "a12b", "a012b", "Œuvre", "oeuvre", "~", "a~",
    "a\U0010fffe", "'", "\\x", "%", "_a", "a%", "Name 5", "Name 50", "name 05", "é", "e\u0301", "e", "Ɛ", "ǅ", "dž",
    "½", "1⁄2", "한", "가", "각", "C1", "C12", "C012", "C120", "C1299", "C1³", "C1١", "C-12", "C12-7", "C12-70",
    "C12\x013", "C1\u03012", "C123456789", "C1234567890123456789", "C12" + "0" * 400, "0", "00", "000", "0001", "00012",
    "2024-01-15", "2024-01-1", "2024-1-1", "2024-10-1", "INV-0001", "INV-00012", "inv-12", "C１２",
]  # fmt: skip
BEGINNINGS = sorted({text[:size] for text in TEXTS for size in (1, 2, 3, 5, 9, 300)} - {""})


def test_with_an_index_and_without(owner: User) -> None:
    table = make_table(owner, "t", a="TEXT")
    bulk_records.insert_many(user=owner, table=table, records=[{"a": text} for text in TEXTS])

    def found(lookup: str) -> dict[str, list[str]]:
        model = record_model(table)
        name = model.columns[0].attribute
        lists = {text: select(model, {f"a__{lookup}": text}).ordered() for text in BEGINNINGS}
        return {text: [*records.values_list(name, flat=True)] for text, records in lists.items()}

    without = {lookup: found(lookup) for lookup in ("startswith", "istartswith")}
    for text, shown in without["startswith"].items():
        assert shown == [other for other in TEXTS if other.startswith(text)]
    assert without["istartswith"]["SS"] == ["ß", "ss", "SSx"]
    indexes.set_indexed(user=owner, table=table, column=table.columns.get(), indexed=True)
    assert build_waiting() == ["completed"]
    table = Table.objects.get()
    assert {lookup: found(lookup) for lookup in without} == without


def test_in_the_order_of_the_index(client: APIClient, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_walks, "_LARGE", 0)
    table = make_table(owner, "t", a="TEXT")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO userdata.t (a) SELECT 'C' || nullif(i, 7) FROM generate_series(1, 3000) i")
    indexes.set_indexed(user=owner, table=table, column=table.columns.get(), indexed=True)
    assert build_waiting() == ["completed"]
    expected = [f"C{number}" for number in range(1, 3001) if str(number).startswith("12")]
    for order in ("a", "-a"):
        url, found = f"/api/tables/t/records/?a__istartswith=c12&order_by={order}&limit=30", []
        with plans_of_selects("LIKE") as plans:
            while url:
                page = client.get(url).json()
                found += [record["a"] for record in page["results"]]
                url = page["next"]
        assert found == (expected if order == "a" else expected[::-1])
        assert not [plan for plan in plans if "Seq Scan" in plan]
        back = client.get(f"/api/tables/t/records/?a__istartswith=c12&order_by={order}&limit=30&page=4").json()
        assert [record["a"] for record in back["results"]] == found[90:]
        before = client.get(back["previous"]).json()
        assert [record["a"] for record in before["results"]] == found[60:90]


def test_the_index_is_used(client: APIClient, owner: User) -> None:
    table = make_table(owner, "t", a="TEXT")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO userdata.t (a) SELECT md5(i::text) FROM generate_series(1, 20000) i")
        cursor.execute("INSERT INTO userdata.t (a) SELECT 'C' || i FROM generate_series(1, 20000) i")
    indexes.set_indexed(user=owner, table=table, column=table.columns.get(), indexed=True)
    assert build_waiting() == ["completed"]
    index = names.index(table.pk, table.columns.get().pk)
    for text, count in (("ffe", None), ("C123", 111)):
        with plans_of_selects(" LIKE ") as plans:
            answer = client.get("/api/tables/t/records/", {"a__startswith": text}).json()
        assert {record["a"][: len(text)] for record in answer["results"]} == {text}
        assert count in {None, answer["count"]}
        assert plans
        for plan in plans:
            assert index in plan
