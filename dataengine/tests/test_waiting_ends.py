"""A test that waits in vain tells for what."""

from __future__ import annotations

import pytest

from dataengine.tests import waiting
from harness.killing import moments


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0)


def test_waiting_in_vain_names_the_condition() -> None:
    answers = [1, 2]
    with pytest.raises(AssertionError, match=r"Waited 0 s in vain for: .*3 in answers"):
        waiting.until(lambda: 3 in answers)


def test_waiting_in_vain_for_a_condition_without_source() -> None:
    with pytest.raises(AssertionError, match=r"in vain for: <built-in method isdigit"):
        waiting.until("no number".isdigit)


async def test_in_vain_in_a_coroutine() -> None:
    with pytest.raises(AssertionError, match=r"in vain for: .*False"):
        await waiting.until_async(lambda: False)


def test_a_true_condition_does_not_wait() -> None:
    waiting.until(lambda: True, pause=lambda: pytest.fail("there was nothing to wait for"))


def test_striking_always_too_late_fails() -> None:
    with pytest.raises(AssertionError, match=r"Struck 8 times from 1.00 s on"):
        assert list(moments(1)) == []
