"""Which column types can be recognised in a file, in which order, and which of several to choose. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from dataengine.columns.types import ColumnType, recognised
from dataengine.columns.types.aspects import RecognisedBy

TOLERANCE = 0.01
MOST_FAILURES = 10_000
NUMBERS: frozenset[RecognisedBy] = frozenset({"integers", "decimals", "floats"})
# Types that fit the same cells, so that only bounds and parts tell them apart.
_SHARED: frozenset[RecognisedBy] = frozenset({"integers", "dates", "times"})


def families() -> list[list[ColumnType]]:
    """The types that can be recognised, preferred ones first, those that share a test together."""
    found: list[list[ColumnType]] = []
    shared: dict[RecognisedBy, list[ColumnType]] = {}
    for kind in recognised():
        assert kind.recognition is not None  # that was the condition
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
    """The first type that keeps exactly these parts of a moment; a day alone has no zone."""
    for kind in kinds:
        if kind.has_clock == has_clock and (not has_clock or kind.has_zone == has_zone):
            return kind
    return None


def best_pair(words: Mapping[str, int], kind: ColumnType) -> int:
    """How many of the words belong to the commonest pair of which both words occur; 0 if there is none."""
    assert kind.recognition is not None
    both = [words[true] + words[false] for true, false in kind.recognition.pairs if true in words and false in words]
    return max(both, default=0)


def rounds(text: str) -> bool:
    """Whether a double would lose digits of a number."""
    try:
        return Decimal(repr(float(text))) != Decimal(text)
    except (ValueError, ArithmeticError):
        return False
