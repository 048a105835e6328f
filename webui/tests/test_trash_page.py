from __future__ import annotations

from typing import TYPE_CHECKING

from django.test import Client

from dataengine.models import Table, TrashItem
from webui.tests.conftest import make_table
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def test_a_deleted_table_is_restored_from_the_toast_and_from_the_page(as_owner: Client, people: Table) -> None:
    assert "The trash is empty" in read(as_owner.get("/trash/"))
    as_owner.post("/tables/people/delete/")
    item = TrashItem.objects.get()
    home = read(as_owner.get("/"))
    assert "The table “People we know” is in the trash." in home
    assert f"/trash/{item.pk}/restore/" in [form.attributes.get("action") for form in home.elements("form")]
    assert "people" in read(as_owner.get("/trash/"))
    assert as_owner.post(f"/trash/{item.pk}/restore/").headers["Location"] == "/tables/people/"
    assert "Ann" in read(as_owner.get("/tables/people/"))
    assert as_owner.post(f"/trash/{item.pk}/restore/").status_code == 404


def test_a_taken_name_is_asked_for_another(as_owner: Client, people: Table) -> None:
    column = people.columns.get(name="notes")
    as_owner.post(f"/tables/people/design/{column.pk}/", {"do": "delete"})
    item = TrashItem.objects.get()
    form = {"do": "add", "name": "notes", "type": "TEXT", "details": "", "default": ""}
    assert as_owner.post("/tables/people/design/", form).status_code == 302
    refused = as_owner.post(f"/trash/{item.pk}/restore/")
    assert refused.status_code == 422
    page = read(refused)
    assert "Give another name." in page
    assert page.value("name") == "notes"
    assert as_owner.post(f"/trash/{item.pk}/restore/", {"name": "old notes"}).status_code == 302
    assert people.columns.filter(name="old notes").exists()


def test_no_other_name_is_asked_for_where_none_would_help(as_owner: Client, owner: User, people: Table) -> None:
    make_table(owner, "visits", {"who": "REFERENCES people"})
    for name in ("visits", "people"):
        as_owner.post(f"/tables/{name}/delete/")
    refused = as_owner.post(f"/trash/{TrashItem.objects.get(name='visits').pk}/restore/")
    assert refused.status_code == 422
    page = read(refused)
    assert "restore that first" in page
    assert "Give another name." not in page
    assert not page.elements("input", name="name")


def test_what_is_deleted_for_good_is_asked_about_first(as_owner: Client, people: Table) -> None:
    as_owner.post("/tables/people/delete/")
    url = f"/trash/{TrashItem.objects.get().pk}/purge/"
    assert "cannot be restored any more" in read(as_owner.get(url))
    assert Table.everything.exists()
    assert as_owner.post(url).headers["Location"] == "/trash/"
    assert not Table.everything.exists()
    assert as_owner.get(url).status_code == 404


def test_strangers_find_no_trash(as_owner: Client, as_stranger: Client, people: Table) -> None:
    as_owner.post("/tables/people/delete/")
    pk = TrashItem.objects.get().pk
    assert "The trash is empty" in read(as_stranger.get("/trash/"))
    assert as_stranger.post(f"/trash/{pk}/restore/").status_code == 404
    assert as_stranger.post(f"/trash/{pk}/purge/").status_code == 404
