from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from dataengine.models import ColumnLayout, Table


def test_a_head_s_menu_sorts_hides_and_moves(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    grid = page.get_by_role("grid", name="people")
    heads = grid.locator("th")
    expect(heads.nth(4).locator(".head-type")).to_have_attribute("data-word", "decimal")
    heads.nth(4).click(button="right")
    menu = page.get_by_role("dialog", name="Column menu")
    expect(menu).to_contain_text("Decimal number")
    expect(menu.get_by_role("group", name="Chart of score")).to_be_visible()
    menu.get_by_role("link", name="Sort descending").click()
    expect(page).to_have_url(re.compile(r"\?order_by=-score$"))
    expect(menu).to_be_hidden()
    expect(heads.nth(4).get_by_role("link", name="score", exact=True)).to_be_focused()
    # By keyboard, too.
    page.keyboard.press("Alt+ArrowDown")
    menu.get_by_role("button", name="Move left").press("Enter")
    expect(heads.nth(3)).to_have_text("score")
    expect(menu).to_be_hidden()
    heads.nth(3).hover()
    heads.nth(3).get_by_label("Menu of score").click()
    menu.get_by_role("button", name="Hide").click()
    expect(heads).to_have_count(6)
    layout = ColumnLayout.objects.get()
    assert len(layout.hidden) == 1
    page.get_by_label("Menu of name").focus()
    page.keyboard.press("Enter")
    expect(menu.get_by_role("link", name="Change the column")).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()


def test_a_filter_is_changed_where_it_stands_and_values_are_ticked(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/?score__gte=5&score__lt=10&name__icontains=b")
    rows = page.get_by_role("grid", name="people").locator("tbody tr")
    chips = page.get_by_role("list", name="Filters")
    expect(rows).to_have_count(1)
    menu = page.get_by_role("dialog", name="Column menu")
    chips.get_by_role("link", name="score is from 5 to below 10").first.click()
    expect(menu.get_by_label("Condition")).to_have_value("gte,lt")
    menu.get_by_label("To below").fill("ten")
    menu.get_by_role("button", name="Change the filter").click()
    expect(menu.get_by_text("Enter a number.")).to_be_visible()
    menu.get_by_label("Condition").select_option("is null")
    expect(menu.get_by_label("From")).to_be_hidden()
    menu.get_by_role("button", name="Change the filter").click()
    expect(page).to_have_url(re.compile(r"\?name__icontains=b&score__isnull=true$"))
    expect(chips).to_contain_text("score is null")
    chips.get_by_role("link", name="name contains b").first.click()
    menu.get_by_label("Condition").select_option("begins with")
    menu.get_by_label("Value").fill("C")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?score__isnull=true&name__istartswith=C$"))
    # Any of the commonest values.
    page.goto("/tables/people/")
    page.locator("th", has_text="active").click(button="right")
    menu.get_by_text("Filter by this").click()
    menu.get_by_role("checkbox", name="yes").check()
    menu.get_by_role("button", name="Apply filter").click()
    expect(rows).to_have_count(1)
    expect(chips).to_contain_text("active is true")


def test_records_are_grouped_by_keyboard(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/?name__ne=Bob&score__isnull=true&order_by=-name")
    chips = page.get_by_role("list", name="Filters")
    rows = page.locator("#grid tbody tr")
    expect(rows).to_have_count(1)
    chips.get_by_role("link", name="change to any of").click()
    expect(page).to_have_url(re.compile("match=any"))
    expect(rows).to_have_count(2)
    page.locator("th", has_text="active").click(button="right")
    page.get_by_role("dialog", name="Column menu").get_by_role("link", name="Group by this").click()
    expect(page).to_have_url(re.compile("group=active"))
    expect(rows).to_have_text([re.compile(r"yes\s+1 record"), re.compile(r"null\s+1 record")])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(3)
    expect(rows.nth(1).locator("td").first).to_be_focused()
    # The column is the same above and below the head of a group, which is no part of a range.
    page.keyboard.press("ArrowDown")
    expect(rows.nth(2).locator("[data-label=active]")).to_be_focused()
    page.keyboard.press("Shift+ArrowUp")
    expect(page.locator("td.in-range")).to_have_count(0)
    chips.get_by_role("link", name="Do not group").click()
    expect(rows).to_have_count(2)
