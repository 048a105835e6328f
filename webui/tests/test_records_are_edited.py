from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.test import Client

from dataengine.models import Table
from dataengine.records.model import record_model
from dataengine.services.records import get_record, update_record
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def field(table: Table, name: str) -> str:
    return table.columns.get(name=name).attribute


def form(table: Table, **values: str) -> dict[str, str]:
    return {column.attribute: values.get(column.name, "") for column in table.columns.all()}


def stored(table: Table, pk: int) -> dict[str, Any]:
    return get_record(table, pk).values()


def test_a_record_is_added_and_an_empty_field_is_no_value(as_owner: Client, people: Table) -> None:
    response = as_owner.post("/tables/people/records/new/", form(people, name="Dan", score="1.5", active="true"))
    assert response.headers["Location"] == "/tables/people/?order_by=-id"
    record = stored(people, 4)
    assert (record["name"], str(record["score"]), record["active"]) == ("Dan", "1.50", True)
    assert record["notes"] is None


def test_inputs_know_the_bounds_of_their_columns(as_owner: Client, people: Table) -> None:
    bounds = {
        "score": {"minimum": 0, "maximum": 99},
        "born": {"minimum": "1900-01-01", "exclusiveMaximum": "2030-01-01"},
    }
    for name, constraints in bounds.items():
        people.columns.filter(name=name).update(constraints=constraints)
    page = read(as_owner.get("/tables/people/records/new/"))
    ends = {name: page.element("input", name=field(people, name)) for name in bounds}
    assert (ends["score"]["min"], ends["score"]["max"], ends["born"]["min"]) == ("0", "99", "1900-01-01")
    assert "At least 0; at most 99." in page
    assert "1900-01-01 or later; before 2030-01-01." in page.words.casefold()


def test_errors_stand_at_the_columns_and_nothing_is_lost(as_owner: Client, people: Table) -> None:
    values = form(people, email="ann@example.com", born="soon", notes="kept")
    html = as_owner.post("/tables/people/records/new/", values)
    assert html.status_code == 422
    text = read(html)
    assert "This column needs a value." in text
    assert "Date has wrong format" in text  # in the same round
    assert text.value(field(people, "notes")) == "kept"
    again = as_owner.post("/tables/people/records/new/", values | {field(people, "name"): "Dan"})
    assert again.status_code == 422
    assert "Date has wrong format" in read(again)
    assert record_model(people).objects.count() == 3


def test_a_value_that_is_taken_is_said_at_its_column(as_owner: Client, people: Table) -> None:
    response = as_owner.post("/tables/people/records/new/", form(people, name="Dan", email="ann@example.com"))
    assert response.status_code == 422
    assert record_model(people).objects.count() == 3


def test_only_what_is_changed_changes(as_owner: Client, people: Table) -> None:
    """An untouched empty text stays '' and does not become NULL."""
    before = stored(people, 1)
    shown = form(people, name="Anna", email="ann@example.com", born="1990-05-01", score="12.50", active="true")
    assert as_owner.post("/tables/people/records/1/", shown).headers["Location"] == "/tables/people/"
    assert stored(people, 1) == before | {"name": "Anna"}


def test_a_record_is_deleted_after_a_question(as_owner: Client, people: Table) -> None:
    assert "Delete record 2?" in read(as_owner.get("/tables/people/records/2/delete/"))
    assert as_owner.post("/tables/people/records/2/delete/").status_code == 302
    assert not record_model(people).objects.filter(pk=2).exists()
    assert as_owner.get("/tables/people/records/2/").status_code == 404


def test_viewers_get_no_button(as_colleague: Client, shared: Table) -> None:
    html = read(as_colleague.get("/tables/people/records/1/"))
    assert "Save" not in html.words_of("button")
    assert "Delete record" not in html.source
    grid = read(as_colleague.get("/tables/people/"))
    assert "Add record" not in grid.source
    assert "Import CSV" not in grid.source


def test_somebody_else_was_faster(as_owner: Client, people: Table, owner: User) -> None:
    """Nothing is overwritten unseen: the form shows the present values, and saving again confirms."""
    shown = read(as_owner.get("/tables/people/records/1/"))
    posted = form(people, name="Mine", email="ann@example.com", born="1990-05-01", score="12.50", active="true")
    posted["version"] = shown.value("version")
    update_record(user=owner, table=people, pk=1, data={"name": "Theirs", "notes": "theirs too"})
    late = as_owner.post("/tables/people/records/1/", posted)
    html = read(late)
    assert late.status_code == 409
    assert "It is now “Theirs”." in html
    assert "It is now “theirs too”." in html
    assert html.value(field(people, "name")) == "Mine"
    assert stored(people, 1)["name"] == "Theirs"
    posted |= {"version": html.value("version"), field(people, "notes"): "theirs too"}
    assert as_owner.post("/tables/people/records/1/", posted).status_code == 302
    assert (stored(people, 1)["name"], stored(people, 1)["notes"]) == ("Mine", "theirs too")


def test_line_breaks_are_as_they_were(as_owner: Client, people: Table, owner: User) -> None:
    """Browsers post CR LF for each; an untouched text keeps its own."""
    update_record(user=owner, table=people, pk=1, data={"notes": "a\nb"})
    posted = form(people, name="Anna", email="ann@example.com", notes="a\r\nb")
    as_owner.post("/tables/people/records/1/", posted)
    assert (stored(people, 1)["name"], stored(people, 1)["notes"]) == ("Anna", "a\nb")
    as_owner.post("/tables/people/records/1/", posted | {field(people, "notes"): "a\r\nb\r\nc"})
    assert stored(people, 1)["notes"] == "a\nb\nc"


def test_a_record_leads_back_to_the_grid_as_it_was_left(as_owner: Client, people: Table) -> None:
    query = "score__gt=1&order_by=-name"
    left = f"/tables/people/?{query}"
    came = {"referer": f"http://testserver{left}"}
    page = read(as_owner.get("/tables/people/records/1/", headers=came))
    assert len(page.elements("a", href=left)) == 2  # the breadcrumb, and Cancel
    shown = {"name": "Ann", "email": "ann@example.com", "query": query}
    posted = {**{people.columns.get(name=name).attribute: shown[name] for name in ("name", "email")}, "query": query}
    assert as_owner.post("/tables/people/records/1/", posted).headers["Location"] == left
    asked = read(as_owner.get("/tables/people/records/1/delete/", {"query": query}))
    assert "Keep it" in asked.words_of("a", href=left)
    assert as_owner.post("/tables/people/records/1/delete/", {"query": query}).headers["Location"] == left
    # Users who came from elsewhere get the default grid.
    elsewhere = as_owner.get("/tables/people/records/2/", headers={"referer": f"http://testserver/tables/?{query}"})
    assert "Cancel" in read(elsewhere).words_of("a", href="/tables/people/")
