"""Django's authentication backend, except that it fetches the user of each request with a prepared statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend

from dataengine.postgres import planned

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class Backend(ModelBackend):
    """Logs in like Django's."""

    def get_user(self, user_id: int) -> User | None:
        user = planned.by_key(get_user_model(), user_id)
        return user if user is not None and self.user_can_authenticate(user) else None
