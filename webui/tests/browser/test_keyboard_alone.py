from __future__ import annotations

from playwright.sync_api import Page, expect

from dataengine.models import Table


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_the_first_tab_skips_to_the_content(owners_page: Page) -> None:
    owners_page.goto("/")
    press(owners_page, "Tab")
    expect(owners_page.get_by_role("link", name="Skip to content")).to_be_focused()
    press(owners_page, "Enter")
    expect(owners_page.locator("main")).to_be_focused()


def test_a_table_is_designed_without_a_mouse(owners_page: Page) -> None:
    page = owners_page
    page.goto("/tables/new/")
    page.get_by_label("Table name").focus()
    page.keyboard.type("typed")
    press(page, "Tab", "Tab", "Tab")
    expect(page.get_by_label("Column name")).to_be_focused()
    page.keyboard.type("first")
    press(page, "Tab")
    page.keyboard.type("Int")  # a select chooses by its first letters
    press(page, "Tab", "Space", "Enter")  # unique; Enter creates, as in any form
    expect(page.get_by_role("heading", level=1, name="typed")).to_be_visible()
    column = Table.objects.get(name="typed").columns.get()
    assert (column.type, column.unique) == ("integer", True)


def test_menus_open_and_close(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    page.locator("summary", has_text="More").focus()
    press(page, "Enter")
    expect(page.get_by_role("button", name="Delete table")).to_be_visible()
    press(page, "Escape")
    expect(page.get_by_role("button", name="Delete table")).to_be_hidden()
    expect(page.locator("summary", has_text="More")).to_be_focused()
    press(page, "/")
    expect(page.get_by_label("Search")).to_be_focused()


def test_what_is_wrong_is_where_the_keyboard_goes_on(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/records/new/")
    page.get_by_label("email").fill("x@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This column needs a value.")).to_be_visible()
    expect(page.locator("#id_" + people.columns.get(name="name").attribute)).to_be_focused()
    page.goto("/tables/new/")
    page.get_by_label("Table name").fill("pets")
    page.get_by_role("button", name="Create table").press("Enter")
    expect(page.get_by_text("A column needs a name.")).to_be_visible()
    expect(page.get_by_label("Column name")).to_be_focused()
