"""An address with too many failures has to wait, however many attempts are made at once; others do not."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from dataengine.http.throttles import FailedLoginThrottle
from dataengine.tests.waiting import until

HERE = "10.0.0.1"


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch, owner: User) -> int:
    """The number of failures per minute that are allowed."""
    monkeypatch.setattr(FailedLoginThrottle, "rate", "3/min", raising=False)
    return 3


def log_in(password: str, address: str = HERE, **headers: str) -> Any:
    client = APIClient(REMOTE_ADDR=address)
    return client.post("/api/token/", {"username": "owner", "password": password}, headers=headers)


def guess_together(count: int) -> Counter[int]:
    """The statuses of so many wrong passwords sent at the same time."""
    together = threading.Barrier(count)
    statuses: list[int] = []

    def guess() -> None:
        together.wait()
        statuses.append(log_in("wrong").status_code)
        connection.close()

    threads = [threading.Thread(target=guess) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(statuses)


def test_one_after_the_other(limit: int, password: str) -> None:
    for _ in range(limit + 2):
        assert log_in(password).status_code == 200
    for _ in range(limit):
        assert log_in("wrong").status_code == 401
    refused = log_in(password, **{"x-forwarded-for": "9.9.9.9"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "throttled")
    assert 0 < int(refused["Retry-After"]) <= 60
    assert log_in(password, address="10.0.0.2").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_every_one_of_many_at_once_is_counted(owner: User, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FailedLoginThrottle, "rate", "16/min", raising=False)
    assert guess_together(16) == {401: 16}
    assert log_in(password).status_code == 429


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_no_more_are_answered_than_one_after_the_other(limit: int) -> None:
    """All of them may have been admitted before the first one has failed."""
    assert guess_together(16) == {401: limit, 429: 16 - limit}


class WhileOthersGuess(ModelBackend):
    """Let others fail from the same address while a password is checked."""

    def authenticate(self, *args: Any, **kwargs: Any) -> Any:
        for _ in range(3):
            FailedLoginThrottle().failed(args[0])
        return super().authenticate(*args, **kwargs)


def test_a_right_guess_among_many_wrong_ones_is_not_revealed(limit: int, password: str, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.{WhileOthersGuess.__name__}"]
    assert log_in(password).status_code == 429


def test_refresh_tokens_are_guessed_no_faster(limit: int) -> None:
    visitor = APIClient(REMOTE_ADDR=HERE)
    statuses = [visitor.post("/api/token/refresh/", {"refresh": "x"}).status_code for _ in range(limit + 1)]
    assert statuses == [401, 401, 401, 429]


def test_it_is_over_after_a_while(owner: User, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FailedLoginThrottle, "rate", "1/s", raising=False)
    # A slow machine may need more than the second between two attempts.
    until(lambda: log_in("wrong").status_code == 429)
    until(lambda: log_in(password).status_code == 200)


def test_without_a_cache_people_still_get_in(owner: User, password: str, settings: Any) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }
    assert log_in("wrong").status_code == 401
    assert log_in(password).status_code == 200
