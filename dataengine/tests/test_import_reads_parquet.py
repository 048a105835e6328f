"""Parquet files: the types are the file's, every value is exact, and no page fills the memory."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.contrib.auth.models import User

from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.dialect import DialectOptions
from dataengine.imports.dialects.opening import examine
from dataengine.imports.parsing.parser import parse
from dataengine.imports.reading import parquet
from dataengine.tests.importing import import_text, make_table, records, rejected


def stored(columns: dict[str, Any] | pa.Table, **how: Any) -> bytes:
    file = io.BytesIO()
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    pq.write_table(table, file, **how)
    return file.getvalue()


def read(data: bytes) -> tuple[list[str], list[Any], list[Any]]:
    opening = examine(io.BytesIO(data), "a.parquet", DialectOptions())
    rows: list[Any] = []
    bad: list[Any] = []
    for _ in range(2):  # a source can be read again
        rows, bad = [], []
        for block in parse(opening.source, opening.dialect, len(opening.headers)):
            columns = [column.to_pylist() for column in block.columns]
            rows += [(int(line), *cells) for line, *cells in zip(block.lines, *columns, strict=True)]
            bad += [(item.line, item.code) for item in block.rejects]
    return opening.headers, rows, bad


NOON = datetime(2024, 1, 31, 12, 0, 0, 500_000)  # noqa: DTZ001  that is what the column is for
KINDS: list[tuple[pa.Array, str, str]] = [
    (pa.array([7, None], pa.int8()), "7", "SMALLINT"),
    (pa.array([-(2**63), None], pa.int64()), "-9223372036854775808", "BIGINT"),
    (pa.array([2**64 - 1, None], pa.uint64()), "18446744073709551615", "NUMERIC"),
    (pa.array([0.1, None], pa.float64()), "0.1", "DOUBLE PRECISION"),
    (pa.array([0.1, None], pa.float32()), "0.1", "REAL"),
    (pa.array([Decimal("12345678901234567.10"), None], pa.decimal128(30, 2)), "12345678901234567.10", "DECIMAL(30,2)"),
    (pa.array([Decimal("0.0000000001"), None], pa.decimal128(12, 10)), "0.0000000001", "DECIMAL(12,10)"),
    (pa.array([True, None]), "true", "BOOLEAN"),
    (pa.array([date(2024, 1, 31), None]), "2024-01-31", "DATE"),
    (pa.array([time(6, 30, 1, 5), None], pa.time64("us")), "06:30:01.000005", "TIME"),
    (pa.array([90_000_000_500, None], pa.duration("us")), "25:00:00.0005", "DURATION"),
    (pa.array([-1, None], pa.duration("ns")), "-00:00:00.000000001", "DURATION"),
    (pa.array([NOON, None], pa.timestamp("ns")), "2024-01-31 12:00:00.500000", "TIMESTAMP"),
    (pa.array([NOON.replace(microsecond=0), None], pa.timestamp("ms")), "2024-01-31 12:00:00", "TIMESTAMP"),
    (
        pa.array([NOON.replace(tzinfo=UTC), None], pa.timestamp("us", "Europe/Berlin")),
        "2024-01-31 12:00:00.500000Z",
        "TIMESTAMPTZ",
    ),
    (pa.array(['NA,"x"\n', None]), 'NA,"x"\n', "TEXT"),
    (pa.array(["", None], pa.large_string()), "", "TEXT"),
    (pa.array(["a", None]).dictionary_encode(), "a", "TEXT"),
    (pa.array([[1, None, 2], None], pa.list_(pa.int32())), "[1, null, 2]", "JSONB"),
    (
        pa.array(
            [{"a": Decimal("1.10"), "é": ['x"y', None]}, None],
            pa.struct([("a", pa.decimal128(5, 2)), ("é", pa.list_(pa.string()))]),
        ),
        '{"a": 1.10, "é": ["x\\"y", null]}',
        "JSONB",
    ),
    (pa.array([[("k", 1), ("l", None)], None], pa.map_(pa.string(), pa.int64())), '{"k": 1, "l": null}', "JSONB"),
]  # fmt: skip


@pytest.mark.parametrize(("array", "text", "said"), KINDS, ids=[str(kind[0].type) for kind in KINDS])
def test_values_and_types(array: pa.Array, text: str, said: str) -> None:
    data = stored({"v": array, "n": [1, 2]})
    assert read(data) == (["v", "n"], [(1, text, "1"), (2, None, "2")], [])
    assert examine(io.BytesIO(data), "a.parquet", DialectOptions()).source.types["v"] == said


@pytest.mark.parametrize(("array", "text", "said"), KINDS, ids=[str(kind[0].type) for kind in KINDS])
def test_a_row_of_nothing_is_a_row(array: pa.Array, text: str, said: str) -> None:
    assert read(stored({"v": array})) == (["v"], [(1, text), (2, None)], [])


def test_many_rows_in_several_groups_and_encodings() -> None:
    count = 18_000
    columns = {
        "n": list(range(count)),
        "few": [f"t{n % 7}" for n in range(count)],
        "many": [f"x{n}" for n in range(count)],
    }
    for how in (
        {},
        {"use_dictionary": False},
        {"compression": "zstd"},
        {"row_group_size": 5_000, "data_page_version": "2.0"},
    ):
        names, rows, bad = read(stored(columns, **how))
        assert names == ["n", "few", "many"]
        assert rows == [(n + 1, str(n), f"t{n % 7}", f"x{n}") for n in range(count)]
        assert bad == []


def test_what_has_no_text_is_left_out_and_said() -> None:
    data = stored({"a": [1], "raw": [b"\x00"], "in": [[b"x"]]})
    opening = examine(io.BytesIO(data), "a.parquet", DialectOptions())
    assert opening.headers == ["a"]
    [warning] = opening.source.warnings
    assert warning.code == "columns_left_out"
    assert all(name in warning.message for name in ("“raw”", "“in”"))


def test_text_that_is_none_costs_its_row() -> None:
    column = pa.array([b"good", b"\xff\xfe", b"nul\0", b"too"]).view(pa.string())
    assert read(stored({"a": column, "n": [1, 2, 3, 4]})) == (
        ["a", "n"],
        [(1, "good", "1"), (4, "too", "4")],
        [(2, "invalid_encoding"), (3, "invalid_encoding")],
    )


PLAIN = stored({"a": ["x", "y"] * 500, "n": list(range(1000))})


@pytest.mark.parametrize(
    ("make", "code"),
    # Functions, so that not every worker that collects this file makes all of them.
    [
        (lambda: b"a,b\n1,2\n", "not_csv"),
        (lambda: PLAIN[:-20], "broken_archive"),
        (lambda: PLAIN[:100], "broken_archive"),
        (lambda: stored({f"c{n}": [1] for n in range(1600)}), "too_many_columns"),
        (lambda: stored({"raw": [b"\x00"]}), "no_columns"),
        (lambda: stored({"a": pa.array([], pa.string())}), "no_rows"),
        (lambda: stored({"a": ["x" * (140 << 20)]}, compression="zstd", write_statistics=False), "bomb"),
        (lambda: stored({"a": pa.array([[1] * 1_100_000], pa.list_(pa.int8()))}, data_page_size=1 << 30), "bomb"),
    ],
)
def test_files_that_are_refused(make: Callable[[], bytes], code: str) -> None:
    data = make()
    with pytest.raises(InvalidInput) as caught:
        read(data)
    assert caught.value.error_code == code


def test_a_long_text_that_every_row_repeats_is_written_out_bit_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "MAX_TEXT", 1 << 20)
    data = stored({"a": ["x" * 100_000] * 1_000})
    assert len(data) < 200_000
    opening = examine(io.BytesIO(data), "a.parquet", DialectOptions())
    sizes = [len(chunk) for chunk in opening.source.open_bytes()]
    assert sum(sizes) > 100_000_000
    assert max(sizes) <= 2 << 20


def test_damage_anywhere_is_told_and_ends_nothing() -> None:
    codes = set()
    for place in range(4, len(PLAIN), 41):
        damaged = bytearray(PLAIN)
        damaged[place] ^= 0xFF
        try:
            read(bytes(damaged))
        except InvalidInput as error:
            codes.add(error.error_code)
    assert "broken_archive" in codes


@pytest.mark.django_db(transaction=True)
def test_a_new_table_has_the_file_s_types(owner: User) -> None:
    key = uuid.uuid4()
    table = pa.table({
        "code": ["007", "8"],
        "price": pa.array([Decimal("1.50"), None], pa.decimal128(8, 2)),
        "seen": pa.array([NOON.replace(tzinfo=UTC), None], pa.timestamp("ns", "UTC")),
        "tags": [["a", "b"], None],
        "flag": [True, True],
        "key": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([key.bytes, None], pa.binary(16))),
        "raw": [b"x", b"y"],
    })  # fmt: skip
    job = import_text(owner, "A", stored(table), filename="a.parquet", create_table=True)
    assert job.state == "completed", job.error
    assert job.findings["types"] == {
        "code": "text", "price": "numeric", "seen": "timestamptz", "tags": "jsonb", "flag": "boolean", "key": "uuid",
    }  # fmt: skip
    assert records("A", "code", "price", "seen", "tags", "flag", "key") == [
        ("007", "1.50", "2024-01-31 12:00:00.5+00", '["a", "b"]', "true", str(key)),
        ("8", None, None, None, "true", None),
    ]
    assert job.findings["warnings"][0]["code"] == "columns_left_out"


@pytest.mark.django_db(transaction=True)
def test_into_a_table(owner: User) -> None:
    make_table(owner, "A", name="TEXT NOT NULL", n="INTEGER")
    job = import_text(owner, "A", stored({"n": [1.0, 2.5, 3.0], "name": ["NULL", "x", None]}), filename="a.parquet")
    assert records("A", "name", "n") == [("NULL", "1")]
    assert rejected(job) == [(2, [("n", "invalid_type")]), (3, [("name", "missing_value")])]
