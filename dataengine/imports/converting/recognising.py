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
    return max((words[true] + words[false] for true, false in _whole_pairs(words, kind)), default=0)


def words_of_others(words: Mapping[str, int], kind: ColumnType) -> list[str]:
    """The words that are not of the commonest whole pair: those of other languages, or of halves of pairs."""
    best = max(_whole_pairs(words, kind), key=lambda pair: words[pair[0]] + words[pair[1]], default=())
    return sorted(word for word in words if word not in best)


def are_mixed(words: Mapping[str, int], kind: ColumnType) -> bool:
    """Whether there are words for yes and words for no, but not of one pair alone."""
    assert kind.recognition is not None
    pairs = kind.recognition.pairs
    both = any(true in words for true, _ in pairs) and any(false in words for _, false in pairs)
    return both and bool(words_of_others(words, kind))


def _whole_pairs(words: Mapping[str, int], kind: ColumnType) -> list[tuple[str, str]]:
    """The pairs of which both words occur."""
    assert kind.recognition is not None
    return [pair for pair in kind.recognition.pairs if all(word in words for word in pair)]


def rounds(text: str) -> bool:
    """Whether a double would lose digits of a number."""
    try:
        return Decimal(repr(float(text))) != Decimal(text)
    except (ValueError, ArithmeticError):
        return False
