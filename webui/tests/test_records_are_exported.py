"""The grid's records as a file: the same records in the same order, whatever the page."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from django.test import Client

from dataengine.models import Table
from webui.tests.pages import read


def content(answer: Any) -> bytes:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def test_the_grid_says_what_a_file_holds_and_asks_for_it(as_owner: Client, people: Table) -> None:
    page = read(as_owner.get("/tables/people/export/choose/?score__gt=1&order_by=-name&limit=25&page=1"))
    form = page.element("form", class_="export-form")
    assert "2 records, filtered" in form
    assert "6 columns: choose" in form
    kept = {name: form.value(name) for name in ("score__gt", "order_by")}
    assert kept == {"score__gt": "1", "order_by": "-name"}
    assert form.values("input", "value", name=":as") == ["csv", "csv-exact", "xlsx", "json"]

    def file(kind: str, **asked: Any) -> Any:
        return as_owner.get(form["action"], {**kept, ":as": kind, **asked})

    answer = file("csv")
    assert answer["Content-Disposition"] == 'attachment; filename="people.csv"'
    lines = content(answer).decode().splitlines()
    assert [line.split(",")[1] for line in lines] == ["name", "Bob", "Ann"]
    assert content(file("csv-exact")).startswith(b'"id",name,')
    assert content(file("xlsx"))[:2] == b"PK"
    assert [record["name"] for record in json.loads(content(file("json")))] == ["Bob", "Ann"]
    # Some of the columns.
    [name, _, _, score, *_] = form.values("input", "value", name=":columns")
    assert content(file("csv", **{":columns": [score, name]})) == b"id,name,score\n2,Bob,7.00\n1,Ann,12.50\n"
    assert json.loads(content(file("json", **{":columns": [name]})))[0] == {"id": 2, "name": "Bob"}
    sheet = zipfile.ZipFile(io.BytesIO(content(file("xlsx", **{":columns": [name]}))))
    assert (b"name" in (cells := sheet.read("xl/worksheets/sheet1.xml")), b"score" in cells) == (True, False)
    assert file("exe").status_code == 404


def test_it_is_for_those_who_may_see_the_table(as_colleague: Client, as_stranger: Client, shared: Table) -> None:
    assert content(as_colleague.get("/tables/people/export/csv/")).startswith(b"id,name,")
    assert as_stranger.get("/tables/people/export/csv/").status_code == 404
    assert Client().get("/tables/people/export/csv/").status_code == 302


def test_invalid_formats_are_not_found(as_owner: Client, people: Table) -> None:
    assert as_owner.get("/tables/people/export/exe/").status_code == 404
    assert as_owner.get("/tables/people/export/csv/?nope=1").status_code == 400
    assert as_owner.get("/tables/people/export/csv/?guard=nope").status_code == 404
