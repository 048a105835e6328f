"""A mail with a link for a password leads to the console, whatever host its request was sent to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import RequestFactory

from webui import reset_mail
from webui.mail_links import console_url

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client
    from pytest_django.fixtures import Settings

OWN = "http://127.0.0.1:8123/"
NAMED = ["tables.example.com", ".example.org", "localhost", "127.0.0.1", "[::1]"]


@pytest.mark.parametrize(
    ("hosts", "host", "leads"),
    [
        (NAMED, "tables.example.com", "http://tables.example.com/"),
        (NAMED, "Tables.Example.com:8000", "http://Tables.Example.com:8000/"),
        (NAMED, "tables.example.com:9999", OWN),  # another program's on that machine
        (NAMED, "tables.example.com:8443", "http://tables.example.com:8443/"),  # a trusted origin
        (NAMED, "evil.example.org", OWN),
        (NAMED, "localhost:9999", OWN),
        (NAMED, "[::1]", OWN),
        (["*"], "evil.example", OWN),
        (["*"], "tables.example.com", OWN),
    ],
)
def test_only_hosts_that_are_named_are_believed(settings: Settings, hosts: list[str], host: str, leads: str) -> None:
    settings.ALLOWED_HOSTS = hosts
    settings.CSRF_TRUSTED_ORIGINS = ["http://tables.example.com:8443", "https://*.example.net"]
    settings.PUBLIC_URL = OWN
    request = RequestFactory().get("/password-reset/", headers={"Host": host}, SERVER_PORT="8000")
    assert console_url(request) == leads
    settings.PUBLIC_URL, settings.PUBLIC_URL_IS_GIVEN = "https://given.example.com/", True
    assert console_url(request) == "https://given.example.com/"


@pytest.mark.django_db
def test_a_forged_host_is_in_no_mail(
    client: Client, owner: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALLOWED_HOSTS, settings.PUBLIC_URL = ["*"], OWN
    asked = []

    def ask(email: str, base_url: str) -> bool:
        asked.append((email, base_url))
        return True

    monkeypatch.setattr(reset_mail, "ask_for", ask)
    form = {"email": owner.email}
    assert client.post("/password-reset/", form, headers={"Host": "evil.example"}).status_code == 302
    assert asked == [(owner.email, OWN)]
