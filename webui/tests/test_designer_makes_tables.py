from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from dataengine.models import Table
from webui.tests.conftest import PARTIAL
from webui.tests.pages import Page, read

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


def test_a_table_is_made_with_all_that_was_said(as_owner: Client) -> None:
    form = posted(
        "create",
        "customers",
        {"name": "email", "type": "EMAIL", "unique": "on", "required": "on"},
        {"name": "code", "type": "VARCHAR", "details": "20", "default": "none"},
        {"name": "price", "type": "NUMERIC", "details": "8, 2"},
        {"name": "colour", "type": "CHOICE", "details": "red, it's blue"},
    )
    response = as_owner.post("/tables/new/", form)
    assert response.headers["Location"] == "/tables/customers/"
    columns = {c.name: c for c in Table.objects.get(name="customers").columns.all()}
    assert list(columns) == ["email", "code", "price", "colour"]
    assert (columns["email"].unique, columns["email"].required) == (True, True)
    assert (columns["code"].sql_text, columns["code"].default) == ("VARCHAR(20)", "none")
    assert columns["price"].sql_text == "NUMERIC(8,2)"
    assert columns["colour"].parameters == {"choices": ["red", "it's blue"]}


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
    form = posted("create", "visits", {"name": "who", "type": "REFERENCES", "details": "people"})
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
        ("ok", {"name": "ctid"}, "system column"),
        ("ok", {"name": "Robert'); DROP TABLE x"}, "contain only letters"),
        ("ok", {"name": "a", "type": "CHOICE"}, "CHOICE needs its values"),
        ("ok", {"name": "a", "type": "NUMERIC", "details": "2, 9"}, "scale cannot be greater"),
        ("ok", {"name": "a", "type": "REFERENCES", "details": "nowhere"}, "no table “nowhere”"),
        ("ok", {"name": "a", "type": "INTEGER", "default": "many"}, "not a value of this type"),
        ("ok", {"name": "a", "type": "JSON", "unique": "on"}, "cannot be unique"),
        ("ok", {"name": "a", "type": "DATE", "unique": "on", "case": "ignore_case"}, "no upper and lower case"),
        ("ok", {"name": "a", "type": "BLOB"}, "Select a valid choice"),
        ("ok", {"name": "a", "type": "CHOICE", "unique": "on", "case": "upper"}, "Select a valid choice"),
        ("ok", {"name": "a", "type": "CHOICE", "details": "a\0b"}, "Null characters are not allowed"),
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
