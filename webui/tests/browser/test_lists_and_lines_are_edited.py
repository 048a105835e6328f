"""Editors of several choices, of lists and of long texts: by keyboard, by mouse, and for axe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from dataengine.models import Table
from dataengine.services.records import get_record, insert_record
from webui.tests.browser.test_cells_are_edited import save, stored
from webui.tests.browser.test_every_page_is_accessible import problems_now
from webui.tests.browser.test_grid_by_keyboard import press
from webui.tests.conftest import make_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User

COLUMNS = {
    "name": "TEXT", "colours": "CHOICES('red','blue','dark, green')", "tags": "TEXT[]", "took": "DURATION",
    "story": "LONGTEXT",
}  # fmt: skip


def cell(page: Page, record: int, column: str) -> Locator:
    return page.locator(f"#r{record} td").nth(1 + list(COLUMNS).index(column))


@pytest.fixture
def things(owner: User) -> Table:
    table = make_table(owner, "things", COLUMNS)
    insert_record(user=owner, table=table, data={
        "name": "a", "colours": ["dark, green", "red"], "tags": ["new", "two words"], "took": "25:00:00",
        "story": "one\n\ntwo",
    })  # fmt: skip
    insert_record(user=owner, table=table, data={"name": "b"})
    return table


def test_choices_are_ticked_by_keyboard(owners_page: Page, things: Table) -> None:
    page = owners_page
    page.goto("/tables/things/")
    expect(cell(page, 1, "colours").locator("span")).to_have_text(["dark, green", "red"])
    cell(page, 2, "colours").click()
    press(page, "Enter")
    group = page.get_by_role("group", name="colours, record 2")
    expect(group.get_by_role("checkbox", name="red")).to_be_focused()
    press(page, "Space", "ArrowDown", "ArrowDown", "Space")
    save(page, "Enter")
    expect(cell(page, 2, "colours").locator("span")).to_have_text(["red", "dark, green"])
    assert stored(things, 2, "colours") == ["red", "dark, green"]
    cell(page, 1, "colours").click()
    page.keyboard.type("b")
    expect(page.get_by_role("checkbox", name="blue")).to_be_focused()
    press(page, "Space")
    save(page, "Tab")
    assert stored(things, 1, "colours") == ["dark, green", "red", "blue"]  # the new one last
    expect(cell(page, 1, "tags")).to_be_focused()
    cell(page, 1, "colours").click()
    press(page, "Enter", "Space", "Escape")
    expect(page.locator(".cell-editor")).to_have_count(0)
    assert stored(things, 1, "colours") == ["dark, green", "red", "blue"]


def test_choices_are_ticked_by_mouse_and_taken_off(owners_page: Page, things: Table) -> None:
    page = owners_page
    page.goto("/tables/things/")
    cell(page, 1, "colours").dblclick()
    page.locator(".checklist label", has_text="red").click()
    page.locator(".checklist label", has_text="dark").click()
    save(page, "Enter")
    expect(cell(page, 1, "colours")).to_have_text("null")
    assert stored(things, 1, "colours") is None


def test_lists_are_typed_one_a_line(owners_page: Page, things: Table) -> None:
    page = owners_page
    page.goto("/tables/things/")
    cell(page, 1, "tags").dblclick()
    editor = page.get_by_role("textbox", name="tags, record 1")
    expect(editor).to_have_value("new\ntwo words")
    editor.fill("x, y\nz")
    save(page, "Enter")
    assert stored(things, 1, "tags") == ["x, y", "z"]
    expect(cell(page, 1, "tags").locator("span")).to_have_text(["x, y", "z"])
    cell(page, 2, "tags").click()
    page.keyboard.type("p, q")
    save(page, "Enter")
    assert stored(things, 2, "tags") == ["p", "q"]


def test_long_texts_have_lines(owners_page: Page, things: Table) -> None:
    page = owners_page
    page.goto("/tables/things/")
    cell(page, 1, "story").dblclick()
    editor = page.get_by_role("textbox", name="story, record 1")
    press(page, "Control+End", "Enter")
    page.keyboard.type("three")
    expect(editor).to_have_value("one\n\ntwo\nthree")
    save(page, "Control+Enter")
    assert stored(things, 1, "story") == "one\n\ntwo\nthree"


def test_durations_are_typed(owners_page: Page, things: Table) -> None:
    page = owners_page
    page.goto("/tables/things/")
    expect(cell(page, 1, "took")).to_have_text("25:00:00")
    cell(page, 2, "took").click()
    page.keyboard.type("90 min")
    save(page, "Enter")
    expect(cell(page, 2, "took")).to_have_text("1:30:00")
    cell(page, 2, "took").click()
    page.keyboard.type("90")
    press(page, "Enter")
    expect(page.locator("#cell-note")).to_contain_text("Say what it is a number of")


def test_pages_are_accessible(owners_page: Page, things: Table) -> None:
    page = owners_page
    for path in ("/tables/things/records/1/", "/tables/things/records/new/", "/tables/things/"):
        page.goto(path)
        assert problems_now(page, path) == []
    for column in ("colours", "tags", "story"):
        cell(page, 1, column).dblclick()
        expect(page.locator(".cell-editor")).to_be_visible()
        assert problems_now(page, column) == []
        page.keyboard.press("Escape")
    page.goto("/tables/things/records/1/")
    page.get_by_role("group", name="colours").first.get_by_label("blue").check()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/tables/things/**")
    assert get_record(things, 1).values()["colours"] == ["red", "blue", "dark, green"]
