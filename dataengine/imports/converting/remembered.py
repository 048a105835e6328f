"""Answers about short texts, remembered. Pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate

_MOST = 8_192
_LONGEST = 80


def remembered[**P, R](asked: Callable[Concatenate[str, P], R]) -> Callable[Concatenate[str, P], R]:
    """The same function, which remembers what it answered; longer texts are not worth the memory."""
    known = lru_cache(_MOST)(asked)

    @wraps(asked)
    def answer(text: str, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if len(text) > _LONGEST:
            return asked(text, *args, **kwargs)
        return known(text, *args, **kwargs)

    return answer
