"""Answers about short texts, remembered. Pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps

_MOST = 8_192
_LONGEST = 80


def remembered[*More, R](asked: Callable[[str, *More], R]) -> Callable[[str, *More], R]:
    """The same function, which remembers what it answered; longer texts are not worth the memory."""
    known = lru_cache(_MOST)(asked)

    @wraps(asked)
    def answer(text: str, *more: *More) -> R:
        if len(text) > _LONGEST:
            return asked(text, *more)
        return known(text, *more)

    return answer
