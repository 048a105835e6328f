from __future__ import annotations

import pytest

from webui import words


@pytest.mark.parametrize(
    ("value", "text"),
    [(50_001, "about 50,000"), (123_456, "about 123,000"), (999_499, "about 999,000"), (1_000_000, "about 1.0 million"),
     (10_012_345, "about 10.0 million"), (2_500_000_000, "about 2.5 billion")],
)  # fmt: skip
def test_estimates_are_rounded(value: int, text: str) -> None:
    assert words.about(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (31_053_312, "31.1 MB"), (5e15, "5000.0 TB")],
)
def test_sizes(value: int, text: str) -> None:
    assert words.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (float("nan"), ""), (0.04, "0.0 s"), (5.25, "5.2 s"), (12.6, "13 s"), (75.2, "1 min 15 s"),
     (1800, "30 min"), (7384, "2 h 3 min")],
)  # fmt: skip
def test_durations(value: float | None, text: str) -> None:
    assert words.duration(value) == text


def test_counted_things() -> None:
    assert words.plural(1, "row,rows") == "1 row"
    assert words.plural(412_000, "row,rows") == "412,000 rows"
    assert words.number(None) == ""
    assert words.number(336_776) == "336,776"
