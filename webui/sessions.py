"""Sessions of the console, fetched with a prepared statement because each request needs one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, SESSION_KEY, get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends import db
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.http import HttpRequest
from django.utils import timezone

from dataengine.exceptions import AccessDenied
from dataengine.http.devices import client_named
from dataengine.models import Session
from dataengine.postgres import planned
from dataengine.services import sessions
from dataengine.services.sessions import Client

if TYPE_CHECKING:
    from django.contrib.auth.models import User

BEGAN = "began"
"""The key in a session's data of when its user logged in."""

_FORMER_BACKEND = "django.contrib.auth.backends.ModelBackend"
"""The backend that sessions from before ``config.accounts`` name; they stay valid."""


class SessionStore(db.SessionStore):
    """Like Django's; its rows tell whose session it is, and from where."""

    client = Client()

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def load(self) -> dict[str, Any]:
        data: dict[str, Any] = super().load()
        if data.get(BACKEND_SESSION_KEY) == _FORMER_BACKEND:
            data[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        return data

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        made = cast("Session", super().create_model_instance(data))
        made.user_id = data.get(SESSION_KEY)
        made.device, made.address = self.client
        made.last_seen_at = timezone.now()
        made.began_at = datetime.fromisoformat(data[BEGAN]) if BEGAN in data else None
        return made

    def _get_session_from_db(self) -> Session | None:
        found = planned.by_key(Session, self.session_key)
        now = timezone.now()
        if found is None or found.expire_date <= now:
            self._session_key = None
            return None
        if now - found.last_seen_at >= sessions.SEEN_AGAIN_AFTER:
            sessions.note_seen(found, device=self.client.device, address=self.client.address)
        if self.client == Client():  # a socket's, or a command's
            self.client = Client(found.device, found.address)
        return found


class SessionMiddleware(DjangoSessionMiddleware):
    """Django's; tells the session from where the request comes."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.session.client = client_named(request)  # type: ignore[attr-defined]


def user_of_session(key: str | None) -> User | AnonymousUser:
    """The user of that session *now*: the session is read anew, and its password hash is checked."""
    if not key:
        return AnonymousUser()
    request = HttpRequest()
    request.session = SessionStore(key)
    return get_user(request)


def check_session(request: HttpRequest) -> None:
    """Raise AccessDenied if the session that a request came with has ended since."""
    if not user_of_session(request.session.session_key).is_authenticated:
        raise AccessDenied("You have been logged out meanwhile. Log in again.")
