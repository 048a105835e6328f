"""Writes into the audit trail what happens with second factors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.mfa import signals
from allauth.mfa.models import Authenticator
from django.dispatch import receiver

from dataengine.models.shapes import AccountDetails
from dataengine.services import audit

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@receiver(signals.authenticator_added, dispatch_uid="audit")
def added(sender: object, user: User, authenticator: Authenticator, **_: Any) -> None:
    """An app, a passkey, or codes for when these are lost."""
    audit.record_event(user=user, action="second_factor.added", details={"name": str(authenticator)})


@receiver(signals.authenticator_removed, dispatch_uid="audit")
def removed(sender: object, user: User, authenticator: Authenticator, **_: Any) -> None:
    """By its user; an administrator's removal is the service's to tell."""
    audit.record_event(user=user, action="second_factor.removed", details={"name": str(authenticator)})


@receiver(signals.authentication_failed, dispatch_uid="audit")
def failed(sender: object, user: User, **_: Any) -> None:
    """Somebody knew the password, and not the code."""
    details: AccountDetails = {"username": user.get_username(), "reason": "second factor"}
    audit.record_event(user=None, action="sign_in.failed", details=details)
