"""The first administrator is made once, as the environment says, and a password that was given is not shown."""

from io import StringIO

import pytest
from django.contrib.auth import authenticate, get_user_model

from config.management.commands.prepare import Command


@pytest.mark.django_db
def test_is_made_once_with_the_password_that_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_USERNAME", "ada")
    monkeypatch.setenv("ADMIN_PASSWORD", "lovelace-1843")
    monkeypatch.setenv("ADMIN_EMAIL", "ada@example.com")
    said = StringIO()

    for _ in range(2):
        Command(stdout=said)._create_first_administrator()

    assert said.getvalue() == "Created the administrator: user ada, password from ADMIN_PASSWORD\n"
    ada = get_user_model()._default_manager.get()
    assert (ada.email, ada.is_superuser) == ("ada@example.com", True)
    assert authenticate(username="ada", password="lovelace-1843") == ada
