from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from dataengine.models import ColumnLayout, Table


def heads(page: Page) -> Locator:
    return page.locator("table.records thead tr").first.locator("th")


def test_columns_are_hidden_and_moved_while_the_menu_stays_open(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/?order_by=-name")
    menu = page.locator("#columns-menu")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    menu.get_by_role("checkbox", name="email").press("Space")
    expect(page.locator("table.records thead")).not_to_contain_text("email")
    expect(menu.get_by_role("checkbox", name="email")).to_be_focused()
    down = menu.get_by_role("button", name="Move name down")
    down.press("Enter")
    expect(menu.get_by_role("status")).to_have_text("name: 2 of 6")
    expect(down).to_be_focused()
    down.press("Enter")
    expect(menu.get_by_role("status")).to_have_text("name: 3 of 6")
    expect(heads(page)).to_have_text(["id", "born", "name", "score", "active", "notes"])
    expect(page.locator("th[aria-sort=descending]")).to_have_text("name")
    for _ in range(3):  # faster than answers come
        down.press("Enter")
    expect(menu.get_by_role("status")).to_have_text("name: 6 of 6")
    expect(heads(page)).to_have_text(["id", "born", "score", "active", "notes", "name"])
    expect(down).to_have_attribute("aria-disabled", "true")
    expect(down).to_be_focused()
    page.keyboard.press("Escape")
    expect(down).to_be_hidden()

    page.reload()
    expect(heads(page)).to_have_text(["id", "born", "score", "active", "notes", "name"])
    menu.locator("summary").click()
    menu.get_by_role("button", name="As designed").click()
    expect(page.locator("table.records thead")).to_contain_text("email")
    assert not ColumnLayout.objects.exists()


def test_a_column_is_dragged(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    page.locator("#columns-menu summary").click()
    items = page.locator(".column-order li")
    items.nth(4).drag_to(items.nth(0), target_position={"x": 10, "y": 2})
    expect(items.nth(0)).to_contain_text("active")
    expect(page.locator("table.records thead th").nth(1)).to_have_text("active")
    expect(page.get_by_role("status").filter(has_text="active: 1 of 6")).to_have_count(1)
    page.reload()
    expect(heads(page)).to_have_text(["id", "active", "name", "email", "born", "score", "notes"])
