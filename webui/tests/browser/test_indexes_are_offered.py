"""A slow order is stopped, its index built on the page's own offer, and the records shown."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from playwright.sync_api import Page, expect
from psycopg import errors

from dataengine.models import Index, Table
from dataengine.queries import paging
from dataengine.queries.ordering import Term
from dataengine.services import index_builds


def test_from_too_slow_to_the_records(owners_page: Page, people: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = paging.page_by_number

    def slow(queryset: object, terms: list[Term], **options: object) -> object:
        if terms[0].attribute == "id" or Index.objects.filter(state=Index.State.COMPLETED).exists():
            return quick(queryset, terms, **options)  # type: ignore[arg-type]
        raise OperationalError("canceling statement due to statement timeout") from errors.QueryCanceled()

    monkeypatch.setattr(paging, "page_by_number", slow)
    page = owners_page
    page.goto("/tables/people/")
    page.get_by_role("grid", name="people").get_by_role("link", name="name", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Sorting by “name” needs an index.")
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
