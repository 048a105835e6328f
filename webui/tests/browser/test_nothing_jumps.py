"""Whatever is done to the grid, nothing moves that is not meant to: no layout shift at all (CLS 0)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from webui.tests.conftest import make_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Every shift counts, whether or not somebody has just touched the page: Chromium forgives those for half a second.
_WATCH = """
window.shifted = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifted.push(
    [entry.value, ...entry.sources.map(({ node }) => (node?.outerHTML ?? node?.textContent ?? "").slice(0, 120))]
  );
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture
def words_and_numbers(owner: User) -> None:
    make_table(owner, "things", {"name": "TEXT", "kind": "TEXT", "amount": "INTEGER", "a_rather_long_name": "INTEGER"})
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO userdata.things (name, kind, amount, a_rather_long_name)"
            " SELECT repeat('word ', i % 7 + 1) || i, (ARRAY['a', 'b', 'c'])[i % 3 + 1], i * i, i % 10"
            " FROM generate_series(1, 1200) i"
        )


@pytest.mark.usefixtures("words_and_numbers")
def test_sorting_paging_filtering_and_searching_shift_nothing(owners_page: Page) -> None:
    page = owners_page
    page.add_init_script(_WATCH)
    page.goto("/tables/things/")
    grid = page.get_by_role("grid", name="things")
    bars = page.get_by_role("group", name="Chart of kind").get_by_role("link")
    expect(bars).to_have_count(3)
    wide = grid.locator("th.cell-id").bounding_box()
    for link, first in (
        (grid.get_by_role("link", name="a_rather_long_name", exact=True), "10"),
        (grid.get_by_role("link", name="amount", exact=True), "1"),
        (grid.get_by_role("link", name="amount", exact=True), "1200"),
        (grid.get_by_role("link", name="a_rather_long_name", exact=True), "10"),
        (page.get_by_role("link", name="Next"), "510"),
        (bars.first, "30"),
        (page.get_by_role("link", name="Remove: kind is a"), "10"),
    ):
        link.click()
        expect(grid.locator("tbody tr").first).to_have_id(f"r{first}")
    page.get_by_label("Search").fill("word 7")
    expect(page.get_by_text(" records").first).not_to_have_text("1,200 records")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.shifted") == []
    assert grid.locator("th.cell-id").bounding_box() == wide
