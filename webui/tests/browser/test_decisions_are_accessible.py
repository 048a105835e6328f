"""The decisions before an import and the buttons after it: axe finds nothing, in light and dark, wide and narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.files.uploadedfile import SimpleUploadedFile
from playwright.sync_api import expect

from dataengine.tests.importing import import_text
from webui.imports import drafts
from webui.tests.browser.conftest import log_in
from webui.tests.browser.test_every_page_is_accessible import problems_at_both_widths

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from playwright.sync_api import Browser

    from conftest import LiveServer

TEXT = (
    "sku,qty,price,day,share\n"
    + "".join(f"s{n},{n},1.000,01/02/2024,5%\n" for n in range(300))
    + "x,twelve,2.000,03/04/2024,6%\ny,n/a,2.000,03/04/2024,7%\nTotal,,7.000,,\n"
)


def test_no_decision_has_a_violation(browser: Browser, live_asgi: LiveServer, owner: User) -> None:
    job = import_text(owner, "orders", TEXT, create_table=True)
    context = browser.new_context(base_url=live_asgi.url, reduced_motion="reduce")
    page = context.new_page()
    log_in(context, live_asgi, owner)
    draft = drafts.store(owner, SimpleUploadedFile("orders.csv", TEXT.encode())).token
    problems = []
    for path in (f"/tables/new/import/?draft={draft}", f"/tables/orders/import/?draft={draft}"):
        page.goto(path)
        expect(page.get_by_text("Decided from all 303 rows")).to_be_visible()
        problems += problems_at_both_widths(page, path)
    page.goto(f"/imports/{job.pk}/")
    expect(page.get_by_role("button", name="Make qty text instead")).to_be_visible()
    problems += problems_at_both_widths(page, "import")
    context.close()
    assert not problems, "\n".join(problems)
