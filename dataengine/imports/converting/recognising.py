"""Which column types a file's columns may be found to be, in which order, and which of several holds them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from dataengine.columns.types import ColumnType, recognised
from dataengine.columns.types.aspects import RecognisedBy

TOLERANCE = 0.01
MOST_FAILURES = 10_000
NUMBERS: frozenset[RecognisedBy] = frozenset({"integers", "decimals", "floats"})
# Types that the same cells fit, and that only bounds and parts tell apart.
_SHARED: frozenset[RecognisedBy] = frozenset({"integers", "dates", "times"})


def families() -> list[list[ColumnType]]:
    """The types that can be recognised, those preferred first; those together that share a test."""
    found: list[list[ColumnType]] = []
    shared: dict[RecognisedBy, list[ColumnType]] = {}
    for kind in recognised():
        assert kind.recognition is not None  # or it would not be among them
        by = kind.recognition.by
        if by in shared:
            shared[by].append(kind)
            continue
        found.append([kind])
        if by in _SHARED:
            shared[by] = found[-1]
    return found


def first_to_hold(kinds: Sequence[ColumnType], low: int, high: int) -> ColumnType | None:
    """The first type whose bounds hold both numbers."""
    for kind in kinds:
        if (kind.minimum is None or low >= kind.minimum) and (kind.maximum is None or high <= kind.maximum):
            return kind
    return None


def first_with_parts(kinds: Sequence[ColumnType], *, has_clock: bool, has_zone: bool) -> ColumnType | None:
    """The first type that keeps just these parts of a moment; a day alone has no zone."""
    for kind in kinds:
        if kind.has_clock == has_clock and (not has_clock or kind.has_zone == has_zone):
            return kind
    return None


def best_pair(words: Mapping[str, int], kind: ColumnType) -> int:
    """How many of the words are of one pair that both occur of; 0 where of none."""
    assert kind.recognition is not None
    both = [words[true] + words[false] for true, false in kind.recognition.pairs if true in words and false in words]
    return max(both, default=0)


def rounds(text: str) -> bool:
    """Whether a double does not keep what a number says, digit by digit."""
    try:
        return Decimal(repr(float(text))) != Decimal(text)
    except (ValueError, ArithmeticError):
        return False
