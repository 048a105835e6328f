"""Django's sessions in the database, each fetched by a planned statement: every request of the console asks for one."""

from __future__ import annotations

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from dataengine.postgres import planned


class SessionStore(db.SessionStore):
    """As Django's."""

    def _get_session_from_db(self) -> Session | None:
        found = planned.by_key(Session, self.session_key)
        if found is None or found.expire_date <= timezone.now():
            self._session_key = None
            return None
        return found
