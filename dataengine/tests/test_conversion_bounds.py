"""The error codes of cells at the limits of their type, the same for quick and careful conversion."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dataengine.columns.sql_types import parse_sql_type
from dataengine.imports.converting.conversion import Converter, target_of

CASES: list[tuple[str, str, str | None]] = [
    ("SMALLINT", "32767", None),
    ("SMALLINT", "32768", "out_of_range"),
    ("INTEGER", "-2147483648", None),
    ("INTEGER", "-2147483649", "out_of_range"),
    ("BIGINT", "9223372036854775807", None),
    ("BIGINT", "9223372036854775808", "out_of_range"),
    ("BIGINT", "9" * 60, "out_of_range"),
    ("BIGINT", "1.5", "invalid_type"),
    ("BIGINT", "1,000", "invalid_type"),
    ("BIGINT", "٣", "invalid_type"),
    ("NUMERIC(5,2)", "999.99", None),
    ("NUMERIC(5,2)", "1000", "out_of_range"),
    ("NUMERIC(5,2)", "1.005", "out_of_range"),
    ("NUMERIC(5,2)", "1.500", None),
    ("NUMERIC(5,2)", "1e2", None),
    ("NUMERIC(5,2)", "1e-3", "out_of_range"),
    ("NUMERIC(5,2)", "0e10", None),
    ("NUMERIC(5,2)", "0e-10", None),
    ("NUMERIC", "0e10", None),
    ("NUMERIC", "1e131072", "out_of_range"),
    ("NUMERIC", "NaN", None),
    ("REAL", "3.5e38", "out_of_range"),
    ("REAL", "1e-46", "out_of_range"),
    ("DOUBLE PRECISION", "1e400", "out_of_range"),
    ("DOUBLE PRECISION", "Infinity", "invalid_type"),
    ("BOOLEAN", "tru", "invalid_type"),
    ("BOOLEAN", "2", "invalid_type"),
    ("DATE", "2024-02-30", "invalid_type"),
    ("DATE", "10000-01-01", "out_of_range"),
    ("DATE", "0000-01-01", "out_of_range"),
    ("TIME", "24:00", "invalid_type"),
    ("TIMESTAMP", "2024-01-31 12:34:56.1234567", "out_of_range"),
    ("TIMESTAMP", "2024-01-31 12:34:56+02", "invalid_type"),
    ("TIMESTAMPTZ", "9999-12-31 23:59:59-00:30", "out_of_range"),
    ("TIMESTAMPTZ", "0001-01-01 00:00:00+00:30", "out_of_range"),
    ("TIMESTAMPTZ", "2024-01-31 12:34:56-15:59", None),
    ("TIMESTAMPTZ", "2024-01-31 12:34:56+16:00", "invalid_type"),
    ("VARCHAR(3)", "äöü", None),
    ("VARCHAR(3)", "abc ", "value_too_long"),
    ("TEXT UNIQUE", "ü" * 1300, None),
    ("TEXT UNIQUE", "ü" * 1301, "value_too_long"),
    ("NUMERIC UNIQUE", "9" * 6000, "value_too_long"),
    ("CHOICE('a','b')", "A", "constraint_failed"),
    ("REFERENCES other", "0", "unknown_reference"),
    ("REFERENCES other", "-1", "unknown_reference"),
    ("REFERENCES other", "9223372036854775808", "out_of_range"),
]


@pytest.mark.parametrize(("sql_type", "cell", "code"), CASES)
def test_codes_at_the_edges(sql_type: str, cell: str, code: str | None) -> None:
    converter = Converter([target_of(parse_sql_type("c", sql_type))], [0], markers=())
    alone = converter.convert([pa.array([cell])]).errors
    beside = converter.convert([pa.array(["\x01 no value of most types", cell])]).errors
    assert [error.code for error in alone.get(0, [])] == ([code] if code else [])
    assert beside.get(1, []) == alone.get(0, [])
