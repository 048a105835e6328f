"""The first look into a file, without the code that converts: whether rows follow, and the first of them."""

from __future__ import annotations

import io

import pytest

from dataengine.imports.converting.patterns import unguarded
from dataengine.imports.dialects.detection import detect
from dataengine.imports.dialects.header import first_records, has_rows
from dataengine.imports.parsing.parser import parse
from dataengine.imports.reading.source import Source, open_source


def test_the_guard_of_a_corrected_file_is_taken_off() -> None:
    cells = {"'-5": "-5", "'' =x": "' =x", "'' x": "'' x", "'quoted'": "'quoted'", "-5": "-5"}
    assert {cell: unguarded(cell) for cell in cells} == cells


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
