"""All records are deleted by a worker while the page is open, and restored by Undo."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from dataengine.models import ChangeJob, Table
from dataengine.services import change_runs, changes
from webui.tests.browser.conftest import log_in
from webui.tests.browser.test_every_page_is_accessible import problems_of
from webui.tests.browser.test_grid_by_keyboard import cell, grid_of, press

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from playwright.sync_api import Browser

    from conftest import LiveServer


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "LARGE", 1)
    monkeypatch.setattr(changes, "ring", lambda *args, **options: None)


def test_deleted_watched_and_undone(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/?limit=2&id__gte=1")
    cell(page, 1, "name").click()
    press(page, "Control+a", "Control+a")
    page.get_by_role("form", name="Chosen records").get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete 3 records").click()
    expect(page).to_have_url(re.compile(r"/tables/people/\?limit=2&id__gte=1$"))
    bar = page.get_by_role("progressbar", name="Deleting 3 records")
    expect(bar).to_be_visible()
    expect(grid_of(page).locator("tbody tr")).to_have_count(2)  # nothing of it is visible yet
    job = ChangeJob.objects.get()
    ChangeJob.objects.update(state="running", started_at=timezone.now())
    expect(page.locator("#changes")).to_contain_text(re.compile(r"Deleting 3 records…\s+\d+ s"))
    ChangeJob.objects.update(state="queued")
    change_runs.run(job.pk)
    expect(bar).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text("3 records are deleted.")
    expect(page.get_by_role("heading", name="No record matches")).to_be_visible()

    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_role("progressbar", name="Bringing back 3 records")).to_be_visible()
    page.reload()
    expect(page.get_by_role("progressbar", name="Bringing back 3 records")).to_be_visible()
    page.get_by_role("button", name="Cancel Bringing back 3 records").click()
    expect(page.locator("#toasts")).to_contain_text("Cancelled. Nothing was changed.")
    expect(page.locator("#changes section")).to_have_count(0)
    expect(page.locator("#main")).to_be_focused()  # no longer on a button that has disappeared
    expect(page.get_by_role("heading", name="No record matches")).to_be_visible()

    changes.undo_event(user=people.owner, table=people, event_id=ChangeJob.objects.get(pk=job.pk).event_id or 0)
    page.reload()
    change_runs.run(ChangeJob.objects.latest("id").pk)
    expect(page.locator("#toasts")).to_contain_text("Undone: 3 records are there again.")
    expect(grid_of(page).locator("tbody tr")).to_have_count(2)
    expect(page.get_by_role("button", name="Redo", exact=True)).to_be_visible()


def test_the_panel_is_accessible(browser: Browser, live_asgi: LiveServer, people: Table, owner: User) -> None:
    ChangeJob.objects.create(table=people, user=owner, action="delete", count=3_200_000)
    ChangeJob.objects.create(
        table=people, user=owner, action="undo", count=60_000, count_exact=True, state="running",
        started_at=timezone.now(), parameters={"event": 1, "verb": "updated"},
    )  # fmt: skip
    context = browser.new_context(
        base_url=live_asgi.url, viewport={"width": 390, "height": 800}, reduced_motion="reduce"
    )
    log_in(context, live_asgi, owner)
    page = context.new_page()
    assert problems_of(page, "/tables/people/") == []
    expect(page.get_by_role("button", name="Cancel")).to_have_count(2)
    context.close()
