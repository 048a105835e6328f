"""Where a user is logged in, and ending it: one session, or everything that lets the user in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from dataengine.exceptions import NotFound
from dataengine.models import Account, ApiToken, Session
from dataengine.models.shapes import AccountDetails
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

SEEN_AGAIN_AFTER = timedelta(minutes=5)
"""How exactly ``last_seen_at`` is kept: a session in use writes it this often."""


def sessions_of(user: User) -> QuerySet[Session]:
    """The user's sessions that have not expired, the one seen last first."""
    return Session.objects.filter(user=user, expire_date__gt=timezone.now()).order_by("-last_seen_at", "session_key")


def note_seen(session: Session, *, device: str, address: str) -> None:
    """Write down that a session is in use, and from where."""
    session.last_seen_at = timezone.now()
    session.device, session.address = device or session.device, address or session.address
    Session.objects.filter(pk=session.pk).update(
        last_seen_at=session.last_seen_at, device=session.device, address=session.address
    )


def end_session(*, user: User, public_id: str) -> None:
    """End one of the user's sessions. Raises NotFound."""
    found = next((session for session in Session.objects.filter(user=user) if session.public_id == public_id), None)
    if found is None:
        raise NotFound("There is no such session.", code="session_not_found")
    with transaction.atomic():
        found.delete()
        record_event(user=user, action="session.revoked")


def log_out_everywhere(*, user: User, but: str | None = None, by: User | None = None) -> None:
    """End everything that lets the user in but the session with the key ``but``.

    That is: the other sessions, API tokens, and all JSON web tokens made until now, refresh and access tokens alike.
    ``by`` is who does it, if that is somebody else.
    """
    with transaction.atomic():
        # First, so that a token made at the same time waits for this, or is of those that end.
        get_user_model().objects.select_for_update(no_key=True).get(pk=user.pk)
        Account.objects.bulk_create([Account(user=user)], ignore_conflicts=True)
        Account.objects.filter(user=user).update(token_generation=F("token_generation") + 1)
        end_what_a_password_began(user, but=but)
        record_event(user=by or user, action="session.all_revoked", details=about(user, by))


def about(user: User, by: User | None) -> AccountDetails:
    """The details of an event of an account that somebody else may have caused."""
    return {} if by is None or by == user else {"username": user.get_username()}


def end_what_a_password_began(user: User, *, but: str | None = None) -> None:
    """End sessions and API tokens of a user whose password is another one. (JSON web tokens name the old one.)"""
    Session.objects.filter(user=user).exclude(pk=but).delete()
    user.api_tokens.all().delete()


def forget_expired() -> None:
    """Delete sessions and tokens whose time has been over for a while."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    OutstandingToken.objects.filter(expires_at__lt=timezone.now()).delete()
    ApiToken.objects.filter(expires_at__lt=timezone.now() - _EXPIRED_TOKENS_ARE_SHOWN).delete()


_EXPIRED_TOKENS_ARE_SHOWN = timedelta(days=30)
