"""Cells are copied as tab-separated text, to spreadsheets and back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from dataengine.models import Table
from dataengine.services.records import get_record
from webui.tests.browser.test_grid_by_keyboard import cell, grid_of, press

PUT = "(text) => navigator.clipboard.writeText(text)"


@pytest.fixture
def grid(owners_page: Page, people: Table) -> Page:
    """The grid, with access to the clipboard."""
    owners_page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    owners_page.goto("/tables/people/")
    return owners_page


def clipboard(page: Page, said: str) -> str:
    expect(page.locator("#grid-said")).to_have_text(said)
    text: str = page.evaluate("() => navigator.clipboard.readText()")
    return text


def test_a_range_a_record_and_a_long_text_are_copied(grid: Page) -> None:
    cell(grid, 1, "email").click()
    cell(grid, 2, "score").click(modifiers=["Shift"])
    press(grid, "Control+c")
    assert clipboard(grid, "6 cells copied") == "ann@example.com\t1990-05-01\t12.50\nbob@example.com\t\t7.00"
    cell(grid, 3, "notes").click()
    press(grid, "Control+c")
    assert clipboard(grid, "1 cell copied") == "x" * 500
    cell(grid, 1, "name").click()
    press(grid, "Space", "Control+c")
    assert clipboard(grid, "6 cells copied") == 'Ann\tann@example.com\t1990-05-01\t12.50\tyes\t""'


def test_a_block_is_pasted_as_one_change(grid: Page, people: Table) -> None:
    grid.evaluate(PUT, 'Anna\t\nBert\t"bert@example.com"\n')
    cell(grid, 1, "name").click()
    press(grid, "Control+v")
    expect(grid.locator("#toasts")).to_contain_text("4 cells of 2 records are pasted.")
    expect(cell(grid, 2, "email")).to_have_text("bert@example.com")
    expect(grid_of(grid).locator("td.in-range")).to_have_count(4)
    assert get_record(people, 1).values()["email"] is None
    press(grid, "Control+z")
    expect(cell(grid, 2, "name")).to_have_text("Bob")
    assert get_record(people, 1).values()["email"] == "ann@example.com"


def test_what_is_wrong_stands_at_its_cell_and_nothing_changes(grid: Page, people: Table) -> None:
    grid.evaluate(PUT, "1999-01-01\t1\nsoon\tmany")
    cell(grid, 1, "born").click()
    press(grid, "Control+v")
    expect(grid.locator(".toast-bad")).to_contain_text("Nothing was changed: 2 cells are not valid.")
    expect(cell(grid, 2, "born")).to_be_focused()
    expect(cell(grid, 2, "born")).to_have_attribute("aria-invalid", "true")
    expect(grid.locator("#cell-note")).to_contain_text("Date has wrong format")
    press(grid, "ArrowRight")
    expect(grid.locator("#cell-note")).to_contain_text("A valid number is required.")
    assert str(get_record(people, 1).values()["born"]) == "1990-05-01"


def test_a_block_that_does_not_fit_is_refused(grid: Page, people: Table) -> None:
    grid.evaluate(PUT, "a\nb")
    cell(grid, 3, "name").click()
    press(grid, "Control+v")
    expect(grid.locator(".toast-bad")).to_contain_text("These are 2 by 1 cells; from here there are 1 by 6.")
    press(grid, "Home", "Control+v")
    expect(grid.locator(".toast-bad").last).to_contain_text("Ids cannot be changed.")


def test_one_text_fills_a_range_and_delete_clears_it(grid: Page, people: Table) -> None:
    grid.evaluate(PUT, "2000-01-01")
    cell(grid, 1, "born").click()
    press(grid, "Shift+ArrowDown", "Shift+ArrowDown", "Control+v")
    expect(grid.locator("#toasts")).to_contain_text("3 cells of 3 records are pasted.")
    expect(cell(grid, 2, "born")).to_have_text("2000-01-01")
    press(grid, "Delete")
    expect(grid.locator("#toasts")).to_contain_text("3 cells of 3 records are cleared.")
    expect(cell(grid, 1, "born")).to_have_text("null")
    assert get_record(people, 3).values()["born"] is None


def test_lines_and_tabs_survive_the_way_there_and_back(grid: Page, people: Table) -> None:
    grid.evaluate(PUT, '"one ""two""\n\tthree"\t')
    cell(grid, 2, "notes").click()
    press(grid, "Control+v")
    expect(grid.locator(".toast-bad")).to_contain_text("1 by 2 cells")
    grid.evaluate(PUT, '"one ""two""\n\tthree"')
    press(grid, "Control+v")
    expect(grid.locator("#toasts")).to_contain_text("1 cell of 1 record is pasted.")
    assert get_record(people, 2).values()["notes"] == 'one "two"\n\tthree'
    press(grid, "Control+c")
    assert clipboard(grid, "1 cell copied") == '"one ""two""\n\tthree"'
