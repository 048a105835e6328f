"""Choosing records by pointer and key, and the bar's actions on them."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from dataengine.models import Table
from dataengine.records.model import record_model
from dataengine.services.records import get_record
from webui.tests.browser.test_grid_by_keyboard import cell, grid_of, press


def box(page: Page, record: int) -> Locator:
    return page.get_by_role("checkbox", name=f"Select record {record}")


def bar(page: Page) -> Locator:
    return page.get_by_role("form", name="Chosen records")


def ids(table: Table) -> list[int]:
    return list(record_model(table).objects.order_by("id").values_list("id", flat=True))


def test_boxes_ranges_and_the_page(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    expect(bar(page)).to_be_hidden()
    box(page, 1).click()
    expect(bar(page)).to_contain_text("1 selected")
    expect(page.get_by_label("Search")).to_be_hidden()
    box(page, 3).click(modifiers=["Shift"])
    expect(bar(page)).to_contain_text("3 selected")
    expect(grid_of(page).locator("tbody tr[aria-selected=true]")).to_have_count(3)
    expect(page.get_by_role("checkbox", name="Select all records on this page")).to_be_checked()
    box(page, 2).click()
    expect(page.get_by_role("checkbox", name="Select all records on this page")).not_to_be_checked()
    page.get_by_role("button", name="Clear selection").click()
    expect(bar(page)).to_be_hidden()
    page.get_by_role("checkbox", name="Select all records on this page").click()
    expect(bar(page)).to_contain_text("3 selected")


def test_by_keys(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    cell(page, 1, "name").click()
    press(page, "Space", "ArrowDown", "ArrowDown", "Shift+Space")
    expect(page.locator("#grid-said")).to_have_text("3 records selected")
    press(page, "Space")
    expect(bar(page)).to_contain_text("2 selected")
    press(page, "Escape")
    expect(bar(page)).to_be_hidden()
    press(page, "Control+a")
    expect(bar(page)).to_contain_text("3 selected")
    press(page, "Escape", "Control+Home", "Shift+ArrowDown")
    expect(box(page, 1)).to_be_checked()
    expect(box(page, 2)).to_be_checked()
    press(page, "Shift+ArrowUp")
    expect(bar(page)).to_contain_text("1 selected")


def test_the_chosen_are_deleted_and_come_back(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/?order_by=-id")
    box(page, 1).click()
    box(page, 3).click()
    bar(page).get_by_role("button", name="Delete").click()
    expect(grid_of(page).locator("tbody tr")).to_have_count(1)
    expect(page.locator("#toasts")).to_contain_text("2 records are deleted.")
    expect(bar(page)).to_be_hidden()
    assert ids(people) == [2]
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(grid_of(page).locator("tbody tr")).to_have_count(3)
    assert ids(people) == [1, 2, 3]


def test_the_chosen_are_set_in_the_columns_own_editor(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    box(page, 1).click()
    box(page, 2).click()
    page.locator("summary", has_text="Set value").click()
    bar(page).get_by_label("Set", exact=True).select_option("active")
    bar(page).get_by_label("To", exact=True).select_option("no")
    bar(page).get_by_role("button", name="Set", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("2 records are changed: “active”.")
    expect(cell(page, 2, "active")).to_have_text("no")
    expect(bar(page)).to_contain_text("2 selected")
    page.locator("summary", has_text="Set value").click()
    bar(page).get_by_label("Set", exact=True).select_option("name")
    bar(page).get_by_label("To", exact=True).fill("")
    bar(page).get_by_label("Set", exact=True).select_option("email")
    bar(page).get_by_label("To", exact=True).fill("same@example.com")
    bar(page).get_by_role("button", name="Set", exact=True).click()
    expect(page.locator("#toasts .toast-bad")).to_contain_text("already")
    assert [get_record(people, pk).values()["active"] for pk in (1, 2, 3)] == [False, False, None]
    assert get_record(people, 2).values()["email"] == "bob@example.com"


def test_one_is_duplicated(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    box(page, 1).click()
    bar(page).get_by_role("button", name="Duplicate").click()
    expect(page.locator("#toasts")).to_contain_text("Record 4 is added, a copy of record 1.")
    expect(cell(page, 4, "name")).to_have_text("Ann")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator("#r4")).to_have_count(0)


def test_all_that_match_are_more_than_the_page(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/?limit=2&id__gte=1")
    cell(page, 1, "name").click()
    everything = page.get_by_role("checkbox", name="Select all 3 that match")
    expect(everything).to_be_hidden()
    press(page, "Control+a")
    expect(everything).not_to_be_checked()
    press(page, "Control+a")
    expect(everything).to_be_checked()
    expect(bar(page)).to_contain_text("All that match are selected")
    bar(page).get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", level=1, name="Delete 3 records?")).to_be_visible()
    page.get_by_role("button", name="Delete 3 records").click()
    expect(page).to_have_url(re.compile(r"/tables/people/\?limit=2&id__gte=1$"))
    expect(page.get_by_role("heading", name="No record matches")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(grid_of(page).locator("tbody tr")).to_have_count(2)
    assert ids(people) == [1, 2, 3]


def test_the_choice_follows_the_shown_records(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/?limit=2")
    box(page, 2).click()
    grid_of(page).get_by_role("link", name="name", exact=True).click()
    expect(grid_of(page).locator("th[aria-sort=ascending]", has_text="name")).to_be_visible()
    expect(box(page, 2)).to_be_checked()
    page.get_by_role("link", name="Next").click()
    expect(box(page, 3)).not_to_be_checked()
    expect(bar(page)).to_be_hidden()
