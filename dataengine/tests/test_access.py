"""Who may do what: the owner everything, a colleague what was granted, a stranger nothing, not even know it exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from guardian.shortcuts import assign_perm
from rest_framework.test import APIClient

from dataengine import access
from dataengine.exceptions import AccessDenied, NotFound
from dataengine.models import ImportJob, Table

from .conftest import MakeTable

type Share = Callable[[Table, User, str], Any]

# Every operation on a table with the right that it needs: method, path, body.
OPERATIONS: list[tuple[str, str, str, dict[str, Any] | None]] = [
    ("view", "get", "/api/tables/t/", None),
    ("view", "get", "/api/tables/t/columns/", None),
    ("view", "get", "/api/tables/t/columns/a/", None),
    ("view", "get", "/api/tables/t/records/", None),
    ("view", "get", "/api/get-records/?table_name=t", None),
    ("view", "get", "/api/tables/t/records/1/", None),
    ("view", "get", "/api/tables/t/export/", None),
    ("view", "get", "/api/tables/t/imports/", None),
    ("edit", "post", "/api/insert-record/", {"table_name": "t", "data": {"a": "x"}}),
    ("edit", "post", "/api/tables/t/records/", {"a": "x"}),
    ("edit", "put", "/api/update-record/", {"table_name": "t", "id": 1, "data": {"a": "x"}}),
    ("edit", "patch", "/api/tables/t/records/1/", {"a": "x"}),
    ("edit", "post", "/api/tables/t/records/bulk/", {"records": [{"a": "x"}]}),
    ("edit", "patch", "/api/tables/t/records/bulk/", {"records": [{"id": 1, "data": {}}]}),
    ("edit", "delete", "/api/tables/t/records/bulk/", {"ids": [2]}),
    ("edit", "delete", "/api/delete-record/", {"table_name": "t", "id": 1}),
    ("edit", "delete", "/api/tables/t/records/1/", None),
    ("design", "post", "/api/add-column/", {"table_name": "t", "column_name": "b", "column_type": "TEXT"}),
    ("design", "post", "/api/tables/t/columns/", {"column_name": "b", "column_type": "TEXT"}),
    ("design", "patch", "/api/tables/t/columns/a/", {"label": "A"}),
    ("design", "patch", "/api/tables/t/", {"label": "T"}),
    ("design", "delete", "/api/tables/t/columns/a/", None),
    ("own", "delete", "/api/delete-table/", {"table_name": "t"}),
    ("own", "delete", "/api/tables/t/", None),
]


@pytest.fixture
def table(client: APIClient, make_table: MakeTable) -> Table:
    made = make_table("t", a="TEXT")
    client.post("/api/tables/t/records/bulk/", {"records": [{"a": "1"}, {"a": "2"}]})
    return made


def send(client: APIClient, method: str, path: str, body: dict[str, Any] | None) -> Any:
    return getattr(client, method)(path, body)


@pytest.mark.parametrize(("right", "method", "path", "body"), OPERATIONS)
def test_each_operation_needs_its_right(
    api: Any, table: Table, share: Share, colleague: User, right: access.Right, method: str, path: str, body: Any
) -> None:
    user = api(colleague)
    hidden = send(user, method, path, body)
    assert (hidden.status_code, hidden.json()["error"]["code"]) == (404, "table_not_found")
    below = access.RIGHTS[: access.RIGHTS.index(right)]
    for lesser in below:
        share(table, colleague, lesser)
        refused = send(user, method, path, body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "permission_denied")
    share(table, colleague, right)
    assert send(user, method, path, body).status_code in {200, 201, 204}


def test_a_stranger_gets_the_same_answer_as_for_a_missing_table(api: Any, table: Table, stranger: User) -> None:
    client = api(stranger)
    for _, method, path, body in OPERATIONS:
        there = send(client, method, path, body)
        nowhere_body = {**body, "table_name": "nope"} if body and "table_name" in body else body
        nowhere = send(client, method, path.replace("/t/", "/nope/").replace("=t", "=nope"), nowhere_body)
        assert there.status_code == nowhere.status_code == 404
        assert there.content.replace(b"\xe2\x80\x9ct\xe2\x80\x9d", b"") == nowhere.content.replace(
            b"\xe2\x80\x9cnope\xe2\x80\x9d", b""
        )


def test_lists_show_what_may_be_seen(api: Any, table: Table, share: Share, colleague: User, stranger: User) -> None:
    share(table, colleague, "view")
    for user, names in ((colleague, ["t"]), (stranger, [])):
        assert [entry["table_name"] for entry in api(user).get("/api/tables/").json()["results"]] == names
    job = ImportJob.objects.create(table=table, table_name="t", user=table.owner, filename="f.csv", source="s")
    for user, status in ((table.owner, 200), (colleague, 200), (stranger, 404)):
        for path in ("", "rejected/", "rejected.csv"):
            assert api(user).get(f"/api/imports/{job.pk}/{path}").status_code == status
        assert api(user).get("/api/imports/").json()["count"] == (status == 200)
    assert api(colleague).post(f"/api/imports/{job.pk}/cancel/").status_code == 403
    assert api(stranger).post(f"/api/imports/{job.pk}/cancel/").status_code == 404


def test_references_to_tables_without_access(api: Any, table: Table, share: Share, colleague: User) -> None:
    fields = {"r": "REFERENCES t"}
    hidden = api(colleague).post("/api/create-table/", {"table_name": "u", "fields": fields})
    nowhere = api(colleague).post("/api/create-table/", {"table_name": "u", "fields": {"r": "REFERENCES nope"}})
    assert hidden.status_code == nowhere.status_code == 400
    assert hidden.json()["error"]["code"] == nowhere.json()["error"]["code"]
    share(table, colleague, "view")
    assert api(colleague).post("/api/create-table/", {"table_name": "u", "fields": fields}).status_code == 201


def test_grants_of_groups_count(table: Table, colleague: User) -> None:
    group = Group.objects.create(name="team")
    colleague.groups.add(group)
    assign_perm("edit_table", group, table)
    assert access.rights_of(colleague, table) == {"view", "edit"}
    assert list(access.tables_for(colleague, "edit")) == [table]
    assert list(access.tables_for(colleague, "design")) == []


def test_nobody_and_inactive_users_see_nothing(table: Table, owner: User) -> None:
    owner.is_active = False
    for user in (AnonymousUser(), owner):
        with pytest.raises(NotFound):
            access.get_table(user, "t", "view")
        assert not access.tables_for(user).exists()


def test_superusers_are_not_owners(table: Table, stranger: User) -> None:
    stranger.is_superuser = True
    stranger.save()
    assert not access.tables_for(stranger).exists()
    with pytest.raises(NotFound):
        access.get_table(stranger, "t", "view")


def test_names_are_exact(table: Table, owner: User) -> None:
    for name in ("T", " t", "t ", "t\0", ""):
        with pytest.raises(NotFound):
            access.get_table(owner, name, "view")


def test_one_right_less_is_refused(table: Table, share: Share, colleague: User) -> None:
    share(table, colleague, "edit")
    assert access.get_table(colleague, "t", "edit") == table
    with pytest.raises(AccessDenied):
        access.get_table(colleague, "t", "design")
