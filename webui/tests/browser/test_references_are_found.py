from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from dataengine.models import Table
from dataengine.records.model import record_model
from dataengine.services.records import insert_record
from webui.tests.conftest import make_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@pytest.fixture
def pets(people: Table, owner: User) -> Table:
    table = make_table(owner, "pets", {"name": "TEXT", "keeper": "REFERENCES people"})
    for name, keeper in (("Rex", 1), ("Tom", 2)):
        insert_record(user=owner, table=table, data={"name": name, "keeper": keeper})
    return table


def test_a_filter_finds_the_record_by_its_name(owners_page: Page, pets: Table) -> None:
    page = owners_page
    page.goto("/tables/pets/")
    grid = page.get_by_role("grid", name="pets")
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("Column", exact=True).select_option("keeper")
    value = page.get_by_label("Value")
    expect(value).to_have_attribute("list", "id_value-found")
    value.press_sequentially("bo")
    expect(page.locator("#id_value-found option")).to_have_count(1)
    value.fill(page.locator("#id_value-found option").get_attribute("value") or "")
    page.get_by_role("button", name="Apply filter").click()
    expect(grid.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("list", name="Filters")).to_contain_text("keeper is Bob")
    expect(page).to_have_url(re.compile(r"keeper__exact=2"))
    grid.get_by_role("link", name="Bob").click()
    expect(page.get_by_role("heading", level=1, name="Record 2")).to_be_visible()


def test_a_record_is_set_by_the_name_of_another(owners_page: Page, pets: Table) -> None:
    page = owners_page
    page.goto("/tables/pets/records/1/")
    keeper = page.get_by_label("keeper")
    expect(keeper).to_have_value("Ann #1")
    keeper.fill("nobody")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("No record of “people” has this label.")).to_be_visible()
    keeper.fill("")
    keeper.press_sequentially("cleo")
    expect(page.locator("datalist option[value='Cleo <b> #3']")).to_be_attached()
    keeper.fill("Cleo <b> #3")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("grid", name="pets")).to_contain_text("Cleo <b>")
    assert getattr(record_model(pets).objects.get(pk=1), pets.columns.get(name="keeper").attribute) == 3
