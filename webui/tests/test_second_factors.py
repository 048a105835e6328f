"""A second factor: set up, asked for at each log-in to console and API, and good for one use."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client

from dataengine.models import AuditEvent
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

INDEX = "/account/second-factor/"
SET_UP = f"{INDEX}totp/activate/"


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


def code_of(secret: str, period: int = 0) -> str:
    """The code of an app; tests that need another one take that of the next ``period``."""
    code: str = format_hotp_value(hotp_value(secret, int(time.time()) // 30 + period))
    return code


def set_up(client: Client, password: str) -> str:
    """The secret of a new app."""
    asked = client.get(SET_UP)
    assert unquote(asked.headers["Location"]) == f"/account/confirm/?next={SET_UP}"
    assert read(client.post("/account/confirm/", {"password": "wrong", "next": SET_UP})).words_of(
        "ul", class_="errorlist"
    ) == ["This is not your password."]
    assert client.post("/account/confirm/", {"password": password, "next": SET_UP}).headers["Location"] == SET_UP
    secret = read(client.get(SET_UP)).element("input", id="secret")["value"]
    assert "Incorrect code" in read(client.post(SET_UP, {"code": "000000"}))
    assert client.post(SET_UP, {"code": code_of(secret)}).headers["Location"] == f"{INDEX}recovery-codes/"
    return secret


@pytest.fixture
def secret(as_owner: Client, password: str) -> str:
    return set_up(as_owner, password)


def half_way(password: str) -> Client:
    """A browser after the right password."""
    client = Client()
    answer = client.post("/login/?next=/imports/", {"username": "owner", "password": password, "next": "/imports/"})
    assert answer.headers["Location"] == f"{INDEX}authenticate/"
    return client


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_log_ins_ask_for_a_code(secret: str, password: str) -> None:
    client = half_way(password)
    assert not is_in(client)
    assert read(client.get(f"{INDEX}authenticate/")).element("h1").words == "One more step"
    assert "Incorrect code" in read(client.post(f"{INDEX}authenticate/", {"code": "000000"}))
    assert not is_in(client)
    code = code_of(secret, 1)
    assert client.post(f"{INDEX}authenticate/", {"code": code}).headers["Location"] == "/imports/"
    assert is_in(client)
    # It was good for one log-in.
    second = half_way(password)
    assert "Incorrect code" in read(second.post(f"{INDEX}authenticate/", {"code": code}))
    assert not is_in(second)


def test_without_the_password_there_is_nothing_to_enter_a_code_into(secret: str) -> None:
    client = Client()
    for answer in (
        client.get(f"{INDEX}authenticate/"),
        client.post(f"{INDEX}authenticate/", {"code": code_of(secret)}),
    ):
        assert answer.headers["Location"] == "/login/"
    assert not is_in(client)


def test_recovery_codes_let_in_once_each(as_owner: Client, secret: str, password: str) -> None:
    codes = read(as_owner.get(f"{INDEX}recovery-codes/")).element("textarea", id="codes").text.split()
    assert len(codes) == 10
    client = half_way(password)
    assert client.post(f"{INDEX}authenticate/", {"code": codes[0]}).headers["Location"] == "/imports/"
    assert "Incorrect code" in read(half_way(password).post(f"{INDEX}authenticate/", {"code": codes[0]}))
    assert "9 of 10" in read(as_owner.get(f"{INDEX}recovery-codes/"))


def test_codes_are_not_guessed(secret: str, password: str) -> None:
    client = half_way(password)
    said = [read(client.post(f"{INDEX}authenticate/", {"code": "000000"})).words for _ in range(6)]
    assert "Incorrect code" in said[0]
    assert "Too many" in said[-1]
    assert "Too many" in read(client.post(f"{INDEX}authenticate/", {"code": code_of(secret, 1)}))


def test_the_api_asks_for_a_code_too(secret: str, password: str) -> None:
    def ask(**given: Any) -> tuple[int, str]:
        answer = Client().post(
            "/api/token/", {"username": "owner", "password": password, **given}, content_type="application/json"
        )
        return answer.status_code, answer.json().get("error", {}).get("code", "")

    code = code_of(secret, 1)
    assert ask() == (401, "second_factor_needed")
    assert ask(password="wrong", code=code) == (401, "no_active_account")
    assert ask(code="000000") == (401, "second_factor_wrong")
    assert ask(code=code) == (200, "")
    assert ask(code=code) == (401, "second_factor_wrong")


def test_what_an_app_knows_is_kept_encrypted(secret: str, owner: User) -> None:
    kept = Authenticator.objects.get(user=owner, type=Authenticator.Type.TOTP)
    assert secret not in str(kept.data)


def test_it_is_removed_after_the_password(as_owner: Client, secret: str, owner: User, password: str) -> None:
    page = f"{INDEX}totp/deactivate/"
    later = Client()
    later.force_login(owner)
    assert later.post(page).headers["Location"].startswith("/account/confirm/")
    assert Authenticator.objects.filter(user=owner).exists()
    assert read(as_owner.get(page)).element("h1").words == "Remove the authenticator app?"
    assert as_owner.post(page).headers["Location"] == INDEX
    assert not Authenticator.objects.filter(user=owner).exists()
    assert Client().post("/login/", {"username": "owner", "password": password}).headers["Location"] == "/"


def test_nobody_signs_up(client: Client, db: None) -> None:
    for path in ("/signup/", "/account/signup/", "/accounts/signup/", f"{INDEX}webauthn/signup/"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_no_step_leads_elsewhere(as_owner: Client, secret: str, password: str, target: str) -> None:
    confirmed = as_owner.post("/account/confirm/", {"password": password, "next": target})
    assert confirmed.headers["Location"] == "/"
    client = Client()
    client.post("/login/", {"username": "owner", "password": password, "next": target})
    code = code_of(secret, 1)
    assert client.post(f"{INDEX}authenticate/?next={target}", {"code": code}).headers["Location"] == "/"
    assert is_in(client)


def test_the_session_is_another_one_after_the_second_step(secret: str, password: str) -> None:
    client = half_way(password)
    before = client.cookies["sessionid"].value
    client.post(f"{INDEX}authenticate/", {"code": code_of(secret, 1)})
    assert client.cookies["sessionid"].value != before
    planted = Client()
    planted.cookies["sessionid"] = before
    assert not is_in(planted)


def test_half_a_log_in_opens_nothing_and_ends_with_the_password(secret: str, owner: User, password: str) -> None:
    client = half_way(password)
    for path in (INDEX, "/account/", "/account/tokens/", "/tables/people/", f"{INDEX}recovery-codes/"):
        assert client.get(path).headers["Location"].startswith("/login/?next=")
    owner.is_active = False
    owner.save()
    client.post(f"{INDEX}authenticate/", {"code": code_of(secret, 1)})
    assert not is_in(client)


NONSENSE = ["", "{", "{}", "[]", '"x"', "7", '{"id": "x"}', '{"rawId": "AAAA", "response": {}}', '{"response": 7}']


@pytest.mark.parametrize("credential", NONSENSE)
def test_what_is_no_passkey_is_refused(client: Client, db: None, credential: str) -> None:
    answer = client.post(f"{INDEX}webauthn/login/", {"credential": credential})
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login/"
    assert not is_in(client)


@pytest.mark.parametrize("credential", NONSENSE)
def test_what_is_no_new_passkey_is_refused(as_owner: Client, password: str, credential: str) -> None:
    page = f"{INDEX}webauthn/add/"
    as_owner.post("/account/confirm/", {"password": password, "next": page})
    assert as_owner.get(page).status_code == 200
    assert as_owner.post(page, {"name": "x", "credential": credential}).status_code == 200
    assert not Authenticator.objects.exists()


@pytest.mark.django_db(transaction=True)  # what is added is told once it is committed
def test_it_is_written_down(as_owner: Client, secret: str, owner: User, password: str) -> None:
    half_way(password).post(f"{INDEX}authenticate/", {"code": "000000"})
    as_owner.post(f"{INDEX}totp/deactivate/")
    events = AuditEvent.objects.filter(action__regex="second_factor|failed").order_by("pk")
    assert [(event.action, event.details.get("name"), event.details.get("reason")) for event in events] == [
        ("second_factor.added", "TOTP Authenticator", None),
        ("second_factor.added", "Recovery codes", None),
        ("sign_in.failed", None, "second factor"),
        ("second_factor.removed", "TOTP Authenticator", None),
        ("second_factor.removed", "Recovery codes", None),
    ]
