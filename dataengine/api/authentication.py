"""Authentication by access token."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.settings import api_settings

from dataengine.origin import refine
from dataengine.postgres import planned


class _Users:
    """The part of the user model's manager that ``JWTAuthentication`` uses for each request."""

    @staticmethod
    def get(**key: Any) -> Any:
        """The user with this id. Raises DoesNotExist."""
        model = get_user_model()
        user = planned.by_key(model, key[api_settings.USER_ID_FIELD])
        if user is None:
            raise model.DoesNotExist
        return user


class Authentication(JWTAuthentication):
    """simplejwt's authentication with all its checks; only the user is fetched with a prepared statement."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = {"objects": _Users, "DoesNotExist": self.user_model.DoesNotExist}
        self.user_model = type("Users", (), known)  # all of it that is used

    def authenticate(self, request: Request) -> Any:
        """The user and the token, None without one."""
        found = super().authenticate(request)
        if found is not None:
            refine(via="jwt")
        return found


class AuthenticationScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]  # registers itself for the schema
    """Describes it in the OpenAPI schema like simplejwt's."""

    target_class = "dataengine.api.authentication.Authentication"
