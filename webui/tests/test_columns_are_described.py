"""What a column is for is said wherever somebody meets it: in the grid's heads, in forms, in the table's schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from dataengine.models import Table
from dataengine.services.column_changes import alter_column
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SAID = "How well <they> did,\nof 100."


@pytest.fixture
def described(people: Table, owner: User) -> Table:
    column = people.columns.get(name="score")
    alter_column(user=owner, table=people, column=column, changes={"description": SAID})
    return people


def test_a_description_is_help_in_heads_forms_and_schema(as_owner: Client, described: Table) -> None:
    attribute = described.columns.get(name="score").attribute
    head = read(as_owner.get("/tables/people/")).element("th", data_column=attribute)
    assert head.element("a", title=f"{SAID}\nNUMERIC(6,2)")
    form = read(as_owner.get("/tables/people/records/1/"))
    assert form.element("p", id=f"id_{attribute}_helptext").words == "How well <they> did, of 100."
    assert form.element("input", name=attribute)["aria-describedby"] == f"id_{attribute}_helptext"
    schema = as_owner.get("/tables/people/definition/?format=json").json()
    assert schema["properties"]["score"]["description"] == SAID
    assert "How well <they> did" in read(as_owner.get("/tables/people/design/"))
