"""The block engine gives the same answers as the record engine, for any bytes and any cuts."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from .csv_damage import read

ALPHABETS = [
    [b"a", b",", b'"', b"\n"],
    [b"a", b"b", b",", b",", b'"', b"\n", b"\r", b"\r\n"],
    [b"a", b",", b'"', b"\n", b"\0", b"\xff", "é".encode(), "\ufeff".encode()],
    [b"a,a\n", b'a,"b\n",', b'"a,b",c\n', b'"', b'""', b"\n", b'"x"', b'"x\n', b"a", b","],
    [b"a,b\n", b"c,d\n", b"e,f\r\n", b'"', b'"c\nd",x\n', b'"a\n'],
]


def agree(data: bytes, width: int, block_bytes: int, max_row_bytes: int) -> None:
    reference = read(data, width, null_values=["a"], careful=True, max_row_bytes=max_row_bytes)
    for size in (block_bytes, 1 << 20):
        assert read(data, width, null_values=["a"], block_bytes=size, max_row_bytes=max_row_bytes) == reference
    cut = read(data, width, null_values=["a"], careful=True, block_bytes=block_bytes, max_row_bytes=max_row_bytes)
    assert cut == reference


@settings(max_examples=300)
@given(
    st.one_of([st.lists(st.sampled_from(alphabet), min_size=1, max_size=40) for alphabet in ALPHABETS]).map(b"".join),
    st.integers(1, 4),
    st.integers(1, 30),
    st.sampled_from([5, 20, 1 << 20]),
)
def test_on_small_texts(data: bytes, width: int, block_bytes: int, max_row_bytes: int) -> None:
    agree(data, width, block_bytes, max_row_bytes)


def test_byte_order_marks_in_a_row_whatever_the_cuts() -> None:
    mark = "\ufeff".encode()
    for data in (mark * 3, mark * 4 + b"a\n" + mark * 3, mark * 2 + b"\x1a", b"a\n" + mark * 3 + b"a\x1a"):
        for size in range(1, 12):
            agree(data, 1, size, 20)


def test_on_long_texts_with_lines_that_look_like_rows() -> None:
    """Long enough for the look-ahead over 32 lines; seeded, since Hypothesis rarely builds such texts."""
    chance = random.Random(20240229)
    for _ in range(250):
        pieces = chance.choices([b"a,b\n", b"c\n", b'"', b'"x\ny",z\n', b"\n", b'"a\n'], [60, 3, 1, 2, 1, 1], k=120)
        agree(b"".join(pieces), chance.randint(1, 3), chance.randint(1, 300), chance.choice([60, 200, 1 << 20]))
