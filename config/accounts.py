"""What Django's settings name for accounts: the authentication backend, and what happens when a password changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend

from dataengine.postgres import planned
from dataengine.services.sessions import end_what_a_password_began

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class EndsTheOld:
    """Among the validators of passwords, since these are told whenever one has changed, whoever changed it and how.

    Whatever the old password let in is shut out: sessions and API tokens here, JSON web tokens by themselves. (The
    session in which it is changed goes on: the views make it anew.)
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Take any password."""

    def get_help_text(self) -> str:
        """What users are told of it."""
        return "A new password ends all other sessions and all API tokens."

    def password_changed(self, password: str, user: User | None = None) -> None:
        """Django's hook, called when the new password is saved."""
        if user is not None:
            end_what_a_password_began(user)


class Backend(ModelBackend):
    """Logs in like Django's, but fetches the user of each request with a prepared statement."""

    def get_user(self, user_id: int) -> User | None:
        user = planned.by_key(get_user_model(), user_id)
        return user if user is not None and self.user_can_authenticate(user) else None
