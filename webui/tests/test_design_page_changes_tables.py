from __future__ import annotations

from typing import TYPE_CHECKING

from django.test import Client

from dataengine.models import Column, Table
from webui.tests.conftest import PARTIAL, make_table
from webui.tests.pages import Page, fields_of, read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

DESIGN = "/tables/people/design/"


def column(name: str) -> Column:
    return Column.objects.get(table__name="people", name=name)


def row_of(client: Client, name: str) -> dict[str, str]:
    """What a browser would post of a column's open row."""
    return fields_of(read(client.get(f"{DESIGN}{column(name).pk}/", headers=PARTIAL)))


def change(client: Client, name: str, **values: str | None) -> tuple[int, Page]:
    """Save a column's row with some of its fields filled in differently; None unticks a box."""
    form = {**row_of(client, name), "do": "save", **values}
    sent = {field: value for field, value in form.items() if value is not None}
    response = client.post(f"{DESIGN}{column(name).pk}/", sent, headers=PARTIAL)
    return response.status_code, read(response)


def test_a_column_is_added(as_owner: Client, people: Table) -> None:
    form = {"do": "add", "name": "height", "type": "INTEGER", "details": "", "default": "170"}
    assert as_owner.post(DESIGN, form).headers["Location"] == DESIGN
    assert column("height").sql_text == "INTEGER"
    assert "The column “height” is added." in read(as_owner.get(DESIGN))


def test_a_column_that_cannot_be_added_says_why_and_keeps_what_was_typed(as_owner: Client, people: Table) -> None:
    for name, extra, complaint in (
        ("name", {}, "This table already has a column with that name."),
        ("size", {"required": "on"}, "Give a default"),
        ("id", {}, "reserved for Tablekeep"),
    ):
        form = {"do": "add", "name": name, "type": "INTEGER", "details": "", "default": "", **extra}
        response = as_owner.post(DESIGN, form)
        assert response.status_code == 422
        html = read(response)
        assert complaint in html
        assert html.value("name") == name


def test_the_change_form_comes_as_a_part_and_as_a_page(as_owner: Client, people: Table) -> None:
    url = f"{DESIGN}{column('email').pk}/"
    assert read(as_owner.get(url, headers=PARTIAL)).outermost["class"] == "column-edit"
    page = read(as_owner.get(url))
    assert page.element("h1").words == "Design of People we know"
    assert page.element("form", action=url, data_check="").elements("input", name="name")[0]["value"] == "email"
    assert len(page.elements("tr", class_="column-edit")) == 1


def test_a_column_is_renamed_labelled_and_made_required(as_owner: Client, people: Table) -> None:
    assert change(as_owner, "email", label="E-mail", unique="on")[0] == 200
    assert column("email").label == "E-mail"
    column_id = column("name").pk
    form = row_of(as_owner, "name") | {"do": "save", "name": "full name", "required": "on", "unique": "on"}
    assert as_owner.post(f"{DESIGN}{column_id}/", form).status_code == 302
    assert column("full name").unique


def test_a_unique_column_may_ignore_case_or_not(as_owner: Client, people: Table) -> None:
    assert (column("email").unique, column("email").unique_ignores_case) == (True, True)
    html = read(as_owner.get(f"{DESIGN}{column('email').pk}/"))
    assert html.value("case") == "ignore_case"
    assert change(as_owner, "email", label="E-mail", unique="on", case="ignore_case")[0] == 200
    assert column("email").unique_ignores_case
    assert change(as_owner, "email", unique="on", case="exact")[0] == 200
    assert (column("email").unique, column("email").unique_ignores_case) == (True, False)
    assert change(as_owner, "name", unique="on", case="ignore_case")[0] == 200
    assert (column("name").unique, column("name").unique_ignores_case) == (True, True)
    assert change(as_owner, "name", unique=None)[0] == 200
    assert not column("name").unique
    assert change(as_owner, "score", unique="on")[0] == 200
    assert (column("score").unique, column("score").unique_ignores_case) == (True, False)


def test_a_saved_row_closes_in_place_and_says_so(as_owner: Client, people: Table) -> None:
    status, row = change(as_owner, "score", label="Points", default="5")
    assert status == 200
    assert row.element("strong").words == "Points"
    assert "The column “score” is changed." in row
    closed = read(as_owner.get(f"{DESIGN}{column('score').pk}/?closed", headers=PARTIAL))
    assert closed.element("strong").words == "Points"
    assert not closed.elements("input", name="name")


def test_an_index_is_ticked_at_its_column(as_owner: Client, people: Table) -> None:
    assert change(as_owner, "score", indexed="on")[0] == 200
    assert column("score").index_or_none
    assert "indexed" in read(as_owner.get(DESIGN)).words_of("span", class_="rule")
    assert change(as_owner, "score", indexed=None)[0] == 200
    assert column("score").index_or_none is None
    form = {"do": "add", "name": "height", "type": "INTEGER", "indexed": "on", "minimum": "0"}
    assert as_owner.post(DESIGN, form).status_code == 302
    assert column("height").index_or_none
    assert column("height").constraints == {"minimum": 0}


