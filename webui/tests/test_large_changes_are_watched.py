"""A change of very many records: the grid's page shows its progress, offers to cancel it, and tells how it ended."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from guardian.shortcuts import assign_perm

from dataengine.models import AuditEvent, ChangeJob, Table
from dataengine.records.model import record_model
from dataengine.services import change_runs, changes
from webui.tests.conftest import PARTIAL
from webui.tests.pages import Page, read

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/tables/people/"
PANEL = "/tables/people/changes/"
DELETE_ALL = {"all": "1", "do": "delete", "query": "order_by=name", "confirmed": "1", "whole_table": "people"}


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "LARGE", 1)
    monkeypatch.setattr(changes, "ring", lambda *args, **options: None)


def panel(client: Client) -> Page:
    answer = client.get(PANEL, headers=PARTIAL)
    assert answer.status_code == 200
    return read(answer)


def ids(table: Table) -> list[int]:
    return list(record_model(table).objects.order_by("id").values_list("id", flat=True))


def test_from_the_order_to_the_undo_without_a_script(as_owner: Client, people: Table) -> None:
    answer = as_owner.post("/tables/people/selected/", DELETE_ALL)
    assert answer.headers["Location"] == "/tables/people/?order_by=name"
    job = ChangeJob.objects.get()
    page = read(as_owner.get(answer.headers["Location"]))
    assert "Deleting 3 records…" in page
    assert "It starts in a moment." in page
    [way] = [part for part in page.elements("noscript") if "See the progress" in part]
    assert way.element("a")["href"] == "/tables/people/?order_by=name"
    assert len(ids(people)) == 3
    ChangeJob.objects.update(state="running", started_at=job.created_at)
    assert "The change becomes visible when it is done" in panel(as_owner)
    assert re.fullmatch(r"\d+ s", panel(as_owner).element("span", class_="num soft").words)
    ChangeJob.objects.update(state="queued")
    change_runs.run(job.pk)
    assert ids(people) == []
    ended = read(as_owner.get(PAGE))
    assert "3 records are deleted." in ended
    assert "Deleting" not in ended
    assert "are deleted" not in read(as_owner.get(PAGE))  # shown once

    event = AuditEvent.objects.latest("id")
    undo = as_owner.post(f"/tables/people/undo/{event.pk}/", {"next": "/tables/people/?limit=2"})
    assert undo.headers["Location"] == "/tables/people/?limit=2"
    assert "Bringing back 3 records…" in panel(as_owner)
    change_runs.run(ChangeJob.objects.latest("id").pk)
    assert ids(people) == [1, 2, 3]
    told = panel(as_owner)
    assert "Undone: 3 records are there again." in told
    assert "Redo" in told.values("button", "value")
    assert "hx-get" not in told.source  # nothing to reload any more


def test_a_script_is_sent_to_the_page_that_it_came_from(as_owner: Client, people: Table) -> None:
    column = people.columns.get(name="notes").attribute
    posted = {"all": "1", "do": "set", "column": column, "value": "new", "query": "score__gte=1", "confirmed": "1"}
    answer = as_owner.post("/tables/people/selected/", posted, headers=PARTIAL)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/tables/people/?score__gte=1")
    assert "Setting “notes” in 2 records…" in panel(as_owner)
    change_runs.run(ChangeJob.objects.get().pk)
    assert "2 records are changed: “notes”." in panel(as_owner)
    event = AuditEvent.objects.latest("id")
    here = {"HX-Current-URL": "http://testserver/tables/people/?limit=2"}
    undo = as_owner.post(f"/tables/people/undo/{event.pk}/", {"word": "Undo"}, headers=PARTIAL | here)
    assert (undo.status_code, undo.headers["HX-Redirect"]) == (204, "/tables/people/?limit=2")
    assert "Putting back the values of 2 records…" in panel(as_owner)


@pytest.mark.parametrize(
    ("state", "words"),
    [("cancelled", "Cancelled. Nothing was copied"), ("failed", "Copying 3 records did not work: The disk is full.")],
)
def test_a_copy_that_came_to_nothing_says_what_it_left(
    as_owner: Client, people: Table, owner: User, state: str, words: str
) -> None:
    ChangeJob.objects.create(
        table=people, user=owner, action="copy", state=state, parameters={"source": 0, "columns": []}, count=3,
        count_exact=True, error="The disk is full." if state == "failed" else "", finished_at=timezone.now(),
    )  # fmt: skip
    told = read(as_owner.get(PAGE))
    assert words in told
    assert "Nothing was copied into this table, which can be deleted." in told


def test_cancelled_and_failed_ones_say_so(as_owner: Client, people: Table) -> None:
    as_owner.post("/tables/people/selected/", DELETE_ALL)
    waiting = ChangeJob.objects.get()
    cancelled = as_owner.post(f"{PANEL}{waiting.pk}/cancel/", headers=PARTIAL)
    assert "Cancelled. Nothing was changed." in read(cancelled)
    assert "Deleting" not in read(cancelled)
    assert as_owner.post(f"{PANEL}{waiting.pk}/cancel/").headers["Location"] == PAGE  # too late, which is not an error

    column = people.columns.get(name="email").attribute
    posted = {"all": "1", "do": "set", "column": column, "value": "x@example.com", "query": "id__gte=1"}
    as_owner.post("/tables/people/selected/", posted | {"confirmed": "1"})
    change_runs.run(ChangeJob.objects.latest("id").pk)
    told = panel(as_owner)
    assert "Setting “email” in 3 records did not work" in told
    assert "already" in told
    assert "Nothing was changed." in told
    assert [one for one in told.inside if "toast-bad" in one.attributes.get("class", "")]


def test_after_a_long_absence_not_every_change_is_told(as_owner: Client, people: Table, owner: User) -> None:
    def ended(count: int, **values: Any) -> ChangeJob:
        return ChangeJob.objects.create(
            table=people, user=owner, action="delete", count=count, count_exact=True, state="failed", error="Full.",
            finished_at=timezone.now(), **values,
        )  # fmt: skip

    old = ended(7)
    ChangeJob.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=2))
    for count in range(11, 16):
        ended(count)
    told = panel(as_owner)
    assert re.findall(r"Deleting (\d+) records did not work", told.words) == ["13", "14", "15"]
    assert "did not work" not in panel(as_owner)


def test_who_sees_and_cancels_it(
    as_owner: Client, as_colleague: Client, as_stranger: Client, shared: Table, colleague: User
) -> None:
    as_owner.post("/tables/people/selected/", DELETE_ALL)
    job = ChangeJob.objects.get()
    assert as_stranger.get(PANEL, headers=PARTIAL).status_code == 404
    assert as_stranger.post(f"{PANEL}{job.pk}/cancel/").status_code == 404
    seen = panel(as_colleague)
    assert "Deleting 3 records…" in seen
    assert "Started by owner." in seen
    assert "Cancel" not in seen.source
    assert as_colleague.post(f"{PANEL}{job.pk}/cancel/").status_code == 403
    change_runs.run(job.pk)
    assert "are deleted" not in panel(as_colleague)  # only the owner can undo it
    assert "are deleted" in panel(as_owner)
    assign_perm("edit_table", colleague, shared)
    assert as_colleague.post(f"{PANEL}{job.pk}/cancel/").status_code == 302
    assert as_owner.get(PANEL).headers["Location"] == PAGE
