"""Whatever a kernel accepts gets the value that PostgreSQL's own input function gives it."""

from __future__ import annotations

import json
import re
from typing import Any

import pyarrow as pa
import pytest
from django.core.exceptions import ValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataengine.columns.sql_types import parse_sql_type
from dataengine.imports.converting.binary_copy import whole_copy
from dataengine.imports.converting.conversion import Converter, target_of
from dataengine.imports.converting.patterns import SHEET_NULLS
from dataengine.postgres.statements import raw_connection

pytestmark = pytest.mark.django_db

digits = st.text("0123456789", min_size=1, max_size=25)
sign = st.sampled_from(["", "-", "+"])
integers = st.builds(lambda s, d: s + d, sign, digits)
decimals = st.builds(lambda s, a, b: f"{s}{a}.{b}", sign, digits, st.text("0123456789", max_size=22))
floats = st.builds(lambda m, e: f"{m}e{e}", st.one_of(integers, decimals), st.integers(-400, 400))
moments = st.datetimes().map(lambda m: m.isoformat(sep=" "))
zoned = st.builds(lambda m, z: m + z, moments, st.sampled_from(["", "Z", "+00", "+02", "-0330", "+05:45", " +01"]))
odd = st.text("0123456789+-.eE:TZ /xX_ naif", max_size=12)
clocks = st.builds(
    lambda s, h, m, f: f"{s}{h}:{m}{f}", sign, st.integers(0, 2**32), st.sampled_from(["00", "09", "59", "60", "7"]),
    st.sampled_from(["", ":00", ":59", ":60", ":01.5", ":01.123456", ":01.1234567"]),
)  # fmt: skip
uuids = st.one_of(st.uuids().map(str), st.uuids().map(lambda u: u.hex.upper()), st.uuids().map(lambda u: f"{{{u}}}"))
json_values = st.recursive(st.none() | st.floats() | st.text(), st.lists)
json_text = st.text('{}[]",:0123456789eE-. \\u0000d8tfnrulas', max_size=20)

CASES: list[tuple[list[str], st.SearchStrategy[str]]] = [
    (
        ["SMALLINT", "INTEGER", "BIGINT"],
        st.one_of(
            integers, odd, st.integers(-40_000, 40_000).map(str), st.integers(-(2**33), 2**33).map(str),
            st.integers(-(2**65), 2**65).map(str),
        ),
    ),
    (
        ["NUMERIC", "NUMERIC(12,2)", "NUMERIC(50,20)", "REAL", "DOUBLE PRECISION"],
        st.one_of(
            integers, decimals, floats, odd, st.decimals(-1000, 1000, places=2).map(str), st.floats().map(repr)
        ),
    ),
    (["BOOLEAN"], st.one_of(odd, st.sampled_from(["true", "F", "yes", "No", "on", "OFF", "1", "0", "tr", "fal", "2"]))),
    (
        ["DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ"],
        st.one_of(
            odd, st.dates().map(str), moments, zoned, st.times().map(str),
            st.sampled_from(["24:00", "1:02 pm", "12:00 am", "13:00 pm"]),
        ),
    ),
    (["DURATION"], st.one_of(odd, clocks)),
    (["UUID"], st.one_of(odd, uuids)),
    (["JSONB"], st.one_of(json_text, json_values.map(json.dumps))),
]  # fmt: skip
"""Types, and what is tried on each of them: cells are dear to make and cheap to convert."""


def _told(cell: str | None, kernel: str) -> str | None:
    """The cell in a form that PostgreSQL understands: spreadsheets write some that it does not."""
    text = (cell or "").strip(" \t\n\v\f\r")
    if text in {"", *SHEET_NULLS}:
        return None
    if kernel == "integer":
        return re.sub(r"\.0*$", "", text)
    return "true" if kernel == "boolean" and text.lower() == "x" else cell


@pytest.mark.parametrize(("types", "cells"), CASES, ids=[types[0] for types, _ in CASES])
def test_accepted_cells_mean_what_postgres_says(types: list[str], cells: st.SearchStrategy[str]) -> None:
    session = raw_connection()
    session.execute("SET timezone = 'UTC'")
    for number, sql_type in enumerate(types):
        spec = parse_sql_type("c", sql_type)
        session.execute(f"CREATE TEMP TABLE cells_{number} (id bigint, c {spec.kind.postgres_type(spec.parameters)})")

    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.one_of(st.none(), cells), min_size=1, max_size=60))
    def check(made: list[str | None]) -> None:
        usable = [None if cell is None or "\0" in cell else cell.encode("utf-8", "replace").decode() for cell in made]
        for number, sql_type in enumerate(types):
            session.execute(f"DELETE FROM cells_{number}")
            _mean_what_postgres_says(sql_type, f"cells_{number}", usable)

    check()


def _mean_what_postgres_says(sql_type: str, table: str, cells: list[str | None]) -> None:
    session, spec = raw_connection(), parse_sql_type("c", sql_type)
    target, declared = target_of(spec), spec.kind.postgres_type(spec.parameters)
    batch = Converter([target], [0], markers=()).convert([pa.array(cells, pa.string())])
    with session.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:
        copy.write(whole_copy([target], pa.array(range(len(cells)), pa.int64()), batch.values))
    stored: dict[int, Any] = dict(session.execute(f"SELECT id, c::text FROM {table}").fetchall())
    good = [(row, cell) for row, cell in enumerate(cells) if row not in batch.errors]
    said = session.execute(
        f"SELECT i, c::{declared}::text FROM unnest(%s::int[], %s::text[]) AS given(i, c)",
        [[row for row, _ in good], [_told(cell, spec.kind.kernel) for _, cell in good]],
    ).fetchall()
    assert {row: stored[row] for row, _ in good} == dict(said), sql_type
    assert all(stored[row] is None for row in batch.errors), sql_type


