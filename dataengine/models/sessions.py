"""Sessions of the console and log-ins of programs: whose they are and from where, to be listed and ended."""

from __future__ import annotations

import hashlib
import uuid
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
    began_at = models.DateTimeField(null=True, blank=True)  # null: not logged in, or before this was kept
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


class ApiSession(models.Model):
    """A log-in of a program by name and password: one JSON web token after another, each renewing the one before.

    The tokens name it, and let nobody in once it is gone. Its key lets nobody in by itself.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_sessions")
    device = models.CharField(max_length=300, blank=True)  # what the program says of itself
    address = models.CharField(max_length=45, blank=True)
    began_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)  # the refresh token's end, later with each renewal

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"API session of {self.user}"


def public_id_of(session_key: str) -> str:
    """``Session.public_id`` of the session with that key."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:20]
