"""The console's import page for workbooks: which sheet, chosen from those there are, and what to look out for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from dataengine.models import ImportJob
from dataengine.services import import_runs
from dataengine.tests.importing import import_text, make_table, records
from dataengine.tests.test_source_xlsx import text_row, workbook
from dataengine.tests.test_workbook_sheets import COVER, SECOND, TABLE, book
from webui.tests.pages import read

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
    assert '<option value="More">More (2 rows)</option>' in html
    assert "<dt>Sheet</dt>" in html
    assert "<dd>Data</dd>" in html
    other = console.get(page.redirect_chain[-1][0] + "&sheet=More").content.decode()
    assert "<dd>More</dd>" in other
    assert '<option value="More" selected>More (2 rows)</option>' in other


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


def test_several_sheets_become_several_tables(console: Client, owner: User) -> None:
    data = book({"Cover": COVER, "Data": TABLE, "More": SECOND, "Old": TABLE}, hidden=("Old",))
    sent = {"file": SimpleUploadedFile("a.xlsx", data), "do": "preview"}
    page = read(console.post("/tables/new/import/", sent, follow=True))
    listed = page.element("fieldset", class_="panel-body sheets").words_of("li")
    assert listed[1:] == ["Data 3 rows", f"More {len(SECOND)} rows", "Old 3 rows, hidden"]
    assert [page.value(f"table-of-{number}") for number in (1, 2, 3)] == ["data", "more", "old"]
    form = {"draft": page.value("draft"), "do": "start", "take-1": "Data", "table-of-1": "first", "take-3": "Old"}
    refused = console.post("/tables/new/import/", {**form, "table-of-3": "First"})
    assert refused.status_code == 422
    again = read(refused)
    assert "Sheet “Data”: Two sheets cannot both become the table “first”." in again
    assert again.value("table-of-3") == "First"
    refused = console.post("/tables/new/import/", {**form, "table-of-3": "select"})
    assert "Sheet “Old”: “select” is a reserved word" in read(refused)
    assert not ImportJob.objects.exists()
    started = console.post("/tables/new/import/", {**form, "table-of-3": "old"})
    first, second = ImportJob.objects.order_by("pk")
    assert started["Location"] == f"/imports/?only={first.pk}%2C{second.pk}"
    waiting = read(console.get(started["Location"]))
    assert "2 that were started together" in waiting
    assert waiting.element("div", id="history")["hx-trigger"] == "load delay:2s"
    for job in (first, second):
        import_runs.run(job.pk)
    assert records("first", "name", "n") == records("old", "name", "n") == [("Ann", "1"), ("Bob", "2")]
    done = read(console.get(started["Location"]))
    assert len(done.element("table", aria_label="Imports").elements("tr")) == 3
    assert "hx-trigger" not in done.element("div", id="history").attributes
    assert console.post("/tables/new/import/", {**form, "table-of-3": "again"}).status_code == 404


def test_sheets_go_to_tables_that_there_are(console: Client, owner: User, colleague: User) -> None:
    table, theirs = make_table(owner, "people", name="TEXT", n="INTEGER"), make_table(colleague, "secret", name="TEXT")
    data = book({"Data": TABLE, "More": TABLE})
    sent = {"file": SimpleUploadedFile("a.xlsx", data), "do": "preview"}
    page = read(console.post("/tables/new/import/", sent, follow=True))
    assert page.element("select", name="into-1").words_of("option") == ["A new table, called", "Add to people"]
    form = {"draft": page.value("draft"), "do": "start", "take-0": "Data", "table-of-0": "made"}
    refused = console.post("/tables/new/import/", {**form, "take-1": "More", "into-1": theirs.name})
    assert refused.status_code == 404
    assert not ImportJob.objects.exists()
    console.post("/tables/new/import/", {**form, "take-1": "More", "table-of-1": "", "into-1": table.name})
    for job in ImportJob.objects.order_by("pk"):
        import_runs.run(job.pk)
    assert records("people", "name", "n") == records("made", "name", "n") == [("Ann", "1"), ("Bob", "2")]


def test_a_gap_between_columns_is_not_listed_and_not_imported(console: Client, owner: User) -> None:
    sheet = workbook(text_row(1, "name", "", "n") + text_row(2, "Ann", "", "1") + text_row(3, "Bob", "", "2"))
    sent = {"file": SimpleUploadedFile("a.xlsx", sheet), "do": "preview"}
    page = read(console.post("/tables/new/import/", sent, follow=True))
    assert page.values("input", "value", type="hidden", name="header-1") == []
    assert (page.value("column-0"), page.value("column-2")) == ("name", "n")
    # What a browser without scripts sends back.
    shown = {f"{part}-{place}": page.value(f"{part}-{place}") for part in ("header", "column") for place in (0, 2)}
    form = {"draft": page.value("draft"), "do": "start", "table_name": "gap", **shown}
    assert console.post("/tables/new/import/", form).status_code == 302
    job = import_runs.run(ImportJob.objects.get().pk)
    assert job is not None
    assert job.findings["types"] == {"name": "text", "n": "integer"}
    assert records("gap", "name", "n") == [("Ann", "1"), ("Bob", "2")]
    onto = read(console.post("/tables/gap/import/", sent | {"file": SimpleUploadedFile("b.xlsx", sheet)}, follow=True))
    assert onto.values("input", "value", type="hidden", name="header-1") == []
