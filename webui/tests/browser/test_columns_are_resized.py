"""Columns are as wide as each user likes: by dragging the edge of a head, or by key."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from dataengine.models import ColumnLayout, Table
from webui.tests.browser.test_grid_by_keyboard import cell, grid_of, press


def head(page: Page, name: str) -> Locator:
    return grid_of(page).locator("thead th", has=page.get_by_role("link", name=name, exact=True))


def go(page: Page) -> None:
    """To the grid, until nothing moves any more: its font and its charts are there."""
    page.goto("/tables/people/")
    expect(page.locator(".charts a").first).to_be_visible()
    page.evaluate("async () => { await document.fonts.ready; }")


def width(page: Page, name: str) -> int:
    return int(head(page, name).evaluate("(it) => Math.round(it.getBoundingClientRect().width)"))


def drag(page: Page, name: str, by: int) -> None:
    box = head(page, name).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] - 3, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by / 2, y)
    page.mouse.move(x + by, y)
    with page.expect_response("**/columns/"):
        page.mouse.up()


def test_an_edge_is_dragged_and_stays_there(owners_page: Page, people: Table) -> None:
    page = owners_page
    go(page)
    before = width(page, "name")
    drag(page, "name", 120)
    assert width(page, "name") == before + 120
    assert page.url.endswith("/tables/people/")  # a drag is no click on the head
    drag(page, "notes", -150)
    narrow = width(page, "notes")
    go(page)
    assert (width(page, "name"), width(page, "notes")) == (before + 120, narrow)
    head(page, "name").get_by_role("link").click()
    expect(head(page, "name")).to_have_attribute("aria-sort", "ascending")
    assert width(page, "name") == before + 120
    box = head(page, "name").bounding_box()
    assert box is not None
    with page.expect_response("**/columns/"):
        page.mouse.dblclick(box["x"] + box["width"] - 3, box["y"] + 10)
    assert len(ColumnLayout.objects.get().widths) == 1
    assert width(page, "name") < before + 120


def test_a_column_is_resized_by_key(owners_page: Page, people: Table) -> None:
    page = owners_page
    go(page)
    before = width(page, "email")
    cell(page, 1, "email").click()
    press(page, "ArrowUp")
    with page.expect_response("**/columns/"):
        press(page, "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowLeft", "Shift+ArrowRight")
    assert width(page, "email") == before + 32
    expect(page.locator("#grid-said")).to_have_text(f"email: {before + 32} pixels wide")
    expect(head(page, "email").get_by_role("link")).to_be_focused()
    assert list(ColumnLayout.objects.get().widths.values()) == [before + 32]
