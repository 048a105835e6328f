"""The second factor of a log-in without pages: a code of the authenticator app, or a recovery code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def is_needed(user: User) -> bool:
    """Whether the user's password alone lets nobody in."""
    return bool(is_mfa_enabled(user, [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]))


def accepts(user: User, code: str) -> bool:
    """Whether it is the user's code now; it is none after that."""
    form = AuthenticateForm(user=user, data={"code": code})
    if not form.is_valid():
        return False
    form.authenticator.record_usage()
    return True
