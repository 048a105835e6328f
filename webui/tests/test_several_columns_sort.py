"""Several columns sort at once: the heads and the columns menu number them, and plain links lead on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.http import QueryDict
from django.test import Client

from dataengine.models import Table
from dataengine.services import bulk_records
from webui.grid.cells import records_order
from webui.tests.conftest import make_table
from webui.tests.pages import Element, Page, read

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@pytest.fixture
def goods(owner: User) -> Table:
    table = make_table(owner, "goods", {"kind": "TEXT", "price": "INTEGER", "extra": "JSON"})
    records = [{"kind": kind, "price": price} for kind, price in (("b", 1), ("a", 1), ("b", 2), ("a", 2))]
    bulk_records.insert_many(user=owner, table=table, records=records)
    return table


def grid(client: Client, query: str) -> Page:
    response = client.get(f"/tables/goods/{query}")
    assert response.status_code == 200
    return read(response)


def head(page: Page, column: str) -> Element:
    return next(head for head in page.elements("th") if head.words.split(" ")[0] == column)


def links(page: Page, column: str) -> list[Element]:
    """The links by which a column is sorted: without that of its menu."""
    return [link for link in head(page, column).elements("a") if "/columns/" not in link["href"]]


def test_the_heads_number_the_columns_that_sort(as_owner: Client, goods: Table) -> None:
    page = grid(as_owner, "?order_by=-kind,price")
    assert [(row["kind"], row["price"]) for row in page.records()] == [("b", "1"), ("b", "2"), ("a", "1"), ("a", "2")]
    # ARIA wants it of one head only; the others say it in words.
    assert [head(page, name)["aria-sort"] for name in ("kind", "price", "id")] == ["descending", "none", "none"]
    assert head(page, "kind").words == "kind 1 sorted 1st, descending"
    assert head(page, "price").words == "price 2 sorted 2nd, ascending"
    alone = grid(as_owner, "?order_by=-kind")
    assert head(alone, "kind").words == "kind"


def test_one_direction_for_all_is_understood(as_owner: Client, goods: Table) -> None:
    page = grid(as_owner, "?order_by=kind,price&order_direction=DESC")
    assert head(page, "price").words == "price 2 sorted 2nd, descending"
    assert [link["href"] for link in links(page, "price")] == ["?", "?order_by=-kind"]


def test_plain_links_add_columns_and_take_them_away(as_owner: Client, goods: Table) -> None:
    page = grid(as_owner, "?search=a&order_by=-kind&page=1")
    alone, also = links(page, "price")
    assert (alone["href"], also["href"]) == ("?search=a&order_by=price", "?search=a&order_by=-kind,price")
    assert also["aria-label"] == "Sort by price too"
    assert len(links(page, "kind")) == 1  # alone in either case
    ways = [
        head(grid(as_owner, query), "price").elements("a")[1]
        for query in ("?order_by=kind,price", "?order_by=-price,kind")
    ]
    assert [(way["href"], way["aria-label"]) for way in ways] == [
        ("?order_by=kind,-price", "Sort by price descending"), ("?order_by=kind", "Do not sort by price")
    ]  # fmt: skip


def test_the_columns_menu_and_its_page_sort_too(as_owner: Client, goods: Table) -> None:
    for headers in ({}, {"HX-Request": "true", "HX-Request-Type": "partial"}):  # the page, and what the menu loads
        page = read(as_owner.get("/tables/goods/columns/?order_by=-kind", headers=headers))
        steps = {step["id"]: step for step in page.elements("a") if step.attributes.get("id", "").startswith("sort-")}
        columns = {column.name: column for column in goods.columns.all()}
        assert set(steps) == {f"sort-{columns[name].pk}" for name in ("kind", "price")}  # JSON has no order
        assert steps[f"sort-{columns['price'].pk}"]["href"] == "?order_by=-kind,price"
        assert steps[f"sort-{columns['kind'].pk}"]["aria-label"] == "Do not sort by kind"


def test_a_column_joins_before_what_would_leave_it_nothing_to_sort() -> None:
    def order(text: str) -> str:
        return records_order(QueryDict(text)).also("price").query

    assert order("order_by=-id") == "?order_by=price,-id"
    assert order("order_by=kind,id,extra") == "?order_by=kind,price,id"
    assert order("order_by=kind, kind,,-price&cursor=x&nulls=first") == "?nulls=first&order_by=kind"


def test_what_has_no_order_says_so_and_sorts_nothing(as_owner: Client, goods: Table) -> None:
    answer = as_owner.get("/tables/goods/?order_by=kind,extra")
    page = read(answer)
    assert (answer.status_code, "has no order" in page) == (400, True)
    assert head(page, "kind")["aria-sort"] == "none"


def test_the_list_of_tables_sorts_by_several(as_owner: Client, owner: User) -> None:
    for name in ("b", "a", "c"):
        make_table(owner, name, {"x": "TEXT"})
    page = read(as_owner.get("/?order_by=records,-name"))
    assert [row.elements("a")[0].words for row in page.elements("tr")[1:]] == ["c", "b", "a"]
