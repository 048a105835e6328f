"""Too many failures from an address, or with a name, have to wait, however many attempts are made at once."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.db import connection
from django.test import RequestFactory
from rest_framework.test import APIClient

from dataengine.http.addresses import client_of
from dataengine.http.throttles import FailedAttempts
from dataengine.tests.threads import Beside
from dataengine.tests.waiting import PATIENCE_SECONDS, until

HERE = "10.0.0.1"


@pytest.fixture
def limit(settings: Any, owner: User) -> int:
    """The number of failures per minute that are allowed from an address."""
    allow(settings, login_failure=(3, 60))
    return 3


def allow(settings: Any, **rates: tuple[int, int]) -> None:
    """Limit these, and no others."""
    settings.FAILURE_RATES = {"login_failure": None, "account_failure": None, **rates}


def log_in(password: str, address: str = HERE, name: str = "owner", **headers: str) -> Any:
    client = APIClient(REMOTE_ADDR=address)
    return client.post("/api/token/", {"username": name, "password": password}, headers=headers)


def guess_together(count: int) -> Counter[int]:
    """The statuses of so many wrong passwords sent at the same time."""
    together = threading.Barrier(count, timeout=PATIENCE_SECONDS)
    statuses: list[int] = []

    def guess() -> None:
        together.wait()
        statuses.append(log_in("wrong").status_code)
        connection.close()

    threads = [Beside(target=guess) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(statuses)


def test_the_many_addresses_of_one_client_are_one(limit: int, password: str) -> None:
    guesses = [log_in("wrong", f"2001:db8:1:2::{number}", f"user{number}").status_code for number in range(limit + 1)]
    assert guesses == [401] * limit + [429]
    assert log_in(password, "2001:db8:1:3::1").status_code == 200


@pytest.mark.parametrize(
    ("address", "client"),
    [("::ffff:10.0.0.7", "10.0.0.7"), ("10.0.0.7", "10.0.0.7"), ("fe80::1%eth0", "fe80::/64"), ("", ""), ("x", "x")],
)
def test_whom_an_address_stands_for(rf: RequestFactory, address: str, client: str) -> None:
    assert client_of(rf.get("/", REMOTE_ADDR=address)) == client


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
def test_every_one_of_many_at_once_is_counted(owner: User, password: str, settings: Any) -> None:
    allow(settings, login_failure=(16, 60))
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
            FailedAttempts(args[0]).failed()
        return super().authenticate(*args, **kwargs)


def test_a_right_guess_among_many_wrong_ones_is_not_revealed(limit: int, password: str, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.{WhileOthersGuess.__name__}"]
    assert log_in(password).status_code == 429


def test_refresh_tokens_are_guessed_no_faster(limit: int) -> None:
    visitor = APIClient(REMOTE_ADDR=HERE)
    statuses = [visitor.post("/api/token/refresh/", {"refresh": "x"}).status_code for _ in range(limit + 1)]
    assert statuses == [401, 401, 401, 429]


def test_it_is_over_after_a_while(owner: User, password: str, settings: Any) -> None:
    allow(settings, login_failure=(1, 1))
    # A slow machine may need more than the second between two attempts.
    until(lambda: log_in("wrong").status_code == 429)
    until(lambda: log_in(password).status_code == 200)


def test_without_a_cache_people_still_get_in(owner: User, password: str, settings: Any) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }
    assert log_in("wrong").status_code == 401
    assert log_in(password).status_code == 200


def test_an_account_is_tried_from_everywhere_no_more_often(owner: User, password: str, settings: Any) -> None:
    """And a name that nobody has in the same way: it sounds the same at every step."""
    allow(settings, account_failure=(3, 900))
    told = {}
    for name in ("owner", "nobody"):
        answers = [log_in("wrong", f"10.0.1.{n}", name) for n in range(4)]
        told[name] = [(answer.status_code, answer.json()["error"]) for answer in answers]
    assert told["owner"] == told["nobody"]
    assert [status for status, _ in told["owner"]] == [401, 401, 401, 429]
    refused = log_in(password, "10.0.1.9")
    assert refused.status_code == 429
    assert 60 < int(refused["Retry-After"]) <= 900
    assert log_in(password, HERE, "colleague").status_code == 401


def test_both_count_together(owner: User, password: str, settings: Any) -> None:
    allow(settings, login_failure=(4, 60), account_failure=(2, 900))
    assert [log_in("wrong", name=f"name{n}").status_code for n in range(3)] == [401] * 3
    assert [log_in("wrong").status_code for _ in range(2)] == [401, 429]
    assert log_in("wrong", "10.0.0.2").status_code == 401
    assert log_in(password, "10.0.0.2").status_code == 429


def test_either_can_be_switched_off(owner: User, password: str, settings: Any) -> None:
    allow(settings)
    assert {log_in("wrong").status_code for _ in range(40)} == {401}
    assert log_in(password).status_code == 200


def test_the_present_password_is_guessed_no_faster(
    client: APIClient, owner: User, password: str, settings: Any
) -> None:
    allow(settings, account_failure=(2, 900))
    new = {"new": "another horse, a bigger battery"}
    answers = [client.post("/api/account/password/", {"old": "wrong", **new}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 400, 429]
    assert client.post("/api/account/password/", {"old": password, **new}).status_code == 429
    assert log_in(password).status_code == 429


class CountingHasher(MD5PasswordHasher):
    """Counts how often a password is hashed, which is what takes time."""

    times = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.times += 1
        return str(super().encode(password, salt))


@pytest.mark.parametrize("who", ["owner", "nobody", "inactive", "without a password", "a\0b"])
def test_a_wrong_password_takes_as_long_whoever_it_is(owner: User, settings: Any, who: str) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.{CountingHasher.__name__}"]
    User.objects.create_user("inactive", password="x", is_active=False)
    User.objects.create_user("without a password")
    owner.set_password("x")
    owner.save()
    CountingHasher.times = 0
    answer = log_in("wrong", name=who)
    if "\0" in who:
        assert answer.status_code == 400
        return
    assert answer.status_code == 401
    assert CountingHasher.times == 1