@pytest.mark.parametrize(
    ("sql_type", "cell", "code"),
    [
        ("INTEGER", "1.5", "invalid_type"),
        ("INTEGER", "0x1F", "invalid_type"),
        ("INTEGER", "1e3", "invalid_type"),
        ("INTEGER", "1,000", "invalid_type"),
        ("INTEGER", "2147483648", "out_of_range"),
        ("BIGINT", "9" * 60, "out_of_range"),
        ("NUMERIC(5,2)", "1.234", "out_of_range"),
        ("NUMERIC(5,2)", "1000", "out_of_range"),
        ("NUMERIC", "#REF!", "invalid_type"),
        ("REAL", "1e39", "out_of_range"),
        ("DOUBLE PRECISION", "1e-400", "out_of_range"),
        ("DOUBLE PRECISION", "inf", "invalid_type"),
        ("BOOLEAN", "2", "invalid_type"),
        ("BOOLEAN", "tru", "invalid_type"),
        ("DATE", "2024-02-30", "invalid_type"),
        ("DATE", "2024-02-01 00:00:01", "invalid_type"),
        ("DATE", "2024-02-01 00:00+02", "invalid_type"),
        ("DATE", "10000-01-01", "out_of_range"),
        ("DATE", "0000-01-01", "out_of_range"),
        ("TIMESTAMP", "2024-01-01 00:00+02", "invalid_type"),
        ("TIMESTAMP", "2024-01-01 00:00:00.1234567", "out_of_range"),
        ("TIME", "25:00", "invalid_type"),
        ("DURATION", "1:60", "invalid_type"),
        ("DURATION", "90", "invalid_type"),
        ("DURATION", "1 month", "invalid_type"),
        ("DURATION", "0:00:00.0000001", "out_of_range"),
        ("DURATION", "9999999999:00:00", "out_of_range"),
        ("UUID", "abc", "invalid_type"),
        ("JSONB", "{'a': 1}", "invalid_type"),
        ("JSONB", '"\\u0000"', "invalid_type"),
        ("JSONB", "1e999999999", "out_of_range"),
        ("VARCHAR(3)", "äöüß", "value_too_long"),
        ("CHOICE('a','b')", "c", "constraint_failed"),
        ("TEXT[]", "[1]", "invalid_type"),
        ("TEXT[]", '["a",]', "invalid_type"),
        ("TEXT[]", '["\\ud800"]', "invalid_type"),
        ("CHOICES('a','b')", "a; c", "constraint_failed"),
        ("CHOICES('a','b')", "a, a", "constraint_failed"),
        ("EMAIL", "nobody", "invalid_type"),
        ("URL", "javascript:alert(1)", "invalid_type"),
        ("INTEGER NOT NULL", "", "missing_value"),
    ],
)
def test_what_is_refused_and_why(sql_type: str, cell: str, code: str) -> None:
    target = target_of(parse_sql_type("c", sql_type))
    batch = Converter([target], [0], markers=()).convert([pa.array([cell], pa.string())])
    assert [error.code for error in batch.errors[0]] == [code]
    if code != "missing_value":
        assert batch.errors[0][0].message.startswith("expected ")
        assert cell[:20] in batch.errors[0][0].message


@pytest.mark.parametrize(
    ("sql_type", "cell", "reason"),
    [
        ("DATE", "45323", "Excel’s day number 45323 is 2024-02-01"),
        ("DATE", "45323.5", "Excel’s day number 45323.5 is 2024-02-01 12:00:00"),
        ("TIMESTAMP", " 45323 ", "Excel’s day number 45323 is 2024-02-01"),
        ("EMAIL", "Ada <a@x.org>", "give the address alone, without the name and without < and >"),
        ("EMAIL", "mailto:a@x.org", "leave out “mailto:”"),
        ("EMAIL", "a@x.org, b@x.org", "give one address only"),
        ("EMAIL", "a@localhost", "the domain “localhost” has no dot in it"),
        ("EMAIL", "nobody", "it has no @"),
        ("EMAIL", "a b@x.org", "it has a space in it"),
        ("URL", "www.x.org", "http:// or https:// is missing at the beginning"),
        ("URL", "gopher://x.org", "it begins with gopher://"),
        ("URL", "http://x y", "it has a space in it"),
    ],
)
def test_a_refusal_says_what_is_wrong(sql_type: str, cell: str, reason: str) -> None:
    target = target_of(parse_sql_type("c", sql_type))
    batch = Converter([target], [0], markers=()).convert([pa.array([None, cell], pa.string())])
    assert batch.errors[1][0].message.endswith(f"found “{cell}”: {reason}")
    if target.kind.kernel == "pattern":
        field = target.kind.model_field({}, name="c", label="", required=False, unique=False, constraints={})
        with pytest.raises(ValidationError, match=re.escape(reason)):
            field.clean(cell.strip(), None)


def test_every_error_of_a_row_is_reported() -> None:
    targets = [target_of(parse_sql_type(name, text)) for name, text in (("a", "INTEGER"), ("b", "DATE"), ("c", "TEXT"))]
    columns = [pa.array(["x", "1"]), pa.array(["y", "2024-01-01"]), pa.array(["z", "z"])]
    batch = Converter(targets, [0, 1, 2], markers=()).convert(columns)
    assert {row: [(e.column, e.code) for e in errors] for row, errors in batch.errors.items()} == {
        0: [("a", "invalid_type"), ("b", "invalid_type")]
    }
    assert batch.good.tolist() == [False, True]
