"""A reference shows the other record's label, links to it, and is filtered and set by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from guardian.shortcuts import assign_perm

from dataengine.models import Table
from dataengine.records.model import record_model
from dataengine.services.records import insert_record
from webui.tests.conftest import make_table
from webui.tests.pages import Page, read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ORDERS = "/tables/orders/"


@pytest.fixture
def customers(owner: User) -> Table:
    table = make_table(owner, "customers", {"code": "INTEGER", "name": "TEXT"}, label="Our customers")
    for name in ("Anna", "Bert", "Bert", "Order #1", None):
        insert_record(user=owner, table=table, data={"name": name})
    return table


@pytest.fixture
def orders(owner: User, customers: Table) -> Table:
    table = make_table(owner, "orders", {"customer": "REFERENCES customers", "n": "INTEGER"})
    for customer in (1, 1, 2, 5, None):
        insert_record(user=owner, table=table, data={"customer": customer})
    return table


def page(client: Client, path: str) -> Page:
    return read(client.get(path))


def test_the_grid_shows_the_name_and_the_way_there(as_owner: Client, orders: Table) -> None:
    html = page(as_owner, ORDERS)
    cells = html.elements("td", title="Our customers 1")
    assert [(cell.element("a")["href"], cell.words) for cell in cells] == [("/tables/customers/records/1/", "Anna")] * 2
    assert html.element("a", href="/tables/customers/records/5/").words == "#5"
    assert html.cell(5, "customer").words == "null"


def test_labels_take_one_query_per_column(as_owner: Client, owner: User, orders: Table) -> None:
    page(as_owner, ORDERS)  # queries made once per process are done

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page(as_owner, ORDERS)
        return len(captured)

    before = queries()
    for customer in (2, 3, 4, 4):
        insert_record(user=owner, table=orders, data={"customer": customer})
    assert queries() == before


def test_names_of_a_table_that_one_may_not_see_stay_ids(as_colleague: Client, colleague: User, orders: Table) -> None:
    assign_perm("edit_table", colleague, orders)
    for path in (ORDERS, f"{ORDERS}?customer__exact=1", f"{ORDERS}records/1/", f"{ORDERS}records/1/delete/"):
        html = page(as_colleague, path)
        assert "Anna" not in html.source
        assert "/tables/customers/" not in html.source
    assert page(as_colleague, ORDERS).cell(1, "customer").words == "1"
    # For them a label is not an id, whether it exists or not.
    refused = [
        as_colleague.get(f"{ORDERS}filter/", {"column": "customer", "condition": "exact", "value": name})
        for name in ("Anna", "Nobody")
    ]
    assert [answer.status_code for answer in refused] == [422, 422]
    assert all("Enter a whole number." in read(answer) for answer in refused)
    assert as_colleague.get("/tables/customers/lookup/?q=an").status_code == 404
    typed = {orders.columns.get(name="customer").attribute: "Anna"}
    assert as_colleague.post(f"{ORDERS}records/1/", typed).status_code == 422


def test_a_long_label_is_cut_short(as_owner: Client, owner: User, orders: Table) -> None:
    insert_record(user=owner, table=Table.objects.get(name="customers"), data={"name": "é" * 3000})
    insert_record(user=owner, table=orders, data={"customer": 6})
    assert page(as_owner, ORDERS).cell(6, "customer").words == "é" * 160 + "…"
    for path in (ORDERS, "/tables/customers/lookup/?q=é"):
        assert "é" * 201 not in page(as_owner, path).source
    column = orders.columns.get(name="customer").attribute
    assert page(as_owner, f"{ORDERS}records/6/").value(column) == "é" * 200 + " #6"
    assert as_owner.post(f"{ORDERS}records/5/", {column: "é" * 200 + " #6"}).status_code == 302


def test_strangers_find_nothing(as_stranger: Client, customers: Table) -> None:
    assert as_stranger.get("/tables/customers/lookup/?q=an").status_code == 404


def test_suggestions_say_which_record_they_are(as_owner: Client, customers: Table) -> None:
    def suggested(query: str) -> list[str]:
        return page(as_owner, f"/tables/customers/lookup/{query}").values("option", "value")

    assert suggested("?c7=bert") == ["Bert #2", "Bert #3"]
    assert "Bert #3" in suggested("?value=bert")
    assert "#5" in suggested("?value=5")
    assert len(suggested("")) == 5


@pytest.mark.parametrize(
    ("condition", "value", "parameter"),
    [
        ("exact", "Anna", "customer__exact=1"),
        ("exact", "Anna #1", "customer__exact=1"),
        ("exact", "2", "customer__exact=2"),
        ("exact", "Bert #3", "customer__exact=3"),
        ("exact", "Order #1", "customer__exact=4"),
        ("ne", "#5", "customer__ne=5"),
        ("in", "Anna, Bert #3", "customer__in=1%2C3"),
    ],
)
def test_a_filter_takes_a_name(condition: str, value: str, parameter: str, as_owner: Client, orders: Table) -> None:
    asked = {"column": "customer", "condition": condition, "value": value}
    assert as_owner.get(f"{ORDERS}filter/", asked).headers["Location"] == f"{ORDERS}?{parameter}"


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("Bert", "More than one record of “customers” has this label."),
        ("Zoe", "No record of “customers” has this label."),
        ("99", "There is no record 99 in “customers”."),
        ("9" * 5000, "No record of “customers” has this label."),
        ("An\0na", "Null characters are not allowed."),
    ],
)
def test_an_unknown_label_is_refused(value: str, complaint: str, as_owner: Client, orders: Table) -> None:
    asked = as_owner.get(f"{ORDERS}filter/", {"column": "customer", "condition": "exact", "value": value})
    assert asked.status_code == 422
    assert complaint in read(asked)


def test_chips_call_records_by_their_names(as_owner: Client, orders: Table) -> None:
    html = page(as_owner, f"{ORDERS}?customer__in=1,5,77")
    assert "customer is any of Anna, #5, 77" in html
    assert "customer is not Anna" in page(as_owner, f"{ORDERS}?customer__ne=1")
    assert "Enter a whole number" in page(as_owner, f"{ORDERS}?customer=Anna")


def test_a_record_is_shown_and_changed_by_name(as_owner: Client, orders: Table) -> None:
    column = orders.columns.get(name="customer").attribute
    html = page(as_owner, f"{ORDERS}records/1/")
    assert html.value(column) == "Anna #1"
    assert html.element("a", href="/tables/customers/records/1/").words == "Open Anna #1"
    refused = as_owner.post(f"{ORDERS}records/1/", {column: "Zoe"})
    assert refused.status_code == 422
    assert "No record of “customers” has this label." in read(refused)
    assert read(refused).value(column) == "Zoe"
    for text, stored in (("Bert #3", 3), ("Anna", 1), ("", None), ("4", 4)):
        assert as_owner.post(f"{ORDERS}records/1/", {column: text}).status_code == 302
        assert getattr(record_model(orders).objects.get(pk=1), column) == stored


def test_a_name_that_changed_meanwhile_still_means_its_record(as_owner: Client, orders: Table) -> None:
    column = orders.columns.get(name="customer").attribute
    assert as_owner.post(f"{ORDERS}records/2/", {column: "Ann #1"}).status_code == 302
    assert getattr(record_model(orders).objects.get(pk=2), column) == 1


def test_deleting_a_record_says_what_refers_to_it(as_owner: Client, orders: Table) -> None:
    html = page(as_owner, "/tables/customers/records/1/delete/")
    assert html.element("a", href="/tables/orders/?customer__exact=1").words == "2 records of orders"
    assert "Delete record" not in html.words_of("button")
    assert as_owner.post("/tables/customers/records/1/delete/").status_code == 409
    assert "Delete record" in page(as_owner, "/tables/customers/records/3/delete/").words_of("button")


def test_deleting_a_table_says_what_refers_to_it(as_owner: Client, orders: Table) -> None:
    html = page(as_owner, "/tables/customers/delete/")
    assert html.element("a", href="/tables/orders/?customer__isnull=false").words == "customer of orders"
    assert "4 records refer to it" in html
    assert "Delete table" not in html.words_of("button")
    assert "Delete table" in page(as_owner, "/tables/orders/delete/").words_of("button")


def test_referrers_without_access_are_not_named(as_colleague: Client, colleague: User, orders: Table) -> None:
    customers = Table.objects.get(name="customers")
    assign_perm("own_table", colleague, customers)
    for path in ("/tables/customers/records/1/delete/", "/tables/customers/delete/"):
        html = page(as_colleague, path)
        assert "that you cannot see" in html
        assert "orders" not in html.source
