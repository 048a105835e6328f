"""A new table's form is filled in from a text: headers, rows, CREATE TABLE, JSON Schema. Nothing is made by that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from dataengine.models import Table
from webui.designer import designer
from webui.tests.conftest import PARTIAL
from webui.tests.pages import Page, fields_of, read
from webui.tests.test_designer_makes_tables import names_in, posted

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def pasted(client: Client, text: str, *rows: dict[str, str], name: str = "") -> Page:
    answer = client.post("/tables/new/", {**posted("paste", name, *rows), "sketch": text}, headers=PARTIAL)
    assert answer.status_code in {200, 422}
    page = read(answer)
    assert (answer.status_code == 422) == bool(page.elements("ul", id="id_sketch_error"))
    assert not Table.objects.filter(name="made").exists()
    return page


def types_in(page: Page) -> list[str]:
    return [page.value(f"columns-{number}-type") for number in range(len(names_in(page)))]


def test_rows_are_read_like_an_import(as_owner: Client) -> None:
    page = pasted(as_owner, "Full Name;born;price;ok\nAnn;31.12.2024;1.234,50;yes\nBob;01.02.2023;7,25;no\n")
    assert names_in(page) == ["full_name", "born", "price", "ok"]
    assert types_in(page) == ["TEXT", "DATE", "NUMERIC", "BOOLEAN"]
    assert page.value("columns-0-label") == "Full Name"
    assert "4 columns; types found in 2 rows." in page
    spreadsheet = pasted(as_owner, "a\tb\n1\tx\n2\ty\n")
    assert types_in(spreadsheet) == ["INTEGER", "TEXT"]
    documents = pasted(as_owner, '{"a": 1, "b": "x"}\n{"a": 2, "b": null, "c": true}\n')
    assert names_in(documents) == ["a", "b", "c"]


@pytest.mark.parametrize("text", ["Full Name,email,since", "Full Name\temail\tsince", "Full Name\nemail\nsince\n"])
def test_headers_alone_make_text_columns(text: str, as_owner: Client) -> None:
    page = pasted(as_owner, text)
    assert names_in(page) == ["full_name", "email", "since"]
    assert set(types_in(page)) == {"TEXT"}
    assert page.value("columns-0-label") == "Full Name"


def test_a_create_table_fills_the_form_which_then_makes_the_table(as_owner: Client, people: Table) -> None:
    text = (
        'CREATE TABLE public."made" (id bigserial primary key, email varchar(80) NOT NULL UNIQUE,'
        " price numeric(8,2) DEFAULT 1.5 CHECK (price >= 0), kind text CHECK (kind IN ('a','b')),"
        " who int REFERENCES people(id), area polygon);"
    )
    page = pasted(as_owner, text)
    assert page.value("table_name") == "made"
    assert "“area”: polygon is no type here" in page
    form = fields_of(page) | {"do": "create"}
    assert as_owner.post("/tables/new/", form).headers["Location"] == "/tables/made/"
    columns = {c.name: c for c in Table.objects.get(name="made").columns.all()}
    assert [c.sql_text for c in columns.values()] == [
        "VARCHAR(80)", "NUMERIC(8,2)", "CHOICE('a','b')", "REFERENCES people", "TEXT",
    ]  # fmt: skip
    assert (columns["email"].unique, columns["email"].required) == (True, True)
    assert (columns["price"].default, columns["price"].constraints) == ("1.5", {"minimum": 0})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "Paste something first."),
        (" \n ", "Paste something first."),
        ("CREATE TABLE made (a int); DROP TABLE people; SELECT 1", "besides “made” it holds DROP, SELECT"),
        ("CREATE TABLE made (a int); CREATE TABLE other (a int)", "CREATE TABLE “other”"),
        ("CREATE TABLE made (a", "This SQL cannot be read"),
        ('{"type": "object", "properties": {"a": {"type": "fish"}}}', "not a JSON Schema"),
        ('{"type": "object", "properties": {"a": {"type": "string", "const": 1}}}', "a: A column for string"),
        ('{"table_name": "made", "fields": {"a": "FISH"}}', "“FISH” is not a column type"),
        ('{"a": ', "This JSON cannot be read at line 1"),
        ("[" * 100_000, "nested too deeply"),
        ("a,b\n" + "x" * 200_000, "Import it as a file"),
    ],
)
def test_what_cannot_be_read_says_why_and_keeps_the_text(
    text: str, complaint: str, as_owner: Client, people: Table
) -> None:
    page = pasted(as_owner, text, {"name": "kept"}, name="kept_name")
    assert complaint in page.element("ul", id="id_sketch_error").words
    assert names_in(page) == ["kept"]
    assert page.value("table_name") == "kept_name"
    assert page.value("sketch").strip() == text.strip()
    assert Table.objects.filter(name="people").exists()


def test_what_was_typed_stays_before_what_is_pasted(as_owner: Client) -> None:
    page = pasted(as_owner, "CREATE TABLE made (b int)", {"name": "a", "type": "DATE"}, {"name": ""}, name="mine")
    assert names_in(page) == ["a", "b"]
    assert types_in(page) == ["DATE", "INTEGER"]
    assert page.value("table_name") == "mine"


def test_more_columns_than_a_form_holds_are_cut_and_told(as_owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(designer, "MAX_ROWS", 40)  # the page of all 400 takes half a minute to read
    page = pasted(as_owner, ",".join(f"c{number}" for number in range(45)))
    assert len(names_in(page)) == 40
    assert "Only the first 40 of them are here" in page


def test_a_tables_definition_makes_the_same_table(as_owner: Client, owner: User, people: Table) -> None:
    """JSON Schema comes back exactly; SQL has no labels, and its types are PostgreSQL's."""
    described = {
        "table_name": "goods",
        "label": "Goods",
        "description": "What we sell.",
        "fields": {
            "code": {"type": "VARCHAR(8) UNIQUE NOT NULL", "label": "Code", "constraints": {"pattern": "^[A-Z]"}},
            "price": {"type": "NUMERIC(8,2)", "constraints": {"exclusiveMinimum": 0}, "default": 1.5,
                      "display": {"style": "currency", "currency": "CHF"}},
            "mail": {"type": "EMAIL", "unique": "exact", "description": "Where to ask."},
            "size": {"type": "CHOICE('s','m, l')"},
            "who": {"type": "REFERENCES people"},
            "box": {"type": "JSON", "constraints": {"json_schema": {"type": "object", "required": ["h"]}}},
        },
    }  # fmt: skip
    page = pasted(as_owner, json.dumps(described))
    assert as_owner.post("/tables/new/", fields_of(page) | {"do": "create"}).status_code == 302
    goods = Table.objects.get(name="goods")
    assert (goods.label, goods.description) == ("Goods", "What we sell.")
    schema = as_owner.get("/tables/goods/definition/?format=json").content.decode()
    again = pasted(as_owner, schema)
    form = fields_of(again) | {"do": "create", "table_name": "again"}
    assert as_owner.post("/tables/new/", form).status_code == 302
    other = Table.objects.get(name="again")
    assert [column.to_spec() for column in other.all_columns()] == [column.to_spec() for column in goods.all_columns()]
    sql = as_owner.get("/tables/again/definition/?format=sql").content.decode().split(";")[0]
    read_back = pasted(as_owner, sql)
    assert names_in(read_back) == ["code", "price", "mail", "size", "who", "box"]
    assert read_back.value("columns-3-choices").split("\r\n")[0].split("\n") == ["s", "m, l"]
