"""Whatever users write is text, on every page of the console, in a real browser without its content security policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from config.tests.route_rights import CONSOLE
from dataengine.models import ChangeJob, Column, Delivery, ImportJob, Index, RejectedRow, Session, Table, Webhook
from dataengine.services import public_links, sharing, tokens
from dataengine.services.recipes import keep_recipe
from dataengine.services.records import insert_record, update_record
from dataengine.services.trash import delete_column
from webui.imports import drafts
from webui.tests.browser.conftest import log_in
from webui.tests.conftest import make_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from playwright.sync_api import Browser, Page
    from pytest_django.fixtures import Settings

    from conftest import LiveServer

PLANTED = "<b data-planted>'\"><img src=x onerror=alert(1)></b><script>alert(2)</script>"
"""An element that shows that it became one, and two ways to run something."""
OPEN = "<b data-planted><img src=x onerror=alert(4)>"
"""The same for names that take no “/”."""
LINK = "javascript:alert(3)"
# In the page's own scripts, too, a text must not become elements; alerts are dialogs.
COUNT = "() => document.querySelectorAll('[data-planted], [onerror], a[href^=\"javascript:\" i]').length"
OPENED = f"""() => {{
    for (const closed of document.querySelectorAll('details')) closed.open = true;
    return [({COUNT})(), document.body.innerText];
}}"""
FOUND = {"code": PLANTED, "column": PLANTED, "count": 2, "example_line": 3, "message": PLANTED}


def plant(owner: User, colleague: User, table: Table) -> dict[str, str]:
    """Texts wherever there is room for one. Returns what stands for the parts of addresses, by the words before."""
    group = Group.objects.create(name=PLANTED)
    owner.groups.add(group)
    for user in (owner, colleague):  # names that a provider of log-ins may give
        user.first_name = user.last_name = PLANTED
        user.username = PLANTED + user.username
        user.email = f'"<b/data-planted>{user.pk}"@example.com'
        user.save()
    sharing.give(user=owner, table=table, kind="group", name=group.name, right="edit")
    sharing.give(user=owner, table=table, kind="user", name=colleague.username, right="design")
    Table.objects.update(label=PLANTED, description=PLANTED)
    choice = Column.objects.get(name="choice")
    Column.objects.update(label=PLANTED, description=PLANTED)
    table.refresh_from_db()
    delete_column(user=owner, table=table, column=table.columns.get(name="gone"))
    first = insert_record(user=owner, table=table, data={"name": PLANTED, "choice": PLANTED, "json": {PLANTED: LINK}})
    Column.objects.filter(name="site").update(label=LINK)
    friend = insert_record(user=owner, table=Table.objects.get(name="friends"), data={"name": PLANTED})
    insert_record(user=owner, table=table, data={"name": LINK, "friend": friend.pk, "tags": [PLANTED, LINK]})
    update_record(user=owner, table=table, pk=first.pk, data={"name": PLANTED + "x"})
    keep_recipe(user=owner, table=table, name=OPEN, options={"null_values": [PLANTED], "mapping": {PLANTED: "name"}})
    Index.objects.create(table=table, column=choice, state=Index.State.FAILED, error=PLANTED)
    hook = Webhook.objects.create(table=table, user=owner, url=f"https://a.example/{PLANTED}", events=["import.failed"])
    Webhook.objects.create(table=table, user=colleague, url=LINK, events=[], is_active=False, stopped="right")
    Delivery.objects.create(
        webhook=hook, event_type="import.failed", message_id="m", payload={}, state="failed",
        tries=[{"at": "x", "status": 500, "error": PLANTED}],
    )  # fmt: skip
    token, _ = tokens.create_token(user=owner, name=PLANTED, right="own", tables=[table.name])
    jobs = [
        ImportJob.objects.create(
            table=table, table_name=table.name, user=owner, filename=PLANTED + ".csv", state=state, error=PLANTED,
            started_at=timezone.now(), finished_at=timezone.now(), rows_rejected=1, errors=[FOUND], email=owner.email,
            findings={"notes": [PLANTED], "headers": [PLANTED], "encoding": PLANTED, "sheets": [PLANTED],
                      "warnings": [{"code": PLANTED, "message": PLANTED}]},
            options={"recipe": PLANTED, "create_table": True},
        )
        for state in ("running", "failed", "completed")
    ]  # fmt: skip
    for job in jobs:
        RejectedRow.objects.create(job=job, line=2, raw=f"{PLANTED},{LINK}", errors=[FOUND | {"column": "name"}])
    change = ChangeJob.objects.create(
        table=table, user=owner, action="delete", parameters={"filter": {}}, state="failed", error=PLANTED
    )
    session = Session.objects.filter(user=owner).get()
    Session.objects.update(device=f"Mozilla/5.0 {PLANTED}")
    return {
        "<str:name>": table.name, "design/<int:pk>": f"design/{choice.pk}", "columns/<int:pk>": f"columns/{choice.pk}",
        "webhooks/<int:pk>": f"webhooks/{hook.pk}", "records/<int:pk>": f"records/{first.pk}",
        "<slug:attribute>": choice.attribute, "trash/<int:pk>": "trash/1", "imports/<int:pk>": f"imports/{jobs[-1].pk}",
        "<int:line>": "2", "users/<int:pk>": f"users/{colleague.pk}", "tokens/<int:pk>": f"tokens/{token.pk}",
        "<slug:pk>": session.public_id, "changes/<int:pk>": f"changes/{change.pk}", "<str:file_format>": "csv",
        "running": str(jobs[0].pk), "failed": str(jobs[1].pk),
    }  # fmt: skip


def pages(values: dict[str, str]) -> list[str]:
    """Every page of the console that can be looked at."""
    found = []
    for route, methods in CONSOLE.items():
        if "GET" not in methods or route.endswith((".csv", "export/", "export/<str:file_format>/")):
            continue
        path = route
        for part, value in sorted(values.items(), key=lambda item: "/" not in item[0]):
            path = path.replace(part, value)
        assert "<" not in path, path
        found.append(f"/{path}")
    return found


def test_nothing_planted_runs(
    browser: Browser, live_asgi: LiveServer, owner: User, colleague: User, settings: Settings
) -> None:
    settings.PUBLIC_LINKS = True
    owner.is_superuser = owner.is_staff = True
    owner.save()
    fields = {
        "name": "TEXT", "choice": f"CHOICE('{PLANTED.replace(chr(39), chr(39) * 2)}','b')", "gone": "TEXT",
        "json": "JSON", "site": "URL", "friend": "REFERENCES friends", "tags": "TEXT[]",
    }  # fmt: skip
    make_table(owner, "friends", {"name": "TEXT"})
    table = make_table(owner, "planted", fields)
    context = browser.new_context(base_url=live_asgi.url, bypass_csp=True, reduced_motion="reduce")
    log_in(context, live_asgi, owner)
    page = context.new_page()
    ran: list[str] = []

    def note(dialog: Any) -> None:
        ran.append(f"{page.url}: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", note)
    values = plant(owner, colleague, table)
    _, secret = public_links.make(user=owner, table=table, name=PLANTED, days=7)
    draft = drafts.store(owner, SimpleUploadedFile(f"{PLANTED}.csv", f'"{PLANTED}",b\n{PLANTED},{LINK}\n'.encode()))
    paths = [
        *pages(values),
        "/admin/", "/admin/auth/user/", f"/public/{secret}/", "/oidc/", "/login/?next=" + quoted(PLANTED),
        f"/imports/{values['running']}/", f"/imports/{values['failed']}/", "/imports/", "/tables/planted/",
        f"/tables/planted/import/?draft={draft.token}", f"/tables/new/import/?draft={draft.token}",
        "/account/second-factor/", f"/{quoted(PLANTED)}/", f"/tables/{quoted(PLANTED)}/",
        *(
            f"/tables/planted/{more}?" + "&".join(f"{name}={quoted(PLANTED)}" for name in names)
            for more in ("", "filter/", "activity/", "columns/", "lookup/", "charts/")
            # Those that are refused apart from those that are shown: one error may stand for the whole page.
            for names in (("search", "name__contains", "user"), ("order_by", "name__iregex"), ("cursor", "limit"))
        ),
        f"/tables/planted/?{quoted(PLANTED)}=1",
        *(f"/tables/planted/filter/?column={name}&condition=exact" for name in ("name", "choice", "friend", "tags")),
        f"/users/?search={quoted(PLANTED)}",
    ]  # fmt: skip
    seen, texts = 0, 0
    for path in dict.fromkeys(paths):
        page.goto(path)
        planted, text = page.evaluate(OPENED)
        if planted:
            ran.append(f"{path}: {page.locator('[data-planted], [onerror]').first.evaluate('e => e.outerHTML')}")
        seen += 1
        texts += "data-planted" in text
    assert (seen > 60, texts > 30) == (True, True), (seen, texts)
    ran += in_scripts(page, table)
    context.close()
    assert ran == []


def in_scripts(page: Page, table: Table) -> list[str]:
    """The same of what scripts put into the page: editors, suggestions, tooltips, toasts, what the selection says."""
    page.goto("/tables/planted/")
    found = []
    columns = [column.name for column in table.all_columns()]
    for name in ("name", "choice", "friend", "tags"):
        cell = page.locator("#r2 td").nth(1 + columns.index(name))
        cell.hover()
        cell.dblclick()
        page.locator(".cell-editor").wait_for()
        if name == "friend":
            page.keyboard.type("planted")
            page.get_by_role("listbox").get_by_role("option").first.wait_for()
        if page.evaluate(COUNT):
            found.append(f"the editor of {name}")
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
    page.locator("#r2 td").nth(1 + columns.index("site")).dblclick()
    page.keyboard.type(PLANTED)
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    if page.evaluate(COUNT):
        found.append("an error")
    return found


def quoted(text: str) -> str:
    """For an address."""
    return quote(text, safe="")
