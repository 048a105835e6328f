"""Actions on records chosen in the grid, by ids or by filter; without a script after a question."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from guardian.shortcuts import assign_perm

from dataengine.models import AuditEvent, Table
from dataengine.records.model import record_model
from dataengine.services.records import get_record
from webui.tests.conftest import PARTIAL, make_table
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

URL = "/tables/people/selected/"


def post(client: Client, **posted: Any) -> Any:
    return client.post(URL, posted, headers=PARTIAL)


def ids(table: Table) -> list[int]:
    return list(record_model(table).objects.order_by("id").values_list("id", flat=True))


def attribute(table: Table, name: str) -> str:
    return table.columns.get(name=name).attribute


def undo_last(client: Client) -> None:
    event = AuditEvent.objects.latest("id")
    assert client.post(f"/tables/people/undo/{event.pk}/").status_code == 302


def test_some_are_deleted_as_one_change(as_owner: Client, people: Table) -> None:
    assert post(as_owner, id=["1", "3"], do="delete").status_code == 204
    assert ids(people) == [2]
    html = read(as_owner.get("/tables/people/", headers=PARTIAL))
    assert "2 records are deleted." in html
    assert "Undo" in html.words_of("button")
    undo_last(as_owner)
    assert ids(people) == [1, 2, 3]


def test_some_are_set_as_one_change(as_owner: Client, people: Table) -> None:
    column = attribute(people, "born")
    assert post(as_owner, id=["1", "2"], do="set", column=column, value="2000-02-29").status_code == 204
    assert [str(get_record(people, pk).values()["born"]) for pk in (1, 2, 3)] == ["2000-02-29"] * 2 + ["2001-01-01"]
    assert post(as_owner, id=["1"], do="set", column=column, value="", null="on").status_code == 204
    assert get_record(people, 1).values()["born"] is None
    undo_last(as_owner)
    assert str(get_record(people, 1).values()["born"]) == "2000-02-29"


@pytest.mark.parametrize(
    ("posted", "complaint"),
    [
        ({"id": ["1", "2"], "do": "set", "column": "born", "value": "soon"}, "Date has wrong format"),
        ({"id": ["1", "2"], "do": "set", "column": "email", "value": "a@example.com"}, "already"),
        ({"id": ["1"], "do": "set", "column": "name", "null": "on"}, "This column needs a value."),
        ({"id": ["1"], "do": "set", "column": "nothing", "value": "x"}, "Choose a column."),
        ({"id": ["1", "99"], "do": "delete"}, "There is no record 99."),
        ({"id": ["x"], "do": "delete"}, "Give a whole number."),
        ({"do": "delete"}, "Choose records first"),
        ({"id": ["1"], "do": "nonsense"}, "Choose what to do"),
        ({"id": ["1", "2"], "do": "duplicate"}, "Choose one record to duplicate."),
    ],
)
def test_all_or_nothing(as_owner: Client, people: Table, posted: dict[str, Any], complaint: str) -> None:
    before = [get_record(people, pk).values() for pk in ids(people)]
    if people.columns.filter(name=posted.get("column")).exists():
        posted = posted | {"column": attribute(people, posted["column"])}
    answer = post(as_owner, **posted)
    assert answer.status_code == (422 if complaint == "Choose a column." else 400)
    assert complaint in read(answer)
    assert [get_record(people, pk).values() for pk in ids(people)] == before


def test_all_that_match_are_asked_for_and_the_filter_is_posted(as_owner: Client, people: Table) -> None:
    query = "score__gte=7&search=b&order_by=name&page=2"
    asked = post(as_owner, all="1", do="delete", query=query, id=["1"])
    html = read(asked)
    assert asked.status_code == 200
    assert "Delete 1 record?" in html
    assert "score is at least 7" in html
    assert ids(people) == [1, 2, 3]
    done = as_owner.post(URL, {"all": "1", "do": "delete", "query": query, "confirmed": "1"})
    assert done.headers["Location"] == f"/tables/people/?{query}"
    assert ids(people) == [1, 3]


def test_the_whole_table_takes_its_name(as_owner: Client, people: Table) -> None:
    column = attribute(people, "notes")
    posted = {"all": "1", "do": "set", "column": column, "value": "all", "query": "order_by=-name", "confirmed": "1"}
    for name in ("", "People"):
        refused = as_owner.post(URL, posted | {"whole_table": name})
        assert refused.status_code == 400
        html = read(refused)
        assert "confirm with the table’s name: people" in html
        assert html.value("value") == "all"
    assert get_record(people, 1).values()["notes"] == ""
    assert as_owner.post(URL, posted | {"whole_table": "people"}).status_code == 302
    assert {get_record(people, pk).values()["notes"] for pk in (1, 2, 3)} == {"all"}
    undo_last(as_owner)
    assert get_record(people, 1).values()["notes"] == ""


def test_without_a_script_some_are_asked_about_too(as_owner: Client, people: Table) -> None:
    column = attribute(people, "name")
    html = read(as_owner.post(URL, {"id": ["1", "2"], "do": "set", "column": column, "value": "N"}))
    assert "Set a value in 2 records" in html
    assert (html.value("value"), html.value("column")) == ("N", column)
    wrong = as_owner.post(URL, {"id": ["1"], "do": "set", "column": column, "null": "on", "confirmed": "1"})
    assert "This column needs a value." in read(wrong)
    assert "Delete 2 records?" in read(as_owner.post(URL, {"id": ["1", "2"], "do": "delete"}))
    answer = as_owner.post(URL, {"id": ["1", "2"], "do": "delete", "confirmed": "1", "query": "limit=2"})
    assert answer.headers["Location"] == "/tables/people/?limit=2"
    html = read(as_owner.get("/tables/people/"))
    assert any(re.fullmatch(r"/tables/people/undo/\d+/", way) for way in html.values("form", "action", method="post"))


def test_a_record_is_duplicated_or_its_form_asks_for_what_is_missing(
    as_owner: Client, owner: User, people: Table
) -> None:
    assert post(as_owner, id=["1"], do="duplicate").status_code == 204
    assert get_record(people, 4).values() == get_record(people, 1).values() | {"id": 4, "email": None}
    undo_last(as_owner)
    assert ids(people) == [1, 2, 3]
    codes = make_table(owner, "codes", {"code": "TEXT UNIQUE NOT NULL", "name": "TEXT"})
    first = {attribute(codes, "code"): "a", attribute(codes, "name"): "Alpha"}
    as_owner.post("/tables/codes/records/new/", first)
    answer = as_owner.post("/tables/codes/selected/", {"id": ["1"], "do": "duplicate"})
    assert answer.headers["Location"] == "/tables/codes/records/new/?copy=1"
    html = read(as_owner.get(answer.headers["Location"]))
    assert html.value(attribute(codes, "name")) == "Alpha"
    assert html.value(attribute(codes, "code")) == ""
    as_owner.post(answer.headers["Location"], first | {attribute(codes, "code"): "b"})
    assert get_record(codes, 2).values() == {"id": 2, "code": "b", "name": "Alpha"}


def test_rights_are_needed(as_stranger: Client, as_colleague: Client, shared: Table, colleague: User) -> None:
    assert post(as_stranger, id=["1"], do="delete").status_code == 404
    assert post(as_colleague, id=["1"], do="delete").status_code == 403
    assert not read(as_colleague.get("/tables/people/")).elements("input", type="checkbox", name="id")
    assign_perm("edit_table", colleague, shared)
    assert post(as_colleague, id=["1"], do="delete").status_code == 204
    assert as_colleague.get(URL).status_code == 405
    assert ids(shared) == [2, 3]
