from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.storage import default_storage
from playwright.sync_api import Page, Request, Route, expect

from dataengine.models import ImportJob
from webui.imports import resumable
from webui.tests.conftest import make_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PIECE = 8 * 1024 * 1024  # as in upload.js
OFFLINE = "The connection was lost. The upload will continue when it is back."


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of two pieces and a bit."""
    path = tmp_path / "large.csv"
    path.write_bytes(b"name\n" + b"somebody\n" * (2 * PIECE // 9 + 1000))
    return path


class Line:
    """The connection between page and server: pieces that begin at ``cut`` or later do not get through."""

    def __init__(self, page: Page) -> None:
        self.cut: int | None = None
        self.begins: list[int] = []
        page.route("**/uploads/*/", self._route)

    def _route(self, route: Route, request: Request) -> None:
        begin = int(request.headers.get("upload-offset", -1))
        if self.cut is not None and (begin >= self.cut or request.method == "HEAD"):
            route.abort("connectionreset")
            return
        if request.method == "PATCH":
            self.begins.append(begin)
        route.continue_()


@pytest.fixture
def line(owners_page: Page, owner: User) -> Line:
    make_table(owner, "people", {"name": "TEXT"})
    owners_page.goto("/tables/people/import/")
    return Line(owners_page)


def partial_files() -> list[Path]:
    return list(Path(default_storage.path(resumable.FOLDER)).iterdir())


def test_an_upload_goes_on_where_the_connection_was_cut(owners_page: Page, line: Line, large: Path) -> None:
    page = owners_page
    line.cut = PIECE
    page.get_by_label("CSV file").set_input_files(large)
    expect(page.get_by_role("status").filter(has_text=OFFLINE)).to_be_visible()
    bar = page.get_by_role("progressbar", name="Upload progress")
    expect(bar).to_have_attribute("aria-valuenow", "49")
    expect(page.get_by_text("8.4 MB of 16.8 MB", exact=True)).to_be_visible()  # no speed and no time left
    line.cut = None
    expect(page.get_by_role("heading", name="large.csv")).to_be_visible()
    expect(page.get_by_text("separated by comma", exact=True)).to_be_visible()
    assert line.begins == [0, PIECE, 2 * PIECE]
    page.get_by_role("button", name="Start import").click()
    page.wait_for_url("**/imports/*/")
    job = ImportJob.objects.get()
    assert (job.filename, job.bytes_total) == ("large.csv", large.stat().st_size)
    with default_storage.open(job.source) as stored:
        assert stored.read() == large.read_bytes()


def test_an_upload_goes_on_after_the_page_was_loaded_again(owners_page: Page, line: Line, large: Path) -> None:
    page = owners_page
    line.cut = PIECE
    page.get_by_label("CSV file").set_input_files(large)
    expect(page.get_by_role("status").filter(has_text=OFFLINE)).to_be_visible()
    page.reload()
    line.cut = None
    page.get_by_label("CSV file").set_input_files(large)
    expect(page.get_by_role("heading", name="large.csv")).to_be_visible()
    assert line.begins == [0, PIECE, 2 * PIECE]


def test_an_upload_is_cancelled(owners_page: Page, line: Line, large: Path) -> None:
    page = owners_page
    line.cut = PIECE
    page.get_by_label("CSV file").set_input_files(large)
    expect(page.get_by_role("status").filter(has_text=OFFLINE)).to_be_visible()
    assert len(partial_files()) == 1
    # The connection stays cut for the file: otherwise the next try would finish the upload, with nothing to cancel.
    with page.expect_response(lambda response: response.request.method == "DELETE") as gone:
        page.get_by_role("button", name="Cancel upload").click()
    assert gone.value.status == 204
    expect(page.get_by_label("CSV file")).to_be_focused()
    expect(page.get_by_role("progressbar", name="Upload progress")).to_be_hidden()
    assert not partial_files()


def test_a_file_too_large_is_refused_before_it_is_sent(
    owners_page: Page, line: Line, large: Path, settings: Any
) -> None:
    settings.MAX_UPLOAD_BYTES = 1_000_000
    owners_page.get_by_label("CSV file").set_input_files(large)
    expect(owners_page.get_by_role("alert").filter(has_text="at most 1,000,000 are allowed")).to_be_visible()
    assert line.begins == []
