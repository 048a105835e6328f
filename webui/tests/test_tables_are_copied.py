"""A table is duplicated, and its definition is given out, by whoever may see it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from dataengine.models import Table
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

DUPLICATE = "/tables/people/duplicate/"


def test_a_table_is_duplicated_with_its_records(as_owner: Client, people: Table) -> None:
    page = read(as_owner.get(DUPLICATE))
    assert page.value("table_name") == "people_copy"
    answer = as_owner.post(DUPLICATE, {"table_name": "people_copy", "with_records": "on"})
    assert answer.headers["Location"] == "/tables/people_copy/"
    grid = read(as_owner.get("/tables/people_copy/"))
    assert [record["name"] for record in grid.records()] == ["Ann", "Bob", "Cleo <b>"]
    assert "a copy of “People we know”" in grid
    assert read(as_owner.get(DUPLICATE)).value("table_name") == "people_copy_2"


def test_a_table_is_duplicated_without_its_records(as_owner: Client, people: Table) -> None:
    assert as_owner.post(DUPLICATE, {"table_name": "empty"}).status_code == 302
    assert read(as_owner.get("/tables/empty/")).records() == []
    made = Table.objects.get(name="empty")
    assert [c.to_spec() for c in made.all_columns()] == [c.to_spec() for c in people.all_columns()]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "The copy needs a name."),
        ("select", "reserved word"),
        ("people", "This name is taken."),
        ("PEOPLE", "taken"),
    ],
)
def test_a_name_that_will_not_do_says_why(name: str, complaint: str, as_owner: Client, people: Table) -> None:
    answer = as_owner.post(DUPLICATE, {"table_name": name, "with_records": "on"})
    assert answer.status_code == 422
    assert complaint in read(answer).element("ul", class_="errorlist").words
    assert Table.objects.count() == 1


def test_whoever_sees_it_may_copy_it(as_colleague: Client, as_stranger: Client, shared: Table, colleague: User) -> None:
    assert as_stranger.get(DUPLICATE).status_code == 404
    assert as_stranger.get("/tables/people/definition/").status_code == 404
    assert "Duplicate" in read(as_colleague.get("/tables/people/"))
    assert as_colleague.post(DUPLICATE, {"table_name": "mine", "with_records": "on"}).status_code == 302
    assert Table.objects.get(name="mine").owner == colleague


def test_the_definition_is_shown_and_downloaded(as_owner: Client, people: Table) -> None:
    page = read(as_owner.get("/tables/people/definition/"))
    assert page.element("textarea", id="sql").text.lstrip().startswith("CREATE TABLE")
    schema = json.loads(page.element("textarea", id="json").text)
    assert schema["properties"]["email"]["format"] == "email"
    file = as_owner.get("/tables/people/definition/?format=sql")
    assert file.headers["Content-Type"] == "application/sql; charset=utf-8"
    assert page.element("textarea", id="sql").text.strip() == file.content.decode().strip()
    assert as_owner.get("/tables/people/definition/?format=json").json() == schema
