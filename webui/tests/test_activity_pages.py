from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from dataengine import services
from dataengine.models import AuditEvent, Table
from dataengine.records.model import record_model
from dataengine.services.records import delete_record, update_record
from webui.activity import _SENTENCES
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

URL = "/tables/people/activity/"
SERVICES = Path(services.__file__).parent
ACTION = re.compile(r'(?:action=|action = |webhook, )"(\w+\.\w+)"')
HISTORY = "/tables/people/records/{}/history/"


@pytest.fixture
def ann(people: Table) -> int:
    return int(record_model(people).objects.get(**{people.columns.get(name="name").attribute: "Ann"}).pk)


def value(people: Table, pk: int, column: str) -> object:
    return record_model(people).objects.get(pk=pk).values()[column]


def test_the_page_tells_by_day_who_did_what(as_owner: Client, people: Table, ann: int, owner: User) -> None:
    update_record(user=owner, table=people, pk=ann, data={"name": "Anna <i>"})
    assert URL in read(as_owner.get("/tables/people/")).values("a", "href")
    page = read(as_owner.get(URL))
    assert f"owner changed record {ann}" in page
    assert page.words_of("del") == ["Ann"]
    assert page.words_of("ins")[0] == "Anna <i>"
    assert "owner made the table" in page
    assert HISTORY.format(ann) in page.values("a", "href")


def test_filters_and_csv(as_owner: Client, people: Table, colleague: User) -> None:
    for query, there, gone in (
        ("?action=record,records", "added record", "made the table"),
        ("?action=table,column,index", "made the table", "added record"),
        ("?user=colleague", "Nothing fits the filter", "added record"),
        ("?until=2020-01-01", "Nothing fits the filter", "made the table"),
    ):
        page = read(as_owner.get(URL + query))
        assert there in page
        assert gone not in page
    for query in ("?since=soon", "?action=nothing", "?format=csv&until=soon"):
        assert as_owner.get(URL + query).status_code == 422
    lines = b"".join(as_owner.get(f"{URL}?format=csv&action=table,column,index")).decode().splitlines()
    assert len(lines) == 2
    assert ",table.created," in lines[1]


def test_who_got_which_right_is_told_by_name(as_owner: Client, people: Table, colleague: User) -> None:
    as_owner.post("/tables/people/sharing/", {"do": "share", "name": "colleague", "right": "view"})
    as_owner.post("/tables/people/sharing/", {"do": "change", "kind": "user", "who": "colleague", "right": "edit"})
    page = read(as_owner.get(f"{URL}?action=sharing"))
    assert page.words_of("dt") == ["colleague", "colleague"]
    assert (page.words_of("del"), page.words_of("ins")) == (["view", "nothing"], ["edit", "view"])


def test_what_can_be_undone_is_undone_from_there(as_owner: Client, people: Table, ann: int, owner: User) -> None:
    update_record(user=owner, table=people, pk=ann, data={"name": "Anna"})
    [form, *_] = [
        one for one in read(as_owner.get(URL)).elements("form") if "/undo/" in one.attributes.get("action", "")
    ]
    assert as_owner.post(form["action"], {"next": URL})["Location"] == URL
    assert value(people, ann, "name") == "Ann"


def test_each_value_and_the_whole_record_can_be_put_back(
    as_owner: Client, people: Table, ann: int, owner: User
) -> None:
    update_record(user=owner, table=people, pk=ann, data={"name": "Anna", "score": "13.00"})
    update_record(user=owner, table=people, pk=ann, data={"name": "Anne", "active": False})
    url = HISTORY.format(ann)
    page = read(as_owner.get(url))
    assert page.words_of("strong")[:3] == ["owner"] * 3
    [newest, middle, first] = AuditEvent.objects.filter(details__id=ann)
    version = page.elements("input", name="version")[0]["value"]
    assert as_owner.post(url, {"event": middle.pk, "column": "score", "version": version})["Location"] == url
    assert [str(value(people, ann, name)) for name in ("name", "score", "active")] == ["Anne", "12.50", "False"]
    refused = as_owner.post(url, {"event": first.pk, "version": version}, follow=True)
    assert "Nothing was put back. Somebody else changed this record meanwhile." in read(refused)
    version = read(as_owner.get(url)).elements("input", name="version")[0]["value"]
    done = as_owner.post(url, {"event": first.pk, "version": version}, follow=True)
    assert f"Record {ann} is as it was then." in read(done)
    assert [str(value(people, ann, name)) for name in ("name", "score", "active")] == ["Ann", "12.50", "True"]
    for sent in ({}, {"event": "x"}, {"event": newest.pk, "column": "born"}, {"event": 0}):
        assert as_owner.post(url, sent).status_code == 404


def test_the_history_of_a_deleted_record_leads_back(as_owner: Client, people: Table, ann: int, owner: User) -> None:
    delete_record(user=owner, table=people, pk=ann)
    page = read(as_owner.get(HISTORY.format(ann)))
    assert "The record is deleted." in page
    assert not page.elements("button", name="column")
    [undo] = [one["action"] for one in page.elements("form") if "/undo/" in one.attributes.get("action", "")]
    as_owner.post(undo, {"next": HISTORY.format(ann)})
    assert value(people, ann, "name") == "Ann"
    assert as_owner.get(HISTORY.format(999)).status_code == 404


def test_viewers_see_it_and_put_nothing_back(as_colleague: Client, shared: Table, ann: int, owner: User) -> None:
    update_record(user=owner, table=shared, pk=ann, data={"name": "Anna"})
    for url in (URL, HISTORY.format(ann)):
        page = read(as_colleague.get(url))
        assert "Anna" in page
        assert not [
            one
            for one in page.elements("form")
            if one.attributes.get("method") == "post" and "/tables/" in one.attributes.get("action", "/tables/")
        ]
    assert as_colleague.post(HISTORY.format(ann), {"event": 1}).status_code == 403
    assert "127.0.0.1" not in read(as_colleague.get(URL)).source


def test_administrators_see_the_whole_installation(
    as_owner: Client, as_stranger: Client, people: Table, stranger: User
) -> None:
    assert as_stranger.get("/activity/").status_code == 403
    stranger.is_superuser = True
    stranger.save()
    as_owner.post("/login/", {"username": "owner", "password": "wrong"})
    page = read(as_stranger.get("/activity/"))
    assert "owner made the table (people)" in page
    assert "The trail goes back to" in page
    assert "about 0 events" not in page
    assert "Ann" not in page, "administrators are not owners"
    assert "/activity/" in read(as_stranger.get("/")).values("a", "href")
    lines = b"".join(as_stranger.get("/activity/?format=csv&action=session,sign_in,jwt")).decode().splitlines()
    assert len(lines) > 1


def test_every_action_has_words() -> None:
    """Those that the services name; an action without words would be told as it is called."""
    names = {name for path in SERVICES.glob("*.py") for name in ACTION.findall(path.read_text())}
    assert "webhook.created" in names
    assert sorted(name for name in names if name not in _SENTENCES) == []
