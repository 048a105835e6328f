"""A slow order is stopped, its index built on the page's own offer, and the records shown."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from dataengine.models import Index, Table
from dataengine.services import index_builds


@pytest.mark.usefixtures("slow_without_index")
def test_from_too_slow_to_the_records(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/")
    page.get_by_role("grid", name="people").get_by_role("link", name="name", exact=True).click()
    expect(page.locator(".grid-notice")).to_contain_text("Sorting by “name” needs an index.")
    page.get_by_role("button", name="Build the index of name").click()
    expect(page.get_by_role("heading", name="Indexes of People we know")).to_be_visible()
    line = page.get_by_role("row", name="name").first
    expect(line).to_contain_text("waiting to be built")
    Index.objects.update(state=Index.State.RUNNING, progress=0.5)
    expect(page.get_by_role("progressbar", name="Index of name")).to_have_attribute("aria-valuenow", "50")
    Index.objects.update(state=Index.State.QUEUED)
    index_builds.run(Index.objects.get().pk)
    page.get_by_role("link", name="Show the records").click()
    expect(page.get_by_role("grid", name="people").locator("tbody tr").first).to_contain_text("Ann")
    expect(page.locator("th[aria-sort=ascending]", has_text="name")).to_be_visible()
