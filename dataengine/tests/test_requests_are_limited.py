"""Requests beyond a rate are refused with the time to wait, exactly so many, and none while Redis is away."""

from __future__ import annotations

import io
import re
import threading
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from dataengine.http import rate_limits
from dataengine.tests.importing import make_table
from dataengine.tests.threads import Beside
from dataengine.tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db


def logged_in(user: User, address: str = "10.0.0.1") -> APIClient:
    client = APIClient(REMOTE_ADDR=address)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {RefreshToken.for_user(user).access_token}")
    return client


def limit(settings: Settings, **rates: tuple[int, int]) -> None:
    settings.RATES = {"api": None, "upload": None, "anonymous": None, **rates}


def is_refused(answer: Any, seconds: int) -> bool:
    if answer.status_code != 429:
        return False
    assert answer.json()["error"]["code"] == "throttled"
    assert 0 < int(answer["Retry-After"]) <= seconds
    return True


def test_of_a_user(owner: User, stranger: User, settings: Settings) -> None:
    limit(settings, api=(3, 60))
    client = logged_in(owner)
    for left in (2, 1, 0):
        answer = client.get("/api/list-tables/")
        assert answer.status_code == 200
        assert answer["RateLimit-Policy"] == '"api";q=3;w=60'
        assert re.fullmatch(rf'"api";r={left};t=(60|59)', answer["RateLimit"])
    refused = client.get("/api/tables/")
    assert is_refused(refused, 60)
    assert refused["RateLimit"].startswith('"api";r=0;t=')
    assert is_refused(logged_in(owner, "10.0.0.2").post("/api/create-table/", {}), 60), "from any address"
    assert logged_in(stranger).get("/api/tables/").status_code == 200


def test_refused_requests_do_not_lengthen_the_wait(owner: User, settings: Settings) -> None:
    limit(settings, api=(1, 1))
    client = logged_in(owner)
    answers = [client.get("/api/tables/").status_code]
    while answers.count(200) < 2:
        answers.append(client.get("/api/tables/").status_code)
    assert set(answers) == {200, 429}


def test_of_an_address(owner: User, password: str, settings: Settings) -> None:
    limit(settings, api=(1, 60), anonymous=(5, 60))
    client = APIClient(REMOTE_ADDR="10.0.0.1")
    wrong = APIClient(REMOTE_ADDR="10.0.0.1")
    wrong.credentials(HTTP_AUTHORIZATION="Bearer x.y.z")
    assert client.post("/api/token/", {"username": "owner", "password": password}).status_code == 200
    assert client.get("/api/schema/").status_code == 200
    assert client.get("/api/nowhere/").status_code == 404
    assert client.get("/api/tables/").status_code == 401
    last = wrong.get("/api/tables/")
    assert last.status_code == 401
    assert last["RateLimit"].startswith('"anonymous";r=0;t=')
    for refused in (client.get("/api/docs/"), client.get("/api/nowhere/"), wrong.get("/api/tables/")):
        assert is_refused(refused, 60)
    assert is_refused(client.get("/api/schema/", headers={"x-forwarded-for": "9.9.9.9"}), 60)
    assert logged_in(owner).get("/api/tables/").status_code == 200
    assert client.get("/login/").status_code == 200, "the console is no API"
    assert client.get("/health/live/").status_code == 200


@pytest.mark.parametrize("path", ["/api/upload-csv/", "/api/tables/t/imports/"])
def test_of_uploads(owner: User, settings: Settings, path: str) -> None:
    make_table(owner, "t", name="TEXT")
    limit(settings, api=(100, 60), upload=(2, 3600))
    client = logged_in(owner)

    def upload() -> Any:
        file = io.BytesIO(b"name\nAda\n")
        file.name = "a.csv"
        return client.post(path, {"file": file, "table_name": "t"}, format="multipart")

    first = upload()
    assert first.status_code == 202
    assert first["RateLimit-Policy"] == '"api";q=100;w=60, "upload";q=2;w=3600'
    assert upload().status_code == 202
    assert is_refused(upload(), 3600)
    listed = client.get("/api/tables/t/imports/")
    assert (listed.status_code, listed.json()["count"]) == (200, 2)
    assert listed["RateLimit"].startswith('"api";r=97;')  # what was refused counts nowhere


def test_nothing_is_said_of_limits_that_are_off(owner: User, settings: Settings) -> None:
    limit(settings)
    answer = logged_in(owner).get("/api/tables/")
    assert answer.status_code == 200
    assert not {"RateLimit", "RateLimit-Policy"} & set(answer.headers)


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_so_many_pass(owner: User, settings: Settings) -> None:
    limit(settings, api=(7, 60))
    statuses: list[int] = []
    together = threading.Barrier(16, timeout=PATIENCE_SECONDS)

    def ask() -> None:
        client = logged_in(owner)
        together.wait()
        statuses.append(client.get("/api/tables/").status_code)
        connection.close()

    threads = [Beside(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(statuses) == {200: 7, 429: 9}


@pytest.fixture
def no_redis(settings: Settings) -> Iterator[None]:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    rate_limits._counter.cache_clear()
    yield
    rate_limits._counter.cache_clear()


def test_without_redis_nobody_is_refused(owner: User, settings: Settings, no_redis: None) -> None:
    limit(settings, api=(1, 60))
    client = logged_in(owner)
    for _ in range(3):
        answer = client.get("/api/tables/")
        assert answer.status_code == 200
        assert "RateLimit" not in answer
