"""An export has exactly the table's values: re-imported, as JSON like the API's, as a workbook."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import math
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Func, TextField, Value
from django.db.models.functions import Cast
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from rest_framework.test import APIClient

from dataengine.exceptions import InvalidInput
from dataengine.exports import workbooks
from dataengine.exports.export import GUARDS, Export
from dataengine.http.streaming import in_thread
from dataengine.imports.converting.patterns import guarded
from dataengine.models import Table
from dataengine.records.model import record_model
from dataengine.records.serializers import records_data

from .conftest import MakeTable
from .importing import import_text, records
from .waiting import until_async

TYPES = {
    "a": "TEXT", "v": "VARCHAR(20)", "i": "BIGINT", "n": "NUMERIC", "m": "NUMERIC(12,3)", "r": "REAL",
    "x": "DOUBLE PRECISION", "b": "BOOLEAN", "d": "DATE", "h": "TIME", "t": "TIMESTAMP", "z": "TIMESTAMPTZ",
    "u": "UUID", "j": "JSONB", "c": "CHOICE('one',' two','''+','-a')", "o": "TEXT", "p": "DURATION",
    "l": "TEXT[]", "k": "CHOICES('one','two, three',' =4')",
}  # fmt: skip

# Shrinking rows this wide takes minutes.
QUICK = [Phase.explicit, Phase.reuse, Phase.generate]
anything = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
texts = anything | st.text("'=+-@\t\r\n5.,\"x \uff1d", max_size=8)
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001
lengths = st.timedeltas(timedelta(hours=-2_562_047_788), timedelta(hours=2_562_047_788)) | st.builds(
    timedelta, seconds=st.integers(-200_000, 200_000), milliseconds=st.sampled_from([0, 500])
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "a": texts,
    "v": texts,
    "i": st.integers(-(2**63), 2**63 - 1),
    "n": st.decimals(allow_nan=False, allow_infinity=False, places=8),
    "m": st.decimals(-999_999_999, 999_999_999, places=3),
    "r": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "x": st.floats(allow_nan=False, allow_infinity=False),
    "b": st.booleans(),
    "d": st.dates(),
    "h": st.times(),
    "t": moments,
    "z": moments.map(lambda value: value.replace(tzinfo=UTC)),
    "u": st.uuids(),
    "j": st.dictionaries(texts, st.integers() | texts | st.none(), max_size=3),
    "c": st.sampled_from(["one", " two", "'+", "-a"]),
    "o": texts,
    "p": lengths,
    "l": st.lists(texts, max_size=4),
    "k": st.lists(st.sampled_from(["one", "two, three", " =4"]), max_size=3, unique=True),
}
rows_of_values = st.lists(
    st.fixed_dictionaries({name: st.none() | strategy for name, strategy in VALUES.items()}), max_size=16
)
HARD = [
    {"a": text}
    for text in (
        "",
        "NA",
        "null",
        "\\N",
        "-",
        '"',
        "a,b",
        "a\nb",
        "a\r\nb",
        " x ",
        "=1+1",
        "-1",
        "+1a",
        "\\.",
        ";|\t",
        "'=1",
        "''@x",
        "'-5",
        "'x",
        "'",
        '="007"',
        "'=x",
        "-1,5",
        "-5 °C",
        "-1.5%",
        "-Infinity",
        "+49 170",
        "\n=1",
        " =1",
        " -5",
        "  -x",
        "\uff1d1",
        "' \uff20x",
        "\uff0c",
    )
]


def fill(table: Table, rows: list[dict[str, Any]]) -> list[Any]:
    model = record_model(table)
    attributes = {column.name: column.attribute for column in model.columns}
    made = [model(**{attributes[name]: value for name, value in row.items()}) for row in rows]
    model.objects.bulk_create(made)
    return made


def export(table: Table, file_format: str, guard: str = "spreadsheet") -> bytes:
    return b"".join(Export(record_model(table).objects.order_by("id"), file_format, guard).pieces())


def empty(*names: str) -> None:
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f'DELETE FROM userdata."{name}"')


@pytest.fixture
def table(make_table: MakeTable) -> Table:
    return make_table("t", **TYPES)


@pytest.fixture
def copy(make_table: MakeTable) -> Table:
    return make_table("copy", **TYPES)


@pytest.mark.django_db(transaction=True)
@settings(max_examples=8, phases=QUICK)
@given(rows=rows_of_values)
@example(rows=[])
@example(rows=HARD)
@example(rows=[{"a": "'=x"}])
@example(rows=[{"v": "'-5"}, {"v": "-"}])
@example(rows=[{"c": "'+", "i": -5, "x": -1e-5, "m": Decimal("-0.125")}])
def test_csv_goes_back_in_as_it_was(owner: User, table: Table, copy: Table, rows: list[dict[str, Any]]) -> None:
    empty("t")
    fill(table, rows)
    for guard in GUARDS:
        empty("copy")
        _goes_back_in_as_it_was(owner, table, guard, rows)


def _goes_back_in_as_it_was(owner: User, table: Table, guard: str, rows: list[dict[str, Any]]) -> None:
    text = export(table, "csv", guard)
    if not rows:
        assert text == (b'"id",' if guard == "exact" else b"id,") + ",".join(TYPES).encode() + b"\n"
        return
    if guard == "spreadsheet":
        cells = [row["a"] for row in csv.DictReader(io.StringIO(text.decode(), newline=""))]
        assert cells == [guarded(row.get("a") or "") for row in rows]
    job = import_text(owner, "copy", text, delimiter=",", encoding="utf-8")
    assert (job.state, job.rows_imported) == ("completed", len(rows)), (guard, job.error, job.errors)
    assert records("copy", *TYPES) == records("t", *TYPES), guard


@settings(max_examples=15, phases=QUICK)
@given(rows=rows_of_values)
@example(rows=HARD)
def test_json_is_what_the_api_shows(table: Table, rows: list[dict[str, Any]]) -> None:
    empty("t")
    fill(table, rows)

    def plain(record: dict[str, Any]) -> dict[str, Any]:
        """Ignore trailing zeros in fractions of seconds and in floats."""
        moments = {name: record[name] and datetime.fromisoformat(record[name]) for name in "tz"}
        return record | moments | {"h": record["h"] and time.fromisoformat(record["h"])}

    shown = records_data(record_model(table).objects.order_by("id"))
    assert [plain(record) for record in json.loads(export(table, "json"))] == [plain(record) for record in shown]


def test_a_workbook_holds_values_not_formulas(table: Table) -> None:
    day, moment = date(2024, 2, 29), datetime(2024, 1, 2, 3, 4)  # noqa: DTZ001
    fill(table, [
        {"a": "=1+1", "v": "007", "i": 5, "n": Decimal("1.5"), "b": True, "d": day, "t": moment},
        {"a": "https://example.com", "i": 2**62, "x": math.inf, "r": 0.5, "j": {"k": [1]}, "d": date(1800, 1, 1)},
        {"n": Decimal("12345678901234567890.123"), "z": datetime(2024, 1, 2, tzinfo=UTC), "h": time(1, 2, 3)},
        {"p": timedelta(hours=25, seconds=1.5)}, {"p": timedelta(seconds=-1)}, {"p": timedelta(microseconds=1)},
    ])  # fmt: skip
    book = CalamineWorkbook.from_filelike(io.BytesIO(export(table, "xlsx")))
    head, *rows = book.get_sheet_by_name("Records").to_python()
    assert head == ["id", *TYPES]
    found = [{name: value for name, value in zip(head, row, strict=True) if value != ""} for row in rows]
    assert found == [
        {"id": 1, "a": "=1+1", "v": "007", "i": 5, "n": 1.5, "b": True, "d": day, "t": moment},
        {"id": 2, "a": "https://example.com", "i": str(2**62), "x": "Infinity", "r": 0.5, "j": '{"k": [1]}',
         "d": "1800-01-01"},
        {"id": 3, "n": "12345678901234567890.123", "z": "2024-01-02T00:00:00Z", "h": time(1, 2, 3)},
        {"id": 4, "p": timedelta(hours=25, seconds=1.5)}, {"id": 5, "p": "-0:00:01"}, {"id": 6, "p": "0:00:00.000001"},
    ]  # fmt: skip


def test_what_a_sheet_cannot_hold_is_refused_at_once(
    client: APIClient, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(table, [{"a": "x" * 32_768}, {"a": "y"}])
    answer = client.get("/api/tables/t/export/?format=xlsx")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "text_too_long")
    assert client.get("/api/tables/t/export/?format=xlsx&a=y").status_code == 200
    monkeypatch.setattr(workbooks, "MAX_RECORDS", 1)
    answer = client.get("/api/tables/t/export/?format=xlsx")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "too_many_records")


def test_a_decimal_that_no_cell_holds(client: APIClient, table: Table) -> None:
    client.post("/api/tables/t/records/", {"n": "1e40000"})
    answer = client.get("/api/tables/t/export/?format=xlsx")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "text_too_long")


def test_a_check_that_takes_long_is_left_to_the_file(
    client: APIClient, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(table, [{"a": "x"}, {"a": "y"}])
    slow = Cast(Func(Value(1), function="pg_sleep"), TextField())
    monkeypatch.setattr(workbooks, "_CHECK_SECONDS", 0.1)
    records: Any = record_model(table).objects.order_by("id")
    asked = Export(records.alias(slept=slow).filter(slept=""), "xlsx")
    asked.records = records
    assert b"".join(asked.pieces()).startswith(b"PK")
    monkeypatch.setattr(workbooks, "MAX_RECORDS", 1)
    with pytest.raises(InvalidInput):
        list(asked.pieces())


def test_an_abandoned_workbook_is_not_packed_any_further(
    table: Table, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    fill(table, [{"a": "x"}])
    asked = Export(record_model(table).objects.order_by("id"), "xlsx")
    asked.interrupt()
    with pytest.raises(workbooks.Abandoned):
        list(asked.pieces())
    assert list(tmp_path.iterdir()) == []


def test_a_filter_that_nothing_passes(client: APIClient, table: Table) -> None:
    fill(table, [{"a": "x"}])
    for query, expected in (("a__in=y&id__lt=0", "id,"), ("format=json&id=77", "[]")):
        answer: Any = client.get(f"/api/tables/t/export/?{query}")
        text = b"".join(answer.streaming_content).decode()
        assert text.startswith(expected)
        assert text.count("\n") == 1


@pytest.mark.django_db(transaction=True)
async def test_a_client_that_goes_away_ends_the_query(owner: User, client: APIClient, make_table: MakeTable) -> None:
    def fill_and_ask() -> Export:
        made = make_table("t", n="INTEGER")
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO userdata.t (n) SELECT g FROM generate_series(1, 200000) g")
        return Export(record_model(made).objects.order_by("id"), "csv")

    def queries() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE state = 'active' AND query LIKE 'COPY (%' AND datname = current_database()"
            )
            return int((cursor.fetchone() or [0])[0])

    asked = await sync_to_async(fill_and_ask)()
    pieces = in_thread(asked.pieces(), asked.interrupt)
    assert (await anext(pieces)).startswith(b"id,n")
    assert len(await anext(pieces)) > 100_000
    await pieces.aclose()
    assert await sync_to_async(queries)() == 0
    assert not await sync_to_async(lambda: connection.in_atomic_block)()


@pytest.mark.django_db(transaction=True)
async def test_a_client_that_goes_away_while_postgresql_sorts(
    make_table: MakeTable, second_connection: Callable[[], Any]
) -> None:
    def ask() -> Export:
        made = make_table("t", n="INTEGER")
        sleep = Cast(Func(Value(3600), function="pg_sleep"), TextField())  # a test that waits for it fails
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO userdata.t (n) VALUES (1)")
        return Export(record_model(made).objects.order_by(sleep), "csv")

    watcher = second_connection()

    def sleeping() -> bool:
        query = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
        return watcher.execute(query).fetchone() is not None

    asked = await sync_to_async(ask)()
    pieces = in_thread(asked.pieces(), asked.interrupt)
    await anext(pieces)
    waiting = asyncio.ensure_future(anext(pieces))
    await until_async(sleeping)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not sleeping()
    assert await sync_to_async(lambda: connection.in_atomic_block)() is False
