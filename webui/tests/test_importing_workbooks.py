"""The console's import page for workbooks: which sheet, chosen from those there are, and what to look out for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from dataengine.tests.importing import import_text
from dataengine.tests.test_source_xlsx import text_row, workbook
from dataengine.tests.test_workbook_sheets import COVER, SECOND, TABLE, book

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def console(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def test_the_page_offers_the_sheets(console: Client) -> None:
    data = book({"Cover": COVER, "Data": TABLE, "More": SECOND})
    sent = {"file": SimpleUploadedFile("a.xlsx", data), "do": "preview"}
    page = console.post("/tables/new/import/", sent, follow=True)
    html = page.content.decode()
    assert '<option value="More">More</option>' in html
    assert "<dt>Sheet</dt>" in html
    assert "<dd>Data</dd>" in html
    other = console.get(page.redirect_chain[-1][0] + "&sheet=More").content.decode()
    assert "<dd>More</dd>" in other
    assert '<option value="More" selected>More</option>' in other


def test_a_sheet_that_is_not_there_is_said(console: Client) -> None:
    sent = {
        "file": SimpleUploadedFile("a.xlsx", book({"Data": TABLE})),
        "do": "start",
        "sheet": "Nope",
        "table_name": "A",
    }
    page = console.post("/tables/new/import/", sent)
    assert page.status_code == 422
    assert "has no sheet “Nope”" in page.content.decode()


def test_warnings_stand_on_the_import_s_page(console: Client, owner: User) -> None:
    rows = text_row(1, "name", "n") + '<row r="2"><c r="A2"><v>2</v></c><c r="B2"><f>A2*2</f></c></row>'
    job = import_text(owner, "A", workbook(rows), filename="a.xlsx", create_table=True)
    assert "1 cell holds a formula" in console.get(f"/imports/{job.pk}/").content.decode()
