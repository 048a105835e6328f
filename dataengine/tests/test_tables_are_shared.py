"""``/api/tables/{t}/sharing/``: who may do what, handing a table over, and everything that is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group
from django.db import connections
from guardian.models import GroupObjectPermission, UserObjectPermission
from guardian.shortcuts import assign_perm
from rest_framework.test import APIClient

from dataengine import access
from dataengine.exceptions import AccessDenied
from dataengine.models import AuditEvent, Table
from dataengine.services import sharing
from dataengine.tests.threads import Beside

from .conftest import MakeTable

if TYPE_CHECKING:
    from django.contrib.auth.models import User

type Api = Callable[[User], APIClient]
URL = "/api/tables/t/sharing/"


@pytest.fixture
def table(make_table: MakeTable) -> Table:
    return make_table("t", name="TEXT")


@pytest.fixture
def sales(colleague: User) -> Group:
    group = Group.objects.create(name="sales")
    colleague.groups.add(group)
    return group


def put(client: APIClient, *grants: Any, **more: Any) -> Any:
    return client.put(URL, {"grants": list(grants), **more})


def error_of(answer: Any, status: int = 400) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    found: dict[str, Any] = answer.json()["error"]
    return found


def test_users_and_groups_get_exactly_the_rights_that_are_put(
    client: APIClient, api: Api, table: Table, stranger: User, colleague: User, sales: Group
) -> None:
    assert client.get(URL).json() == {"owner": "owner", "grants": []}
    assert api(stranger).get("/api/tables/t/").status_code == 404
    grants = [{"user": "stranger", "right": "view"}, {"group": "sales", "right": "edit"}]
    answer = put(client, *grants)
    assert (answer.status_code, answer.json()) == (200, {"owner": "owner", "grants": grants})
    assert access.rights_of(stranger, table) == {"view"}
    assert api(colleague).post("/api/tables/t/records/", {"name": "n"}).status_code == 201
    assert api(stranger).post("/api/tables/t/records/", {"name": "n"}).status_code == 403
    put(client, {"user": "stranger", "right": "design"})
    assert access.rights_of(stranger, table) == {"view", "edit", "design"}
    assert api(colleague).get("/api/tables/t/").status_code == 404
    assert put(client).json()["grants"] == []
    assert not UserObjectPermission.objects.exists()
    assert not GroupObjectPermission.objects.exists()


def test_what_get_says_can_be_put(client: APIClient, table: Table, colleague: User) -> None:
    put(client, {"user": "colleague", "right": "own"})
    said = client.get(URL).json()
    events = AuditEvent.objects.count()
    assert client.put(URL, said).json() == said
    assert AuditEvent.objects.count() == events, "nothing was changed, so nothing is told"


def test_everybody_who_sees_it_sees_with_whom_and_owners_change_it(
    client: APIClient, api: Api, table: Table, colleague: User, stranger: User
) -> None:
    for right in access.RIGHTS:
        put(client, {"user": "colleague", "right": right})
        assert api(colleague).get(URL).json()["grants"] == [{"user": "colleague", "right": right}]
        answer = put(api(colleague), {"user": "colleague", "right": right})
        assert answer.status_code == (200 if right == "own" else 403)
    for answer in (api(stranger).get(URL), put(api(stranger)), api(stranger).put(URL, {"grants": 1})):
        assert error_of(answer, 404)["code"] == "table_not_found"
    assert APIClient().get(URL).status_code == 401


@pytest.mark.parametrize(
    ("grant", "pointer"),
    [
        ({"user": "nobody", "right": "view"}, "/grants/1/user"),
        ({"group": "nobody", "right": "view"}, "/grants/1/group"),
        ({"user": "COLLEAGUE", "right": "view"}, "/grants/1/user"),
        ({"user": 1, "right": "view"}, "/grants/1/user"),
        ({"user": "colleague", "right": "admin"}, "/grants/1/right"),
        ({"user": "colleague", "right": ["view"]}, "/grants/1/right"),
        ({"user": "colleague"}, "/grants/1/right"),
        ({"user": "colleague", "group": "sales", "right": "view"}, "/grants/1"),
        ({"right": "view"}, "/grants/1"),
        ({"user": "colleague", "right": "view", "until": 1}, "/grants/1/until"),
        ({"user": "stranger", "right": "edit"}, "/grants/1/user"),
        ({"user": "owner", "right": "edit"}, "/grants/1/right"),
        ("colleague", "/grants/1"),
        (None, "/grants/1"),
    ],
)
def test_errors_point_to_what_is_wrong(
    client: APIClient, table: Table, colleague: User, stranger: User, sales: Group, grant: Any, pointer: str
) -> None:
    error = error_of(put(client, {"user": "stranger", "right": "view"}, grant))
    assert [found["pointer"] for found in error["pointers"]] == [pointer]
    assert list(error["fields"]) == [pointer.strip("/").replace("/", ".")]
    assert client.get(URL).json()["grants"] == []


@pytest.mark.parametrize("body", [{}, {"grants": None}, {"grants": {}}, {"grants": "x"}, [], 1])
def test_without_a_list_nothing_happens(client: APIClient, table: Table, colleague: User, body: Any) -> None:
    put(client, {"user": "colleague", "right": "view"})
    error_of(client.put(URL, body))
    assert len(client.get(URL).json()["grants"]) == 1


def test_the_owner_may_be_listed_and_needs_no_grant(client: APIClient, table: Table) -> None:
    assert put(client, {"user": "owner", "right": "own"}).json() == {"owner": "owner", "grants": []}


def test_a_table_is_handed_over(client: APIClient, api: Api, table: Table, colleague: User, owner: User) -> None:
    put(client, {"user": "colleague", "right": "view"})
    kept = {"user": "owner", "right": "view"}
    assert put(client, kept, owner="colleague").json() == {"owner": "colleague", "grants": [kept]}
    assert access.rights_of(owner, Table.objects.get()) == {"view"}
    assert put(client).status_code == 403
    assert put(api(colleague)).status_code == 200
    assert client.get("/api/tables/t/").status_code == 404
    [event, *_] = AuditEvent.objects.filter(action="sharing.changed").order_by("pk")[1:]
    assert event.details == {
        "grants": [
            {"user": "owner", "before": None, "after": "view"},
            {"user": "colleague", "before": "view", "after": None},
        ],
        "owner": {"before": "owner", "after": "colleague"},
    }


@pytest.mark.parametrize("name", ["nobody", "", None, 7, "colleague"])
def test_there_is_always_an_owner(client: APIClient, table: Table, colleague: User, owner: User, name: Any) -> None:
    colleague.is_active = False
    colleague.save()
    error = error_of(put(client, owner=name))
    assert error["pointers"][0]["pointer"] == "/owner"
    assert Table.objects.get().owner == owner


def test_older_permissions_count_as_the_highest(client: APIClient, table: Table, colleague: User) -> None:
    for right in ("view", "design"):
        assign_perm(f"{right}_table", colleague, table)
    assert client.get(URL).json()["grants"] == [{"user": "colleague", "right": "design"}]
    put(client, {"user": "colleague", "right": "view"})
    assert access.rights_of(colleague, table) == {"view"}


def test_every_change_is_an_event_with_before_and_after(client: APIClient, table: Table, sales: Group) -> None:
    put(client, {"group": "sales", "right": "view"})
    put(client, {"group": "sales", "right": "own"})
    put(client)
    events = AuditEvent.objects.filter(action="sharing.changed").order_by("pk")
    assert [event.details["grants"] for event in events] == [
        [{"group": "sales", "before": None, "after": "view"}],
        [{"group": "sales", "before": "view", "after": "own"}],
        [{"group": "sales", "before": "own", "after": None}],
    ]
    assert {(event.user_name, event.via, event.table_id) for event in events} == {("owner", "jwt", table.pk)}


@pytest.mark.django_db(transaction=True)
def test_two_at_once_take_turns(owner: User, colleague: User, stranger: User, table: Table) -> None:
    def give(name: str) -> None:
        try:
            sharing.give(user=owner, table=table, kind="user", name=name, right="view")
        finally:
            connections.close_all()

    threads = [Beside(target=give, args=(name,)) for name in ("colleague", "stranger")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [grant.name for grant in sharing.sharing_of(table).grants] == ["colleague", "stranger"]


def test_a_right_that_was_taken_meanwhile_shares_nothing(owner: User, colleague: User, table: Table) -> None:
    sharing.give(user=owner, table=table, kind="user", name="colleague", right="own")
    theirs = access.get_table(colleague, table.name, "own")
    sharing.take(user=owner, table=table, kind="user", name="colleague")
    with pytest.raises(AccessDenied):
        sharing.hand_over(user=colleague, table=theirs, name="colleague")
    assert sharing.sharing_of(table) == sharing.Sharing("owner", [])
