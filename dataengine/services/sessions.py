"""Where a user is logged in, and ending it: one session, or everything that lets the user in."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import CharField, F, Value
from django.db.models.functions import Cast
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from dataengine.exceptions import NotFound
from dataengine.models import Account, ApiSession, ApiToken, Session
from dataengine.models.sessions import public_id_of
from dataengine.models.shapes import AccountDetails
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SEEN_AGAIN_AFTER = timedelta(minutes=5)
"""How exactly ``last_seen_at`` is kept: a session in use writes it this often."""


KINDS = ("browser", "api")

type Row = tuple[str, str, str, str, datetime | None, datetime]
"""A session as it is selected: what ``Shown`` has, but the key as it is."""


class Client(NamedTuple):
    """Who sends a request: what the browser or the program says of itself, and its address."""

    device: str = ""
    address: str = ""


class Shown(NamedTuple):
    """A session as users see it. ``id`` lets nobody in."""

    id: str
    kind: str
    device: str
    address: str
    began_at: datetime | None
    last_seen_at: datetime


def sessions_of(user: User) -> QuerySet[Any, Row]:
    """The user's sessions that have not expired, of browsers and of programs, the one seen last first."""
    now = timezone.now()
    names = ("key", "kind", "device", "address", "began_at", "last_seen_at")
    browsers = Session.objects.filter(user=user, expire_date__gt=now).annotate(
        key=F("session_key"), kind=Value(KINDS[0])
    )
    programs = ApiSession.objects.filter(user=user, expires_at__gt=now).annotate(
        key=Cast("id", CharField()), kind=Value(KINDS[1])
    )
    together = browsers.values_list(*names).union(programs.values_list(*names), all=True)
    return together.order_by("-last_seen_at", "key")


def shown(row: Row) -> Shown:
    """What users see of it."""
    found = Shown(*row)
    return found._replace(id=public_id_of(found.id)) if found.kind == KINDS[0] else found


def begin_api_session(*, user: User, client: Client, expires_at: datetime) -> UUID:
    """The id of a new session of a program."""
    made = ApiSession(user=user, last_seen_at=timezone.now(), expires_at=expires_at, **client._asdict())
    made.save(force_insert=True)
    return made.pk


def renew_api_session(pk: UUID, *, user: User, client: Client, expires_at: datetime) -> bool:
    """Keep a session for longer. False if it has ended."""
    found = ApiSession.objects.filter(pk=pk, user=user)
    return found.update(last_seen_at=timezone.now(), expires_at=expires_at, **_told(client)) > 0


def note_api_use(pk: UUID, last_seen_at: datetime, client: Client) -> None:
    """Write down that a token of a session is in use, and from where, if that is due."""
    now = timezone.now()
    if now - last_seen_at >= SEEN_AGAIN_AFTER:
        # Of many requests at this moment one writes.
        due = ApiSession.objects.filter(pk=pk, last_seen_at__lte=now - SEEN_AGAIN_AFTER)
        due.update(last_seen_at=now, **_told(client))


def _told(client: Client) -> dict[str, str]:
    """What a client says of itself now; what it does not say is as it was."""
    return {name: value for name, value in client._asdict().items() if value}


def note_seen(session: Session, *, device: str, address: str) -> None:
    """Write down that a session is in use, and from where."""
    session.last_seen_at = timezone.now()
    session.device, session.address = device or session.device, address or session.address
    Session.objects.filter(pk=session.pk).update(
        last_seen_at=session.last_seen_at, device=session.device, address=session.address
    )


def end_session(*, user: User, public_id: str) -> None:
    """End one of the user's sessions. Raises NotFound."""
    found = _named(user, public_id)
    with transaction.atomic():
        if found is None or not found.delete()[0]:
            raise NotFound("There is no such session.", code="session_not_found")
        record_event(user=user, action="session.revoked")


def _named(user: User, public_id: str) -> QuerySet[Session] | QuerySet[ApiSession] | None:
    if _UUID.fullmatch(public_id):
        return ApiSession.objects.filter(user=user, pk=public_id)
    keys = Session.objects.filter(user=user).values_list("session_key", flat=True)
    key = next((key for key in keys if public_id_of(key) == public_id), None)
    return None if key is None else Session.objects.filter(pk=key)


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
    ApiSession.objects.filter(user=user).delete()
    user.api_tokens.all().delete()


def forget_expired() -> None:
    """Delete sessions and tokens whose time has been over for a while."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    ApiSession.objects.filter(expires_at__lt=timezone.now()).delete()
    OutstandingToken.objects.filter(expires_at__lt=timezone.now()).delete()
    ApiToken.objects.filter(expires_at__lt=timezone.now() - _EXPIRED_TOKENS_ARE_SHOWN).delete()


_EXPIRED_TOKENS_ARE_SHOWN = timedelta(days=30)
