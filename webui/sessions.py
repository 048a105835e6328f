"""Django's database sessions, fetched with a prepared statement because each request of the console needs one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from dataengine.postgres import planned

_FORMER_BACKEND = "django.contrib.auth.backends.ModelBackend"
"""The backend that sessions from before ``config.accounts`` name; they stay valid."""


class SessionStore(db.SessionStore):
    """Like Django's."""

    def load(self) -> dict[str, Any]:
        data: dict[str, Any] = super().load()
        if data.get(BACKEND_SESSION_KEY) == _FORMER_BACKEND:
            data[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        return data

    def _get_session_from_db(self) -> Session | None:
        found = planned.by_key(Session, self.session_key)
        if found is None or found.expire_date <= timezone.now():
            self._session_key = None
            return None
        return found
