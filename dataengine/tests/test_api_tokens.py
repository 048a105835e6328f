"""Tokens: a refresh token can be used once, and a changed password ends all."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from dataengine.tests.threads import Beside
from dataengine.tests.waiting import PATIENCE_SECONDS


@pytest.fixture
def visitor(owner: User) -> APIClient:
    return APIClient()


def log_in(client: APIClient, password: str, username: str = "owner") -> Any:
    return client.post("/api/token/", {"username": username, "password": password})


def opens(access: str) -> bool:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return bool(client.get("/api/tables/").status_code == 200)


def test_logging_in(visitor: APIClient, password: str) -> None:
    answer = log_in(visitor, password)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh"}
    assert opens(answer.json()["access"])
    assert not opens(answer.json()["refresh"])


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ({"username": "owner", "password": "wrong"}, 401, []),
        ({"username": "nobody", "password": "wrong"}, 401, []),
        ({"username": "owner"}, 400, ["password"]),
        ({"password": "x"}, 400, ["username"]),
        ({"username": ["owner"], "password": {}}, 400, ["username", "password"]),
        ({"username": "", "password": ""}, 400, ["username", "password"]),
        ({"username": "owner", "password": "x" * 10_000}, 400, ["password"]),
    ],
)
def test_failed_log_ins(visitor: APIClient, body: dict[str, Any], status: int, fields: list[str]) -> None:
    answer = visitor.post("/api/token/", body)
    assert answer.status_code == status
    assert list(answer.json()["error"]["fields"]) == fields


def test_inactive_users_cannot_log_in(visitor: APIClient, owner: User, password: str) -> None:
    tokens = log_in(visitor, password).json()
    owner.is_active = False
    owner.save()
    assert log_in(visitor, password).status_code == 401
    assert not opens(tokens["access"])
    assert visitor.post("/api/token/refresh/", {"refresh": tokens["refresh"]}).status_code == 401


def test_refresh_tokens_rotate(visitor: APIClient, password: str) -> None:
    first = log_in(visitor, password).json()
    second = visitor.post("/api/token/refresh/", {"refresh": first["refresh"]})
    assert second.status_code == 200
    assert set(second.json()) == {"access", "refresh"}
    assert second.json()["refresh"] != first["refresh"]
    assert opens(second.json()["access"])
    dead = visitor.post("/api/token/refresh/", {"refresh": first["refresh"]})
    assert (dead.status_code, dead.json()["error"]["code"]) == (401, "token_not_valid")
    assert visitor.post("/api/token/refresh/", {"refresh": second.json()["refresh"]}).status_code == 200


def test_other_texts_are_not_refresh_tokens(visitor: APIClient, password: str) -> None:
    tokens = log_in(visitor, password).json()
    head, payload, _ = tokens["refresh"].split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    for text in (
        "x",
        "a.b.c",
        tokens["access"],
        f"{none}.{payload}.",
        f"{head}.{payload}.AAAA",
        tokens["refresh"] + "x",
    ):
        answer = visitor.post("/api/token/refresh/", {"refresh": text})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_not_valid")
    assert visitor.post("/api/token/refresh/", {}).status_code == 400


def test_a_new_password_ends_every_token(visitor: APIClient, owner: User, password: str) -> None:
    tokens = log_in(visitor, password).json()
    owner.set_password("another one entirely")
    owner.save()
    assert not opens(tokens["access"])
    assert visitor.post("/api/token/refresh/", {"refresh": tokens["refresh"]}).status_code == 401


def test_deleted_users(visitor: APIClient, owner: User, password: str) -> None:
    tokens = log_in(visitor, password).json()
    owner.delete()
    assert not opens(tokens["access"])
    assert visitor.post("/api/token/refresh/", {"refresh": tokens["refresh"]}).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_of_two_uses_at_once_one_wins(visitor: APIClient, password: str) -> None:
    refresh = log_in(visitor, password).json()["refresh"]
    statuses: list[int] = []
    barrier = threading.Barrier(4, timeout=PATIENCE_SECONDS)

    def use() -> None:
        barrier.wait()
        statuses.append(APIClient().post("/api/token/refresh/", {"refresh": refresh}).status_code)
        connection.close()

    threads = [Beside(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 401, 401, 401]
