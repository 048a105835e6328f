"""The quick way of telling what jsonb can store says what the slow one says, of whatever text."""

from __future__ import annotations

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dataengine.columns import json_texts
from dataengine.columns.json_texts import fault_of

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))
PIECES = st.sampled_from(
    ["\\u0000", "\\ud800", "\\ud83d\\ude00", "\\x", "\n", "\t", "\f", "\x1f", "\x00", "\ufeff", "\u00a0", ",", "[", "]",
     "{", "}", '"', "'", "NaN", "Infinity", "-", "+", ".", "0", "01", "1.", "1e5", "1e400", "1E-10001", "1e10001", "//",
     "9" * 400, " ", "null"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(VALUES, st.booleans(), st.lists(st.tuples(st.integers(0, 200), PIECES), max_size=2))
@example([], True, [])
def test_both_ways_agree(value: object, is_ascii: bool, changes: list[tuple[int, str]]) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii)
    for place, piece in changes:
        text = text[: place % (len(text) + 1)] + piece + text[place % (len(text) + 1) :]
    assert fault_of(text) == json_texts._fault_of(text)


def test_the_limits() -> None:
    for text, fault in (
        ("[" * 500 + "]" * 500, ""),
        ("[" * 501 + "]" * 501, "invalid"),
        ('["' + "[" * 2_000 + '"]', ""),
        ("9" * 10_000, ""),
        ("9" * 10_001, "large"),
        ("1e10000", ""),
        ("1e10001", "large"),
        ("1e-10001", "large"),
        ('"\\u0000"', "invalid"),
        ('"\\\\u0000"', ""),
        ('{"\\u0000": 1}', "invalid"),
        ('"\\ud83d\\ude00"', ""),
        ('"\\ud83d"', "invalid"),
        ("", "invalid"),
        (" \t\r\n1 ", ""),
        ("\x0b1", "invalid"),
    ):
        assert fault_of(text) == fault, text[:40]
