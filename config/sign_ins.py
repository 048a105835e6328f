"""Writes into the audit trail who logs in and out, and who tries in vain, whatever way leads to Django's signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from dataengine.models.shapes import AccountDetails
from dataengine.services import audit
from webui.sessions import BEGAN

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@receiver(user_logged_in, dispatch_uid="audit")
def logged_in(sender: object, user: User, request: HttpRequest | None = None, **_: Any) -> None:
    """A session has begun."""
    if request is not None:
        request.session[BEGAN] = timezone.now().isoformat()
    audit.record_event(user=user, action="session.started")


@receiver(user_logged_out, dispatch_uid="audit")
def logged_out(sender: object, user: User | None, **_: Any) -> None:
    """A session was ended by its user."""
    if user is not None and user.is_authenticated:
        audit.record_event(user=user, action="session.ended")


@receiver(user_login_failed, dispatch_uid="audit")
def failed(sender: object, credentials: Mapping[str, Any], **_: Any) -> None:
    """Somebody gave a wrong password, or a name that nobody has.

    The name is kept only where an account has it: what else people type there may be their password.
    """
    model = get_user_model()
    name = str(credentials.get("username") or "").replace("\0", "")
    account = model.objects.filter(**{model.USERNAME_FIELD: name}).first() if name else None
    details: AccountDetails = {"username": account.get_username()} if account is not None else {}
    audit.record_event(user=None, action="sign_in.failed", details=details)
