"""Hostile and extreme files: bounded memory, a clear outcome, every row accounted for."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from typing import BinaryIO, cast

import pytest

from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.dialect import Dialect
from dataengine.imports.dialects.header import read_header
from dataengine.imports.parsing.parser import parse
from dataengine.imports.reading.kinds import PLAIN_TEXT
from dataengine.imports.reading.source import Source, SourceLimits

from .csv_damage import read

ROW = b"12345,some text here,67890,and more\n"


class Endless(io.RawIOBase):
    """A file of any size, generated while it is read."""

    def __init__(self, head: bytes, filler: bytes, size: int, tail: bytes) -> None:
        self._head, self._filler, self._tail = head, filler, tail
        self._size = len(head) + size + len(tail)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = self._size + offset if whence == io.SEEK_END else offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        size = min(size, self._size - self._at)
        start, end = self._at, self._at + size
        self._at = end
        inner = len(self._filler)
        body = (self._filler * (size // inner + 2))[(start - len(self._head)) % inner :][:size]
        if start < len(self._head):
            body = (self._head + self._filler * (size // inner + 2))[start:end]
        tail_at = self._size - len(self._tail)
        if end > tail_at:
            body = body[: max(0, tail_at - start)] + self._tail[max(0, start - tail_at) : end - tail_at]
        return body


def endless(head: bytes, filler: bytes, size: int, tail: bytes) -> Source:
    file = cast("BinaryIO", Endless(head, filler, size, tail))
    return Source(file, "a.csv", what=PLAIN_TEXT, limits=SourceLimits())


@pytest.fixture
def peak() -> Iterator[list[int]]:
    """Filled with the peak of Python's allocations when the test ends."""
    tracemalloc.start()
    try:
        yield []
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("peak")
@pytest.mark.parametrize("filler", [b"x", b'""', b"x\xc3\xa9"])
def test_an_endless_line_is_one_reject(filler: bytes) -> None:
    source = endless(b"a,b\n1,2\n3,", filler, 90_000_000, b"\n4,5\n")
    rows = []
    rejects = []
    for block in parse(source, Dialect()):
        rows += [
            (int(line), *cells)
            for line, *cells in zip(block.lines, *(c.to_pylist() for c in block.columns), strict=True)
        ]
        rejects += block.rejects
    assert rows == [(2, "1", "2"), (4, "4", "5")]
    (reject,) = rejects
    assert (reject.line, reject.code) == (3, "value_too_long")
    assert reject.message == "the line is longer than 16,777,216 bytes"
    assert len(reject.raw) <= 64 << 10


@pytest.mark.usefixtures("peak")
def test_a_quote_that_is_never_closed_costs_its_line() -> None:
    filler = b"no row at all " * 99 + b"\n"
    size = 40_000
    source = endless(b'a,b\n1,"2\n', filler, len(filler) * size, b"8,9\n")
    lines = 0
    rows = rejected = 0
    for block in parse(source, Dialect()):
        rows += len(block)
        rejected += len(block.rejects)
        lines = max(lines, *(reject.line for reject in block.rejects))
    assert (rows, rejected) == (1, 1 + size)
    assert lines == 2 + size


@pytest.mark.usefixtures("peak")
def test_memory_does_not_grow_with_the_file() -> None:
    source = endless(b"a,b,c,d\n", ROW, len(ROW) * 1_500_000, b"")
    assert sum(len(block) for block in parse(source, Dialect())) == 1_500_000
    assert source.bytes_read == source.bytes_total


def test_a_cell_may_be_longer_than_a_block() -> None:
    text = "line of text\n" * 100_000
    data = b'1,"' + text.encode() + b'"\n2,b\n'
    outcome = read(data, 2, block_bytes=64 << 10)
    assert outcome.cells == [("1", text), ("2", "b")]
    assert [line for line, _ in outcome.rows] == [1, 100_002]


def header_of(data: bytes, dialect: Dialect | None = None) -> list[str]:
    source = Source(io.BytesIO(data), "a.csv", what=PLAIN_TEXT, limits=SourceLimits())
    return read_header(source, dialect or Dialect()).names


@pytest.mark.parametrize("escape", [None, '"', "\\"])
@pytest.mark.parametrize("end", ["", "\n", "\r", "\r\n"])
def test_a_last_line_without_a_break_is_a_line(escape: str | None, end: str) -> None:
    outcome = read(f'a,"b""c"{end}'.encode(), 2, dialect=Dialect(escape=escape, has_header=False))
    assert outcome.rows == [(1, ("a", 'b"c'))]


@pytest.mark.parametrize("blank", [b"\n", b"\r", b"\r\n"])
def test_many_blank_lines_and_lines_before_the_header(blank: bytes) -> None:
    data = blank * 120_000 + b"a,b" + blank + b"1,2" + blank
    for skipped in (0, 90_000, 120_000):
        dialect = Dialect(skip_rows=skipped)
        assert header_of(data, dialect) == ["a", "b"]
        source = Source(io.BytesIO(data), "a.csv", what=PLAIN_TEXT, limits=SourceLimits())
        (block,) = parse(source, dialect)
        assert block.lines.tolist() == [120_002]


def test_headers() -> None:
    assert header_of(b"a,b,c\n1,2,3\n") == ["a", "b", "c"]
    assert header_of(b'\n\n"a\nb",,a\n') == ["a\nb", "column_2", "a"]
    assert header_of(b"a,b") == ["a", "b"]
    assert header_of(b"Report\n\na;b\n1;2\n", Dialect(";", skip_rows=2)) == ["a", "b"]
    assert header_of(b"1,2,3\n4,5\n6,7,8\n", Dialect(has_header=False)) == ["column_1", "column_2", "column_3"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\n\r\n\n", "empty_file"),
        (b'a,"b\n1,2\n', "malformed_header"),
        (b'a,b"c\n1,2\n', "malformed_header"),
        (b",".join(b"c%d" % number for number in range(100_000)) + b"\n", "too_many_columns"),
        (b"x" * (17 << 20), "malformed_header"),
    ],
)
def test_headers_that_cannot_be_read(data: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        header_of(data)
    assert caught.value.error_code == code


def test_as_many_columns_as_a_table_can_have() -> None:
    row = b",".join(b"%d" % number for number in range(1599))
    outcome = read(row + b"\n" + row + b",1\n" + row + b"\n", 1599)
    assert len(outcome.rows) == 2
    assert [reject.code for reject in outcome.rejects] == ["too_many_fields"]


def test_a_header_alone_has_no_rows() -> None:
    source = Source(io.BytesIO(b"a,b\n"), "a.csv", what=PLAIN_TEXT, limits=SourceLimits())
    assert list(parse(source, Dialect())) == []


def test_a_preamble_is_counted_in_line_numbers() -> None:
    data = b"made by us\n\n\nid,name\n\n1,a\n2\n3,c\n"
    source = Source(io.BytesIO(data), "a.csv", what=PLAIN_TEXT, limits=SourceLimits())
    (block,) = parse(source, Dialect(skip_rows=1))
    assert block.lines.tolist() == [6, 8]
    assert [reject.line for reject in block.rejects] == [7]


def test_only_nothing_but_bad_rows() -> None:
    outcome = read(b"a\nb\n" * 1000, 2, block_bytes=100)
    assert (len(outcome.rows), len(outcome.rejects)) == (0, 2000)
    assert [reject.line for reject in outcome.rejects] == list(range(1, 2001))
