from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from dataengine.models import Table
from webui.tests.conftest import PARTIAL
from webui.tests.pages import Page, fields_of, read

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def posted(do: str, name: str = "customers", *rows: dict[str, str]) -> dict[str, str]:
    """The designer's form as posted by a browser."""
    data = {"do": do, "table_name": name, "label": "", "rows": str(len(rows))}
    for number, row in enumerate(rows):
        for key, value in {"type": "TEXT", "details": "", "default": "", **row}.items():
            data[f"columns-{number}-{key}"] = value
    return data


def names_in(page: Page) -> list[str]:
    fields = [field["name"] for field in page.elements("input", type="text")]
    return [page.value(name) for name in fields if re.fullmatch(r"columns-\d+-name", name)]


def test_examples_in_the_help_are_set_as_code(as_owner: Client) -> None:
    examples = read(as_owner.get("/tables/new/")).words_of("code")
    assert {"customers", "^[A-Z]{2}[0-9]+$"} <= set(examples)


def test_a_table_is_made_with_all_that_was_said(as_owner: Client) -> None:
    form = posted(
        "create",
        "customers",
        {"name": "email", "type": "EMAIL", "unique": "on", "required": "on"},
        {"name": "code", "type": "VARCHAR", "details": "20", "default": "none"},
        {"name": "price", "type": "NUMERIC", "details": "8, 2"},
        {"name": "colour", "type": "CHOICE", "choices": "red\r\nit's, well, blue\r\n\r\n"},
    )
    response = as_owner.post("/tables/new/", form)
    assert response.headers["Location"] == "/tables/customers/"
    columns = {c.name: c for c in Table.objects.get(name="customers").columns.all()}
    assert list(columns) == ["email", "code", "price", "colour"]
    assert (columns["email"].unique, columns["email"].required) == (True, True)
    assert (columns["code"].sql_text, columns["code"].default) == ("VARCHAR(20)", "none")
    assert columns["price"].sql_text == "NUMERIC(8,2)"
    assert columns["colour"].parameters == {"choices": ["red", "it's, well, blue"]}


def test_a_unique_column_may_ignore_case(as_owner: Client) -> None:
    form = posted(
        "create",
        "codes",
        {"name": "mail", "type": "EMAIL", "unique": "on", "case": ""},
        {"name": "login", "type": "TEXT", "unique": "on", "case": "ignore_case"},
        {"name": "exact", "type": "EMAIL", "unique": "on", "case": "exact"},
        {"name": "plain", "type": "TEXT", "unique": "on"},
        {"name": "no", "type": "TEXT", "case": "ignore_case"},
    )
    assert as_owner.post("/tables/new/", form).status_code == 302
    columns = {c.name: (c.unique, c.unique_ignores_case) for c in Table.objects.get(name="codes").columns.all()}
    assert columns == {
        "mail": (True, True), "login": (True, True), "exact": (True, False), "plain": (True, False),
        "no": (False, False),
    }  # fmt: skip
    assert "unique, whatever the case" in read(as_owner.get("/tables/codes/design/"))


def test_a_column_may_refer_to_a_table(as_owner: Client, people: Table) -> None:
    form = posted("create", "visits", {"name": "who", "type": "REFERENCES", "references": "people"})
    assert as_owner.post("/tables/new/", form).status_code == 302
    assert Table.objects.get(name="visits").columns.get().references == people


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("add", ["a", "b", "c", ""]),
        ("remove:1", ["a", "c"]),
        ("up:2", ["a", "c", "b"]),
        ("up:0", ["a", "b", "c"]),
        ("down:0", ["b", "a", "c"]),
        ("down:2", ["a", "b", "c"]),
        ("remove:9", ["a", "b", "c"]),
        ("move:2:0", ["c", "a", "b"]),
        ("move:0:9", ["b", "c", "a"]),
        ("move:9:0", ["a", "b", "c"]),
        ("move:1", ["a", "b", "c"]),
        ("nonsense:x", ["a", "b", "c"]),
    ],
)
def test_rows_are_added_moved_and_removed_without_judging(do: str, expected: list[str], as_owner: Client) -> None:
    form = posted(do, "not a ! name", {"name": "a"}, {"name": "b", "unique": "on"}, {"name": "c"})
    response = as_owner.post("/tables/new/", form, headers=PARTIAL)
    html = read(response)
    assert response.status_code == 200
    assert names_in(html) == expected
    assert html.value("table_name") == "not a ! name"
    assert not html.elements("ul", class_="errorlist")
    assert not Table.objects.exists()


