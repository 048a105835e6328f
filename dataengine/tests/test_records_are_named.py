"""Records are named by the first text column of their table, or by the column that the table says."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from dataengine.exceptions import InvalidInput
from dataengine.models import AuditEvent, Table
from dataengine.queries import references
from dataengine.services import trash
from dataengine.services.column_changes import change_column
from dataengine.services.copies import duplicate_table
from dataengine.services.records import insert_record
from dataengine.services.tables import name_records_by
from dataengine.tests.importing import make_table

pytestmark = pytest.mark.django_db

PEOPLE = "/api/tables/people/"


@pytest.fixture
def people(owner: User) -> Table:
    made = make_table(owner, "people", code="TEXT", name="VARCHAR(40)", born="DATE")
    for code, name in (("a1", "Ann"), ("b2", "Bob")):
        insert_record(user=owner, table=made, data={"code": code, "name": name})
    return made


def names(table: Table) -> list[str]:
    return [found["label"] for found in references.find(Table.objects.get(pk=table.pk), "")]


def test_a_table_says_by_which_column(client: APIClient, people: Table) -> None:
    assert client.get(PEOPLE).json()["named_by"] is None
    assert names(people) == ["a1", "b2"]
    changed = client.patch(PEOPLE, {"named_by": "name"})
    assert (changed.status_code, changed.json()["named_by"]) == (200, "name")
    assert names(people) == ["Ann", "Bob"]
    assert client.get("/api/list-tables/").json()["results"][0]["named_by"] == "name"
    assert AuditEvent.objects.filter(action="table.relabelled").latest("pk").details == {"named_by": "name"}
    back = client.put("/api/update-table/", {"table_name": "people", "named_by": None})
    assert (back.status_code, back.json()["named_by"]) == (200, None)
    assert names(people) == ["a1", "b2"]


def test_references_show_that_name(owner: User, people: Table) -> None:
    name_records_by(user=owner, table=people, column=people.columns.get(name="name"))
    visits = make_table(owner, "visits", who="REFERENCES people")
    record = insert_record(user=owner, table=visits, data={"who": 2})
    who = visits.columns.get()
    assert references.labels(owner, [record]) == {who.attribute: {2: "Bob"}}
    fresh = Table.objects.get(pk=people.pk)
    assert references.resolve(fresh, "Ann") == 1
    with pytest.raises(InvalidInput):
        references.resolve(fresh, "a1")


@pytest.mark.parametrize(
    ("named_by", "reason"),
    [("born", "A date column cannot name records"), ("nothing", "no column with that name"), (7, ""), ("", "")],
)
def test_what_cannot_name_records_is_refused(named_by: object, reason: str, client: APIClient, people: Table) -> None:
    answer = client.patch(PEOPLE, {"named_by": named_by}, format="json")
    assert answer.status_code == 400
    assert reason in " ".join(answer.json()["error"]["fields"]["named_by"])
    assert client.get(PEOPLE).json()["named_by"] is None


def test_a_column_that_is_gone_or_no_text_any_more_names_none(owner: User, people: Table) -> None:
    column = people.columns.get(name="name")
    name_records_by(user=owner, table=people, column=column)
    item = trash.delete_column(user=owner, table=people, column=column)
    assert names(people) == ["a1", "b2"]
    trash.restore(user=owner, item=item)
    assert names(people) == ["Ann", "Bob"]
    trash.purge(user=owner, item=trash.delete_column(user=owner, table=people, column=column))
    assert Table.objects.get(pk=people.pk).naming_column is None
    code = people.columns.get(name="code")
    name_records_by(user=owner, table=people, column=code)
    change_column(user=owner, table=people, column=code, changes={"column_type": "JSON"}, on_failure="null")
    assert names(people) == ["#1", "#2"]


def test_a_duplicate_names_them_alike(owner: User, people: Table) -> None:
    named = name_records_by(user=owner, table=people, column=people.columns.get(name="name"))
    made, _ = duplicate_table(user=owner, source=named, name="again", with_records=True)
    assert names(made) == ["Ann", "Bob"]
    assert made.naming_column != named.naming_column
