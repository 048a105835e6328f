"""A message with Undo stays long enough to be reached, and as long as it has the pointer or the focus."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from dataengine.models import Table
from webui.tests.browser.test_grid_by_keyboard import cell, press


def test_undo_waits(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.clock.install()
    page.goto("/tables/people/")
    cell(page, 1, "name").click()
    press(page, "Backspace")
    page.keyboard.type("Anna")
    # From here on only the test advances the time, however slow the machine.
    page.clock.pause_at(page.evaluate("() => Date.now()") + 60_000)
    press(page, "Enter")
    undo = page.get_by_role("button", name="Undo", exact=True)
    expect(undo).to_be_visible()
    page.clock.fast_forward(16_000)
    expect(undo).to_be_visible()
    undo.focus()
    page.clock.fast_forward(60_000)
    expect(undo).to_be_focused()
    page.get_by_label("Search").focus()
    page.clock.run_for(1000)
    undo.hover()
    page.clock.fast_forward(60_000)
    expect(undo).to_be_visible()
    page.mouse.move(5, 5)
    page.clock.fast_forward(21_000)
    expect(undo).to_have_count(0)
