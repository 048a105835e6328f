from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import redis
from django.conf import settings
from django.test import Client

from conftest import UNHEARD
from dataengine.tests.test_guessing_is_slowed_down import WhileOthersGuess, allow
from webui import reset_mail
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.core.mail import EmailMessage


def test_logging_in_leads_to_where_one_was_going(client: Client, owner: User, password: str) -> None:
    response = client.post("/login/?next=/imports/", {"username": "owner", "password": password, "next": "/imports/"})
    assert response.headers["Location"] == "/imports/"
    assert client.get("/").status_code == 200


def test_a_wrong_password_and_an_unknown_name_sound_the_same(client: Client, owner: User) -> None:
    answers = [read(client.post("/login/", {"username": name, "password": "wrong"})) for name in ("owner", "nobody")]
    for answer in answers:
        assert "The user name or password is wrong." in answer


def test_guessing_is_slowed_down(client: Client, owner: User, password: str, settings: Any) -> None:
    allow(settings, login_failure=(3, 60))
    elsewhere, at_home = "10.0.0.7", "10.0.0.8"
    for _ in range(3):
        client.post("/login/", {"username": "owner", "password": "wrong"}, REMOTE_ADDR=elsewhere)
    refused = client.post("/login/", {"username": "owner", "password": password}, REMOTE_ADDR=elsewhere)
    assert "Too many failed attempts" in read(refused)
    welcome = client.post("/login/", {"username": "owner", "password": password}, REMOTE_ADDR=at_home)
    assert welcome.status_code == 302


def test_a_right_guess_among_many_wrong_ones_is_not_revealed(
    client: Client, owner: User, password: str, settings: Any
) -> None:
    """Parallel ones may all be admitted before the first one has failed."""
    allow(settings, login_failure=(3, 60))
    settings.AUTHENTICATION_BACKENDS = [f"{WhileOthersGuess.__module__}.{WhileOthersGuess.__name__}"]
    refused = client.post("/login/", {"username": "owner", "password": password})
    assert "Too many failed attempts" in read(refused)
    assert client.get("/").status_code == 302


def test_the_admin_has_the_same_log_in(client: Client, owner: User, password: str) -> None:
    owner.is_staff = True
    owner.save()
    asked = client.get("/admin/auth/user/", follow=True)
    assert asked.redirect_chain[-1][0] == "/login/?next=/admin/auth/user/"
    # Passwords cannot be tried at the admin's own address.
    tried = client.post("/admin/login/", {"username": "owner", "password": password, "next": "/admin/"})
    assert tried.headers["Location"] == "/login/?next=/admin/"
    assert client.get("/admin/").status_code == 302
    response = client.post("/login/", {"username": "owner", "password": password, "next": "/admin/auth/user/"})
    assert response.headers["Location"] == "/admin/auth/user/"
    assert client.get("/admin/login/", follow=True).redirect_chain[-1][0] == "/admin/"


def test_users_without_access_to_the_admin_are_told_so(as_stranger: Client) -> None:
    response = as_stranger.get("/admin/", follow=True)
    assert response.status_code == 403
    assert read(response).element("h1").words == "You may not do that"


def test_logging_in_never_leads_elsewhere(client: Client, owner: User, password: str) -> None:
    response = client.post("/login/", {"username": "owner", "password": password, "next": "https://evil.example/"})
    assert response.headers["Location"] == "/"


def test_logging_out_takes_a_post(as_owner: Client) -> None:
    assert read(as_owner.get("/logout/")).element("h1").words == "Log out?"
    assert as_owner.get("/").status_code == 200
    assert as_owner.post("/logout/").headers["Location"] == "/login/"
    assert as_owner.get("/").status_code == 302
    assert as_owner.get("/logout/").headers["Location"] == "/login/"


def test_a_form_sent_after_the_session_ended_leads_back_to_its_page(client: Client, owner: User) -> None:
    response = client.post("/tables/people/selected/", headers={"referer": "http://testserver/tables/people/?page=2"})
    assert response.headers["Location"] == "/login/?next=/tables/people/%3Fpage%3D2"


def test_opening_the_address_of_a_form_explains_itself(as_owner: Client) -> None:
    response = as_owner.get("/tables/people/selected/")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert read(response).element("h1").words == "This is not a page"


