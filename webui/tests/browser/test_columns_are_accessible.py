"""axe finds nothing in the grid with its charts, references and columns menu, nor where deleting is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from dataengine.models import Table
from dataengine.services.records import insert_record
from webui.tests.browser.conftest import log_in
from webui.tests.browser.test_every_page_is_accessible import problems_now
from webui.tests.conftest import make_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from playwright.sync_api import Browser

    from conftest import LiveServer


def test_no_violation(browser: Browser, live_asgi: LiveServer, people: Table, owner: User) -> None:
    columns = {"keeper": "REFERENCES people", "age": "INTEGER", "kind": "CHOICE('cat','dog')", "gone": "DATE"}
    pets = make_table(owner, "pets", columns)
    for number in range(8):
        values = {"keeper": 1 + number % 2, "age": number, "kind": "cat" if number % 3 else "dog"}
        insert_record(user=owner, table=pets, data=values)
    context = browser.new_context(base_url=live_asgi.url, reduced_motion="reduce")
    log_in(context, live_asgi, owner)
    page = context.new_page()
    found = []
    for path in (
        "/tables/pets/?kind__exact=cat&keeper__ne=3",
        "/tables/pets/records/1/",
        "/tables/people/records/1/delete/",
        "/tables/pets/?group=kind&unfold=cat&limit=2&age__gte=3&keeper__ne=3&match=any",
    ):
        page.goto(path)
        if "kind__exact" in path:
            expect(page.locator(".charts a[aria-current=true]")).to_have_count(1)
            page.locator("#columns-menu summary").click()
        found += problems_now(page, path)
    context.close()
    assert found == []
