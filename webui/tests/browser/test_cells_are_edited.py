"""Editing in place: how it starts and ends, what each type offers, errors and other people's changes at the cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from dataengine.models import Table
from dataengine.services.records import get_record, insert_record, update_record
from webui.tests.browser.test_grid_by_keyboard import cell, grid_of, press
from webui.tests.conftest import make_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def stored(table: Table, pk: int, column: str) -> Any:
    return get_record(table, pk).values()[column]


def save(page: Page, *keys: str) -> None:
    """Press the keys, and wait until the server has answered."""
    press(page, *keys)
    expect(page.locator(".cell-editor, .is-saving")).to_have_count(0)


def says(page: Page, text: str) -> None:
    expect(page.locator("#toasts")).to_contain_text(text)


@pytest.mark.parametrize("start", ["dblclick", "Enter", "F2", "type"])
def test_each_way_to_begin(owners_page: Page, people: Table, start: str) -> None:
    page = owners_page
    page.goto("/tables/people/")
    name = cell(page, 1, "name")
    name.click()
    if start == "dblclick":
        name.dblclick()
    elif start != "type":
        press(page, start)
    if start == "F2":
        press(page, "Control+A")
    page.keyboard.type("Anna")
    expect(page.get_by_role("textbox", name="name, record 1")).to_have_value("Anna")
    assert stored(people, 1, "name") == "Ann"
    press(page, "Enter")
    says(page, "“name” of record 1 is changed.")
    expect(cell(page, 2, "name")).to_be_focused()
    expect(name).to_have_text("Anna")
    assert stored(people, 1, "name") == "Anna"


def test_tab_saves_and_moves_on_escape_restores(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    cell(page, 2, "name").click()
    page.keyboard.type("Bert")
    press(page, "Tab")
    expect(cell(page, 2, "email")).to_be_focused()
    page.keyboard.type("bert@example.com")
    press(page, "Tab")
    expect(cell(page, 2, "born")).to_be_focused()
    press(page, "F2", "Shift+Tab")
    expect(cell(page, 2, "email")).to_be_focused()
    page.keyboard.type("nothing")
    press(page, "Escape")
    expect(cell(page, 2, "email")).to_have_text("bert@example.com")
    expect(cell(page, 2, "email")).to_be_focused()
    expect(page.locator(".is-saving")).to_have_count(0)
    assert (stored(people, 2, "name"), stored(people, 2, "email")) == ("Bert", "bert@example.com")
    cell(page, 2, "notes").click()
    page.keyboard.type("last")
    press(page, "Tab")
    expect(cell(page, 3, "name")).to_be_focused()


def test_a_click_elsewhere_saves_and_nothing_changed_is_no_change(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    cell(page, 1, "score").dblclick()
    page.keyboard.type("13.5")
    cell(page, 2, "name").click()
    expect(cell(page, 1, "score")).to_have_text("13.50")
    cell(page, 1, "active").dblclick()
    press(page, "Enter")
    cell(page, 1, "notes").dblclick()  # an empty text, which is not null
    press(page, "Enter")
    expect(page.locator("#toasts > *")).to_have_count(1)
    assert stored(people, 1, "notes") == ""


def test_an_error_stands_at_the_cell_and_nothing_typed_is_lost(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    cell(page, 2, "email").dblclick()
    page.keyboard.type("ann@example.com")  # already used, and the column is unique
    press(page, "Enter")
    editor = page.get_by_role("textbox", name="email, record 2")
    expect(editor).to_be_focused()
    expect(editor).to_have_value("ann@example.com")
    expect(editor).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("alert")).to_be_visible()
    assert stored(people, 2, "email") == "bob@example.com"
    press(page, "Escape")
    expect(cell(page, 2, "email")).to_have_text("bob@example.com")
    expect(page.get_by_role("alert")).to_be_hidden()
    cell(page, 2, "name").dblclick()
    press(page, "Control+Delete", "Enter")
    expect(page.get_by_role("textbox", name="name, record 2")).to_be_focused()
    expect(page.get_by_role("alert")).to_have_text("This column needs a value.")


def test_null_and_the_empty_text(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    notes = cell(page, 1, "notes")
    notes.dblclick()
    expect(page.get_by_placeholder("empty text")).to_be_focused()
    page.get_by_role("button", name="null").click()
    save(page, "Enter")
    expect(notes).to_have_class("cell-text is-null")
    assert stored(people, 1, "notes") is None
    notes.dblclick()
    save(page, "Control+Delete", "Enter")
    expect(notes).to_have_text("")
    assert stored(people, 1, "notes") == ""
    cell(page, 1, "born").click()
    save(page, "Backspace", "Enter")
    expect(cell(page, 1, "born")).to_have_text("null")
    assert stored(people, 1, "born") is None


def test_long_text_is_edited_whole_and_has_lines(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    cell(page, 3, "notes").click()
    press(page, "F2")
    expect(page.get_by_role("textbox", name="notes, record 3")).to_have_value("x" * 500)
    press(page, "Shift+Enter")
    page.keyboard.type("y")
    press(page, "Enter")
    says(page, "is changed")
    assert stored(people, 3, "notes") == "x" * 500 + "\ny"


def test_editors_by_type(owners_page: Page, owner: User, people: Table) -> None:
    columns = {
        "flag": "BOOLEAN", "pick": "CHOICE('red','green')", "at": "TIMESTAMP", "clock": "TIME", "doc": "JSONB",
        "who": "REFERENCES people", "n": "INTEGER", "day": "DATE",
    }  # fmt: skip
    table = make_table(owner, "kinds", columns)
    insert_record(user=owner, table=table, data={})
    page = owners_page
    page.goto("/tables/kinds/")
    grid = page.get_by_role("grid", name="kinds")
    cells = {name: grid.locator("#r1 td").nth(index + 1) for index, name in enumerate(columns)}
    for name, typed in {"flag": "y", "pick": "g", "n": "42", "day": "2024-02-29", "clock": "23:59", "doc": '{"a": [1]}',
                        "at": "2024-02-29 12:30"}.items():  # fmt: skip
        cells[name].click()
        page.keyboard.type(typed)
        save(page, "Enter")
        expect(cells[name]).not_to_have_text("null")
    cells["flag"].click()
    press(page, "F2")
    expect(page.get_by_role("combobox", name="flag, record 1")).to_have_value("true")  # the cell says yes
    press(page, "Escape")
    cells["who"].click()
    page.keyboard.type("cle")
    box = page.get_by_role("combobox", name="who, record 1")
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(1)
    expect(box).to_have_attribute("aria-expanded", "true")
    save(page, "Enter")
    record = get_record(table, 1).values()
    assert (record["flag"], record["pick"], record["n"], record["who"]) == (True, "green", 42, 3)
    assert (str(record["day"]), str(record["clock"]), record["doc"]) == ("2024-02-29", "23:59:00", {"a": [1]})
    assert str(record["at"]) == "2024-02-29 12:30:00"
    cells["who"].dblclick()
    page.keyboard.type("nobody")
    press(page, "Tab")
    expect(page.get_by_role("alert")).to_contain_text("No record of “people” has this label.")
    press(page, "Control+A", "a")
    page.get_by_role("option", name="Ann #1").click()
    expect(page.locator(".is-saving, .cell-editor")).to_have_count(0)
    assert stored(table, 1, "who") == 1
    cells["who"].get_by_role("link", name="Ann").click()
    expect(page.get_by_role("heading", level=1, name="Record 1")).to_be_visible()


def test_somebody_else_was_faster(owners_page: Page, owner: User, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    name = cell(page, 2, "name")
    panel = page.get_by_role("alertdialog")

    def change_both(theirs: str, mine: str) -> None:
        update_record(user=owner, table=people, pk=2, data={"name": theirs})
        name.dblclick()
        page.keyboard.type(mine)
        press(page, "Enter")
        expect(panel).to_contain_text(theirs)
        expect(panel).to_contain_text(mine)
        assert stored(people, 2, "name") == theirs

    change_both("Theirs", "Mine")
    expect(panel.get_by_role("button", name="Take theirs")).to_be_focused()
    press(page, "Enter")
    expect(panel).to_have_count(0)
    expect(name).to_have_text("Theirs")
    expect(name).to_be_focused()
    change_both("Theirs again", "Mine again")
    panel.get_by_role("button", name="Keep mine").click()
    expect(name).to_have_text("Mine again")
    says(page, "“name” of record 2 is changed.")
    assert stored(people, 2, "name") == "Mine again"


def test_other_cells_of_the_record_are_no_conflict(owners_page: Page, owner: User, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    update_record(user=owner, table=people, pk=2, data={"notes": "theirs"})
    cell(page, 2, "name").dblclick()
    page.keyboard.type("Bert")
    press(page, "Enter")
    expect(cell(page, 2, "notes")).to_have_text("theirs")
    expect(cell(page, 2, "name")).to_have_text("Bert")


def test_each_change_can_be_undone_and_redone(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    name = cell(page, 1, "name")
    name.dblclick()
    page.keyboard.type("Anna")
    press(page, "Enter")
    says(page, "is changed")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(name).to_have_text("Ann")
    says(page, "Undone: 1 record is as before.")
    page.get_by_role("button", name="Redo").click()
    expect(name).to_have_text("Anna")
    name.click()
    press(page, "Control+z")
    expect(name).to_have_text("Ann")
    expect(name).to_be_focused()
    press(page, "Control+Shift+z")
    expect(name).to_have_text("Anna")
    assert stored(people, 1, "name") == "Anna"


def test_viewers_edit_nothing(page: Page, live_asgi: Any, colleague: User, shared: Table) -> None:
    from webui.tests.browser.conftest import log_in

    log_in(page.context, live_asgi, colleague)
    page.goto("/tables/people/")
    cell(page, 1, "name").dblclick()
    press(page, "Enter", "x")
    expect(grid_of(page)).to_have_attribute("aria-readonly", "true")
    expect(page.locator(".cell-editor")).to_have_count(0)
