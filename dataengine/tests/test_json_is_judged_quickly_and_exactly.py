"""The quick way of telling what jsonb can store says what the slow one says, of whatever text."""

from __future__ import annotations

import json
import re

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dataengine.columns import json_texts
from dataengine.columns.json_texts import fault_of
from dataengine.imports.converting.sure_cells import sure_cells

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))
PIECES = st.sampled_from(
    ["\\u0000", "\\ud800", "\\ud83d\\ude00", "\\x", "\n", "\t", "\f", "\x1f", "\x00", "\ufeff", "\u00a0", ",", "[", "]",
     "{", "}", '"', "'", "NaN", "Infinity", "-", "+", ".", "0", "01", "1.", "1e5", "1e400", "1E-10001", "1e10001", "//",
     "9" * 400, " ", "null"]
)  # fmt: skip


def around(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return inner | st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2)


def spoiled(value: object, is_ascii: bool, changes: list[tuple[int, str]]) -> str:
    text = json.dumps(value, ensure_ascii=is_ascii)
    for place, piece in changes:
        text = text[: place % (len(text) + 1)] + piece + text[place % (len(text) + 1) :]
    return text


TEXTS = st.builds(spoiled, VALUES, st.booleans(), st.lists(st.tuples(st.integers(0, 200), PIECES), max_size=2))
NESTED = st.builds(
    lambda value, separators: json.dumps(value, ensure_ascii=False, separators=separators),
    around(around(around(LEAVES))),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:\r\n")]),
)


def sure_of(texts: list[str]) -> list[bool]:
    found: list[bool] = sure_cells(pa.array(texts), json_texts.SURE, json_texts.SURE_BYTES).tolist()
    return found


@settings(max_examples=300, deadline=None)
@given(TEXTS)
@example("[]")
def test_both_ways_agree(text: str) -> None:
    assert fault_of(text) == json_texts._fault_of(text)


@settings(deadline=None)
@given(st.lists(TEXTS | NESTED, min_size=1, max_size=8))
def test_patterns_are_sure_of_most_json_and_of_nothing_else(texts: list[str]) -> None:
    for text, is_sure in zip(texts, sure_of(texts), strict=True):
        if is_sure:
            assert json_texts._fault_of(text) == "", text
    plain = [text for text in texts if json_texts._fault_of(text) == "" and not re.search(r"\\u|[eE][+-]?\d{3}", text)]
    shallow = [text for text in plain if text.count("[") + text.count("{") <= 3]
    assert all(sure_of(shallow)) if shallow else True


def test_the_limits() -> None:
    cases = (
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
    )
    for (text, fault), is_sure in zip(cases, sure_of([text for text, _ in cases]), strict=True):
        assert fault_of(text) == fault, text[:40]
        assert not (is_sure and fault), text[:40]
