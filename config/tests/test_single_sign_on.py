"""Logging in by OpenID Connect, at a provider that runs beside the server as it is deployed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
import pytest

from config.tests.serving import web_process
from dataengine.models import AuditEvent
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LOGIN = "/oidc/sso/login/"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture(scope="module")
def environment(process_environment: dict[str, str], provider: str) -> dict[str, str]:
    return process_environment | {
        "OIDC_ISSUER": provider, "OIDC_CLIENT_ID": "tablekeep", "OIDC_CLIENT_SECRET": "secret",
        "OIDC_NAME": "Log in at work", "DEBUG": "1",
    }  # fmt: skip


@pytest.fixture(scope="module")
def _served(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with web_process(environment, tmp_path_factory.mktemp("site")) as port:
        yield f"http://localhost:{port}"


@pytest.fixture
def site(transactional_db: None, _served: str) -> str:
    """The address of a server that the tests share."""
    return _served


def known(provider: str, subject: str, **claims: Any) -> None:
    """Have the provider know somebody."""
    assert httpx.put(f"{provider}/users/{subject}", json=claims).status_code == 204


def arrive(browser: httpx.Client, subject: str, path: str = LOGIN) -> httpx.Response:
    """Where the browser is led after saying at the provider that it is ``subject``'s."""
    there = browser.get(path)
    assert there.status_code == 302, there.text
    back = httpx.post(there.headers["location"], data={"sub": subject})
    return browser.get(back.headers["location"])


def test_who_is_let_in(site: str, provider: str, owner: User, colleague: User) -> None:
    known(provider, "o1", email="Owner@Example.com", email_verified=True)
    known(provider, "c1", email="colleague@example.com", email_verified=False)
    known(provider, "x1", email="nobody@example.com", email_verified=True)
    with httpx.Client(base_url=site) as browser:
        page = read(browser.get("/login/?next=/imports/"))
        [way] = [one["href"] for one in page.elements("a") if one.words == "Log in at work"]
        assert way == f"{LOGIN}?next=%2Fimports%2F"
        arrived = arrive(browser, "o1", way)
        assert arrived.headers["location"] == "/imports/"
        assert browser.get("/imports/").status_code == 200
        assert browser.get(LOGIN).headers["location"] == "/"
    owner.refresh_from_db()
    assert owner.check_password("correct horse battery staple")
    assert AuditEvent.objects.filter(user=owner, action="session.started").exists()
    # By the account from now on, whatever address it has.
    known(provider, "o1", email="elsewhere@example.com", email_verified=False)
    with httpx.Client(base_url=site) as browser:
        assert arrive(browser, "o1").headers["location"] == "/"
    for subject, words in (("c1", "has not verified it"), ("x1", "Ask an administrator to invite you")):
        with httpx.Client(base_url=site) as browser:
            assert arrive(browser, subject).headers["location"] == "/login/"
            assert words in browser.get("/login/").text
            assert browser.get("/").status_code == 302
    owner.is_active = False
    owner.save()
    with httpx.Client(base_url=site) as browser:
        assert arrive(browser, "o1").headers["location"] == "/login/"
        assert browser.get("/").status_code == 302


def test_what_is_no_answer_of_the_provider(site: str, provider: str, owner: User) -> None:
    known(provider, "o1", email="owner@example.com", email_verified=True)
    with httpx.Client(base_url=site) as browser, httpx.Client(base_url=site) as victim:
        there = browser.get(LOGIN).headers["location"]
        assert parse_qs(urlsplit(there).query)["code_challenge_method"] == ["S256"]
        answer = httpx.post(there, data={"sub": "o1"}).headers["location"]
        # Somebody else's answer: nobody is logged in by a link.
        for path in (answer, f"{LOGIN}callback/", f"{LOGIN}callback/?code=x&state=y", f"{LOGIN}callback/?error=denied"):
            assert victim.get(path).headers["location"] == "/login/"
            assert victim.get("/").status_code == 302
        assert browser.get(answer).headers["location"] == "/"
        assert browser.get(answer).status_code == 302
        assert browser.post(LOGIN).status_code in (403, 405)
    with httpx.Client(base_url=site) as browser:
        away = arrive(browser, "o1", f"{LOGIN}?next=https://evil.example/&process=connect")
        assert away.headers["location"] == "/"


def test_users_are_made_if_the_installation_says_so(
    transactional_db: None, environment: dict[str, str], provider: str, tmp_path: Path, colleague: User
) -> None:
    from django.contrib.auth.models import User

    known(provider, "n1", email="new@example.com", email_verified=True, preferred_username="colleague")
    known(provider, "c2", email="colleague@example.com", email_verified=False)
    with web_process(environment | {"OIDC_CREATE_USERS": "1"}, tmp_path) as port:
        with httpx.Client(base_url=f"http://localhost:{port}") as browser:
            assert arrive(browser, "n1").headers["location"] == "/"
            assert browser.get("/").status_code == 200
        with httpx.Client(base_url=f"http://localhost:{port}") as browser:
            assert arrive(browser, "c2").headers["location"] == "/login/"
    made = User.objects.get(email="new@example.com")
    assert made.username != "colleague"
    assert (made.is_staff, made.is_superuser, made.has_usable_password()) == (False, False, False)


def test_a_provider_that_is_away(
    transactional_db: None, environment: dict[str, str], tmp_path: Path, owner: User
) -> None:
    nobody = environment | {"OIDC_ISSUER": "http://localhost:1"}
    with web_process(nobody, tmp_path) as port, httpx.Client(base_url=f"http://localhost:{port}") as browser:
        assert browser.get(LOGIN).headers["location"] == "/login/"
        assert "did not work" in browser.get("/login/").text
