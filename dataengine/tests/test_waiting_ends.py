"""Whoever waits in vain is told for what."""

from __future__ import annotations

import pytest

from dataengine.tests import waiting
from harness.killing import moments


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0)


def test_in_vain() -> None:
    answers = [1, 2]
    with pytest.raises(AssertionError, match=r"Waited 0 s in vain for: .*3 in answers"):
        waiting.until(lambda: 3 in answers)


def test_in_vain_for_what_has_no_text() -> None:
    with pytest.raises(AssertionError, match=r"in vain for: <built-in method isdigit"):
        waiting.until("no number".isdigit)


async def test_in_vain_in_a_coroutine() -> None:
    with pytest.raises(AssertionError, match=r"in vain for: .*False"):
        await waiting.until_async(lambda: False)


def test_what_holds_is_not_waited_for() -> None:
    waiting.until(lambda: True, pause=lambda: pytest.fail("there was nothing to wait for"))


def test_who_never_strikes_in_time_is_told_so() -> None:
    with pytest.raises(AssertionError, match=r"Struck 8 times from 1.00 s on"):
        assert list(moments(1)) == []
