"""Numbers are shown as money or per cent where the column says so; everywhere else they stay numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from dataengine.columns.displays import writer
from dataengine.models import Table
from dataengine.tests.importing import import_text

pytestmark = pytest.mark.django_db(transaction=True)

DOLLARS = {"style": "currency", "currency": "USD"}


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_per_cent_are_the_same_number(number: Any) -> None:
    write = writer({"style": "percent"})
    assert write is not None
    shown = write(f"{number:f}")
    assert shown.endswith("%")
    assert Fraction(shown[:-1]) == Fraction(number) * 100  # decimals would be rounded to 28 digits


@pytest.mark.parametrize(
    ("display", "text", "shown"),
    [
        (DOLLARS, "1.50", "$1.50"),
        (DOLLARS, "-3", "-$3"),
        ({"style": "currency", "currency": "EUR"}, "7", "€7"),
        ({"style": "currency", "currency": "CHF"}, "7.05", "CHF\u00a07.05"),
        ({"style": "percent"}, "0.125", "12.5%"),
        ({"style": "percent"}, "Infinity", "Infinity"),
        (DOLLARS, "-Infinity", "-Infinity"),
        (DOLLARS, "1e-07", "$1e-07"),
    ],
)
def test_how_numbers_are_shown(display: dict[str, str], text: str, shown: str) -> None:
    write = writer(display)
    assert write is not None
    assert write(text) == shown


def test_what_was_written_so_is_shown_so(owner: User, client: APIClient) -> None:
    text = "item;price;share;kr;n\na;$1.50;12.5%;5 kr;1\nb;$20.00;3%;7 kr;2\n"
    job = import_text(owner, "made", text, create_table=True)
    shown = {column.name: column.display for column in Table.objects.get(name="made").columns.all()}
    assert shown == {"item": {}, "price": DOLLARS, "share": {"style": "percent"}, "kr": {}, "n": {}}
    assert any("amounts in $" in note for note in job.findings["notes"])
    columns = client.get("/api/tables/made/columns/").json()["results"]
    assert {column["column_name"]: column["display"] for column in columns} == shown
    assert client.get("/api/get-records/?table_name=made").json()["results"][0]["share"] == "0.125"
    export = b"".join(client.get("/api/tables/made/export/?format=csv"))
    assert b"a,1.50,0.125,5,1" in export


def test_a_display_is_said_and_taken_off(client: APIClient) -> None:
    fields = {"n": {"type": "NUMERIC", "display": {"style": "percent"}}, "t": "TEXT"}
    made = client.post("/api/create-table/", {"table_name": "t", "fields": fields})
    assert made.json()["columns"][0]["display"] == {"style": "percent"}
    for said, kept in ((DOLLARS, DOLLARS), (None, {}), ({"style": "percent"}, {"style": "percent"}), ({}, {})):
        answer = client.patch("/api/tables/t/columns/n/", {"display": said})
        assert (answer.status_code, answer.json()["display"]) == (200, kept)
    column = {"column_name": "m", "column_type": "INTEGER", "display": DOLLARS}
    assert client.post("/api/tables/t/columns/", column).json()["display"] == DOLLARS


SENSELESS: list[tuple[str, object]] = [
    ("t", {"style": "percent"}),
    ("n", {"style": "bold"}),
    ("n", {"style": "currency"}),
    ("n", {"style": "currency", "currency": "dollars"}),
    ("n", {"style": "percent", "currency": "USD"}),
    ("n", {"style": "percent", "colour": "red"}),
    ("n", "percent"),
    ("n", {"style": ["percent"]}),
]


def test_a_display_that_makes_no_sense_is_refused(client: APIClient, subtests: pytest.Subtests) -> None:
    client.post("/api/create-table/", {"table_name": "t", "fields": {"n": "NUMERIC", "t": "TEXT"}})
    for column, display in SENSELESS:
        with subtests.test(column=column, display=display):
            answer = client.patch(f"/api/tables/t/columns/{column}/", {"display": display})
            assert answer.status_code == 400
            assert set(answer.json()["error"]["fields"]) & {column, "display"}, answer.json()
            made = client.post(
                "/api/create-table/", {"table_name": "u", "fields": {"x": {"type": "TEXT", "display": display}}}
            )
            assert made.status_code == 400
            assert [field for field in made.json()["error"]["fields"] if "x" in field or "display" in field], (
                made.json()
            )
