from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from guardian.shortcuts import assign_perm

from dataengine import access
from dataengine.models import Table
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

URL = "/tables/people/sharing/"


def rights(user: User) -> frozenset[access.Right]:
    return access.rights_of(user, Table.objects.get(name="people"))


def test_a_table_is_shared_changed_and_taken_back_without_scripts(
    as_owner: Client, people: Table, colleague: User
) -> None:
    assert URL in read(as_owner.get("/tables/people/")).values("a", "href")
    done = as_owner.post(URL, {"do": "share", "name": "colleague", "right": "view"})
    assert (done.status_code, done["Location"]) == (302, URL)
    page = read(as_owner.get(URL))
    assert "colleague: viewer from now on." in page
    assert [one.attributes.get("selected") for one in page.elements("option", value="view")].count("") == 1
    as_owner.post(URL, {"do": "change", "kind": "user", "who": "colleague", "right": "edit"})
    assert rights(colleague) == {"view", "edit"}
    as_owner.post(URL, {"do": "remove", "kind": "user", "who": "colleague"})
    assert rights(colleague) == set()
    assert "colleague has no right to the table any more." in read(as_owner.get(URL))


def test_groups_are_found_by_their_name_and_suggested(as_owner: Client, people: Table, colleague: User) -> None:
    colleague.groups.add(Group.objects.create(name="coast guard"))
    offered = read(as_owner.get(f"{URL}found/?name=co")).values("option", "value")
    assert offered == ["colleague", "coast guard (group)"]
    assert read(as_owner.get(f"{URL}found/?users&new-owner=co")).values("option", "value") == ["colleague"]
    assert read(as_owner.get(f"{URL}found/?name=")).values("option", "value") == []
    for name in ("coast guard (group)", "coast guard"):
        as_owner.post(URL, {"do": "share", "name": name, "right": "design"})
        assert rights(fresh(colleague)) == {"view", "edit", "design"}
        as_owner.post(URL, {"do": "remove", "kind": "group", "who": "coast guard"})


def fresh(user: User) -> User:
    """The same user without the permissions that guardian remembers."""
    return type(user).objects.get(pk=user.pk)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"do": "share", "name": "nobody", "right": "view"}, "There is no user “nobody”."),
        ({"do": "share", "name": "nobody (group)", "right": "view"}, "There is no group “nobody”."),
        ({"do": "share", "name": "owner", "right": "view"}, "“owner” owns the table."),
        ({"do": "share", "name": "", "right": "view"}, "This field is required."),
        ({"do": "share", "name": "stranger", "right": "x"}, "Select a valid choice."),
        ({"do": "hand-over", "new-owner": "nobody"}, "There is no user “nobody”."),
    ],
)
def test_what_is_wrong_is_said_at_the_field(
    as_owner: Client, people: Table, stranger: User, sent: dict[str, str], words: str
) -> None:
    answer = as_owner.post(URL, sent)
    assert answer.status_code == 422
    assert words in read(answer)


def test_a_row_that_is_gone_changes_nothing(as_owner: Client, people: Table) -> None:
    for right in ("view", "x", ""):
        answer = as_owner.post(URL, {"do": "change", "kind": "user", "who": "nobody", "right": right}, follow=True)
        assert "nobody" in read(answer) or "Give one of" in read(answer)
    for sent in ({}, {"do": "change", "kind": "x", "who": "owner", "right": "view"}, {"do": "x"}):
        assert as_owner.post(URL, sent)["Location"] == URL
    assert rights(people.owner) == set(access.RIGHTS)


def test_a_table_is_handed_over_and_the_former_owner_keeps_the_right(
    as_owner: Client, people: Table, colleague: User, owner: User
) -> None:
    assert as_owner.post(URL, {"do": "hand-over", "new-owner": "colleague"})["Location"] == URL
    people.refresh_from_db()
    assert people.owner == colleague
    assert rights(owner) == set(access.RIGHTS)
    assert as_owner.post(URL, {"do": "remove", "kind": "user", "who": "owner"})["Location"] == "/"


def test_who_does_not_own_it_sees_and_changes_nothing(as_colleague: Client, shared: Table) -> None:
    page = read(as_colleague.get(URL))
    assert "Viewer: sees the records" in page
    assert not page.elements("select")
    assert as_colleague.post(URL, {"do": "share", "name": "colleague", "right": "own"}).status_code == 403
    assert as_colleague.get(f"{URL}found/?name=o").status_code == 403


def test_an_owner_by_grant_may_share(as_colleague: Client, shared: Table, colleague: User, stranger: User) -> None:
    assign_perm("own_table", colleague, shared)
    assert as_colleague.post(URL, {"do": "share", "name": "stranger", "right": "view"}).status_code == 302
    assert rights(stranger) == {"view"}
