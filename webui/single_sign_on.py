"""Single sign-on by OpenID Connect: whom a provider's word lets in (django-allauth does the rest)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import resolve_url

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PROVIDER = "sso"
"""By what the one provider is named in addresses."""

_UNKNOWN = "Nobody here has this account. Ask an administrator to invite you by the e-mail address that it has."
_UNVERIFIED = "This account's e-mail address is somebody's here, but the provider has not verified it."
_FAILED = "Logging in there did not work. Try again, or use your password."


class Adapter(DefaultSocialAccountAdapter):
    """Lets in users by the account that they used before, or by an e-mail address that the provider has verified.

    The installation chose its provider, so its word on addresses counts; an address that it has not verified is that
    of anybody. New users are made only if the installation says so (``OIDC_CREATE_USERS``).
    """

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Find the user."""
        if sociallogin.is_existing:
            return
        for address in sociallogin.email_addresses:
            found: list[User] = list(get_user_model().objects.filter(email__iexact=address.email)[:2])
            if len(found) == 1 and address.verified:
                sociallogin.connect(request, found[0])
                return
            if found:
                refuse(request, _UNVERIFIED)
        if not settings.OIDC_CREATE_USERS:
            refuse(request, _UNKNOWN)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Whether a user may be made of it; ``pre_social_login`` has refused it otherwise."""
        return bool(settings.OIDC_CREATE_USERS)

    def on_authentication_error(self, request: HttpRequest, provider: Any, *args: Any, **kwargs: Any) -> NoReturn:
        """Back to the log-in page."""
        refuse(request, _FAILED)


def refuse(request: HttpRequest, words: str = _FAILED) -> NoReturn:
    """Lead back to the log-in page, which says why."""
    messages.error(request, words)
    raise ImmediateHttpResponse(HttpResponseRedirect(resolve_url("login")))
