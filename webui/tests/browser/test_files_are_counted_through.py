"""The preview in a browser: it counts by itself, anew at each choice, and moves nothing; axe finds nothing anywhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from playwright.sync_api import Page, expect

from dataengine.services import recipes
from dataengine.tests.importing import import_text
from dataengine.tests.test_workbook_sheets import TABLE, book
from webui.imports import drafts
from webui.tests.browser.test_every_page_is_accessible import problems_at_both_widths, problems_now
from webui.tests.browser.test_nothing_jumps import _WATCH
from webui.tests.conftest import make_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from pytest_django.fixtures import Settings


@pytest.fixture(autouse=True)
def _allowed(settings: Settings) -> None:
    settings.REHEARSAL_BYTES = 1_000_000


@pytest.fixture
def orders(owner: User) -> str:
    """The path of the preview of a file with references, a recipe that fits, changed, new and bad rows."""
    make_table(owner, "customers", {"email": "EMAIL UNIQUE", "city": "TEXT"})
    import_text(owner, "customers", "email,city\na@x.org,Bern\nb@x.org,Basel\n")
    table = make_table(owner, "orders", {"number": "TEXT UNIQUE", "customer": "REFERENCES customers", "n": "INTEGER"})
    kept = {"customer": {"match": "email", "missing": "null"}}
    import_text(owner, "orders", "number,customer,n\no1,a@x.org,1\no2,b@x.org,2\n", references=kept)
    headers = ["number", "customer", "n"]
    options = {"key": ["number"], "on_conflict": "update", "references": kept}
    recipes.keep_recipe(user=owner, table=table, name="Weekly", options=options, headers=headers)
    text = "number,customer,n\no1,a@x.org,10\no2,b@x.org,2\no3,c@x.org,3\no4,a@x.org,many\n"
    draft = drafts.store(owner, SimpleUploadedFile("orders.csv", text.encode())).token
    return f"/tables/orders/import/?draft={draft}"


@pytest.fixture
def workbook(owner: User) -> str:
    """The path of the preview of a workbook with two sheets, one of them hidden."""
    file = SimpleUploadedFile("years.xlsx", book({"Data": TABLE, "Old": TABLE}, hidden=("Old",)))
    return f"/tables/new/import/?draft={drafts.store(owner, file).token}"


def test_the_preview_counts_by_itself(
    owners_page: Page,
    orders: str,
    workbook: str,
    process_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", process_environment["DATABASE_URL"])
    page = owners_page
    page.add_init_script(_WATCH)
    page.goto(orders)
    expect(page.get_by_text("Decided from all 4 rows")).to_be_visible()
    counts = page.locator("#counted")
    email = page.get_by_label("Send the result to")
    page.locator("summary", has_text="Options").click()
    email.fill("half-typed@")
    page.evaluate("window.shifted = []")
    expect(counts).to_contain_text("Rejected")
    expect(email).to_be_focused()
    expect(email).to_have_value("half-typed@")
    assert page.evaluate("window.shifted") == []
    email.fill("")
    expect(counts.get_by_text("New", exact=True).locator("xpath=following-sibling::dd")).to_have_text("0")

    reasons = page.locator("summary", has_text="Rows and reasons")
    reasons.click()
    page.get_by_label("Add and update").check()
    page.get_by_label("number", exact=True).check()
    expect(counts.get_by_text("Changed", exact=True).locator("xpath=following-sibling::dd")).to_have_text("1")
    records = page.get_by_role("table", name="Records before and after")
    expect(records).to_contain_text("10")
    found = problems_at_both_widths(page, "counts")

    header, number = page.locator("[data-header]", has_text="n").last, page.get_by_label("n goes to", exact=True)
    rejected = counts.get_by_text("Rejected", exact=True).locator("xpath=following-sibling::dd")
    expect(rejected).to_have_text("2")
    header.drag_to(page.locator("[data-slot='']"))
    expect(number).to_have_value("")
    expect(page.locator("[data-slot='n']")).to_contain_text("from nothing")
    expect(rejected).to_have_text("1")
    number.select_option("n")
    expect(page.locator("[data-slot='n']")).to_contain_text("from n")
    expect(rejected).to_have_text("2")

    page.get_by_label("Where there is none").select_option("create")
    expect(counts.get_by_text("New", exact=True).locator("xpath=following-sibling::dd")).to_have_text("1")
    expect(records).to_be_visible()
    found += problems_now(page, "references")
    page.get_by_role("checkbox", name="Weekly").check()
    page.get_by_role("button", name="Preview with these options").click()
    expect(page.get_by_label("Recipe")).to_have_value("Weekly")
    expect(page.get_by_label("Where there is none")).to_have_value("null")
    expect(counts).to_contain_text("Rejected")
    found += problems_now(page, "recipe")

    page.goto(workbook)
    expect(page.get_by_text("Decided from all 2 rows")).to_be_visible()
    page.get_by_role("checkbox", name="Data").check()
    page.get_by_role("checkbox", name="Old").check()
    page.get_by_label("Table name for Old").fill("ancient")
    found += problems_now(page, "sheets")
    page.get_by_role("button", name="Start import").click()
    expect(page.get_by_text("2 that were started together")).to_be_visible()
    expect(page.get_by_role("table", name="Imports")).to_contain_text("into ancient")
    found += problems_now(page, "started together")
    assert not found, json.dumps(found)
