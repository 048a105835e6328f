"""Unknown keys are refused by name; sending back what was read changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from dataengine.models import Table

from .conftest import MakeTable

COLUMN = {"column_name": "b", "column_type": "TEXT"}


@pytest.fixture
def table(client: APIClient, make_table: MakeTable) -> Table:
    made = make_table("t", a="TEXT NOT NULL DEFAULT 'x'", n="INTEGER")
    client.post("/api/tables/t/records/", {"a": "y"})
    return made


def without_undo(data: dict[str, Any], path: str) -> dict[str, Any]:
    """What was shown, besides the way back that changes of columns, and only they, have among it."""
    assert ("undo" in data) == ("/columns/" in path)
    return {key: value for key, value in data.items() if key != "undo"}


WITH_KEYS: list[tuple[str, str, dict[str, Any]]] = [
    ("post", "create-table/", {"table_name": "u", "fields": {"a": "TEXT"}}),
    ("post", "tables/", {"table_name": "u", "fields": {"a": "TEXT"}}),
    ("patch", "tables/t/", {"label": "New"}),
    ("delete", "delete-table/", {"table_name": "t"}),
    ("delete", "delete-table/?table_name=t&nope=1", {}),
    ("delete", "tables/t/", {}),
    ("post", "add-column/", {"table_name": "t", **COLUMN}),
    ("post", "tables/t/columns/", COLUMN),
    ("patch", "tables/t/columns/a/", {"label": "New"}),
    ("post", "insert-record/", {"table_name": "t", "data": {}}),
    ("post", "tables/t/records/", {}),
    ("put", "update-record/", {"table_name": "t", "id": 1, "data": {"n": 1}}),
    ("put", "tables/t/records/1/", {"n": 1}),
    ("delete", "delete-record/", {"table_name": "t", "id": 1}),
    ("delete", "tables/t/records/1/", {}),
    ("post", "tables/t/undo/", {"event": 1}),
    ("post", "token/", {"username": "owner", "password": "x"}),
]


@pytest.mark.usefixtures("table")
def test_unknown_keys(client: APIClient, subtests: pytest.Subtests) -> None:
    before = client.get("/api/tables/t/").json(), client.get("/api/tables/t/records/").json()
    for method, path, body in WITH_KEYS:
        with subtests.test(method=method, path=path, body=body):
            answer = getattr(client, method)(f"/api/{path}", {**body, "nope": 1})
            assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["nope"])
            assert (client.get("/api/tables/t/").json(), client.get("/api/tables/t/records/").json()) == before


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("path", "change", "fixed"),
    [
        ("tables/t/", {"label": "People"}, {"columns": [], "id": 7}),
        ("tables/t/columns/a/", {"label": "Name"}, {"unique_ignores_case": True, "index_state": "ready"}),
        ("tables/t/records/1/", {"a": "z"}, {"id": 2}),
    ],
)
def test_what_was_shown_can_be_sent_back(
    client: APIClient, path: str, change: dict[str, Any], fixed: dict[str, Any]
) -> None:
    url = f"/api/{path}"
    shown = client.get(url).json()
    assert client.patch(url, shown).json() == shown
    answered = client.patch(url, {**shown, **change}).json()
    assert without_undo(dict(answered), path) == {**shown, **change}
    assert client.patch(url, answered).json() == {**shown, **change}
    answer = client.patch(url, {**shown, **fixed})
    assert (answer.status_code, set(answer.json()["error"]["fields"])) == (400, set(fixed))
    assert client.get(url).json() == {**shown, **change}


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("verb", "path", "which", "fixed"),
    [
        ("update-table", "tables/t/", {}, {"columns": [], "id": 7}),
        ("update-column", "tables/t/columns/a/", {"table_name": "t"}, {"index_state": "ready"}),
    ],
)
def test_what_was_shown_can_be_sent_back_to_the_verbs(
    client: APIClient, verb: str, path: str, which: dict[str, str], fixed: dict[str, Any]
) -> None:
    shown = client.get(f"/api/{path}").json()
    assert client.put(f"/api/{verb}/", {**shown, **which}).json() == shown
    changed = client.put(f"/api/{verb}/", {**shown, **which, "label": "Name"})
    assert without_undo(changed.json(), path) == {**shown, "label": "Name"}
    answer = client.put(f"/api/{verb}/", {**shown, **which, **fixed})
    assert (answer.status_code, set(answer.json()["error"]["fields"])) == (400, set(fixed))
    assert client.get(f"/api/{path}").json() == {**shown, "label": "Name"}


@pytest.mark.usefixtures("table")
def test_an_id_among_the_data_is_the_record_s_own(client: APIClient) -> None:
    for number, status in ((1, 200), (2, 400)):
        verb = client.put("/api/update-record/", {"table_name": "t", "id": 1, "data": {"id": number, "n": 5}})
        changes = [{"id": 1, "data": {"id": number, "n": 5}}]
        many = client.patch("/api/tables/t/records/bulk/", {"records": changes})
        assert (verb.status_code, many.status_code) == (status, status)


@pytest.mark.usefixtures("table")
def test_a_body_cannot_contradict_its_address(client: APIClient, make_table: MakeTable) -> None:
    make_table("other", a="TEXT")
    assert client.post("/api/tables/t/columns/", {**COLUMN, "table_name": "t"}).status_code == 201
    answer = client.post("/api/tables/t/columns/", {"column_name": "c", "column_type": "TEXT", "table_name": "other"})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["table_name"])


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("data", ['{"a": "1", "a": "2"}', '{"a": "1", "n": 1, "a": "1"}'])
def test_a_key_stands_once_in_an_object(client: APIClient, data: str) -> None:
    body = f'{{"table_name": "t", "data": {data}}}'
    answer = client.post("/api/insert-record/", body, content_type="application/json")
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["a"])