def test_the_password_is_changed_and_the_session_stays(as_owner: Client, owner: User, password: str) -> None:
    new = "another horse, a bigger battery"
    form = {"old_password": password, "new_password1": new, "new_password2": new}
    assert as_owner.post("/account/", form | {"old_password": "no"}).status_code == 422
    assert as_owner.post("/account/", form).status_code == 302
    assert as_owner.get("/account/").status_code == 200
    owner.refresh_from_db()
    assert owner.check_password(new)


@pytest.fixture
def asked() -> Iterator[Callable[[], list[list[str]]]]:
    """``asked()``: what workers have been asked to mail, and have not heard."""
    broker = redis.Redis.from_url(settings.REDIS_URL)
    broker.delete(UNHEARD)

    def read_queue() -> list[list[str]]:
        sent = [json.loads(message) for message in broker.lrange(UNHEARD, 0, -1)]
        sent = [message for message in sent if message["headers"]["task"] == reset_mail.TASK]
        return [json.loads(base64.b64decode(message["body"]))[0] for message in reversed(sent)]

    yield read_queue
    broker.delete(UNHEARD)


def test_a_forgotten_password_is_set_by_mail(
    client: Client, owner: User, mailoutbox: list[EmailMessage], asked: Callable[[], list[list[str]]]
) -> None:
    answers = [client.post("/password-reset/", {"email": f"{name}@example.com"}) for name in ("owner", "nobody")]
    assert {answer.headers["Location"] for answer in answers} == {"/password-reset/sent/"}
    # The page looks for nobody, so it takes as long for either.
    assert asked() == [[f"{name}@example.com", "http://testserver/"] for name in ("owner", "nobody")]
    assert not mailoutbox
    for arguments in asked():
        reset_mail.send(*arguments)
    [mail] = mailoutbox
    assert mail.to == ["owner@example.com"]
    found = re.search(r"http://testserver(/\S+)", str(mail.body))
    assert found is not None
    form_url = client.get(found[1]).headers["Location"]
    new = "another horse, a bigger battery"
    assert "Choose a new password" in read(client.get(form_url))
    assert client.post(form_url, {"new_password1": new, "new_password2": new}).status_code == 302
    owner.refresh_from_db()
    assert owner.check_password(new)
    again = read(client.get(found[1]))
    assert "no longer works" in again
    assert again.elements("a", href="/password-reset/")


def test_mails_are_not_asked_for_without_end(client: Client, owner: User, settings: Any) -> None:
    allow(settings, account_failure=(2, 900))
    for name in ("owner", "nobody"):
        addresses = [f"{name}@example.com", f"{name.upper()}@example.com", f"{name}@example.com"]
        answers = [client.post("/password-reset/", {"email": address}) for address in addresses]
        assert [answer.status_code for answer in answers] == [302, 302, 200]
        assert "Too many failed attempts. Try again in 15 minutes." in read(answers[-1])


def test_the_present_password_is_guessed_no_faster(as_owner: Client, password: str, settings: Any) -> None:
    allow(settings, account_failure=(1, 900))
    new = "another horse, a bigger battery"
    form = {"new_password1": new, "new_password2": new}
    assert "incorrect" in read(as_owner.post("/account/", form | {"old_password": "no"}))
    assert "Too many failed attempts" in read(as_owner.post("/account/", form | {"old_password": password}))


def test_the_theme_is_kept_in_a_cookie_and_needs_no_script(as_owner: Client) -> None:
    assert "data-bs-theme" not in read(as_owner.get("/")).element("html").attributes
    response = as_owner.post("/account/theme/", {"theme": "dark", "next": "/imports/"})
    assert response.headers["Location"] == "/imports/"
    assert read(as_owner.get("/")).element("html").attributes == {"lang": "en", "data-bs-theme": "dark"}
    as_owner.post("/account/theme/", {"theme": "auto", "next": "https://evil.example/"})
    assert "data-bs-theme" not in read(as_owner.get("/")).element("html").attributes


def test_pages_come_with_a_policy_that_allows_no_inline_code(as_owner: Client) -> None:
    policy = as_owner.get("/").headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
