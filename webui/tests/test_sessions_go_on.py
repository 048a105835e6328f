"""Users stay logged in until they log out, are disabled, or their session expires."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.utils import timezone

from dataengine.models import Session

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_a_session_begun_with_django_s_own_backend(client: Client, owner: User) -> None:
    client.force_login(owner)
    session = client.session
    session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    session.save()
    assert is_in(client)


def test_a_session_whose_time_is_over(as_owner: Client) -> None:
    assert is_in(as_owner)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert not is_in(as_owner)


def test_somebody_who_is_shut_out(as_owner: Client, owner: User) -> None:
    owner.is_active = False
    owner.save()
    assert not is_in(as_owner)


def test_somebody_whose_password_is_changed(as_owner: Client, owner: User) -> None:
    owner.set_password("another battery staple")
    owner.save()
    assert not is_in(as_owner)


def test_somebody_who_is_there_no_more(as_owner: Client, owner: User) -> None:
    owner.delete()
    assert not is_in(as_owner)


@pytest.mark.parametrize("key", ["a\0b" + "c" * 10, "x" * 500, "no such key"])
def test_a_key_that_is_none(client: Client, db: None, key: str) -> None:
    client.cookies["sessionid"] = key
    assert not is_in(client)
