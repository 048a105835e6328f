"""The view of one cell: rights, answers, and changes undone from the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from guardian.shortcuts import assign_perm

from dataengine.columns.payloads import parse_column
from dataengine.models import Table
from dataengine.services.layouts import keep_layout
from dataengine.services.records import get_record, insert_record, record_version, update_record
from dataengine.services.tables import create_table
from webui.tests.conftest import PARTIAL, make_table
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def url(table: Table, column: str, pk: int = 1) -> str:
    return f"/tables/{table.name}/records/{pk}/{table.columns.get(name=column).attribute}/"


def save(client: Client, table: Table, column: str, pk: int = 1, **posted: str) -> Any:
    return client.post(url(table, column, pk), posted, headers=PARTIAL)


def stored(table: Table, column: str, pk: int = 1) -> Any:
    return get_record(table, pk).values()[column]


def test_the_answer_is_the_row_as_the_grid_shows_it_and_a_way_back(as_owner: Client, people: Table) -> None:
    version = record_version(get_record(people, 1))
    answer = save(as_owner, people, "score", value="3.5", version=version)
    html = read(answer)
    assert answer.status_code == 200
    assert (html.cell(1, "score")["class"], html.cell(1, "score").words) == ("cell-number", "3.50")
    assert html.element("tr", id="r1")["data-version"] == record_version(get_record(people, 1))
    assert "Undo" in html.words_of("button")
    grid = read(as_owner.get("/tables/people/"))
    assert html.element("tr", id="r1") == grid.element("tr", id="r1")


def test_rights_are_needed(as_stranger: Client, as_colleague: Client, people: Table, colleague: User) -> None:
    for client, right, status in (
        (as_stranger, None, 404),
        (as_colleague, None, 404),
        (as_colleague, "view_table", 403),
        (as_colleague, "edit_table", 200),
    ):
        if right:
            assign_perm(right, colleague, people)
        assert save(client, people, "name", value="New").status_code == status
        assert client.get(url(people, "name")).status_code == (404 if status == 404 else 200)
    assert stored(people, "name") == "New"


def test_the_whole_value_as_text(as_owner: Client, as_colleague: Client, shared: Table) -> None:
    answer = as_colleague.get(url(shared, "notes", 3)).json()
    assert answer == {"text": "x" * 500, "version": record_version(get_record(shared, 3))}
    assert as_owner.get(url(shared, "notes", 2)).json()["text"] is None


@pytest.mark.parametrize(
    ("column", "posted", "complaint"),
    [
        ("score", {"value": "many"}, "A valid number is required."),
        ("email", {"value": "bob@example.com"}, "already"),
        ("name", {"null": "1"}, "This column needs a value."),
    ],
)
def test_what_is_refused_is_said_in_plain_text(
    as_owner: Client, people: Table, column: str, posted: dict[str, Any], complaint: str
) -> None:
    before = stored(people, column)
    answer = save(as_owner, people, column, **posted)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "text/plain; charset=utf-8")
    assert complaint in read(answer)
    assert stored(people, column) == before


@pytest.mark.parametrize("text", ['{"a": ', "hello", "NaN", "[" * 100_000, '"\\u0000"', '"\\ud800"', "\0"])
def test_invalid_json_is_refused(as_owner: Client, owner: User, text: str) -> None:
    table = make_table(owner, "docs", {"doc": "JSONB"})
    insert_record(user=owner, table=table, data={"doc": {"a": 1}})
    answer = save(as_owner, table, "doc", value=text)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "text/plain; charset=utf-8")
    assert answer.content
    assert stored(table, "doc") == {"a": 1}
    assert save(as_owner, table, "doc", value='["hello", null]').status_code == 200
    assert stored(table, "doc") == ["hello", None]


def test_empty_text_and_no_value(as_owner: Client, people: Table) -> None:
    cases: list[tuple[str, dict[str, Any], str | None]] = [
        ("notes", {"null": "1"}, None),
        ("notes", {"value": ""}, ""),
        ("born", {"value": ""}, None),
        ("name", {"value": ""}, ""),
    ]
    for column, posted, value in cases:
        assert save(as_owner, people, column, **posted).status_code == 200
        assert stored(people, column) == value


def test_somebody_was_faster(as_owner: Client, people: Table, owner: User) -> None:
    version = record_version(get_record(people, 1))
    update_record(user=owner, table=people, pk=1, data={"name": "Theirs <i>", "notes": None})
    answer = save(as_owner, people, "name", value="Mine", version=version, seen="Ann")
    html = read(answer)
    assert answer.status_code == 409
    assert "Theirs <i>" in html
    assert "Mine" in html
    assert html.element("tr", id="r1")["data-version"] == record_version(get_record(people, 1))
    assert stored(people, "name") == "Theirs <i>"
    # Another cell of the same record does not conflict.
    assert save(as_owner, people, "score", value="1", version=version, seen="12.50").status_code == 200
    assert save(as_owner, people, "notes", value="mine", version=version, seen="").status_code == 409
    assert save(as_owner, people, "notes", value="mine", version=version, seen_null="1").status_code == 200
    assert save(as_owner, people, "name", value="Mine", version=version).status_code == 409
    assert stored(people, "name") == "Theirs <i>"


def test_what_is_gone(as_owner: Client, people: Table) -> None:
    gone = save(as_owner, people, "name", pk=99, value="x")
    assert (gone.status_code, gone.content.decode()) == (404, "Somebody has deleted this record meanwhile.")
    column = people.columns.get(name="born")
    address = url(people, "born")
    column.delete()
    answer = as_owner.post(address, {"value": "2000-01-01"}, headers=PARTIAL)
    assert (answer.status_code, answer.content.decode()) == (404, "This column no longer exists. Reload the page.")
    as_owner.logout()
    login = save(as_owner, people, "name", value="x")
    assert (login.status_code, login.headers["HX-Redirect"]) == (204, "/login/?next=/")


def test_a_reference_is_named_as_in_the_form(as_owner: Client, owner: User, people: Table) -> None:
    pets = make_table(owner, "pets", {"keeper": "REFERENCES people"})
    insert_record(user=owner, table=pets, data={"keeper": 1})
    version = record_version(get_record(pets, 1))
    answer = save(as_owner, pets, "keeper", value="Bob #2", version=version, seen="Ann #1")
    shown = read(answer).cell(1, "keeper")
    assert (shown["data-value"], shown["title"]) == ("Bob #2", "People we know 2")
    assert (shown.element("a")["href"], shown.words) == ("/tables/people/records/2/", "Bob")
    assert stored(pets, "keeper") == 2
    assert save(as_owner, pets, "keeper", value="nobody").content.decode().startswith("No record of “people”")
    # Still what the user saw, although the record's version differs.
    assert save(as_owner, pets, "keeper", value="3", version=version, seen="Bob #2").status_code == 200
    assert save(as_owner, pets, "keeper", value="1", version=version, seen="Bob #2").status_code == 409


def test_hidden_columns_stay_hidden(as_owner: Client, owner: User, people: Table) -> None:
    columns = list(people.columns.all())
    keep_layout(user=owner, table=people, order=[c.pk for c in columns], shown={columns[0].pk}, charts=False)
    assert len(read(save(as_owner, people, "name", value="New")).elements("td")) == 2


def test_a_page_without_scripts_undoes_and_returns(as_owner: Client, people: Table) -> None:
    posted = {c.attribute: "" for c in people.columns.all()} | {people.columns.get(name="name").attribute: "Dan"}
    as_owner.post("/tables/people/records/new/", posted)
    page = read(as_owner.get("/tables/people/?order_by=-id"))
    assert "Record 4 is added." in page
    [action] = [way for way in page.values("form", "action") if "/undo/" in way]
    answer = as_owner.post(action, {"word": "Undo", "next": "/tables/people/?order_by=-id"})
    assert answer.headers["Location"] == "/tables/people/?order_by=-id"
    page = read(as_owner.get(answer.headers["Location"]))
    assert "Undone: 1 record is gone again." in page
    assert "Redo" in page.words_of("button")
    assert not page.elements("tr", id="r4")
    again = as_owner.post(action, {"next": "//elsewhere.example/"})
    assert again.status_code == 409
    assert "This has already been undone." in read(again)


def test_strangers_and_viewers_undo_nothing(
    as_owner: Client, as_stranger: Client, as_colleague: Client, shared: Table
) -> None:
    answer = read(save(as_owner, shared, "name", value="New"))
    [action] = answer.values("form", "action")
    assert as_stranger.post(action).status_code == 404
    assert as_colleague.post(action).status_code == 403
    assert as_colleague.get(action).status_code == 403
    refused = as_owner.get(action)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
    assert stored(shared, "name") == "New"
    assert as_owner.post(action).status_code == 302
    assert as_owner.get(action).status_code == 405


def test_numbers_out_of_bounds_are_not_found(as_owner: Client, people: Table) -> None:
    huge = "9" * 40
    attribute = people.columns.get(name="name").attribute
    assert as_owner.get(f"/tables/people/records/{huge}/{attribute}/").status_code == 404
    assert as_owner.post(f"/tables/people/records/{huge}/{attribute}/", {"value": "x"}).status_code == 404
    assert as_owner.post(f"/tables/people/undo/{huge}/").status_code == 404
    for doing, status in (("delete", 400), ("duplicate", 404), ("set", 400)):
        posted = {"id": [huge], "do": doing, "column": attribute, "value": "x", "confirmed": "1"}
        assert as_owner.post("/tables/people/selected/", posted).status_code == status
    assert as_owner.get(f"/tables/people/records/new/?copy={huge}").status_code == 200


def test_json_that_does_not_meet_the_column_s_schema_is_said_at_the_cell(as_owner: Client, owner: User) -> None:
    rule = {"type": "object", "required": ["zip"], "properties": {"floors": {"items": {"type": "integer"}}}}
    spec = parse_column("address", {"type": "JSON", "constraints": {"json_schema": rule}})
    table = create_table(user=owner, name="houses", columns=[spec])
    insert_record(user=owner, table=table, data={"address": {"zip": "12345"}})
    answer = save(as_owner, table, "address", value='{"floors": [1, "x"]}')
    assert answer.status_code == 422
    assert answer.content.decode() == "/zip: This is missing. /floors/1: Give a whole number."
    assert stored(table, "address") == {"zip": "12345"}
    assert save(as_owner, table, "address", value='{"zip": "1", "floors": [1]}').status_code == 200
    form = as_owner.post("/tables/houses/records/new/", {table.columns.get().attribute: "[]"})
    assert form.status_code == 422
    assert "Give a JSON object." in read(form)