def test_a_list_can_have_an_index_as_on_the_page_of_indexes(as_owner: Client, people: Table) -> None:
    assert as_owner.post(DESIGN, {"do": "add", "name": "tags", "type": "TEXT[]"}).status_code == 302
    [kind] = read(as_owner.get(DESIGN)).elements("option", value="TEXT[]")
    assert "index" in kind["data-takes"].split()
    assert change(as_owner, "tags", indexed="on")[0] == 200
    assert column("tags").index_or_none


def test_columns_are_put_in_their_places_for_everybody(as_owner: Client, people: Table) -> None:
    def names() -> list[str]:
        return list(people.columns.values_list("name", flat=True))

    def move(name: str, place: str, **headers: str) -> int:
        form = {"do": "place", "place": place}
        return as_owner.post(f"{DESIGN}{column(name).pk}/", form, headers=headers).status_code

    assert move("active", place="0", **PARTIAL) == 204
    assert names() == ["active", "name", "email", "born", "score", "notes"]
    assert move("active", place="99") == 302
    assert names() == ["name", "email", "born", "score", "notes", "active"]
    assert move("active", place="x") == 302
    assert as_owner.post(f"{DESIGN}{column('email').pk}/", {"do": "up"}, headers=PARTIAL).status_code == 204
    assert names() == ["email", "name", "born", "score", "notes", "active"]


def test_changes_are_checked_while_they_are_typed(as_owner: Client, people: Table, owner: User) -> None:
    make_table(owner, "pets", {"name": "TEXT"})
    url, key = f"{DESIGN}{column('score').pk}/", f"id_{column('score').pk}_"
    form = row_of(as_owner, "score") | {"do": "check", "name": "Email", "default": "lots"}
    errors = as_owner.post(url, form, headers=PARTIAL).json()["errors"]
    assert "differ only in upper and lower case" in errors[f"{key}name"][0]
    assert "not a value of this type" in errors[f"{key}default"][0]
    assert as_owner.post(url, form | {"name": "points", "default": "5"}, headers=PARTIAL).json() == {"errors": {}}
    assert column("score").default is None
    added = {"do": "check", "name": "name", "type": "INTEGER", "default": "x"}
    errors = as_owner.post(DESIGN, added, headers=PARTIAL).json()["errors"]
    assert list(errors) == ["id_new_name", "id_new_default"]
    for name, complaint in (("people", None), ("PEOPLE", None), ("pets", "taken"), ("select", "reserved word")):
        errors = as_owner.post(DESIGN, {"do": "check", "table_name": name}, headers=PARTIAL).json()["errors"]
        assert (complaint or "") in errors.get("id_table_name", [""])[0]
        assert bool(errors) == bool(complaint)
    assert people.columns.count() == 6


def test_what_the_records_forbid_is_shown_before_anything_is_done(as_owner: Client, people: Table) -> None:
    status, html = change(as_owner, "email", required="on")
    assert status == 422
    assert "What this would do to 3 records" in html
    assert "1 that do not fit" in html.element("ul", class_="rehearsal-figures").words
    assert "record 3" in html.words_of("a")
    assert "Give a default" in html or "give a default" in html
    assert not column("email").required
    status, html = change(as_owner, "score", default="lots")
    assert status == 422
    assert "not a value of this type" in html.element("ul", class_="errorlist").words


def test_a_column_is_deleted_after_a_question(as_owner: Client, people: Table) -> None:
    url = f"{DESIGN}{column('notes').pk}/"
    assert "It goes to the trash and can be restored for 30 days" in read(as_owner.get(f"{url}?drop", headers=PARTIAL))
    assert as_owner.post(url, {"do": "delete"}).status_code == 302
    assert not people.columns.filter(name="notes").exists()
    assert as_owner.get(url).status_code == 404


def test_the_table_is_renamed_and_found_under_its_new_name(as_owner: Client, people: Table) -> None:
    response = as_owner.post(DESIGN, {"do": "save", "table_name": "persons", "label": "Persons"})
    assert response.headers["Location"] == "/tables/persons/design/"
    assert as_owner.get("/tables/people/").status_code == 404
    assert "Ann" in read(as_owner.get("/tables/persons/"))


def test_the_table_says_by_what_its_records_are_named(as_owner: Client, people: Table) -> None:
    page = read(as_owner.get(DESIGN))
    select = page.element("select", name="named_by")
    assert select.words_of("option") == ["the first text, name", "name", "email", "notes"]
    form = {"do": "save", "table_name": "people", "label": "", "named_by": str(column("email").pk)}
    assert as_owner.post(DESIGN, form).status_code == 302
    assert read(as_owner.get(DESIGN)).value("named_by") == str(column("email").pk)
    option = read(as_owner.get("/tables/new/")).element("datalist", id="referable").elements("option")[0]
    assert option["label"] == "people: its records are named by email"
    assert as_owner.post(DESIGN, form | {"named_by": "999999"}).status_code == 422
    assert as_owner.post(DESIGN, form | {"named_by": ""}).status_code == 302
    assert Table.objects.get(name="people").naming_column is None


def test_the_table_is_deleted_after_a_question(as_owner: Client, people: Table) -> None:
    question = read(as_owner.get("/tables/people/delete/"))
    assert "3 records" in question
    assert Table.objects.filter(name="people").exists()
    assert as_owner.post("/tables/people/delete/").headers["Location"] == "/"
    assert not Table.objects.filter(name="people").exists()
