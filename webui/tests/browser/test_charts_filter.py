from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from dataengine.models import ColumnLayout, Table
from dataengine.services.records import insert_record
from webui.tests.browser.test_grid_by_keyboard import cell


def test_a_click_on_a_bar_filters_and_another_takes_it_back(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/?order_by=-name")
    rows = page.get_by_role("grid", name="people").locator("tbody tr")
    expect(rows).to_have_count(3)
    page.get_by_role("link", name="active null, 2 records").click()
    expect(rows).to_have_count(2)
    expect(page).to_have_url(re.compile(r"\?order_by=-name&active__isnull=true$"))
    expect(page.get_by_role("list", name="Filters")).to_contain_text("active is null")
    chosen = page.get_by_role("link", name="active null, 2 records")
    expect(chosen).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="score null, 1 record").click()
    expect(rows).to_have_count(1)
    expect(page.get_by_role("link", name="score null, 1 record")).to_have_attribute("aria-current", "true")
    # Charts follow the other filters: only one of these has no score.
    page.get_by_role("link", name="active null, 1 record").click()
    expect(page).to_have_url(re.compile(r"\?order_by=-name&score__isnull=true$"))
    page.go_back()
    expect(rows).to_have_count(1)
    expect(page.get_by_role("link", name="active null, 1 record")).to_have_attribute("aria-current", "true")


def test_bars_are_reached_by_keyboard(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    bars = page.locator(".charts a")
    expect(bars.first).to_have_attribute("tabindex", "0")
    bars.first.focus()
    page.keyboard.press("ArrowRight")
    expect(bars.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(bars.last).to_be_focused()
    page.keyboard.press("Home")
    expect(bars.first).to_be_focused()
    expect(page.locator(".charts a[tabindex='0']")).to_have_count(1)
    page.get_by_role("link", name="active yes, 1 record").press("Enter")
    expect(page.get_by_role("grid", name="people").locator("tbody tr")).to_have_count(1)
    # What was found has other bars: the focus stays in that column, and is not lost with the bar.
    page.goto("/tables/people/")
    page.locator(".charts a[aria-label^=score]").first.press("Enter")
    expect(page.locator(".charts-from")).to_contain_text("of these")
    expect(page.locator(".charts td:has(a[aria-label^=score]) a:focus")).to_have_count(1)


def test_charts_are_turned_off_and_stay_off(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    expect(page.locator(".charts a").first).to_be_visible()
    page.locator("#columns-menu summary").click()
    page.get_by_label("Charts under the heads").uncheck()
    expect(page.locator(".charts")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("grid", name="people").locator("tbody tr")).to_have_count(3)
    expect(page.locator(".charts")).to_have_count(0)
    assert not ColumnLayout.objects.get().charts


def test_charts_follow_changes(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    expect(page.get_by_role("link", name="active null, 2 records")).to_be_visible()
    cell(page, 2, "active").click()
    page.keyboard.type("y")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="active null, 1 record")).to_be_visible()
    expect(page.get_by_role("link", name="active yes, 2 records")).to_be_visible()
    expect(cell(page, 3, "active")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.get_by_role("link", name="active null, 2 records")).to_be_visible()


def test_a_range_is_dragged_over_bars(owners_page: Page, people: Table) -> None:
    page = owners_page
    insert_record(user=people.owner, table=people, data={"name": "Dan", "active": False})
    page.goto("/tables/people/")
    bars = page.get_by_role("group", name="Chart of active").locator("a.bar")
    expect(bars).to_have_count(2)
    bars.nth(0).hover()
    page.mouse.down()
    bars.nth(1).hover()
    page.mouse.up()
    rows = page.get_by_role("grid", name="people").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(page.get_by_role("list", name="Filters")).to_contain_text("active is any of")
    page.goto("/tables/people/")
    years = page.get_by_role("group", name="Chart of born").locator("a.bar")
    years.first.hover()
    page.mouse.down()
    years.nth(1).hover()
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"\?born__gte=[\d-]+&born__lte?=[\d-]+$"))
    expect(rows).to_have_count(2)
    # A range may end with a bar that has no records: it is exactly what lies under the bars.
    page.goto("/tables/people/")
    empty = page.get_by_role("group", name="Chart of born").locator(".bar[data-range]").first
    until = empty.get_attribute("data-range")
    years.first.hover()
    page.mouse.down()
    empty.hover()
    page.mouse.up()
    expect(rows).to_have_count(1)
    assert until is not None
    assert page.url.endswith(until.split("&")[-1])
