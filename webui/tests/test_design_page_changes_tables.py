from __future__ import annotations

from django.test import Client

from dataengine.models import Column, Table
from webui.tests.conftest import PARTIAL
from webui.tests.pages import Page, read

DESIGN = "/tables/people/design/"


def column(name: str) -> Column:
    return Column.objects.get(table__name="people", name=name)


def change(client: Client, name: str, **values: str) -> tuple[int, Page]:
    form = {"do": "save", "name": name, "label": "", "default": "", **values}
    response = client.post(f"{DESIGN}{column(name).pk}/", form, headers=PARTIAL)
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
    assert read(as_owner.get(url)).element("h1").words == "Column email"


def test_a_column_is_renamed_labelled_and_made_required(as_owner: Client, people: Table) -> None:
    assert change(as_owner, "email", label="E-mail", unique="on")[0] == 204
    assert column("email").label == "E-mail"
    column_id = column("name").pk
    form = {"do": "save", "name": "full name", "label": "", "default": "", "required": "on", "unique": "on"}
    assert as_owner.post(f"{DESIGN}{column_id}/", form).status_code == 302
    assert column("full name").unique


def test_what_the_records_forbid_stands_at_the_field(as_owner: Client, people: Table) -> None:
    status, html = change(as_owner, "email", unique="on", required="on")
    assert status == 422
    assert "Some records have no value in this column" in html
    assert not column("email").required
    status, html = change(as_owner, "score", default="lots")
    assert status == 422
    assert "not a value of this type" in html


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


def test_the_table_is_deleted_after_a_question(as_owner: Client, people: Table) -> None:
    question = read(as_owner.get("/tables/people/delete/"))
    assert "3 records" in question
    assert Table.objects.filter(name="people").exists()
    assert as_owner.post("/tables/people/delete/").headers["Location"] == "/"
    assert not Table.objects.filter(name="people").exists()