@pytest.mark.parametrize(
    ("name", "row", "complaint"),
    [
        ("", {"name": "a"}, "A table needs a name."),
        ("select", {"name": "a"}, "reserved word"),
        ("a.b", {"name": "a"}, "must begin with a letter"),
        ("é" * 40, {"name": "a"}, "80 bytes long"),
        ("ok", {"name": ""}, "A column needs a name."),
        ("ok", {"name": "a", "type": "JSON", "json_schema": "[1]"}, "Give a JSON object."),
        ("ok", {"name": "a", "type": "JSON", "json_schema": '{"type": "fish"}'}, "/type: Give “array”, “boolean”"),
        ("ok", {"name": "ctid"}, "system column"),
        ("ok", {"name": "Robert'); DROP TABLE x"}, "contain only letters"),
        ("ok", {"name": "a", "type": "CHOICE"}, "Give at least one choice."),
        ("ok", {"name": "a", "type": "NUMERIC", "details": "2, 9"}, "scale cannot be greater"),
        ("ok", {"name": "a", "type": "REFERENCES", "references": "nowhere"}, "no table “nowhere”"),
        ("ok", {"name": "a", "type": "INTEGER", "default": "many"}, "not a value of this type"),
        ("ok", {"name": "a", "type": "JSON", "unique": "on"}, "cannot be unique"),
        ("ok", {"name": "a", "type": "DATE", "unique": "on", "case": "ignore_case"}, "no upper and lower case"),
        ("ok", {"name": "a", "type": "BLOB"}, "Select a valid choice"),
        ("ok", {"name": "a", "type": "CHOICE", "unique": "on", "case": "upper"}, "Select a valid choice"),
        ("ok", {"name": "a", "type": "CHOICE", "choices": "a\0b"}, "Null characters are not allowed"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_made(
    name: str, row: dict[str, str], complaint: str, as_owner: Client
) -> None:
    response = as_owner.post("/tables/new/", posted("create", name, row, {"name": "kept"}))
    html = read(response)
    assert response.status_code == 422
    assert complaint in html
    assert "kept" in names_in(html)
    assert not Table.objects.exists()


def test_all_that_can_be_said_of_a_column_is_kept(as_owner: Client) -> None:
    form = posted(
        "create",
        "goods",
        {"name": "price", "type": "NUMERIC", "minimum": "> 0", "maximum": "99.5", "display": "EUR", "indexed": "on"},
        {"name": "code", "label": "Code", "description": "As printed.", "min_length": "2", "max_length": "5"},
        {"name": "mark", "type": "TEXT", "pattern": "^[A-Z]+$", "minimum": "7", "display": "percent"},
        {"name": "share", "type": "INTEGER", "display": "percent", "pattern": "ignored", "indexed": ""},
        {"name": "more", "type": "JSON", "indexed": "on"},
        {"name": "day", "type": "DATE", "minimum": "2024-01-01", "maximum": "< 2025-01-01"},
        {"name": "took", "type": "DURATION", "minimum": "> 0:00:00", "maximum": "90 min"},
    )
    form["description"] = "What we sell."
    assert as_owner.post("/tables/new/", form).status_code == 302
    table = Table.objects.get(name="goods")
    assert table.description == "What we sell."
    columns = {c.name: c for c in table.columns.all()}
    assert columns["price"].constraints == {"exclusiveMinimum": 0, "maximum": 99.5}
    assert columns["price"].display == {"style": "currency", "currency": "EUR"}
    assert (columns["code"].label, columns["code"].description) == ("Code", "As printed.")
    assert columns["code"].constraints == {"minLength": 2, "maxLength": 5}
    # What does not apply to the type chosen in the end is ignored.
    assert (columns["mark"].constraints, columns["mark"].display) == ({"pattern": "^[A-Z]+$"}, {})
    assert (columns["share"].constraints, columns["share"].display) == ({}, {"style": "percent"})
    assert columns["day"].constraints == {"minimum": "2024-01-01", "exclusiveMaximum": "2025-01-01"}
    assert columns["took"].constraints == {"exclusiveMinimum": "PT0S", "maximum": "PT1H30M"}
    assert {name for name, column in columns.items() if column.index_or_none} == {"price"}
    page = read(as_owner.get("/tables/goods/design/"))
    for rule in (
        "> 0",
        "≤ 99.5",
        "shown in €",
        "2 to 5 characters",
        "like ^[A-Z]+$",
        "shown in per cent",
        "indexed",
        "< 2025-01-01",
        "≤ 1:30:00",
    ):
        assert page.elements("span", class_="rule")
        assert rule in page.words_of("span", class_="rule")


@pytest.mark.parametrize(
    ("row", "field", "complaint"),
    [
        ({"type": "INTEGER", "minimum": "many"}, "minimum", "Give a number, or > and a number."),
        ({"type": "INTEGER", "minimum": "< 5"}, "minimum", "Give a number, or > and a number."),
        ({"type": "INTEGER", "maximum": "> 5"}, "maximum", "Give a number, or < and a number."),
        ({"type": "DATE", "minimum": "31.12."}, "minimum", "Give a date like 2024-01-31, or > and a date like"),
        ({"type": "REAL", "maximum": "1e999"}, "maximum", "too large"),
        ({"type": "INTEGER", "minimum": "5", "maximum": "4"}, "minimum", "minimum is greater than maximum"),
        ({"min_length": "-1"}, "min_length", "Give a whole number."),
        ({"max_length": "²"}, "max_length", "Give a whole number."),
        ({"pattern": "("}, "pattern", "does not understand this pattern"),
        ({"type": "INTEGER", "default": "3", "minimum": "5"}, "default", "not a value of this type"),
        ({"type": "REFERENCES", "references": "nowhere"}, "references", "no table “nowhere”"),
        ({"type": "REFERENCES"}, "references", "Give the table to which it refers."),
        ({"type": "CHOICE"}, "choices", "Give at least one choice."),
        ({"type": "VARCHAR", "details": "long"}, "details", "length as whole numbers"),
        ({"type": "JSON", "unique": "on"}, "unique", "cannot be unique"),
    ],
)
def test_each_error_stands_at_its_own_input_also_while_it_is_typed(
    row: dict[str, str], field: str, complaint: str, as_owner: Client
) -> None:
    data = {"name": "a", **row}
    html = read(as_owner.post("/tables/new/", posted("create", "ok", data)))
    assert complaint in html.element("ul", class_="errorlist", id=f"id_columns-0-{field}_error").words
    answer = as_owner.post("/tables/new/", posted("check", "ok", data), headers=PARTIAL)
    assert answer.status_code == 200
    [said] = answer.json()["errors"][f"id_columns-0-{field}"]
    assert complaint in said
    assert not Table.objects.exists()


def test_a_check_tells_all_that_create_would_and_makes_nothing(as_owner: Client, people: Table) -> None:
    form = posted("check", "people", {"name": "a", "type": "DATE", "default": "soon"}, {"name": "A"}, {"name": "b c"})
    errors = as_owner.post("/tables/new/", form, headers=PARTIAL).json()["errors"]
    assert errors["id_table_name"] == ["This name is taken."]
    assert "differ only in upper and lower case" in errors["id_columns-1-name"][0]
    assert Table.objects.count() == 1
    assert as_owner.post("/tables/new/", posted("check", "free", {"name": "x"})).json() == {"errors": {}}


def test_types_are_grouped_by_what_they_are_for_with_a_sample(as_owner: Client) -> None:
    page = read(as_owner.get("/tables/new/"))
    groups = page.values("optgroup", "label")
    assert groups[:5] == ["Text", "Number", "Yes or no", "Date and time", "Contact"]
    assert page.words_of("option", value="NUMERIC") == ["Decimal number — 12.50 · NUMERIC"]
    assert all(len(text.split(" — ")) == 2 for text in page.words_of("option", data_takes="case lengths"))
    [number] = page.elements("option", value="NUMERIC")
    assert number["data-takes"].split() == ["details", "limits", "display", "index"]


def test_every_error_shows_at_once(as_owner: Client) -> None:
    html = read(as_owner.post("/tables/new/", posted("create", "select", {"name": "a'b"}, {"name": ""})))
    assert len(html.elements("ul", class_="errorlist")) == 3


def test_a_name_that_is_taken_says_no_more_than_that(as_stranger: Client, people: Table) -> None:
    for name in ("people", "PEOPLE"):
        html = read(as_stranger.post("/tables/new/", posted("create", name, {"name": "a"})))
        assert "This name is taken" in html
        assert "owner" not in html.source


def test_two_columns_of_one_name_are_refused_at_the_second(as_owner: Client) -> None:
    html = read(as_owner.post("/tables/new/", posted("create", "t", {"name": "a"}, {"name": "A"})))
    assert "differ only in upper and lower case" in html


def test_the_page_begins_with_one_row(as_owner: Client, owner: User) -> None:
    html = read(as_owner.get("/tables/new/"))
    assert len(html.elements("label", for_="id_columns-0-name")) == 1
    assert names_in(html) == [""]


def test_many_rows_leave_out_what_is_closed_and_empty(as_owner: Client) -> None:
    rows = [{"name": f"c{number}"} for number in range(50)]
    rows[7]["default"] = "x"
    few = read(as_owner.post("/tables/new/", posted("add", "wide", *rows[:10])))
    assert len(few.elements("details", class_="disclosure column-more")) == 11
    many = read(as_owner.post("/tables/new/", posted("add", "wide", *rows)))
    assert len(many.elements("details", class_="disclosure column-more")) == 1
    assert many.value("columns-7-default") == "x"
    # Nor has a row what its type does not take, until it has another one.
    fields = fields_of(many)
    assert ("columns-9-choices" in fields, "columns-9-details" in fields) == (False, False)
    assert fields["columns-9-type"] == fields["columns-7-type"] == "TEXT"
    retyped = fields_of(read(as_owner.post("/tables/new/", fields | {"columns-9-type": "CHOICE", "do": "type:9"})))
    assert {name for name in retyped if name not in fields} == {"columns-9-choices"}
    assert retyped["columns-9-type"] == "CHOICE"
    # Without scripts it says so when the table is to be made.
    refused = as_owner.post("/tables/new/", fields | {"columns-9-type": "REFERENCES", "rows": "50", "do": "create"})
    assert "Give the table to which it refers." in read(refused)
    assert "columns-9-references" in fields_of(read(refused))
    opened = read(as_owner.post("/tables/new/", fields_of(many) | {"do": "more:9"}))
    assert len(opened.elements("details", class_="disclosure column-more")) == 2
    form = fields_of(opened) | {"columns-9-label": "Nine"}
    moved = read(as_owner.post("/tables/new/", form | {"do": "up:9"}))
    assert moved.value("columns-8-label") == "Nine"
    shorter = {**fields_of(moved), "do": "remove:50"}
    made = fields_of(read(as_owner.post("/tables/new/", shorter))) | {"do": "create"}
    assert as_owner.post("/tables/new/", made).headers["Location"] == "/tables/wide/"
    columns = list(Table.objects.get(name="wide").columns.all())
    assert [(c.name, c.label, c.default) for c in columns[7:10]] == [
        ("c7", "", "x"), ("c9", "Nine", None), ("c8", "", None)
    ]  # fmt: skip
