"""The grid after the ARIA grid pattern: one cell is in the tab order, keys move it, Shift extends a range."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from dataengine.models import Table


def grid_of(page: Page) -> Locator:
    return page.get_by_role("grid", name="people")


def cell(page: Page, record: int, column: str) -> Locator:
    """A cell, by its record and its column's title."""
    heads = grid_of(page).locator("thead th").all_inner_texts()
    index = [head.strip() for head in heads].index(column)
    return page.locator(f"#r{record} td").nth(index)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_one_cell_is_in_the_tab_order_and_arrows_move_it(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    expect(grid_of(page).locator("tbody [tabindex='0']")).to_have_count(1)
    page.get_by_label("On a page").focus()
    press(page, "Shift+Tab")
    expect(cell(page, 1, "name")).to_be_focused()
    press(page, "ArrowDown", "ArrowRight")
    expect(cell(page, 2, "email")).to_be_focused()
    press(page, "ArrowRight", "ArrowUp", "ArrowLeft")
    expect(cell(page, 1, "email")).to_be_focused()
    press(page, "End")
    expect(cell(page, 1, "notes")).to_be_focused()
    press(page, "Control+End", "Home")
    expect(page.locator("#r3 td").first).to_be_focused()
    press(page, "ArrowDown", "ArrowLeft")
    expect(page.locator("#r3 td").first).to_be_focused()
    press(page, "Control+Home", "PageDown")
    expect(page.locator("#r3 td").first).to_be_focused()
    press(page, "PageUp", "ArrowRight", "Control+ArrowDown", "Control+ArrowRight")
    expect(cell(page, 3, "notes")).to_be_focused()
    press(page, "Tab")
    expect(grid_of(page).locator(":focus")).to_have_count(0)


def test_heads_are_reached_and_sort_and_keep_the_focus(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    cell(page, 1, "name").click()
    press(page, "ArrowUp")
    expect(grid_of(page).get_by_role("link", name="name", exact=True)).to_be_focused()
    press(page, "Enter")
    expect(grid_of(page).locator("th[aria-sort=ascending]", has_text="name")).to_be_visible()
    press(page, "Enter")
    expect(grid_of(page).locator("th[aria-sort=descending]", has_text="name")).to_be_visible()
    expect(grid_of(page).locator("tbody tr").first).to_contain_text("Cleo")
    expect(grid_of(page).get_by_role("link", name="name", exact=True)).to_be_focused()
    press(page, "ArrowDown")
    expect(cell(page, 3, "name")).to_be_focused()
    page.go_back()
    expect(grid_of(page).locator("th[aria-sort=ascending]", has_text="name")).to_be_visible()
    expect(grid_of(page).locator("tbody [tabindex='0']")).to_have_count(1)
    cell(page, 1, "name").dblclick()
    expect(page.get_by_role("textbox", name="name, record 1")).to_be_focused()


def test_rows_say_which_of_all_they_are(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/?limit=2")
    expect(grid_of(page)).to_have_attribute("aria-rowcount", "5")  # heads and charts are two, on every page
    cell(page, 2, "email").click()
    press(page, "Alt+PageDown")
    expect(cell(page, 3, "email")).to_be_focused()
    expect(grid_of(page)).to_have_attribute("aria-rowcount", "5")
    expect(page.locator("#r3")).to_have_attribute("aria-rowindex", "5")


def test_shift_selects_a_range_of_cells(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    cell(page, 1, "name").click()
    press(page, "Shift+ArrowDown", "Shift+ArrowRight", "Shift+ArrowRight")
    chosen = grid_of(page).locator("td[aria-selected=true]")
    expect(chosen).to_have_count(6)
    expect(page.locator("#grid-said")).to_have_text("6 cells selected, 2 by 3")
    press(page, "Escape")
    expect(chosen).to_have_count(0)
    cell(page, 3, "name").click(modifiers=["Shift"])
    expect(chosen).to_have_count(6)
    cell(page, 2, "email").click()
    expect(chosen).to_have_count(0)


def test_a_drag_selects_a_range(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    cell(page, 1, "name").hover()
    page.mouse.down()
    cell(page, 3, "email").hover()
    page.mouse.up()
    cell(page, 1, "notes").hover()
    expect(grid_of(page).locator("td[aria-selected=true]")).to_have_count(6)


def test_enter_in_the_id_opens_the_record(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    cell(page, 2, "name").click()
    press(page, "Home", "Enter")
    expect(page).to_have_url(re.compile(r"/records/2/$"))
