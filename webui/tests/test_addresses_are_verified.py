"""Where the installation wants it, a password lets nobody in before the account's address is verified."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from dataengine.models import AuditEvent
from dataengine.services import addresses
from webui import reset_mail
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.core.mail import EmailMessage
    from pytest_django.fixtures import Settings


@pytest.fixture
def given(owner: User, password: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The owner's user name and password; mails are sent at once."""
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"

    def ask(user: User, link: str) -> bool:
        reset_mail.verify(user.pk, link)
        return True

    monkeypatch.setattr(reset_mail, "ask_to_verify", ask)
    return {"username": "owner", "password": password}


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_a_link_in_a_mail_verifies_it(
    client: Client, owner: User, given: dict[str, str], mailoutbox: list[EmailMessage]
) -> None:
    told = read(client.post("/login/", given, follow=True))
    assert told.words_of("h1") == ["Check your e-mail"]
    assert not is_in(client)
    refused = APIClient().post("/api/token/", given)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "email_not_verified")
    [mail] = mailoutbox
    assert mail.to == [owner.email]
    [path] = re.findall(r"http://testserver(/email-verification/\S+)", str(mail.body))
    assert owner.email in read(client.get(path))
    assert addresses.must_verify(owner), "looking at it changes nothing"
    assert client.post(path)["Location"] == "/login/"
    assert not is_in(client), "the link alone lets nobody in"
    for again in (client.get(path), client.post(path)):
        assert "no longer works" in read(again)
    client.post("/login/", given)
    assert is_in(client)
    assert APIClient().post("/api/token/", given).status_code == 200
    assert AuditEvent.objects.filter(action="user.address_verified").count() == 1
    # Another address, whoever set it and how, is not verified, and what was sent to the old one helps nobody.
    User.objects.filter(pk=owner.pk).update(email="new@example.com")
    assert APIClient().post("/api/token/", given).status_code == 401
    other = Client()
    other.post("/login/", given)
    assert not is_in(other)
    assert mailoutbox[-1].to == ["new@example.com"]
    assert "no longer works" in read(client.post(path))
    assert client.get("/email-verification/x/").status_code == 200
    User.objects.filter(pk=owner.pk).update(email="")
    other.post("/login/", given)
    assert is_in(other), "there is nothing to verify"


def test_links_for_passwords_verify_it_too(
    client: Client, owner: User, given: dict[str, str], mailoutbox: list[EmailMessage]
) -> None:
    reset_mail.send(owner.email, "http://testserver/")
    [path] = re.findall(r"http://testserver(/password-reset/\S+)", str(mailoutbox[0].body))
    new = given["password"] + " and more"
    client.post(client.get(path)["Location"], {"new_password1": new, "new_password2": new})
    client.post("/login/", given | {"password": new})
    assert is_in(client)
    assert len(mailoutbox) == 1


def test_it_is_not_asked_for_by_default(client: Client, owner: User, password: str) -> None:
    client.post("/login/", {"username": "owner", "password": password})
    assert is_in(client)
