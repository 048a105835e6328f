"""Sessions of the console, which tell whose they are and from where, so that they can be listed and ended."""

from __future__ import annotations

import hashlib
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models


class Session(AbstractBaseSession):
    """Django's session with more columns, all of it fetched at once with each request."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sessions", null=True, blank=True
    )
    device = models.CharField(max_length=300, blank=True)  # what the browser says of itself
    address = models.CharField(max_length=45, blank=True)
    last_seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    @classmethod
    def get_session_store_class(cls) -> Any:
        """The store of the settings."""
        return import_module(settings.SESSION_ENGINE).SessionStore

    @property
    def public_id(self) -> str:
        """By what it can be named without letting anybody in: the key cannot be found from it."""
        return public_id_of(self.session_key)


def public_id_of(session_key: str) -> str:
    """``Session.public_id`` of the session with that key."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:20]
