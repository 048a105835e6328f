"""Shift with a click or with Enter in a head, or the columns menu: several columns sort at once."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from dataengine.models import Table


def head(page: Page, column: str) -> Locator:
    attribute = Table.objects.get(name="people").columns.get(name=column).attribute
    return page.locator(f"#grid thead th[data-column={attribute}]")


def link(page: Page, column: str) -> Locator:
    return head(page, column).locator("a").first


def test_shift_adds_a_column_and_a_plain_click_leaves_one(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    link(page, "score").click(modifiers=["Shift"])
    expect(head(page, "score")).to_have_attribute("aria-sort", "ascending")
    expect(page).to_have_url(re.compile(r"\?order_by=score$"))
    link(page, "name").click(modifiers=["Shift"])
    expect(page).to_have_url(re.compile(r"\?order_by=score,name$"))
    expect(head(page, "score").locator(".sort-place")).to_have_text("1")
    expect(head(page, "name").locator(".sort-place")).to_have_text("2")
    expect(head(page, "name")).to_have_attribute("aria-sort", "none")
    expect(page.locator("th[aria-sort=ascending]")).to_have_count(1)
    expect(link(page, "name")).to_be_focused()
    expect(page.get_by_role("link", name="name sorted 2nd, ascending")).to_be_visible()
    expect(page.locator("#grid-said")).to_have_text("name sorted 2nd, ascending")
    link(page, "score").click(modifiers=["Shift"])
    expect(page).to_have_url(re.compile(r"\?order_by=-score,name$"))
    link(page, "score").click(modifiers=["Shift"])
    expect(page).to_have_url(re.compile(r"\?order_by=name$"))
    expect(page.locator("#grid-said")).to_have_text("score not sorted")
    link(page, "score").click(modifiers=["Shift"])
    expect(head(page, "score").locator(".sort-place")).to_have_text("2")
    link(page, "born").click()
    expect(page).to_have_url(re.compile(r"\?order_by=born$"))
    expect(page.locator(".sort-place")).to_have_count(0)
    assert len(page.context.pages) == 1  # a browser would open a window for Shift with a click
    assert page.evaluate("String(getSelection())") == ""
    page.go_back()
    expect(head(page, "name").locator(".sort-place")).to_have_text("1")


def test_by_keyboard(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/?order_by=-active")
    page.locator("#r1 td").nth(1).click()
    page.keyboard.press("ArrowUp")
    expect(link(page, "name")).to_be_focused()
    page.keyboard.press("Shift+Enter")
    expect(page).to_have_url(re.compile(r"\?order_by=-active,name$"))
    expect(link(page, "name")).to_be_focused()
    page.keyboard.press("Shift+Enter")
    expect(page).to_have_url(re.compile(r"\?order_by=-active,-name$"))
    expect(page.locator("#grid tbody tr").first).to_contain_text("Ann")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"people/\??$"))
    assert len(page.context.pages) == 1
    page.keyboard.press("ArrowRight")
    expect(link(page, "email")).to_be_focused()


def test_in_the_columns_menu(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/?order_by=score")
    menu = page.locator("#columns-menu")
    menu.locator("summary").click()
    menu.get_by_role("link", name="Sort by born too").click()
    expect(page).to_have_url(re.compile(r"\?order_by=score,born$"))
    step = menu.get_by_role("link", name="Sort by born descending")
    expect(step).to_be_visible()  # the menu stays open
    expect(step).to_be_focused()
    step.press("Enter")
    expect(head(page, "born").locator(".sort-place")).to_have_text("2")
    menu.get_by_role("link", name="Do not sort by born").click()
    expect(page.locator(".sort-place")).to_have_count(0)
    expect(head(page, "score")).to_have_attribute("aria-sort", "ascending")
