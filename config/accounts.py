"""Who is logged in: Django's own backend, which finds the user of each request by a planned statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend

from dataengine.postgres import planned

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class Backend(ModelBackend):
    """As Django's, log-in included."""

    def get_user(self, user_id: int) -> User | None:
        user = planned.by_key(get_user_model(), user_id)
        return user if user is not None and self.user_can_authenticate(user) else None
