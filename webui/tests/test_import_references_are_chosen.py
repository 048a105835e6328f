"""The page before an import says what the cells of a reference column mean, and by what they are looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from guardian.shortcuts import assign_perm

from dataengine.models import ImportJob, Table
from dataengine.services import import_looks, import_runs
from dataengine.tests.importing import import_text, make_table, records
from webui.tests.pages import Page, read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/tables/orders/import/"
TEXT = "what,customer\na,Ann\nb,Zoe\nc,Ann\n"


@pytest.fixture(autouse=True)
def tables(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Customers, and orders that refer to them."""
    monkeypatch.setattr(import_looks, "WAIT_SECONDS", 60.0)
    make_table(owner, "customers", name="TEXT", email="EMAIL UNIQUE")
    import_text(owner, "customers", "name,email\nAnn,ann@x.org\n")
    make_table(owner, "orders", what="TEXT", customer="REFERENCES customers")


def draft_of(client: Client) -> str:
    sent = client.post(PAGE, {"do": "preview", "file": SimpleUploadedFile("orders.csv", TEXT.encode())})
    return sent.headers["Location"]


def previewed(client: Client, draft: str, **chosen: str) -> Page:
    names = enumerate(("what", "customer"))
    headers = {f"{kind}-{place}": name for place, name in names for kind in ("header", "column")}
    return read(client.post(PAGE, {"do": "preview", "draft": draft, **headers, **chosen}))


def test_what_is_known_and_new_is_said_and_chosen(as_owner: Client) -> None:
    html = read(as_owner.get(draft_of(as_owner)))
    assert "1 known, 1 unknown" in html
    assert html.element("select", name="match-1").values("option", "value") == ["id", "name", "email"]
    assert (html.value("match-1"), html.value("missing-1")) == ("name", "reject")
    draft = html.value("draft")
    html = previewed(as_owner, draft, **{"match-1": "name", "missing-1": "create"})
    assert "1 known, 1 new" in html
    assert (html.value("match-1"), html.value("missing-1")) == ("name", "create")
    form = {"header-0": "what", "header-1": "customer", "column-0": "what", "column-1": "customer"}
    chosen = {"match-1": "name", "missing-1": "create"}
    assert as_owner.post(PAGE, {"do": "start", "draft": draft, **form, **chosen}).status_code == 302
    job = import_runs.run(ImportJob.objects.latest("pk").pk)
    assert job is not None
    assert job.findings["references"]["customer"]["new"] == 1
    assert records("orders", "customer") == [("1",), ("2",), ("1",)]


def test_ids_make_no_records(as_owner: Client) -> None:
    draft = read(as_owner.get(draft_of(as_owner))).value("draft")
    html = previewed(as_owner, draft, **{"match-1": "id", "missing-1": "create"})
    assert html.value("missing-1") == "reject"
    assert html.element("select", name="missing-1").values("option", "value") == ["reject", "null"]


def test_only_who_may_is_offered_it(as_colleague: Client, colleague: User) -> None:
    assign_perm("edit_table", colleague, Table.objects.get(name="orders"))
    html = read(as_colleague.get(draft_of(as_colleague)))
    assert not html.elements("select", name="match-1")
    assign_perm("view_table", colleague, Table.objects.get(name="customers"))
    html = read(as_colleague.get(draft_of(as_colleague)))
    assert html.element("select", name="missing-1").values("option", "value") == ["reject", "null"]
