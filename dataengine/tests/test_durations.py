"""Lengths of time: written as people write them, kept to the microsecond, never mixed with months."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from dataengine.columns import durations
from dataengine.models import Table
from dataengine.tests.conftest import MakeTable
from dataengine.tests.importing import import_text, records, rejected

pytestmark = pytest.mark.django_db(transaction=True)

LONGEST = timedelta(microseconds=2**63 - 1)
lengths = st.timedeltas(-LONGEST, LONGEST) | st.integers(-10_000, 10_000).map(lambda each: timedelta(seconds=each))


@given(lengths)
def test_whatever_is_written_is_read_again(length: timedelta) -> None:
    assert durations.read(durations.written(length)) == length
    assert durations.read(durations.iso(length)) == length
    assert durations.read(str(length)) == length  # as Python has it: -1 day, 23:59:59


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1:02:03", "1:02:03"),
        ("0025:00:00", "25:00:00"),
        ("1:30", "1:30:00"),
        ("+0:00:01.50", "0:00:01.5"),
        ("-1:00:00", "-1:00:00"),
        ("PT1H", "1:00:00"),
        ("p1dt2h", "26:00:00"),
        ("PT1.5H", "1:30:00"),
        ("PT0,5S", "0:00:00.5"),
        ("P2W", "336:00:00"),
        ("-PT90M", "-1:30:00"),
        ("PT-1H-30M", "-1:30:00"),
        ("P0Y0M1DT0H", "24:00:00"),
        ("1 day 02:03:04", "26:03:04"),
        ("0 days 00:00:01.000001", "0:00:01.000001"),
        ("-1 day, 23:00:00", "-1:00:00"),
        ("90 min", "1:30:00"),
        ("1h30m", "1:30:00"),
        ("1 hour, 5 minutes and 3 seconds", "1:05:03"),
        ("1.5 h", "1:30:00"),
        ("1,5 h", "1:30:00"),
        (" 2 weeks 1 d ", "360:00:00"),
    ],
)
def test_how_lengths_are_written(text: str, written: str) -> None:
    assert durations.written(durations.read(text)) == written


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("90", durations.WITHOUT_UNIT),
        ("1.5", durations.WITHOUT_UNIT),
        ("1 month", durations.NO_LENGTH),
        ("P1M", durations.NO_LENGTH),
        ("P1Y2DT3H", durations.NO_LENGTH),
        ("2 years 1 day", durations.NO_LENGTH),
        ("1:60", "60 minutes"),
        ("1:00:60", "60 seconds"),
        ("0:00:00.0000001", durations.TOO_FINE),
        ("PT0.0000001S", durations.TOO_FINE),
        ("2562047788:00:54.775808", durations.TOO_LONG),
        ("-9999999999 weeks", durations.TOO_LONG),
        *((text, durations.UNREADABLE) for text in (
            "", "P", "PT", "-", "h", "1:2:3", "1:02:03:04", "1::2", "soon", "1 day -", "5 parsecs", "1_0:00",
            "1\u0663:00", "1,000 h", "1h 30", "PT1H30", "1 day 2 day 3:00:00x", "1 day 2 days", "5m 5 min", "P1D1D",
            "PT1M1H", "P1DT",
        )),
    ],
)  # fmt: skip
def test_what_is_no_length_and_why(text: str, reason: str) -> None:
    with pytest.raises(durations.NotADuration, match=reason.replace("(", r"\(").replace(")", r"\)")):
        durations.read(text)


@pytest.fixture
def tracks(client: APIClient) -> Table:
    fields = {"name": "TEXT", "took": "DURATION UNIQUE", "rest": "INTERVAL DEFAULT '1 day 1:00'"}
    answer = client.post("/api/create-table/", {"table_name": "tracks", "fields": fields})
    assert answer.status_code == 201, answer.content
    assert [column["column_type"] for column in answer.json()["columns"]] == ["TEXT", "DURATION", "DURATION"]
    for name, took in {"a": "1:02:03", "b": "25:00:00", "c": "-0:00:01", "d": "PT1H2M3.5S", "e": None}.items():
        answer = client.post("/api/insert-record/", {"table_name": "tracks", "data": {"name": name, "took": took}})
        assert answer.status_code == 201, answer.content
        assert answer.json()["rest"] == "PT25H"
    return Table.objects.get(name="tracks")


def found(client: APIClient, **query: str) -> str:
    answer = client.get("/api/get-records/", {"table_name": "tracks", "order_by": "took", **query})
    assert answer.status_code == 200, answer.json()
    return "".join(record["name"] for record in answer.json()["results"])


@pytest.mark.usefixtures("tracks")
def test_lists_are_filtered_sorted_and_searched(client: APIClient) -> None:
    assert found(client) == "cadbe"
    assert found(client, took="1:02:03") == found(client, took="PT62M3S") == found(client, search="1h 2m 3s") == "a"
    assert found(client, took__gt="1:02:03") == "db"
    assert found(client, took__lte="PT0S") == "c"
    assert found(client, took__range="1:02:03,1 day") == "ad"
    assert found(client, took__in="25:00:00,-PT1S") == "cb"
    assert found(client, took__ne="25:00:00") == "cade"
    assert found(client, took__isnull="true") == "e"
    assert found(client, rest="25:00:00") == "cadbe"
    assert found(client, search="90") == ""
    answer = client.get("/api/get-records/?table_name=tracks&took=90")
    assert answer.json()["error"]["fields"] == {"took": [durations.WITHOUT_UNIT]}
    answer = client.get("/api/get-records/?table_name=tracks&took__icontains=1")
    assert answer.status_code == 400


def test_pages_follow_one_another(client: APIClient, tracks: Table) -> None:
    for order, expected in (("took", "cadbe"), ("-took", "bdace")):
        url, seen = f"/api/tables/{tracks.name}/records/?order_by={order}&limit=2", ""
        while url:
            page = client.get(url).json()
            seen, url = seen + "".join(record["name"] for record in page["results"]), page["next"]
        assert seen == expected


def test_equal_lengths_are_one_value_however_written(client: APIClient, tracks: Table) -> None:
    answer = client.post(f"/api/tables/{tracks.name}/records/", {"took": "1 day 1 hour"})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["took"])
    assert records("tracks", "rest")[0] == ("25:00:00",)  # not 1 day 01:00:00
    changes = [{"id": 1, "data": {"took": "25:00:00"}}, {"id": 2, "data": {"took": "26:00:00"}}]
    answer = client.patch(f"/api/tables/{tracks.name}/records/bulk/", {"records": changes})
    assert answer.status_code == 200, answer.content
    assert records("tracks", "took")[:2] == [("25:00:00",), ("26:00:00",)]
    undone = client.post(f"/api/tables/{tracks.name}/undo/", {"event": int(answer["X-Undo"])})
    assert undone.status_code == 200
    assert records("tracks", "took")[:2] == [("01:02:03",), ("25:00:00",)]


@pytest.mark.parametrize("default", ["1 month", "soon", "90", "9999999999 d"])
def test_a_default_is_a_length(client: APIClient, default: str) -> None:
    fields = {"took": f"DURATION DEFAULT '{default}'"}
    answer = client.post("/api/create-table/", {"table_name": "t", "fields": fields})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["took"])


def test_json_schema_both_ways(client: APIClient, tracks: Table) -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"took": {"type": "string", "format": "duration"}}}
    answer = client.post("/api/create-table/", {"table_name": "t", "json_schema": schema})
    assert [column["type"] for column in answer.json()["columns"]] == ["duration"]
    shown = client.get(f"/api/tables/{tracks.name}/schema/").json()["properties"]["took"]
    assert (shown["type"], shown["format"]) == (["string", "null"], "duration")


KINDS: list[tuple[list[str], str]] = [
    (["1:02:03", "25:00:00"], "duration"),
    (["-0:05:00", "0:10:00"], "duration"),
    (["PT1H", "PT90M", "P1DT0.5S"], "duration"),
    (["1 day, 2:03:04", "0 days 00:00:01"], "duration"),
    (["25:00:00", "NA", "1:00:00"], "duration"),
    (["12:34:56", "1:02:03"], "time"),
    (["1:30", "25:30"], "text"),
    (["90 min", "5 min"], "text"),
    (["25:70:00", "26:00:00"], "text"),
    (["PT", "DE", "FR"], "text"),
    (["1:00:00"] * 150 + ["30:00:00"] * 50 + ["a"], "duration"),
    (["2:00:00"] * 50 + ["25:00:00", "x"], "text"),
]


def test_what_a_file_makes_of_them(owner: User, subtests: pytest.Subtests) -> None:
    for place, (cells, kind) in enumerate(KINDS):
        with subtests.test(cells=cells, kind=kind):
            text = "n,took\n" + "".join(
                f'{number},"{cell}"\n' if "," in cell else f"{number},{cell}\n" for number, cell in enumerate(cells)
            )
            import_text(owner, f"made{place}", text, create_table=True)
            assert Table.objects.get(name=f"made{place}").columns.get(name="took").type == kind


def test_a_file_is_imported_and_bad_rows_rejected(owner: User, tracks: Table) -> None:
    text = (
        "name,took\nf,2:00:00\ng, 90 min \nh,1:60:00\ni,2 months\nj,0:00:00.1234567\nk,120 min\nl,90\n"
        "m,PT0.5S\nn,\no,1 day 1:00:00\n"
    )
    job = import_text(owner, tracks.name, text)
    assert job.state == "completed"
    assert rejected(job) == [
        (4, [("took", "invalid_type")]),
        (5, [("took", "invalid_type")]),
        (6, [("took", "out_of_range")]),
        (7, [("took", "duplicate_in_file")]),
        (8, [("took", "invalid_type")]),
        (11, [("took", "duplicate_in_table")]),
    ]
    messages = {row.line: row.errors[0]["message"] for row in job.rejected_rows.all()}
    assert messages[5].endswith("found “2 months”: months and years are not always as long: give days or hours")
    assert records("tracks", "name", "took")[5:] == [
        ("f", "02:00:00"), ("g", "01:30:00"), ("m", "00:00:00.5"), ("n", None)
    ]  # fmt: skip


def test_many_ways_to_write_in_one_column(make_table: MakeTable, owner: User) -> None:
    make_table("t", n="INTEGER", took="DURATION")
    ways = [lambda s: f"{s // 3600}:{s // 60 % 60:02}:{s % 60:02}", lambda s: f"PT{s}S", lambda s: f"{s} s"]
    lines = [f"{number},{ways[number % 3](7 * number)}\n" for number in range(20_000)]
    job = import_text(owner, "t", "n,took\n" + "".join(lines))
    assert (job.rows_imported, job.rows_rejected) == (20_000, 0)
    stored = records("t", "n", "took")
    assert all(took == durations.written(timedelta(seconds=7 * int(n))).rjust(8, "0") for n, took in stored)


def test_exports_say_it_to_people_and_to_programs(client: APIClient, tracks: Table) -> None:
    def content(form: str) -> str:
        answer = client.get(f"/api/tables/{tracks.name}/export/?format={form}")
        return b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]

    rows = list(csv.DictReader(io.StringIO(content("csv"))))
    assert [row["took"] for row in rows] == ["1:02:03", "25:00:00", "-0:00:01", "1:02:03.5", ""]
    listed = client.get(f"/api/tables/{tracks.name}/records/").json()["results"]
    assert json.loads(content("json")) == listed
    assert [record["took"] for record in listed] == ["PT1H2M3S", "PT25H", "-PT1S", "PT1H2M3.5S", None]


@settings(max_examples=10)
@given(st.lists(lengths, min_size=10, max_size=12))
def test_json_is_the_same_from_postgresql(make_table: MakeTable, client: APIClient, many: list[timedelta]) -> None:
    if not Table.objects.filter(name="t").exists():
        make_table("t", took="DURATION")
    written = [durations.iso(length) for length in many]
    ids = client.post("/api/tables/t/records/bulk/", {"records": [{"took": one} for one in written]}).json()["ids"]
    answer = client.get(f"/api/tables/t/export/?format=json&id__gte={ids[0]}&order_by=id")
    assert json.loads(b"".join(answer.streaming_content)) == [  # type: ignore[attr-defined]
        {"id": pk, "took": one} for pk, one in zip(ids, written, strict=True)
    ]
