"""axe finds nothing, in light and dark, wide and narrow; nothing sticks out; one heading of the first level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from axe_playwright_python.sync_playwright import Axe
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from playwright.sync_api import Locator, expect

from dataengine.models import Delivery, ImportJob, Index, RejectedRow, Source, Table, Webhook
from dataengine.services import public_links
from dataengine.services.recipes import keep_recipe
from dataengine.services.records import insert_record, update_record
from dataengine.services.trash import delete_column
from webui.imports import drafts
from webui.tests.browser.conftest import log_in
from webui.tests.conftest import make_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from playwright.sync_api import Browser, Page, ViewportSize
    from pytest_django.fixtures import Settings

    from conftest import LiveServer

# No rule that is on looks at style sheets. Axe would fetch them nonetheless, imported ones at wrong addresses.
OPTIONS: dict[str, Any] = {"resultTypes": ["violations"], "preload": {"assets": ["media"]}}
type Looks = dict[Literal["light", "dark"], dict[str, Any]]
LOOKS: Looks = {
    "light": OPTIONS,
    # The looks differ in colours alone, so only the rules about those can find anything new.
    "dark": OPTIONS | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}},
}
# Otherwise a change of the look starts a transition in every element, and axe sees colours halfway.
STILL = """() => {
    const still = new CSSStyleSheet();
    still.replaceSync("*, ::before, ::after { transition: none !important; animation: none !important; }");
    document.adoptedStyleSheets = [still];
}"""
WIDE: ViewportSize = {"width": 1280, "height": 800}
NARROW: ViewportSize = {"width": 390, "height": 800}
OTHER_WHEN_NARROW = (
    "/tables/people/?",
    "/tables/people/design/",
    "/tables/people/import/",
    "/tables/new/import/",
    "/?",
)
OPEN_PAGES = [
    "/login/",
    "/email-verification/x/",
    "/password-reset/",
    "/password-reset/sent/",
    "/password-reset/x/y/",
    "/password-reset/done/",
]
CAUSE = {"code": "invalid_type", "column": "born", "count": 2, "example_line": 3, "message": "is no date"}
BAD_CELL = {"column": "born", "code": "invalid_type", "message": "is no date"}


def make_jobs(table: Table) -> list[str]:
    """The pages of imports in every state."""
    states: dict[str, dict[str, Any]] = {
        "queued": {},
        "running": {"phase": "loading", "rows_read": 400, "rows_rejected": 2, "errors": [CAUSE]},
        "completed": {"rows_imported": 998, "rows_rejected": 2, "errors": [CAUSE], "findings": {"notes": ["A note."]}},
        "failed": {"error": "The disk is full."},
        "cancelled": {},
    }
    paths = []
    for state, values in states.items():
        job = ImportJob.objects.create(
            table=table, table_name=table.name, user=table.owner, filename="a.csv", state=state, bytes_total=1000,
            bytes_read=500, started_at=timezone.now(), finished_at=timezone.now(), **values,
        )  # fmt: skip
        if job.rows_rejected:
            RejectedRow.objects.bulk_create(
                RejectedRow(job=job, line=n, raw="Ann,soon," + "x" * 300, errors=[BAD_CELL]) for n in range(60)
            )
        paths.append(f"/imports/{job.pk}/")
    return paths


def make_webhook(table: Table) -> int:
    """One with messages in every state."""
    webhook = Webhook.objects.create(table=table, url="https://hooks.example.com/", events=["import.failed"])
    for state in ("queued", "completed", "failed"):
        tried = {"at": timezone.now().isoformat(), "status": 500, "error": "The address answered 500."}
        Delivery.objects.create(
            webhook=webhook, event_type="import.failed", message_id=state, payload={}, state=state, tries=[tried]
        )
    return webhook.pk


def problems_of(page: Page, path: str, looks: Looks = LOOKS) -> list[str]:
    page.goto(path)
    page.evaluate("() => document.querySelectorAll('details').forEach((closed) => { closed.open = true; })")
    return problems_now(page, path, looks)


def problems_when_narrow(page: Page, path: str) -> list[str]:
    """What is wrong with the page, which is open and was found good, on a narrow screen.

    Most pages have the same elements at any width, in narrower columns, and the same colours, so they are looked at as
    they stand. Where tables become blocks, names and roles could change: those are loaded narrow, and axe sees them.
    """
    page.set_viewport_size(NARROW)
    where = f"{path}, narrow"
    if not path.startswith(OTHER_WHEN_NARROW):
        return problems_now(page, where, {})
    return [f"{where}: {one}" for one in problems_of(page, path, {"light": OPTIONS})]


def problems_now(page: Page, path: str, looks: Looks = LOOKS) -> list[str]:
    """What is wrong with the page as it stands."""
    found = violations_of(page, path, looks)
    if page.locator("h1").count() != 1:
        found.append(f"{path}: {page.locator('h1').count()} headings of the first level")
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append(f"{path}: sticks out sideways")
    return found


def problems_at_both_widths(page: Page, path: str) -> list[str]:
    """The same, and on a narrow screen, where the colours are those that were seen."""
    found = problems_now(page, path)
    page.set_viewport_size(NARROW)
    found += problems_now(page, f"{path}, narrow", {"light": OPTIONS})
    page.set_viewport_size(WIDE)
    return found


def violations_of(page: Page, path: str, looks: Looks = LOOKS, leave_out: str = "no-such-element") -> list[str]:
    """What axe says of the page as it stands, but for what a selector finds."""
    if not looks:
        return []
    if not page.evaluate("'axe' in window"):  # one that has run in the page has been compiled for speed
        page.evaluate(Axe().axe_script)
    page.evaluate(STILL)
    found = []
    for look, options in looks.items():
        page.emulate_media(color_scheme=look)
        violations = page.evaluate(
            "([out, options]) => axe.run({exclude: [out]}, options).then((found) => found.violations)",
            [leave_out, options],
        )
        found += [f"{path}, {look}: {one['id']}: {node['html'][:200]}" for one in violations for node in one["nodes"]]
    return found


def test_no_page_has_a_violation(
    browser: Browser, live_asgi: LiveServer, people: Table, owner: User, settings: Settings
) -> None:
    def look_at(*paths: str) -> list[str]:
        found = []
        for path in paths:
            page.set_viewport_size(WIDE)
            found += problems_of(page, path)
            found += problems_when_narrow(page, path)
        return found

    settings.PUBLIC_LINKS = settings.REMOTE_SOURCES = True
    Source.objects.create(table=people, user=owner, url="https://example.com/a.csv", cron="@daily", paused="by_user")
    keep_recipe(user=owner, table=people, name="monthly", options={"trim": True})
    _, secret = public_links.make(user=owner, table=people, name="For all", days=7)
    column = people.columns.get(name="score")
    Index.objects.create(table=people, column=column, state=Index.State.RUNNING, progress=0.4)
    delete_column(user=owner, table=people, column=people.columns.get(name="notes"))
    context = browser.new_context(base_url=live_asgi.url, reduced_motion="reduce")
    page = context.new_page()
    problems = look_at(*OPEN_PAGES)
    log_in(context, live_asgi, owner)
    draft = drafts.store(owner, SimpleUploadedFile("a.csv", b"name,other\nAnn,x\n")).token
    paths = [
        "/?",
        "/account/",
        "/account/tokens/",
        "/account/second-factor/",
        "/account/second-factor/totp/activate/",
        "/account/second-factor/webauthn/add/",
        "/logout/",
        "/tables/new/",
        "/tables/new/import/",
        "/tables/people/?",
        "/tables/people/?search=a&score__gt=3&order_by=-score",
        "/tables/people/?search=nowhere",
        "/tables/people/?nothing=1",
        "/tables/people/design/",
        f"/tables/people/design/{column.pk}/",
        f"/tables/people/design/{column.pk}/?drop",
        "/tables/people/duplicate/",
        "/tables/people/definition/",
        "/tables/people/columns/",
        "/tables/people/indexes/",
        "/tables/people/sharing/",
        "/tables/people/sharing/links/",
        f"/public/{secret}/",
        "/tables/people/activity/",
        "/tables/people/records/1/history/",
        "/tables/people/delete/",
        "/tables/people/sources/",
        "/tables/people/webhooks/",
        f"/tables/people/webhooks/{make_webhook(people)}/",
        "/tables/people/import/",
        f"/tables/people/import/?draft={draft}",
        f"/tables/new/import/?draft={draft}",
        "/tables/people/records/new/",
        "/tables/people/records/1/",
        "/tables/people/records/1/delete/",
        "/tables/people/filter/",
        "/tables/people/filter/?column=name&condition=exact",
        "/tables/people/export/choose/",
        "/tables/nowhere/",
        "/trash/",
        *make_jobs(people),
        "/imports/",
    ]
    problems += look_at(*paths)
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        page.goto("/tables/people/?limit=2")
        page.get_by_role("checkbox", name="Select all records on this page").click()
        page.locator("summary", has_text="Set value").click()
        problems += problems_now(page, f"chosen records, {size}")
        page.get_by_role("checkbox", name="Select all 3 that match").click()
        page.get_by_role("button", name="Delete", exact=True).click()
        expect(page.get_by_role("heading", level=1, name="Delete 3 records?")).to_be_visible()
        problems += problems_now(page, f"the question before, {size}")
    owner.is_superuser = True
    owner.save()
    of_admins = ("/activity/", "/users/", "/users/new/", f"/users/{owner.pk}/")
    problems += look_at(*of_admins)
    context.close()
    assert problems == []


def test_no_state_of_the_grid_has_a_violation(
    browser: Browser, live_asgi: LiveServer, people: Table, owner: User
) -> None:
    table = make_table(owner, "pets", {"name": "TEXT NOT NULL", "born": "DATE", "master": "REFERENCES people"})
    for name in ("Rex", "Tom"):
        insert_record(user=owner, table=table, data={"name": name})
    context = browser.new_context(base_url=live_asgi.url, reduced_motion="reduce")
    log_in(context, live_asgi, owner)
    page = context.new_page()
    page.goto("/tables/pets/")
    how = "[...document.querySelectorAll('.btn')].map((one) => getComputedStyle(one).transitionProperty)"
    assert set(page.evaluate(how)) == {"none"}, "buttons are as readable while light turns to dark"

    def cell(record: int, column: int) -> Locator:
        return page.locator(f"#r{record} td").nth(column)

    cell(1, 1).click()
    cell(2, 2).click(modifiers=["Shift"])
    problems = problems_now(page, "a range")
    for column in (1, 2):
        cell(1, column).dblclick()
        expect(page.locator(".cell-editor")).to_have_count(1)
        problems += problems_now(page, f"the editor of column {column}")
        page.keyboard.press("Escape")
    cell(1, 3).dblclick()
    page.keyboard.press("a")
    expect(page.get_by_role("listbox").get_by_role("option").first).to_be_visible()
    problems += problems_now(page, "a list of records")
    page.keyboard.press("Escape")
    cell(1, 2).dblclick()
    page.keyboard.type("never")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    problems += problems_now(page, "an error")
    page.keyboard.press("Escape")
    update_record(user=owner, table=table, pk=1, data={"name": "Theirs"})
    cell(1, 1).dblclick()
    page.keyboard.type("Mine")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alertdialog")).to_be_visible()
    problems += problems_now(page, "a conflict")
    page.get_by_role("button", name="Keep mine").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    problems += problems_now(page, "a toast")
    context.close()
    assert problems == []
