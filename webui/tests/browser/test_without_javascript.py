from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import FilePayload, Page, expect

from dataengine.models import ImportJob, Table
from webui.tests.browser.conftest import log_in

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from playwright.sync_api import Browser

    from conftest import LiveServer


@pytest.fixture
def plain_page(browser: Browser, live_asgi: LiveServer, owner: User) -> Iterator[Page]:
    """The owner's page in a browser that runs no scripts."""
    context = browser.new_context(base_url=live_asgi.url, java_script_enabled=False)
    log_in(context, live_asgi, owner)
    yield context.new_page()
    context.close()


def test_a_table_is_designed(plain_page: Page) -> None:
    page = plain_page
    page.goto("/")
    page.get_by_role("button", name="New table").click()
    page.get_by_label("Table name").fill("plain")
    page.get_by_label("Column name").fill("first")
    page.get_by_role("button", name="Add column").click()
    page.get_by_label("Column name").nth(1).fill("second")
    page.get_by_label("Type").nth(1).select_option("VARCHAR")
    expect(page.get_by_label("Details").first).to_be_hidden()
    page.get_by_label("Details").nth(1).fill("20")
    page.get_by_role("button", name="Move up").nth(1).click()
    expect(page.get_by_label("Column name").first).to_have_value("second")
    page.get_by_role("button", name="Create table").click()
    expect(page.get_by_role("table", name="plain")).to_be_visible()
    assert [c.sql_text for c in Table.objects.get(name="plain").columns.all()] == ["VARCHAR(20)", "TEXT"]


def test_a_pasted_text_fills_the_form(plain_page: Page) -> None:
    page = plain_page
    page.goto("/tables/new/")
    page.get_by_text("Start from something you have").click()
    page.get_by_label("Text to start from").fill("CREATE TABLE pasted (size numeric(4,1), colour enum('red', 'blue'))")
    page.get_by_role("button", name="Fill in the columns").click()
    expect(page.get_by_label("Table name")).to_have_value("pasted")
    expect(page.get_by_label("Choices").nth(1)).to_have_value("red\nblue")
    page.get_by_role("button", name="Create table").click()
    expect(page.get_by_role("table", name="pasted")).to_be_visible()
    assert [c.type for c in Table.objects.get(name="pasted").columns.all()] == ["numeric", "choice"]


def test_a_column_is_changed_and_moved_on_one_page(plain_page: Page, people: Table) -> None:
    page = plain_page
    page.goto("/tables/people/design/")
    page.get_by_role("link", name="Change score").click()
    expect(page.get_by_role("heading", level=1, name="Design of People we know")).to_be_visible()
    page.get_by_label("Column name").first.fill("points")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("button", name="Move points up")).to_be_visible()
    page.get_by_role("button", name="Move points up").click()
    assert list(people.columns.values_list("name", flat=True))[2:4] == ["points", "born"]


def test_records_are_found_and_edited(plain_page: Page, people: Table) -> None:
    page = plain_page
    page.goto("/tables/people/")
    grid = page.get_by_role("table", name="people")
    page.get_by_label("Search").fill("ann")
    page.get_by_label("Search").press("Enter")
    expect(grid.locator("tbody tr")).to_have_count(1)
    grid.get_by_role("link", name="Record 1").click()
    page.get_by_label("name").first.fill("Anna")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("table", name="people")).to_contain_text("Anna")
    expect(page.get_by_label("Search")).not_to_have_value("")  # back to where the record was found
    page.get_by_label("Search").fill("")
    page.get_by_label("Search").press("Enter")
    expect(grid.locator("tbody tr")).to_have_count(3)
    page.get_by_role("link", name="name", exact=True).click()
    expect(page.locator("th[aria-sort=ascending]")).to_be_visible()
    page.locator("summary", has_text="Filter").click()
    page.get_by_role("link", name="Make a filter").click()
    page.get_by_label("Column", exact=True).select_option("name")
    page.get_by_label("Condition").select_option("begins with")
    page.get_by_label("Value").fill("B")
    page.get_by_role("button", name="Apply filter").click()
    expect(page.get_by_role("table", name="people").locator("tbody tr")).to_have_count(1)


def test_columns_are_chosen(plain_page: Page, people: Table) -> None:
    page = plain_page
    page.goto("/tables/people/?order_by=-name")
    page.locator("#columns-menu > summary").click()
    page.get_by_role("link", name="Choose among 6 columns").click()
    page.get_by_role("button", name="Move name down").click()
    expect(page.get_by_role("heading", level=1, name="Columns of People we know")).to_be_visible()
    page.get_by_role("button", name="Move name down").click()
    page.get_by_role("checkbox", name="email").uncheck()
    page.get_by_role("button", name="Apply").click()
    heads = page.get_by_role("table", name="people").locator("thead th")
    expect(heads).to_have_text(["id", "born", "name", "score", "active", "notes"])
    expect(page.locator("th[aria-sort=descending]")).to_have_text("name")


def test_a_file_is_imported_and_the_page_follows(plain_page: Page, people: Table, celery_worker: int) -> None:
    page = plain_page
    page.goto("/tables/people/import/")
    content = b"name,email\nDan,dan@example.com\n"
    page.get_by_label("CSV file").set_input_files(FilePayload(name="a.csv", mimeType="text/csv", buffer=content))
    page.get_by_role("button", name="Start import").click()
    expect(page.get_by_role("heading", name="1 row imported")).to_be_visible()
    assert ImportJob.objects.get().state == "completed"


def test_chosen_records_are_deleted_and_the_message_undoes_it(plain_page: Page, people: Table) -> None:
    page = plain_page
    page.goto("/tables/people/?order_by=-id")
    page.get_by_role("checkbox", name="Select record 1").check()
    page.get_by_role("checkbox", name="Select record 3").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete 2 records").click()
    grid = page.get_by_role("table", name="people")
    expect(grid.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(grid.locator("tbody tr")).to_have_count(3)
    expect(page.locator("th[aria-sort=descending]", has_text="id")).to_be_visible()
    page.get_by_role("checkbox", name="Select record 2").check()
    page.locator("summary", has_text="Set value").click()
    page.get_by_label("Set", exact=True).select_option("born")
    page.get_by_label("To", exact=True).fill("1999-12-31")
    page.get_by_role("button", name="Set", exact=True).click()
    page.get_by_role("button", name="Set in 1 record").click()
    expect(grid).to_contain_text("1999-12-31")
