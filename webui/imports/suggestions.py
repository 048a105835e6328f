"""Where the columns of a file may belong that nothing tells for certain: said on the preview page, never applied."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from dataengine.models import Column

_LEAST = 0.66
"""How similar two names are at least, from 0 to 1."""
_CLEARLY = 0.08
"""By how much the best has to be more similar than the next one."""
_MOST = 200
"""Columns of either side, beyond which nothing is suggested: each is compared with each."""


def suggestions(headers: Sequence[str], targets: Sequence[str], columns: Sequence[Column]) -> dict[int, Column]:
    """By the number of a header without a target: the free column that it is most like, where that is clear.

    No column is suggested twice.
    """
    free = [column for column in columns if column.name not in targets]
    open_ones = [number for number, target in enumerate(targets) if not target and _plain(headers[number])]
    if not free or max(len(free), len(open_ones)) > _MOST:
        return {}
    found: dict[int, tuple[float, Column]] = {}
    for number in open_ones:
        ranked = sorted(((_likeness(headers[number], column), column.pk, column) for column in free), reverse=True)
        best, next_best = ranked[0], ranked[1][0] if len(ranked) > 1 else 0.0
        if best[0] >= _LEAST and best[0] - next_best >= _CLEARLY:
            found[number] = best[0], best[2]
    taken = [column.pk for _, column in found.values()]
    return {number: column for number, (_, column) in found.items() if taken.count(column.pk) == 1}


def _likeness(header: str, column: Column) -> float:
    return max(_ratio(_plain(header), _plain(name)) for name in (column.name, column.title))


def _ratio(one: str, other: str) -> float:
    if min(len(one), len(other)) > 2 and (one in other or other in one):
        return max(0.8, SequenceMatcher(None, one, other, autojunk=False).ratio())
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _plain(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())[:100]
