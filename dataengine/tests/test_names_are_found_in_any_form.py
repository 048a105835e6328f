"""A name is the same however its letters are composed: some keyboards and file systems send accents apart (NFD)."""

from __future__ import annotations

import unicodedata

import pytest
from rest_framework.test import APIClient

from dataengine.imports.planning.options import ImportOptions

from .conftest import MakeTable

WHOLE = "Café"
APART = unicodedata.normalize("NFD", WHOLE)


@pytest.mark.django_db
def test_names_in_addresses_bodies_filters_and_orders(client: APIClient, make_table: MakeTable) -> None:
    make_table(WHOLE, **{WHOLE: "TEXT NOT NULL"})
    table = f"/api/tables/{APART}/"
    made = client.post(f"{table}records/", {APART: "a"})
    assert (made.status_code, made.json()[WHOLE]) == (201, "a")
    assert client.patch(f"{table}records/{made.json()['id']}/", {APART: "b"}).json()[WHOLE] == "b"
    for query in ({APART: "b"}, {f"{APART}__in": "b"}, {"order_by": f"-{APART}"}):
        assert client.get(f"{table}records/", query).json()["count"] == 1, query
    assert client.get(f"{table}columns/{APART}/").json()["column_name"] == WHOLE
    assert client.get(f"{table}export/", {"columns": APART}).status_code == 200
    assert client.patch(table, {"named_by": APART}).json()["named_by"] == WHOLE
    assert client.get("/api/list-tables/", {"search": APART[1:]}).json()["count"] == 1
    assert client.post("/api/account/tokens/", {"name": "a", "right": "view", "tables": [APART]}).status_code == 201
    assert client.post(f"{table}recipes/", {"name": APART, "options": {"key": APART}}).status_code == 201
    assert client.get(f"{table}recipes/{APART}/").json()["name"] == WHOLE
    twice = client.post(f"{table}records/", {WHOLE: "a", APART: "b"})
    assert (twice.status_code, twice.json()["error"]["fields"]) == (400, {APART: ["There is no such column."]})


@pytest.mark.django_db
def test_a_bulk_body_that_cannot_be_stored_is_pointed_into(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT")
    for method, body in (
        (client.patch, {"filter": {"a": "\0"}, "data": {"a": "b"}}),
        (client.post, {"records": [{"a": "\0"}]}),
    ):
        error = method("/api/tables/t/records/bulk/", body).json()["error"]
        assert error["pointers"][0]["pointer"] in {"/filter/a", "/records/0/a"}


def test_names_in_options_of_imports() -> None:
    options = ImportOptions.read({"mapping": {"h": APART, "i": None}, "key": [APART], "on_conflict": "update"})
    assert (options.mapping, options.mode.key) == ({"h": WHOLE, "i": None}, (WHOLE,))
    assert list(ImportOptions.read({"create_table": True, "types": {APART: "TEXT"}}).types) == [WHOLE]
    made = ImportOptions.read(
        {
            "create_table": True, "unique": [APART], "date_formats": {APART: ["%d.%m.%Y"]}, "decimal": {APART: ","},
            "on_bad_cell": {APART: "null"}, "references": {APART: {"match": APART}},
            "types": {APART: f"REFERENCES {APART} DEFAULT '{APART}'"},
        }
    )  # fmt: skip
    assert {name for names in made.by_column.values() for name in names} == {WHOLE}
    assert (made.references[WHOLE].match, made.unique) == (WHOLE, (WHOLE,))
    spec = made.types[WHOLE]
    assert (spec.parameters["references"], spec.default) == (WHOLE, APART)  # a text is what it is
    key = {"on_conflict": "update", "key": APART, "on_missing": {"set": {APART: 1}}}
    assert ImportOptions.read(key).given["on_missing"] == {"set": {WHOLE: 1}}
