"""Exports: exactly the filtered records, in order, streamed, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from dataengine.imports.converting.patterns import NUMBER, guarded, unguarded
from dataengine.models import AuditEvent

from .conftest import MakeTable


def content(answer: Any) -> str:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


@pytest.fixture
def filled(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT", n="NUMERIC(6,2)", j="JSONB", b="BOOLEAN")
    records = [
        {"a": "plain", "n": "-1.5", "j": {"k": "ü"}, "b": True},
        {"a": '=cmd|"x"', "n": "2"},
        {"a": "two\nlines, and a comma", "b": False},
        {"a": "-12"},
        {"a": "+49 170"},
    ]
    assert client.post("/api/tables/t/records/bulk/", {"records": records}).status_code == 201


@pytest.mark.usefixtures("filled")
def test_csv(client: APIClient) -> None:
    answer = client.get("/api/tables/t/export/?format=csv&order_by=-id")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="t.csv"'
    assert list(csv.reader(io.StringIO(content(answer), newline=""))) == [
        ["id", "a", "n", "j", "b"],
        ["5", "'+49 170", "", "", ""],
        ["4", "-12", "", "", ""],
        ["3", "two\nlines, and a comma", "", "", "false"],
        ["2", '\'=cmd|"x"', "2.00", "", ""],
        ["1", "plain", "-1.50", '{"k": "ü"}', "true"],
    ]


@pytest.mark.usefixtures("filled")
def test_json(client: APIClient) -> None:
    answer = client.get("/api/tables/t/export/?format=json&n__isnull=false&search=PLAIN")
    assert answer["Content-Type"] == "application/json"
    assert json.loads(content(answer)) == [{"id": 1, "a": "plain", "n": "-1.50", "j": {"k": "ü"}, "b": True}]
    assert json.loads(content(client.get("/api/tables/t/export/?format=json&a=nothing"))) == []


@pytest.mark.usefixtures("filled")
def test_some_of_the_columns(client: APIClient) -> None:
    chosen = "columns=n, a,id&a__in=plain,-12"
    assert content(client.get(f"/api/tables/t/export/?{chosen}")) == "id,n,a\n1,-1.50,plain\n4,,-12\n"
    assert json.loads(content(client.get(f"/api/tables/t/export/?{chosen}&format=json")))[1] == {
        "id": 4, "n": None, "a": "-12",
    }  # fmt: skip
    assert content(client.get("/api/tables/t/export/?columns=id&n=2&b=no&match=any")) == "id\n2\n3\n"
    assert [event.details["only"] for event in AuditEvent.objects.filter(action="records.exported").order_by("id")] == [
        ["n", "a"], ["n", "a"], [],
    ]  # fmt: skip


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("format=exe", "format"), ("nope=1", "nope"), ("order_by=nope", "order_by"), ("n=x", "n"),
        ("columns=a,nope", "columns"), ('columns="a', "columns"), ("match=some", "match"),
    ],
)  # fmt: skip
def test_bad_parameters(client: APIClient, query: str, field: str) -> None:
    answer = client.get(f"/api/tables/t/export/?{query}")
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])


@pytest.mark.django_db(transaction=True)
async def test_under_asgi_the_file_comes_in_pieces(owner: User, client: APIClient, make_table: MakeTable) -> None:
    from asgiref.sync import sync_to_async

    def fill() -> str:
        make_table("t", n="INTEGER")
        client.post("/api/tables/t/records/bulk/", {"records": [{"n": number} for number in range(5_000)]})
        return f"Bearer {RefreshToken.for_user(owner).access_token}"

    token = await sync_to_async(fill)()
    answer: Any = await AsyncClient().get("/api/tables/t/export/", headers={"authorization": token})
    assert answer.is_async
    pieces = [piece async for piece in answer.streaming_content]
    assert b"".join(pieces).count(b"\n") == 5_001


@given(st.text())
def test_no_cell_is_a_formula(text: str) -> None:
    cell = guarded(text)
    assert cell in {text, f"'{text}"}
    assert unguarded(cell) == text
    if cell[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        assert re.fullmatch(NUMBER, cell)
