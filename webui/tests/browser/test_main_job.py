from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import FilePayload, Page, Route, expect

from dataengine.models import ImportJob, Table
from dataengine.records.model import record_model

if TYPE_CHECKING:
    from django.contrib.auth.models import User

CUSTOMERS = b"""name,email,since
Ann,ann@example.com,2020-05-01
Bob,bob@example.com,not a date
Cleo,ann@example.com,2021-01-01
"Dan, Jr",dan@example.com,
"""


def test_from_the_log_in_to_the_records(page: Page, owner: User, password: str, celery_worker: int) -> None:
    page.goto("/")
    page.get_by_label("Username").fill("owner")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()

    page.get_by_role("button", name="New table").click()
    page.get_by_label("Table name").fill("customers")
    page.get_by_label("Column name").fill("name")
    page.get_by_label("Required").check()
    page.get_by_role("button", name="Add column").click()
    expect(page.get_by_label("Column name")).to_have_count(2)
    expect(page.get_by_label("Column name").nth(1)).to_be_focused()
    page.get_by_label("Column name").nth(1).fill("email")
    page.get_by_label("Type").nth(1).select_option("EMAIL")
    page.get_by_label("Unique").nth(1).check()
    page.get_by_role("button", name="Add column").click()
    expect(page.get_by_label("Column name")).to_have_count(3)
    expect(page.get_by_label("Column name").first).to_have_value("name")
    page.get_by_label("Column name").nth(2).fill("since")
    page.get_by_label("Type").nth(2).select_option("DATE")
    page.get_by_role("button", name="Create table").click()
    expect(page.get_by_role("heading", level=1, name="customers")).to_be_visible()
    expect(page.get_by_role("heading", name="No records yet")).to_be_visible()

    page.get_by_role("button", name="Import CSV").click()
    page.get_by_label("CSV file").set_input_files(
        FilePayload(name="customers.csv", mimeType="text/csv", buffer=CUSTOMERS)
    )
    expect(page.get_by_text("separated by comma", exact=True)).to_be_visible()
    page.get_by_role("button", name="Start import").click()
    bar = page.get_by_role("progressbar", name="Import progress")
    expect(bar).to_have_attribute("aria-valuenow", "100")

    expect(page.get_by_role("heading", name="2 rows imported, 2 were not")).to_be_visible()
    rejected = page.get_by_role("table", name="Rejected rows")
    expect(rejected.get_by_role("row")).to_have_count(3)
    expect(rejected).to_contain_text("Bob,bob@example.com,not a date")
    expect(page.get_by_role("table", name="Causes")).to_contain_text("email")

    page.get_by_role("link", name="Open the table").click()
    grid = page.get_by_role("grid", name="customers")
    expect(grid.locator("tbody").get_by_role("row")).to_have_count(2)
    expect(grid).to_contain_text("Dan, Jr")
    assert record_model(Table.objects.get(name="customers")).objects.count() == 2


def test_start_may_be_pressed_before_the_file_is_there(owners_page: Page, people: Table, celery_worker: int) -> None:
    owners_page.goto("/tables/people/import/")
    content = b"name\n" + b"".join(b"Person %d\n" % n for n in range(50_000))
    owners_page.get_by_label("CSV file").set_input_files(
        FilePayload(name="many.csv", mimeType="text/csv", buffer=content)
    )
    owners_page.get_by_role("button", name="Start import").click()
    bar = owners_page.get_by_role("progressbar", name="Import progress")
    expect(bar).to_have_attribute("aria-valuenow", "100")
    expect(owners_page.get_by_role("heading", name="50,000 rows imported")).to_be_visible()
    assert ImportJob.objects.count() == 1


def test_the_page_of_an_import_listens_however_late_the_script_of_sockets_comes(
    owners_page: Page, owner: User, people: Table
) -> None:
    job = ImportJob.objects.create(table=people, user=owner, filename="x.csv", bytes_total=1)

    def late(route: Route) -> None:
        owners_page.wait_for_timeout(500)
        route.continue_()

    owners_page.route("**/hx-ws.min*.js", late)
    with owners_page.expect_websocket(lambda socket: socket.url.endswith(f"/ws/imports/{job.pk}/")):
        owners_page.goto(f"/imports/{job.pk}/")


def test_a_file_dropped_on_the_list_becomes_a_table(owners_page: Page, celery_worker: int) -> None:
    page = owners_page
    page.goto("/")
    dropped = page.evaluate_handle(
        """() => {
            const carried = new DataTransfer();
            carried.items.add(new File(["city;people\\nWien;1900000\\nGraz;300000\\n"], "Cities 2024.csv"));
            return carried;
        }"""
    )
    page.dispatch_event("main", "dragenter", {"dataTransfer": dropped})
    page.dispatch_event("main", "dragover", {"dataTransfer": dropped})
    page.dispatch_event("main", "drop", {"dataTransfer": dropped})
    bar = page.get_by_role("progressbar", name="Import progress")
    expect(bar).to_have_attribute("aria-valuenow", "100")
    page.get_by_role("link", name="Open the table").click()
    expect(page.get_by_role("grid", name="cities_2024")).to_contain_text("1900000")


def test_a_bad_file_says_so_where_it_was_dropped(owners_page: Page, people: Table) -> None:
    owners_page.goto("/")
    owners_page.get_by_label("CSV file").set_input_files(
        FilePayload(name="picture.csv", mimeType="text/csv", buffer=b"\x89PNG\r\n\x1a\n" + bytes(50))
    )
    owners_page.get_by_role("button", name="Import CSV").click()
    expect(owners_page.get_by_role("alert").filter(has_text="PNG")).to_be_visible()
    assert not ImportJob.objects.exists()
