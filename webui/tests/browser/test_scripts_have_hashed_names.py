"""The static files of an installation: few, with hashes in their names, in pages and in what scripts import."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from dataengine.models import ImportJob
from dataengine.records.model import record_model

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from dataengine.models import Table

HASHED = re.compile(r"/static/(scripts/[\w-]+|vendor/.+)\.[0-9a-f]{12}\.js$")


@pytest.fixture
def scripts(owners_page: Page) -> list[str]:
    """The URLs of the scripts that the page has loaded, in order."""
    asked: list[str] = []
    owners_page.on("response", lambda answer: asked.append(answer.url) if answer.ok and ".js" in answer.url else None)
    return asked


def test_the_grid_works_with_them(owners_page: Page, people: Table, scripts: list[str]) -> None:
    page = owners_page
    page.goto("/tables/people/")
    # The first cell is in the tab order as soon as the scripts have run, and typing into it opens its editor.
    page.get_by_role("grid", name="people").locator("td[tabindex='0']").press("B")
    page.keyboard.type("ea")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert record_model(people).objects.get(pk=1).values()["name"] == "Bea"

    assert [url for url in scripts if not HASHED.search(url)] == []
    assert len(scripts) == len(set(scripts))
    assert sorted(names(scripts)) == ["htmx.min", "records"]


def names(urls: list[str]) -> list[str]:
    return [Path(HASHED.sub(r"\1", url)).name for url in urls]


def test_an_upload_works_with_them(owners_page: Page, people: Table, scripts: list[str]) -> None:
    page = owners_page
    page.goto("/tables/people/import/")
    page.locator("input[type=file]").set_input_files(
        {"name": "more.csv", "mimeType": "text/csv", "buffer": b"name\nDan\n"}
    )
    expect(page.get_by_role("heading", name="more.csv")).to_be_visible()
    assert [url for url in scripts if not HASHED.search(url)] == []
    assert {*names(scripts)} == {"htmx.min", "mapping", "tus.min"}


def test_an_import_has_its_socket(owners_page: Page, people: Table, owner: User, scripts: list[str]) -> None:
    job = ImportJob.objects.create(table=people, table_name="people", user=owner, filename="a.csv", state="queued")
    with owners_page.expect_websocket() as opened:
        owners_page.goto(f"/imports/{job.pk}/")
    assert f"/ws/imports/{job.pk}/" in opened.value.url
    assert sorted(names(scripts)) == ["htmx.min", "hx-ws.min", "mending"]
