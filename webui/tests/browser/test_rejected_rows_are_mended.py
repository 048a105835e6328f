"""Rejected rows in a browser: saved as a cell is left, by keyboard, no violation, and what others do is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from dataengine.services import change_runs, rejected_rows
from dataengine.tests.importing import import_text, make_table, records
from webui.tests.browser.conftest import log_in
from webui.tests.browser.test_every_page_is_accessible import problems_at_both_widths

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from playwright.sync_api import Browser, Page

    from conftest import LiveServer

FILE = "name,qty,born\nAnn,1,2024-01-31\nBob,x,31.12.2023\nCid,y,2024-03-01\nDan,4\n"


def test_cells_are_mended_by_keyboard(owners_page: Page, owner: User) -> None:
    make_table(owner, "t", name="TEXT", qty="INTEGER", born="DATE")
    job = import_text(owner, "t", FILE, date_formats=["%Y-%m-%d"])
    page = owners_page
    page.goto(f"/imports/{job.pk}/")
    expect(page.locator("main :focus")).to_have_count(0)
    first, second = page.get_by_label("qty, line 3"), page.get_by_label("qty, line 4")
    first.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("7")
    page.keyboard.press("Enter")  # to the same cell of the next row
    expect(second).to_be_focused()
    page.keyboard.type("8")
    page.keyboard.press("Tab")
    expect(page.locator("#row-4")).to_have_class(re.compile("is-good"))
    expect(first).not_to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("born, line 3")).to_have_accessible_description(re.compile("a date"))
    # Somebody else is quicker.
    rejected_rows.mend_row(user=owner, job=job, line=3, cells={"born": "2023-01-01"})
    page.get_by_label("born, line 3").fill("2023-12-31")
    page.get_by_label("name, line 3").focus()
    clash = page.get_by_role("alert").filter(has_text="Somebody else changed this row meanwhile.")
    expect(clash).to_contain_text("theirs: 2023-01-01")
    expect(clash).to_contain_text("yours: 2023-12-31")
    expect(page.get_by_label("born, line 3")).to_have_value("2023-01-01")
    clash.get_by_role("button", name="Keep mine").click()
    expect(clash).to_be_hidden()
    expect(page.get_by_label("born, line 3")).to_have_value("2023-12-31")
    page.get_by_label("Choose line 4").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Retry chosen rows").press("Enter")
    expect(page.get_by_text("Trying the rows again")).to_be_visible()
    change_runs.run(rejected_rows.retries_of(job)[0].pk)
    expect(page.get_by_text("Tried again: 1 row is in the table now.")).to_be_visible()
    page.get_by_role("button", name="Retry these").click()
    expect(page.get_by_text("Trying the rows again")).to_be_visible()
    change_runs.run(rejected_rows.retries_of(job)[0].pk)
    expect(page.get_by_text("Tried again: 1 row is in the table now, 1 still rejected.")).to_be_visible()
    assert records("t", "name", "qty", "born")[1:] == [("Cid", "8", "2024-03-01"), ("Bob", "7", "2023-12-31")]


def test_without_scripts_every_row_has_a_button(browser: Browser, live_asgi: LiveServer, owner: User) -> None:
    make_table(owner, "t", name="TEXT", qty="INTEGER", born="DATE")
    lines = "\n first line\nsecond line"  # a cell for a text area
    job = import_text(owner, "t", FILE.replace("Cid", f'"{lines}"'), date_formats=["%Y-%m-%d"])
    context = browser.new_context(base_url=live_asgi.url, java_script_enabled=False)
    log_in(context, live_asgi, owner)
    page = context.new_page()
    page.goto(f"/imports/{job.pk}/")
    expect(page.get_by_label("name, line 4")).to_have_value(lines)
    page.get_by_label("qty, line 4").fill("8")
    page.get_by_role("button", name="Save line 4").click()
    expect(page.get_by_text("The row of line 4 is good now.")).to_be_visible()
    expect(page.get_by_label("name, line 4")).to_have_value(lines)
    page.get_by_role("link", name=re.compile("^born:")).click()
    page.get_by_text("Apply to all 1 like this").click()
    page.get_by_role("button", name="Read in this format").click()
    expect(page.get_by_text("1 cell is changed; 0 rows are good now, 1 still have errors.")).to_be_visible()
    page.get_by_role("button", name="Retry these").click()
    expect(page.get_by_text("Trying the rows again")).to_be_visible()
    context.close()


def test_no_state_has_a_violation(browser: Browser, live_asgi: LiveServer, owner: User) -> None:
    make_table(owner, "t", name="TEXT", qty="INTEGER DEFAULT 1", born="DATE")
    job = import_text(owner, "t", FILE, date_formats=["%Y-%m-%d"])
    rejected_rows.mend_row(user=owner, job=job, line=4, cells={"qty": "2"})
    context = browser.new_context(base_url=live_asgi.url, reduced_motion="reduce")
    log_in(context, live_asgi, owner)
    page = context.new_page()
    problems = []
    for column in ("qty", "born"):
        page.goto(f"/imports/{job.pk}/?column={column}&code=invalid_type")
        page.get_by_text("Apply to all").click()
        problems += problems_at_both_widths(page, column)
    page.goto(f"/imports/{job.pk}/?column=*&code=too_few_fields")
    page.get_by_text("Apply to all").click()
    problems += problems_at_both_widths(page, "the row as a whole")
    page.goto(f"/imports/{job.pk}/")
    rejected_rows.mend_row(user=owner, job=job, line=3, cells={"qty": "3"})
    page.get_by_label("qty, line 3").fill("4")
    page.get_by_label("name, line 3").focus()
    expect(page.get_by_role("button", name="Keep mine")).to_be_visible()
    problems += problems_at_both_widths(page, "theirs and yours")
    context.close()
    assert problems == []
