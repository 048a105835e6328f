from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from dataengine.models import Table


def test_sorting_searching_and_going_back(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    grid = page.get_by_role("grid", name="people")
    for state, first in (("ascending", "Ann"), ("descending", "Cleo"), ("none", "Ann")):
        grid.get_by_role("link", name="name", exact=True).click()
        expect(grid.locator(f"th[aria-sort={state}]", has_text="name")).to_be_visible()
        expect(grid.locator("tbody tr").first).to_contain_text(first)

    search = page.get_by_label("Search")
    search.press_sequentially("bob")
    expect(grid.locator("tbody tr")).to_have_count(1)
    expect(search).to_be_focused()
    expect(search).to_have_value("bob")
    expect(page).to_have_url(re.compile(r"search=bob"))

    page.reload()
    expect(grid.locator("tbody tr")).to_have_count(1)
    page.go_back()
    expect(grid.locator("tbody tr")).to_have_count(3)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)


def test_a_filter_is_made_and_taken_off(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    opener = page.locator("summary", has_text="Filter")
    opener.click()
    page.get_by_label("Column", exact=True).select_option("score")
    expect(page.get_by_label("Condition")).not_to_contain_text("contains")
    page.get_by_label("Condition").select_option("is greater than")
    page.get_by_role("button", name="Apply filter").click()
    expect(page.get_by_text("Give a value.")).to_be_visible()
    page.get_by_label("Value").fill("ten")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Enter a number.")).to_be_visible()
    page.get_by_label("Value").fill("10")
    page.keyboard.press("Enter")
    expect(page.get_by_role("grid", name="people").locator("tbody tr")).to_have_count(1)
    expect(opener).to_be_focused()
    page.get_by_role("link", name="Remove: score is greater than 10").press("Enter")
    expect(page.get_by_role("grid", name="people").locator("tbody tr")).to_have_count(3)
    expect(opener).to_be_focused()


def test_a_session_that_ended_leads_to_the_log_in_and_back(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    expect(page.get_by_role("group", name="Chart of name")).to_be_visible()  # or they would lead there first
    page.context.clear_cookies()
    page.get_by_role("grid", name="people").get_by_role("link", name="name", exact=True).click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/login/\?next=/tables/people/"))


def test_a_failed_part_becomes_a_toast_and_leaves_the_page(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    expect(page.get_by_role("group", name="Chart of name")).to_be_visible()
    people.delete()
    page.get_by_role("grid", name="people").get_by_role("link", name="name", exact=True).click()
    expect(page.get_by_text("There is no table “people”.")).to_be_visible()
    expect(page.get_by_role("grid", name="people").locator("tbody tr")).to_have_count(3)
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("There is no table “people”.")).to_have_count(0)
