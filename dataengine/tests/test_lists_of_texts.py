"""Several texts in one value: any (TEXT[]), or some of those that the column offers (CHOICES)."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pyarrow as pa
import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from dataengine.columns import text_lists
from dataengine.columns.create_table import read_create_table
from dataengine.columns.types import REGISTRY
from dataengine.imports.converting.kernels import Target
from dataengine.imports.converting.kernels_lists import careful_texts
from dataengine.models import Column, Table
from dataengine.queries.needs import helper_of
from dataengine.services import indexes
from dataengine.tests.conftest import MakeTable
from dataengine.tests.importing import import_text, records, rejected
from dataengine.tests.indexing import build_waiting
from dataengine.tests.retyping import PRICE, done, few_are_many, make_sold, sql, values

pytestmark = pytest.mark.django_db(transaction=True)

FIELDS = {"name": "TEXT", "tags": "TEXT[]", "colours": "CHOICES('red','blue','dark, green') DEFAULT 'red'"}
items = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8) | st.text(
    'a,;"[]\n\\ {}'
)


@given(st.lists(items, max_size=4))
def test_whatever_is_written_is_read_again(listed: list[str]) -> None:
    assert text_lists.read(text_lists.written(listed)) == listed
    assert text_lists.read(text_lists.as_json(listed)) == listed


@given(st.lists(items, max_size=4))
def test_postgresql_reads_its_own_way_of_writing(listed: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT r.x, r.x::text FROM (SELECT %s::text[]) AS r(x)", [text_lists.literal(listed)])
        found, written = cursor.fetchone() or ([], "")
    assert found == listed
    assert text_lists.read(written) == listed


PARTS = (
    "a", "b c", '"d, e"', '"\\\\"', '"\\""', "null", '"null"', "f;g", "é", "", " ", "\t", "\\", '"', "{", "h\u00a0",
)  # fmt: skip
braced = st.lists(st.sampled_from(PARTS), max_size=4).map(lambda parts: "{" + ",".join(parts) + "}")


@given(st.lists(items | st.lists(items, max_size=4).map(text_lists.literal) | braced, max_size=40))
def test_columns_of_cells_are_read_as_single_ones_are(cells: list[str]) -> None:
    kind = REGISTRY["texts"]
    target = Target("tags", kind, kind.arrow_type({}))
    converted = careful_texts(pa.array(cells, pa.string()), target)
    bad = {int(row) for problem in converted.problems for row in problem.rows}
    for row, (cell, value) in enumerate(zip(cells, converted.values.to_pylist(), strict=True)):
        try:
            assert (value, row in bad) == (text_lists.read(cell.strip()), False), cell
        except text_lists.NotAList:
            assert row in bad, cell


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("red", ["red"]),
        ("red, blue", ["red", "blue"]),
        (" a, b ; c ;; ", ["a, b", "c"]),
        ("one\n\n two, three \r\n", ["one", "two, three"]),
        ('["x","y, z",""]', ["x", "y, z", ""]),
        ("[]", []),
        ('"a, b",c', ["a, b", "c"]),
        ('5" disk, 3" disk', ['5" disk', '3" disk']),
        ("[draft", ["[draft"]),
        ("{}", []),
        ('{a, "b, c",d e}', ["a", "b, c", "d e"]),
        ('{"q\\"\\\\",""}', ['q"\\', ""]),
        ("{draft", ["{draft"]),
    ],
)
def test_how_lists_are_written(text: str, listed: list[str]) -> None:
    assert text_lists.read(text) == listed


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        "[null]",
        '["a",]',
        "[a], [b]",
        '["\\u0000"]',
        '["\\ud800"]',
        '"a"b',
        "[" * 9999 + "]" * 9999,
        '{"a": 1}',
        "{a,NULL}",
        "{a,,b}",
        "{a b{c}",
    ],
)
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(text_lists.NotAList):
        text_lists.read(text)


@pytest.fixture
def things(client: APIClient) -> Table:
    answer = client.post("/api/create-table/", {"table_name": "things", "fields": FIELDS})
    assert answer.status_code == 201, answer.content
    said = [(column["column_type"], column["type"]) for column in answer.json()["columns"]]
    assert said[1:] == [("TEXT[]", "texts"), ("CHOICES('red','blue','dark, green')", "choices")]
    rows: list[dict[str, Any]] = [
        {"name": "a", "tags": ["new", "Größe 5"], "colours": ["blue", "red"]},
        {"name": "b", "tags": [], "colours": []},
        {"name": "c", "tags": None, "colours": None},
        {"name": "d", "tags": ["new"]},
        {"name": "e", "tags": ["[x]", "a, b"], "colours": ["dark, green"]},
    ]
    for row in rows:
        answer = client.post("/api/insert-record/", {"table_name": "things", "data": row})
        assert answer.status_code == 201, answer.content
        assert {**answer.json(), **row} == answer.json()
    assert client.get("/api/tables/things/records/4/").json()["colours"] == ["red"]
    return Table.objects.get(name="things")


def found(client: APIClient, **query: str) -> str:
    answer = client.get("/api/get-records/", {"table_name": "things", **query})
    assert answer.status_code == 200, answer.json()
    return "".join(record["name"] for record in answer.json()["results"])


@pytest.mark.usefixtures("things")
def test_lists_are_filtered_by_what_they_hold(client: APIClient) -> None:
    assert found(client, tags__contains="new") == "ad"
    assert found(client, tags__contains='["new", "Größe 5"]') == "a"  # all of them
    assert found(client, tags__contains="a, b") == "e"
    assert found(client, tags__contains='["[x]"]') == found(client, tags__contains="[x]") == "e"
    assert found(client, tags__in="new,[x]") == "ade"
    assert found(client, tags__in='"a, b"') == "e"
    assert found(client, tags='["new"]') == found(client, tags="new") == "d"
    assert found(client, tags__exact="[]") == "b"
    assert found(client, tags__ne="new") == "abce"
    assert found(client, tags__isnull="true") == "c"
    assert found(client, colours__in="red,dark") == "ad"
    assert found(client, colours__contains="purple") == ""
    assert found(client, colours="dark, green") == ""  # two colours, in this way of writing
    assert found(client, colours='["dark, green"]') == "e"
    for query in ("tags__gt=a", "colours__icontains=r", "order_by=tags", "order_by=-colours"):
        assert client.get(f"/api/get-records/?table_name=things&{query}").status_code == 400, query


@pytest.mark.usefixtures("things")
def test_bulk_calls_take_arrays_as_filters(client: APIClient) -> None:
    bulk = "/api/tables/things/records/bulk/"
    answer = client.patch(bulk, {"filter": {"tags__contains": ["new"]}, "data": {"colours": ["blue"]}})
    assert answer.status_code == 200, answer.content
    assert found(client, colours__contains="blue") == "ad"
    answer = client.post("/api/tables/things/undo/", {"event": int(answer["X-Undo"])})
    assert [row[0] for row in records("things", "colours")] == ["{blue,red}", "{}", None, "{red}", '{"dark, green"}']
    changes = [{"id": 1, "data": {"tags": ['q"\\', "x"]}}, {"id": 2, "data": {"tags": None, "colours": ["red"]}}]
    assert client.patch(bulk, {"records": changes}).status_code == 200
    assert client.get("/api/tables/things/records/1/").json()["tags"] == ['q"\\', "x"]
    answer = client.delete(bulk, {"filter": {"colours": []}})
    assert answer.status_code == 400  # no condition, as everywhere; "[]" is one
    assert client.delete(bulk, {"filter": {"colours": "[]"}}).status_code == 200
    assert found(client) == "abcde"  # nobody has an empty list any more
    assert client.delete(bulk, {"filter": {"colours": ["red"]}}).status_code == 200
    assert found(client) == "ace"


@pytest.mark.usefixtures("things")
def test_a_search_finds_parts_of_them(client: APIClient, owner: User) -> None:
    table = Table.objects.get(name="things")
    assert found(client, search="GROSSE") == "a"
    assert found(client, search="dark") == "e"
    indexes.set_searchable(user=owner, table=table, searchable=True)
    assert build_waiting() == ["completed"]
    assert found(client, search="grosse") == "a"
    assert found(client, search="new") == "ad"
    client.post("/api/tables/things/columns/", {"column_name": "more", "column_type": "TEXT[] DEFAULT 'late'"})
    assert build_waiting() == ["completed"]
    assert found(client, search="late") == "abcde"


@pytest.mark.usefixtures("things")
def test_a_search_finds_them_again_after_they_were_in_the_trash(client: APIClient, owner: User) -> None:
    indexes.set_searchable(user=owner, table=Table.objects.get(name="things"), searchable=True)
    assert build_waiting() == ["completed"]
    item = client.delete("/api/tables/things/columns/tags/")
    assert item.status_code in {200, 204}, item.content
    assert build_waiting() == ["completed"]
    assert found(client, search="grosse") == ""
    [entry] = client.get("/api/trash/").json()["results"]
    assert client.post(f"/api/trash/{entry['id']}/restore/", {}).status_code == 200
    assert build_waiting() == ["completed"]
    assert found(client, search="grosse") == "a"


def test_an_index_finds_what_they_hold(client: APIClient, owner: User, things: Table) -> None:
    answer = client.patch("/api/tables/things/columns/tags/", {"indexed": True})
    assert answer.status_code in {200, 202}, answer.content
    assert build_waiting() == ["completed"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'things' AND indexdef LIKE '%USING gin%'")
        assert cursor.fetchone() is not None
    columns: dict[str, Column] = {column.name: column for column in things.columns.all()}
    helped = {lookup: helper_of(columns["tags"], lookup, None) for lookup in ("contains", "overlap", "isnull", "ne")}
    assert helped == {"contains": "ready", "overlap": "ready", "isnull": "nothing", "ne": "nothing"}
    assert helper_of(columns["colours"], "contains", None) == "column"
    assert found(client, tags__contains="new") == "ad"


@pytest.mark.parametrize(
    "described",
    [
        "TEXT[] UNIQUE",
        "CHOICES('a') UNIQUE",
        {"type": "TEXT[]", "unique": True},
        "CHOICES",
        "CHOICES(a)",
        "CHOICES('a','a')",
        "CHOICES('a','b') DEFAULT 'c'",
        "CHOICES('a','b') DEFAULT 'a, a'",
        "TEXT[] DEFAULT '[1]'",
        "TEXT[](5)",
        "INTEGER[]",
        {"type": "TEXT[]", "constraints": {"maxLength": 5}},
        {"type": "TEXT[]", "display": {"style": "percent"}},
    ],
)
def test_columns_that_cannot_be(client: APIClient, described: Any) -> None:
    answer = client.post("/api/create-table/", {"table_name": "t", "fields": {"x": described}})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["x"]), answer.content


@pytest.mark.parametrize("count", [3, 12, 13, 40])
def test_postgresql_itself_holds_to_the_choices(make_table: MakeTable, count: int) -> None:
    choices = [f"c'{number}" for number in range(count)]
    made = make_table("t", c=REGISTRY["choices"].sql_text({"choices": choices}))
    insert = "INSERT INTO userdata.t (c) VALUES (%s)"
    for wrong in (["x"], [choices[0], choices[1], choices[0]], [choices[0], None], [""]):
        with pytest.raises(IntegrityError), connection.cursor() as cursor:
            cursor.execute(insert, [wrong])
    right: list[list[str] | None] = [choices[::-1], choices[:2], [], None]
    with connection.cursor() as cursor:
        cursor.executemany(insert, [[each] for each in right])
    assert [row[-1] for row in records(made.name)] == right


def test_json_schema_both_ways(client: APIClient, things: Table) -> None:
    properties: dict[str, Any] = {
        "every": {"type": "array", "items": {"type": "string"}},
        "several": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "uniqueItems": True},
        "free": {"type": "array"},
        "maybe": {"type": ["array", "null"], "items": {"enum": ["a"]}, "default": ["a"]},
    }
    answer = client.post(
        "/api/create-table/", {"table_name": "t", "json_schema": {"type": "object", "properties": properties}}
    )
    assert answer.status_code == 201, answer.content
    made = [(column["column_type"], column["default"]) for column in answer.json()["columns"]]
    assert made == [("TEXT[]", None), ("CHOICES('a','b')", None), ("JSONB", None), ("CHOICES('a')", '["a"]')]
    shown = client.get(f"/api/tables/{things.name}/schema/").json()["properties"]
    assert shown["tags"]["items"] == {"type": "string"}
    assert (shown["colours"]["items"]["enum"][0], shown["colours"]["uniqueItems"]) == ("red", True)


def test_other_arrays_are_json_that_keeps_to_its_schema(client: APIClient) -> None:
    for place, described in enumerate(
        (
            {"type": "array", "items": {"type": "integer"}},
            {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
            {"type": "array", "items": {"type": "string", "maxLength": 5}},
            {"type": "array", "items": {"enum": [1]}},
            {"type": "array", "items": True},
            {"type": "array", "uniqueItems": True},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
        )
    ):
        body = {"table_name": f"u{place}", "json_schema": {"type": "object", "properties": {"x": described}}}
        answer = client.post("/api/create-table/", body)
        assert answer.status_code == 201, answer.content
        [column] = answer.json()["columns"]
        assert (column["column_type"], column["constraints"]) == ("JSONB", {"json_schema": described})


def test_a_file_is_imported_and_bad_rows_rejected(owner: User, things: Table) -> None:
    text = (
        'name,tags,colours\nf,"x, y",red;blue\ng,"[""x, y""]","[""dark, green"",""red""]"\nh,[1],purple\n'
        'i,one,"red, red"\nj,"l1\nl2","dark, green"\nk,,\nl,[],[]\nm,NA,NA\n'
    )
    job = import_text(owner, things.name, text)
    assert rejected(job) == [
        (4, [("tags", "invalid_type"), ("colours", "constraint_failed")]),
        (5, [("colours", "constraint_failed")]),
    ]
    [first, second] = job.rejected_rows.order_by("line")
    assert "or a JSON array of texts, found “[1]”" in first.errors[0]["message"]
    assert (
        second.errors[0]["message"] == "expected some of red, blue, dark, green, none of them twice, found “red, red”"
    )
    assert records("things", "name", "tags", "colours")[5:] == [
        ("f", "{x,y}", "{red,blue}"),
        ("g", '{"x, y"}', '{"dark, green",red}'),
        ("j", "{l1,l2}", '{"dark, green"}'),
        ("k", None, None),
        ("l", "{}", "{}"),
        ("m", None, None),
    ]


def test_many_ways_to_write_in_one_column(make_table: MakeTable, owner: User) -> None:
    make_table("t", n="INTEGER", tags="TEXT[]")
    lists = [[f"a{number}", "b, c"] if number % 3 else [f"x{number % 9}"] for number in range(9000)]
    ways = [text_lists.as_json, ";".join, text_lists.written]
    file = io.StringIO()
    csv.writer(file).writerows([["n", "tags"], *([n, ways[n % 7 % 3](listed)] for n, listed in enumerate(lists))])
    job = import_text(owner, "t", file.getvalue())
    assert (job.rows_imported, job.rows_rejected) == (9000, 0)
    assert [row[0] for row in records("t", "tags")] == [pg(listed) for listed in lists]


def pg(listed: list[str]) -> str:
    return "{" + ",".join(f'"{item}"' if "," in item else item for item in listed) + "}"


def test_json_files_fill_them(owner: User, things: Table) -> None:
    text = json.dumps([{"name": "x", "tags": ["p", "q, r"], "colours": ["red"]}, {"name": "y", "tags": []}])
    job = import_text(owner, things.name, text, filename="a.json")
    assert (job.rows_imported, job.rows_rejected) == (2, 0), job.errors
    assert records("things", "tags", "colours")[5:] == [('{p,"q, r"}', "{red}"), ("{}", None)]


def test_exports_hold_json(client: APIClient, things: Table) -> None:
    answer: Any = client.get(f"/api/tables/{things.name}/export/?format=csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [row["tags"] for row in rows] == ['["new","Größe 5"]', "[]", "", '["new"]', '["[x]","a, b"]']
    answer = client.get(f"/api/tables/{things.name}/export/?format=json")
    listed = client.get(f"/api/tables/{things.name}/records/").json()["results"]
    assert json.loads(b"".join(answer.streaming_content)) == listed


def test_create_table_both_ways(client: APIClient, owner: User, things: Table) -> None:
    indexes.set_indexed(user=owner, table=things, column=things.columns.get(name="tags"), indexed=True)
    written = client.get(f"/api/tables/{things.name}/schema/?format=sql").content.decode()
    assert (
        """"colours" text[] DEFAULT '{"red"}'::text[] CHECK ("colours" <@ ARRAY['red', 'blue', 'dark, green'])"""
        in written
    )
    assert "USING gin" in written
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA elsewhere; SET search_path TO elsewhere")
        cursor.execute(written)
        cursor.execute("SET search_path TO DEFAULT; DROP SCHEMA elsewhere CASCADE")
    read = read_create_table(written.partition("CREATE INDEX")[0])
    kinds = {spec.name: (spec.type, spec.parameters, spec.default) for spec in read.columns}
    colours = ("choices", {"choices": ["red", "blue", "dark, green"]}, '{"red"}')
    assert kinds == {"name": ("text", {}, None), "tags": ("texts", {}, None), "colours": colours}
    assert text_lists.read('{"red"}') == ["red"]


@pytest.mark.parametrize(
    ("text", "column_type", "stored"),
    [
        ("'red; blue'", "CHOICES('red','blue')", "{red,blue}"),
        ("'red; blue'", "TEXT[]", "{red,blue}"),
        ("'90 min'", "DURATION", "01:30:00"),
    ],
)
def test_columns_of_large_tables_become_them(
    client: APIClient, owner: User, monkeypatch: pytest.MonkeyPatch, text: str, column_type: str, stored: str
) -> None:
    few_are_many(monkeypatch)
    table = make_sold(owner)
    sql(f"UPDATE userdata.sold SET price = {text}")
    indexes.set_searchable(user=owner, table=table, searchable=True)
    indexes.set_indexed(user=owner, table=table, column=table.columns.get(name="price"), indexed=True)
    assert build_waiting() == ["completed"] * 2
    asked = client.patch(PRICE, {"column_type": column_type})
    assert asked.status_code == 202, asked.content
    done(asked.json()["id"])
    assert set(values("price")) == {stored}
    build_waiting()
    column = client.get(PRICE).json()
    assert (column["column_type"], column["index_state"]) == (column_type, "ready")
    found = client.get("/api/get-records/?table_name=sold&limit=1&search=blue").json()
    assert bool(found["results"]) == ("blue" in stored)
