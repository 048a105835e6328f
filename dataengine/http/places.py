"""How many downloads of one user a web process sends at a time: each holds a database session while it lasts."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from django.conf import settings

from dataengine.exceptions import DataEngineError


class TooMany(DataEngineError):
    """The user has as many under way as may be at a time."""

    code = "too_many_exports"
    status = 429


_lock = threading.Lock()
_taken: Counter[int] = Counter()


def take(user_id: int) -> Callable[[], None]:
    """Take a place; what is returned gives it back, once. Raises TooMany if there is none."""
    most: int = settings.MAX_EXPORTS_PER_USER
    with _lock:
        if most and _taken[user_id] >= most:
            raise TooMany(f"{most} of your exports are being sent; wait until one is done.")
        _taken[user_id] += 1
    given_back = threading.Event()

    def give_back() -> None:
        with _lock:
            if not given_back.is_set():
                given_back.set()
                _taken[user_id] -= 1
                if not _taken[user_id]:
                    del _taken[user_id]

    return give_back
