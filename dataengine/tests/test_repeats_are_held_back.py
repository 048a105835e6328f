"""Rows that may repeat earlier ones are held back while a file is read, at least all real repeats, then decided."""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from django.contrib.auth.models import User
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.columns.sql_types import parse_sql_type
from dataengine.columns.types import ColumnSpec
from dataengine.imports.converting.conversion import Converter, target_of
from dataengine.imports.converting.repeats import Repeats
from dataengine.imports.parsing.parser import Block, parse
from dataengine.imports.planning.plan import Plan
from dataengine.services import tables, trash
from dataengine.tests.importing import import_text, records, rejected

_WORDS = st.one_of(st.sampled_from(["", "a", "b", "ab" * 200, "ab" * 200 + "c"]), st.text(max_size=20))
_BLOCKS = st.lists(st.lists(st.tuples(_WORDS | st.none(), st.booleans()), min_size=1, max_size=12), max_size=5)


def _repeats(kind: str, rows: int = 100, **parameters: Any) -> tuple[Repeats, Converter]:
    target = target_of(ColumnSpec(name="c", type=kind, parameters=parameters))
    return Repeats(target, rows), Converter([target], [0], markers=())


@given(_BLOCKS)
def test_no_repeat_of_a_good_row_passes(blocks: list[list[tuple[str | None, bool]]]) -> None:
    repeats, _ = _repeats("text")
    before: set[str] = set()
    for block in blocks:
        good = np.array([is_good for _, is_good in block], np.bool_)
        found = repeats.seen(pa.array([value for value, _ in block], pa.string()), good)
        for (value, is_good), held in zip(block, found.tolist(), strict=True):
            assert held or not is_good or value is None or value not in before
            assert not held or (is_good and value is not None)
            if is_good and value is not None:
                before.add(value)


@pytest.mark.parametrize("kind", ["text", "bigint", "date", "timestamptz", "uuid"])
def test_few_rows_are_held_back_in_vain(kind: str) -> None:
    rows = 20_000
    made: dict[str, pa.Array] = {
        "text": pa.array([f"u{number}@example.com" for number in range(rows)]),
        "bigint": pa.array(range(rows), pa.int64()),
        "date": pa.array(range(rows), pa.date32()),
        "timestamptz": pa.array(range(rows), pa.timestamp("us", "UTC")),
        "uuid": pa.array([number.to_bytes(16) for number in range(rows)], pa.binary(16)),
    }
    repeats, _ = _repeats(kind, rows)
    found = repeats.seen(made[kind], np.ones(rows, np.bool_))
    assert found.sum() < rows / 50
    assert repeats.seen(made[kind], np.ones(rows, np.bool_)).all()


@pytest.mark.parametrize(
    ("kind", "parameters", "cells"),
    [
        ("double", {}, ["0", "-0.0", "0e5"]),
        ("real", {}, ["0.5", "5e-1", ".50"]),
        ("numeric", {}, ["1.5", "1.500", "+01.5", "15e-1"]),
        ("numeric", {}, ["0", "0.000", "-0"]),
        ("numeric", {}, ["10000", "10000.0000", "1e4"]),
        ("numeric", {"precision": 5, "scale": 2}, ["1.5", "1.50"]),
        ("numeric", {"precision": 50, "scale": 2}, ["1.5", "1.50"]),
        ("jsonb", {}, ['{"a": 1, "b": [1.0]}', '{"b":[1],"a":1.00}', '{"a":2,"a":1,"b":[10e-1]}']),
        ("boolean", {}, ["true", "yes", "1"]),
        ("timestamptz", {}, ["2024-01-01T12:00:00Z", "2024-01-01 13:00:00+01"]),
        ("uuid", {}, ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
    ],
)
def test_what_postgres_takes_for_equal_is_a_repeat(kind: str, parameters: dict[str, Any], cells: list[str]) -> None:
    repeats, converter = _repeats(kind, **parameters)
    batch = converter.convert([pa.array(cells)])
    assert batch.good.all()
    assert repeats.seen(batch.values[0], batch.good).tolist() == [False] + [True] * (len(cells) - 1)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3), st.integers(0, 5), st.integers(0, 12))
def test_numbers_are_equal_whatever_their_scale(number: Decimal, zeros: int, more: int) -> None:
    repeats, converter = _repeats("numeric")
    text = format(number, "f")
    batch = converter.convert([pa.array([text, text.replace("-", "-" + "0" * zeros, 1) + "0" * more])])
    assert repeats.seen(batch.values[0], batch.good).tolist() == [False, True]


def _small_blocks(plan: Plan) -> Generator[Block]:
    return parse(plan.source, plan.dialect, len(plan.mapping.headers), ("",), block_bytes=48)


_ROWS = st.lists(
    st.tuples(
        st.sampled_from("abcdx"), st.sampled_from(["1", "2", "3", "4", ""]), st.sampled_from(["ok", "ok", "bad"])
    ),
    min_size=1,
    max_size=25,
)


@pytest.mark.django_db(transaction=True)
@settings(max_examples=15)
@given(rows=_ROWS, before=st.booleans(), is_pattern=st.booleans())
def test_the_first_valid_row_wins_as_a_model_says(
    owner: User, rows: list[tuple[str, str, str]], before: bool, is_pattern: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataengine.imports.pipeline.blocks_of", _small_blocks)
    monkeypatch.setattr("dataengine.imports.loading.filing.blocks_of", _small_blocks)
    # A choice is checked while the file is read, a pattern by PostgreSQL afterwards.
    rule = (
        ColumnSpec(name="kind", type="text", constraints={"pattern": "^(ok|none)$"})
        if is_pattern
        else ColumnSpec(name="kind", type="choice", parameters={"choices": ["ok", "none"]})
    )
    unique = [parse_sql_type("a", "TEXT UNIQUE"), parse_sql_type("n", "INTEGER UNIQUE")]
    table = tables.create_table(user=owner, name="pairs", columns=[*unique, rule])
    try:
        if before:
            import_text(owner, "pairs", "a,n,kind\nd,,none\n")
        lines = [",".join(row) for row in rows]
        job = import_text(owner, "pairs", "a,n,kind\n" + "\n".join(lines) + "\n")
        winners, expected = _model(rows, [("d", None)] if before else [])
        assert (job.state, rejected(job)) == ("completed", expected)
        assert records("pairs", "a", "n") == winners
        assert job.rows_imported + job.rows_rejected == job.rows_read == len(rows)
        assert all(row.raw == lines[row.line - 2] for row in job.rejected_rows.all())
    finally:
        trash.delete_table(user=owner, table=table)


def _model(
    rows: list[tuple[str, str, str]], winners: list[tuple[str, str | None]]
) -> tuple[list[tuple[str, str | None]], list[tuple[int, list[tuple[str, str]]]]]:
    """The records, and (line, [(column, code), …]) of each rejected row."""
    in_table = {a for a, _ in winners}
    taken: set[tuple[str, str]] = set()
    bad: list[tuple[int, list[tuple[str, str]]]] = []
    for line, (a, n, kind) in enumerate(rows, 2):
        errors = [("a", "duplicate_in_table")] if a in in_table else []
        errors += [(name, "duplicate_in_file") for name, value in (("a", a), ("n", n)) if (name, value) in taken]
        if kind == "bad":
            errors.append(("kind", "constraint_failed"))
        if errors:
            bad.append((line, errors))
        else:
            winners.append((a, n or None))
            taken |= {("a", a)} | ({("n", n)} if n else set())
    return winners, bad
