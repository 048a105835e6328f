"""A preview suggests what the import would decide if it saw the same cells only."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dataengine.imports.converting.evidence import ColumnEvidence
from dataengine.imports.converting.likely_types import likely_type
from dataengine.imports.converting.patterns import NULL_MARKERS, unguarded
from dataengine.imports.dialects.detection import detect
from dataengine.imports.dialects.header import first_records, has_rows
from dataengine.imports.parsing.parser import parse
from dataengine.imports.reading.source import Source, open_source

_DATES = [
    st.from_regex(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]", fullmatch=True),
    st.from_regex(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}", fullmatch=True),
    st.from_regex(r"[0-3][0-9]\.[01][0-9]\.(0000|2024)", fullmatch=True),
    st.from_regex(r"[0-9]{1,2} (Jan|february|Sept|Foo) 20[0-9]{2}", fullmatch=True),
    st.from_regex(r"[0-3]?[0-9][/.-][0-1]?[0-9][/.-][0-9]{2}", fullmatch=True),
    st.from_regex(r"[0-3]?[0-9](\.|th)?[ -](März|janv\.|Dic|de)[ -](20)?[0-9]{2}", fullmatch=True),
]
_CLOCKS = st.from_regex(r"[0-2][0-9]:[0-6][0-9](:[0-5][0-9](\.[0-9]{1,7})?)?( ?[aP][mM])?", fullmatch=True)
_ZONES = st.sampled_from(["", "", "Z", "+02", " +02:00", "-1630", "+0275"])
_COLUMNS: list[st.SearchStrategy[str]] = [
    st.integers(-(2**70), 2**70).map(str),
    st.integers(-(2**31), 2**31).map(str),
    st.from_regex(r"-?[0-9]{1,3}(\.[0-9]{1,3})?([eE]-?[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(["true", "False", "yes", "No", "t", "sí", "NEIN", "ja"]),
    st.sampled_from(["1.000", "2.500,75", "1,234", "12", "0,5", "0.5", "1.234,00", "1,234.5", "7"]),
    st.sampled_from(
        ["$1.50", "$3", "1.234 €", "3 €", "12.5%", "3%", "0", "(12.50)", "6-", "-$4", "\u22125", "1\u202f000"]
    ),
    st.sampled_from(
        ["100 200 300", "1 000", "1'000.5", "1E05", "1e-05", "0.5", "0.1234567890123456789", "9007199254740993"]
    ),
    st.sampled_from(["#N/A", "nan", "#REF!", "inf", "1.5", "2024-01-31"]),
    st.sampled_from(['{"a": 1}', "[]", "[1, 2", '{"a": 1e99999}', "[nan]"]),
    st.uuids().map(str),
    st.uuids().map(lambda value: value.hex.upper()),
    *_DATES,
    *(st.builds("{}T{}{}".format, dates, _CLOCKS, _ZONES) for dates in _DATES),
    _CLOCKS,
    st.sampled_from(["+1", "007", "-0", "0x1F", "1_000", "1e999", "9" * 40, "-" + "9" * 400, "\u0661", "x"]),
]
_ODD = st.sampled_from(["", " ", "NA", "null", " 5\t", "\v7", "a"])
_CELLS = st.one_of([st.lists(column, min_size=1, max_size=4) for column in _COLUMNS])


@given(_CELLS, st.lists(_ODD, max_size=2))
@example(["0.1e-400"], [])
@example(["31/12/2024", "12/31/2024"], [])
@example(["5"] * 100 + ["five"], [])
@example(["5"] * 99 + ["five"], [])
@example(["5"] * 200 + ["1.5"], [])
@example(["1,5"] * 200 + ["2.5"], [])
@example(["5"] * 200 + ["007"], [])
@example(["5"] * 200 + ["inf"], [])
@example(["yes"] * 100 + ["no"] * 100 + ["maybe"], [])
@example(["2024-01-31"] * 200 + ["2024-02-31"], [])
def test_a_preview_agrees_with_the_import(cells: list[str], more: list[str]) -> None:
    column = [*cells, *more]
    evidence = ColumnEvidence("c")
    lines = np.arange(len(column), dtype=np.int64)
    evidence.look(pa.array(column, pa.string()), lines, ["", *NULL_MARKERS])
    assert likely_type(column, NULL_MARKERS) == evidence.kind()


def test_the_guard_of_a_corrected_file_is_taken_off() -> None:
    assert [unguarded(cell) for cell in ("'-5", "'' =x", "'quoted'", "-5")] == ["-5", "'' =x", "'quoted'", "-5"]


def opened(content: bytes) -> Source:
    return open_source(io.BytesIO(content), "data.csv")


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n",
        b"a,b",
        b"a,b\r\n\r\n\n",
        b"a,b\n\n1,2",
        b"a,b\n1\n",
        b'a,b\n"\n',
        b"a,b\n" + b"\n" * 3_000_000 + b"1,2\n",
    ],
    ids=["header", "no break", "blank lines", "row after blanks", "too short", "stray quote", "far below"],
)
def test_rows_are_seen_where_the_parser_sees_some(content: bytes) -> None:
    source = opened(content)
    dialect = detect(source)
    assert has_rows(source, dialect) == any(True for _ in parse(source, dialect, 2))


def test_the_first_records_are_those_of_the_usual_width() -> None:
    source = opened(b'a,b\n1,"x\ny"\nonly one\n\n2,"quote "" in it"\n3,4,5\n6,7')
    assert first_records(source, detect(source), 2) == [["1", "x\ny"], ["2", 'quote " in it'], ["6", "7"]]
