"""A generator that runs ahead gives the same items, raises the same errors, and ends when it is closed."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing
from itertools import count, islice

import pytest

from dataengine.imports.ahead import ahead


def test_all_items_come_in_their_order() -> None:
    assert list(ahead(lambda: (number for number in range(1000)), 3)) == list(range(1000))


def test_it_is_never_further_ahead_than_asked() -> None:
    made: list[int] = []

    def numbers() -> Generator[int]:
        for number in range(100):
            made.append(number)
            yield number

    for number in ahead(numbers, 2):
        assert made[-1] <= number + 4  # two ready, one that waits to be put there, one taken


def test_what_goes_wrong_is_raised_after_what_went_right() -> None:
    def broken() -> Generator[int]:
        yield 1
        raise ValueError("broken")

    items = ahead(broken, 5)
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)


def test_closing_it_ends_its_thread_and_closes_what_it_reads() -> None:
    closed: list[str] = []

    def endless() -> Generator[int]:
        try:
            yield from count()
        finally:
            closed.append(threading.current_thread().name)

    with closing(ahead(endless, 2)) as items:
        assert list(islice(items, 3)) == [0, 1, 2]
    assert closed == ["ahead"]
    assert "ahead" not in [thread.name for thread in threading.enumerate()]
