"""A double click, or Enter twice, counts once: nothing is made, copied or undone twice."""

from __future__ import annotations

from playwright.sync_api import Page, Request, expect

from dataengine.models import Table
from dataengine.records.model import record_model
from webui.tests.browser.test_grid_by_keyboard import cell

TWICE = "(button) => { button.click(); button.click(); }"


def posts(page: Page) -> list[str]:
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            sent.append(request.url)

    page.on("request", note)
    return sent


def test_a_record_is_added_once(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/records/new/")
    sent = posts(page)
    page.get_by_label("name").first.fill("Dora")
    page.get_by_role("button", name="Save").evaluate(TWICE)
    expect(page.locator("#toasts")).to_contain_text("is added.")
    assert len(sent) == 1
    assert record_model(people).objects.count() == 4


def test_a_record_is_copied_and_its_copy_undone_once(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    sent = posts(page)
    page.get_by_label("Select record 2").check()
    page.get_by_role("button", name="Duplicate").evaluate(TWICE)
    expect(page.locator("#r4")).to_be_visible()
    expect(cell(page, 4, "name")).to_have_text("Bob")
    page.get_by_role("button", name="Undo", exact=True).evaluate(TWICE)
    expect(page.locator("#toasts")).to_contain_text("Undone: 1 record is gone again.")
    expect(page.locator("#r4")).to_have_count(0)
    expect(page.locator(".toast-bad")).to_have_count(0)
    assert len(sent) == 2
    assert record_model(people).objects.count() == 3
