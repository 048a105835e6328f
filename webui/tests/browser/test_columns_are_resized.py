"""Users set the widths of columns by dragging the edge of a head, or by keyboard."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from dataengine.models import ColumnLayout, Table
from dataengine.tests.waiting import until
from webui.tests.browser.test_grid_by_keyboard import cell, grid_of, press


def head(page: Page, name: str) -> Locator:
    return grid_of(page).locator("thead th", has=page.get_by_role("link", name=name, exact=True))


def go(page: Page) -> None:
    """Open the grid and wait until nothing moves any more: font and charts are loaded."""
    page.goto("/tables/people/")
    expect(page.locator(".charts a").first).to_be_visible()
    page.evaluate("async () => { await document.fonts.ready; }")


def width(page: Page, name: str) -> int:
    return int(head(page, name).evaluate("(it) => Math.round(it.getBoundingClientRect().width)"))


def expect_width(page: Page, name: str, width: int) -> None:
    """Wait for the next frame."""
    expect(head(page, name)).to_have_js_property("offsetWidth", width)


def drag(page: Page, name: str, by: int) -> int:
    """Drag the edge of a column's head. Returns the width of the column before."""
    head(page, name).scroll_into_view_if_needed()
    box = head(page, name).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] - 3, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    before = width(page, name)
    page.mouse.move(x + by / 2, y)
    page.mouse.move(x + by, y)
    with page.expect_response("**/columns/"):
        page.mouse.up()
    return before


def test_an_edge_is_dragged_and_stays_there(owners_page: Page, people: Table) -> None:
    page = owners_page
    go(page)
    before = drag(page, "name", 120)
    expect_width(page, "name", before + 120)
    assert page.url.endswith("/tables/people/")  # a drag is not a click on the head
    drag(page, "notes", -150)
    narrow = int(head(page, "notes").get_attribute("data-width") or 0)
    go(page)
    expect_width(page, "name", before + 120)
    expect_width(page, "notes", narrow)
    head(page, "name").get_by_role("link", name="name", exact=True).click()
    expect(head(page, "name")).to_have_attribute("aria-sort", "ascending")
    expect_width(page, "name", before + 120)
    box = head(page, "name").bounding_box()
    assert box is not None
    with page.expect_response("**/columns/"):
        page.mouse.dblclick(box["x"] + box["width"] - 3, box["y"] + 10)
    assert len(ColumnLayout.objects.get().widths) == 1
    expect(head(page, "name")).not_to_have_js_property("offsetWidth", before + 120)
    # On paper all columns and all records stand side by side, whatever their widths on the screen.
    page.set_viewport_size({"width": 720, "height": 900})
    page.emulate_media(media="print")
    # The page is laid out anew a moment after its width has changed.
    until(lambda: page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
    until(lambda: page.locator(".grid-scroll").evaluate("(it) => it.scrollHeight <= it.clientHeight"))


def test_a_column_is_resized_by_key(owners_page: Page, people: Table) -> None:
    page = owners_page
    go(page)
    cell(page, 1, "email").click()
    press(page, "ArrowUp")
    press(page, "Shift+ArrowRight")
    given = int(head(page, "email").get_attribute("data-width") or 0)  # from now on only keys change it
    with page.expect_response("**/columns/"):
        press(page, *["Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowLeft"] * 4)
    expect_width(page, "email", given + 64)
    expect(page.locator("#grid-said")).to_have_text(f"email: {given + 64} pixels wide")
    expect(head(page, "email").get_by_role("link", name="email", exact=True)).to_be_focused()
    until(lambda: list(ColumnLayout.objects.get().widths.values()) == [given + 64])
