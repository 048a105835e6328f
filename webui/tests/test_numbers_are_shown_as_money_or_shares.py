"""A column shown as money or per cent takes what it shows: in cells, forms, filters and charts."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from dataengine.models import Table
from dataengine.services.column_changes import alter_column
from dataengine.services.records import get_record, insert_record
from webui.tests.conftest import PARTIAL, make_table
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@pytest.fixture
def offers(owner: User) -> Table:
    table = make_table(owner, "offers", {"share": "NUMERIC", "price": "NUMERIC(12,2)"})
    for name, display in (("share", {"style": "percent"}), ("price", {"style": "currency", "currency": "USD"})):
        alter_column(user=owner, table=table, column=table.columns.get(name=name), changes={"display": display})
    for share, price in (("0.125", "1.50"), ("0.03", "-20"), ("0.5", "3")):
        insert_record(user=owner, table=table, data={"share": share, "price": price})
    return table


@pytest.mark.usefixtures("offers")
def test_the_grid_shows_them_and_filters_take_them(as_owner: Client) -> None:
    page = read(as_owner.get("/tables/offers/"))
    assert [(row["share"], row["price"]) for row in page.records()] == [
        ("12.5%", "$1.50"), ("3%", "-$20.00"), ("50%", "$3.00"),
    ]  # fmt: skip
    for query in ("share=12.5%25", "share=0.125", "price=%241.50", "price=1.5+%24", "share__range=12%25,13%25"):
        assert len(read(as_owner.get(f"/tables/offers/?{query}")).records()) == 1, query
    page = read(as_owner.get("/tables/offers/?share__gte=12.5%25"))
    assert len(page.records()) == 2


@pytest.mark.parametrize(
    ("name", "typed", "stored"),
    [
        ("share", "12%", "0.12"),
        ("share", "0.12", "0.12"),
        ("price", "$2.5", "2.50"),
        ("price", "-$2.5", "-2.50"),
        ("price", "USD 7", "7.00"),
    ],
)
def test_cells_and_forms_take_what_is_shown(
    as_owner: Client, offers: Table, name: str, typed: str, stored: str
) -> None:
    attribute = offers.columns.get(name=name).attribute
    answer = as_owner.post(f"/tables/offers/records/1/{attribute}/", {"value": typed}, headers=PARTIAL)
    assert answer.status_code == 200, answer.content
    assert get_record(offers, 1).values()[name] == Decimal(stored)
    form = {column.attribute: "" for column in offers.columns.all()} | {attribute: typed}
    assert as_owner.post("/tables/offers/records/new/", form).status_code == 302
    assert get_record(offers, 4).values()[name] == Decimal(stored)


def test_what_is_no_number_is_said(as_owner: Client, offers: Table) -> None:
    where = f"/tables/offers/records/1/{offers.columns.get(name='share').attribute}/"
    for typed in ("x%", "%", "12%%"):
        assert as_owner.post(where, {"value": typed}, headers=PARTIAL).status_code == 422


@pytest.mark.usefixtures("offers")
def test_charts_speak_the_same(as_owner: Client) -> None:
    names = [link["aria-label"] for link in read(as_owner.get("/tables/offers/charts/")).elements("a")]
    assert any("% to " in name for name in names), names
    assert any("$" in name for name in names), names
