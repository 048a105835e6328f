"""Text typed into a cell survives swaps, others' changes and the end of the session; just looking changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

from conftest import PASSWORD
from dataengine.models import Table
from dataengine.services.records import insert_record, update_record
from webui.tests.browser.held import Held
from webui.tests.browser.test_cells_are_edited import stored
from webui.tests.browser.test_grid_by_keyboard import cell, press
from webui.tests.conftest import make_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def end_session(page: Page) -> None:
    """Log the user out without the page knowing, once it has loaded everything."""
    page.locator("#grid .mini-chart").first.wait_for()
    page.context.clear_cookies(name="sessionid")


def test_looking_into_a_cell_changes_nothing(owners_page: Page, owner: User) -> None:
    """Fields normalise line breaks, and a cell may contain nothing but "…"."""
    table = make_table(owner, "texts", {"short": "VARCHAR(20)", "long": "TEXT"})
    values = {"short": "two\nlines", "long": "y" * 5000 + "\r\nend"}
    insert_record(user=owner, table=table, data=values)
    insert_record(user=owner, table=table, data={"short": "…", "long": "a\r\nb"})
    page = owners_page
    page.goto("/tables/texts/")
    for place in (1, 2):
        for name in values:
            page.locator("#r1 td, #r2 td").first.wait_for()
            page.locator(f"#r{place} td").nth(list(values).index(name) + 1).click()
            press(page, "Enter")
            box = page.get_by_role("textbox", name=f"{name}, record {place}")
            expect(box).to_be_focused()
            expect(box).to_have_value(stored(table, place, name).replace("\r\n", "\n"))
            press(page, "Tab")
            expect(page.locator(".cell-editor, .is-saving")).to_have_count(0)
    # One change, so that everything before it has been answered.
    page.locator("#r2 td").nth(1).click()
    page.keyboard.type("!")
    press(page, "Enter")
    expect(page.locator("#toasts > *")).to_have_count(1)
    assert (stored(table, 1, "short"), stored(table, 1, "long")) == tuple(values.values())
    assert (stored(table, 2, "short"), stored(table, 2, "long")) == ("!", "a\r\nb")


def test_reloading_leaves_the_open_editor_alone(owners_page: Page, owner: User, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    cell(page, 2, "name").dblclick()
    page.keyboard.type("Ber")
    update_record(user=owner, table=people, pk=2, data={"name": "Theirs", "notes": "news"})
    page.evaluate("async () => (await import('/static/scripts/grid.js')).refresh()")
    expect(cell(page, 2, "notes")).to_have_text("news")
    page.keyboard.type("t")
    expect(page.get_by_role("textbox", name="name, record 2")).to_have_value("Bert")
    press(page, "Enter")
    expect(page.get_by_role("alertdialog")).to_contain_text("Theirs")
    assert stored(people, 2, "name") == "Theirs"
    page.get_by_role("button", name="Keep mine").click()
    expect(page.locator("#toasts")).to_contain_text("“name” of record 2 is changed.")
    assert stored(people, 2, "name") == "Bert"


def test_saving_one_cell_does_not_hide_others_changes_of_the_next(
    owners_page: Page, owner: User, people: Table
) -> None:
    page = owners_page
    page.goto("/tables/people/")
    saving = Held(page, "**/records/2/*/")
    cell(page, 2, "name").click()
    page.keyboard.type("Bert")
    press(page, "Tab", "Enter")
    saving.wait()
    update_record(user=owner, table=people, pk=2, data={"email": "theirs@example.com"})
    saving.let_go()
    page.keyboard.type("mine@example.com")
    expect(page.locator("#toasts")).to_contain_text("“name” of record 2 is changed.")
    press(page, "Enter")
    expect(page.get_by_role("alertdialog")).to_contain_text("theirs@example.com")
    assert stored(people, 2, "email") == "theirs@example.com"


def test_the_end_of_the_session_loses_nothing(owners_page: Page, owner: User, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    end_session(page)
    cell(page, 2, "name").click()
    page.keyboard.type("Bert")
    press(page, "Tab")
    page.wait_for_url("**/login/**")
    page.get_by_label("Username").fill(owner.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/tables/people/")
    expect(page.locator("#toasts")).to_contain_text("is not saved yet")
    name = cell(page, 2, "name")
    expect(name).to_have_text("Bob")
    expect(name).to_have_attribute("data-error", "This was not saved: you were logged out.")
    name.click()
    press(page, "Enter")
    expect(page.get_by_role("textbox", name="name, record 2")).to_have_value("Bert")
    press(page, "Enter")
    expect(page.locator("#toasts")).to_contain_text("“name” of record 2 is changed.")
    expect(page.locator("#toasts > *")).to_have_count(1)
    assert stored(people, 2, "name") == "Bert"


def test_logging_in_anew_in_another_window_ends_nothing_in_this_one(
    owners_page: Page, owner: User, people: Table
) -> None:
    page = owners_page
    page.goto("/tables/people/")
    other = page.context.new_page()
    end_session(page)
    other.goto("/login/")
    other.get_by_label("Username").fill(owner.username)
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Log in").click()
    other.wait_for_url("**/")
    cell(page, 2, "name").click()
    page.keyboard.type("Bert")
    press(page, "Enter")
    expect(page.locator("#toasts")).to_contain_text("“name” of record 2 is changed.")
    page.get_by_label("Select record 2").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#r2")).to_have_count(0)
