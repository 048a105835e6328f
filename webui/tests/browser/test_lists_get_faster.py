"""A list that takes too long says that it is getting faster, and shows its records by itself when it is."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from dataengine.models import Index, Table
from dataengine.services import index_builds

pytestmark = pytest.mark.usefixtures("few_are_many")


@pytest.mark.usefixtures("slow_without_index")
def test_from_too_slow_to_the_records(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    grid = page.get_by_role("grid", name="people")
    grid.get_by_role("link", name="born", exact=True).click()
    expect(page.locator(".grid-notice")).to_contain_text("Sorting by “born” needs an index, which is being built.")
    expect(page.locator(".grid-notice")).to_contain_text("Sorted by id for now.")
    expect(grid.locator("tbody tr")).to_have_count(50)
    expect(page.locator("th[aria-sort=ascending]")).to_have_count(0)
    bar = page.get_by_role("progressbar", name="Getting faster")
    expect(bar).to_have_attribute("aria-valuenow", "0")
    Index.objects.update(state=Index.State.RUNNING, progress=0.4)
    expect(page.get_by_text("Getting faster: 40 %")).to_be_visible()
    expect(bar).to_have_attribute("aria-valuenow", "40")
    Index.objects.update(state=Index.State.QUEUED)
    index_builds.run(Index.objects.get().pk)
    expect(grid.locator("tbody tr").first).to_contain_text("Ann")
    expect(page.locator("th[aria-sort=ascending]", has_text="born")).to_be_visible()
    expect(page.locator("#faster")).to_have_count(0)


def test_a_list_stays_as_it_is_while_it_gets_faster(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/?order_by=born")
    grid = page.get_by_role("grid", name="people")
    expect(page.get_by_text("Getting faster: 0 %")).to_be_visible()
    grid.locator("#r1 td").nth(1).dblclick()
    editor = page.get_by_role("textbox", name="name, record 1")
    editor.fill("Anna")
    index_builds.run(Index.objects.get().pk)
    expect(page.get_by_text("Faster now.")).to_be_visible()
    expect(editor).to_have_value("Anna")
    expect(editor).to_be_focused()
