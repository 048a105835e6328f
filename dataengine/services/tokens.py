"""API tokens: making, using and revoking them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from dataengine import access
from dataengine.exceptions import Conflict, InvalidInput, NotFound
from dataengine.models import ApiToken, Table
from dataengine.models.shapes import AccountDetails
from dataengine.postgres import credentials
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PREFIX = "tk_"
"""By which people, and tools that search for leaked secrets, recognise one."""

MAX_TOKENS = 100
_RANDOM_BYTES = 32
# The time of the last use is told to the minute, so that a program's requests do not all write.
_USE_IS_NOTED_AFTER = timedelta(minutes=1)


def create_token(
    *,
    user: User,
    name: str,
    right: access.Right,
    tables: Iterable[str] | None = None,
    expires_at: datetime | None = None,
    check: Callable[[], object] = lambda: None,
) -> tuple[ApiToken, str]:
    """A new token, and its text, which nobody can be told again.

    ``check`` raises unless whoever asks is still let in, by what they were let in with: a thief who makes tokens all
    the time must not get one just after the user has ended them all.
    Raises InvalidInput for tables that the user does not see and for a time that is over, Conflict beyond the limit.
    """
    name = name.strip()
    if not name:
        raise InvalidInput("name: Give the token a name.", fields={"name": "Give the token a name."})
    if expires_at is not None and expires_at <= timezone.now():
        reason = "This time is over."
        raise InvalidInput(f"expires_at: {reason}", fields={"expires_at": reason})
    chosen = None if tables is None else _ids_of(user, tables)
    text = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    with transaction.atomic():
        # Of two requests at once, the second counts the first one's. Nor does the user's password change meanwhile.
        get_user_model().objects.select_for_update(no_key=True).get(pk=user.pk)
        check()
        if user.api_tokens.count() >= MAX_TOKENS:
            raise Conflict(f"You have {MAX_TOKENS} tokens; revoke one first.", code="too_many_tokens")
        token = ApiToken.objects.create(
            user=user, name=name, digest=digest_of(text), hint=text[-4:], right=right, tables=chosen,
            expires_at=expires_at,
        )  # fmt: skip
        record_event(user=user, action="token.created", details=_details(token))
    return token, text


def _ids_of(user: User, names: Iterable[str]) -> list[int]:
    wanted = set(names)
    found = {table.name: table.pk for table in access.tables_for(user).filter(name__in=_without_nul(wanted))}
    if missing := sorted(wanted - set(found)):
        reason = f"There is no table “{missing[0]}”."
        raise InvalidInput(f"tables: {reason}", fields={"tables": reason})
    if not found:
        reason = "Choose at least one table, or null for all."
        raise InvalidInput(f"tables: {reason}", fields={"tables": reason})
    return sorted(found.values())


def _without_nul(names: Iterable[str]) -> list[str]:
    return [name for name in names if "\0" not in name]  # PostgreSQL would not accept the query


def get_token(user: User, pk: int) -> ApiToken:
    """The user's token with that id. Raises NotFound."""
    token = user.api_tokens.filter(pk=pk).first()
    if token is None:
        raise NotFound(f"There is no token {pk}.", code="token_not_found")
    return token


def revoke_token(*, user: User, token: ApiToken) -> None:
    """End a token: from now on nobody is let in by it."""
    with transaction.atomic():
        details = _details(token)
        token.delete()
        record_event(user=user, action="token.deleted", details=details)


def _details(token: ApiToken) -> AccountDetails:
    names = table_names([token])
    return {
        "name": token.name,
        "right": token.right,
        "tables": None if token.tables is None else sorted(names[pk] for pk in token.tables if pk in names),
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
    }


def table_names(tokens: Iterable[ApiToken]) -> dict[int, str]:
    """The present names of the tables to which the tokens are bound. Those deleted since have none."""
    wanted = {pk for token in tokens for pk in token.tables or ()}
    return dict(Table.objects.filter(pk__in=wanted).values_list("pk", "name")) if wanted else {}


def user_of(text: str) -> tuple[User, ApiToken] | None:
    """Whom a token lets in: its user, who holds no more than the token leaves. None if it is no (living) token."""
    found = credentials.token_with_user(digest_of(text)) if text.startswith(PREFIX) else None
    if found is None:
        return None
    token, user = found
    if not user.is_active:
        return None
    access.narrow(user, scope_of(token))
    _note_use(token)
    return user, token


def scope_of(token: ApiToken) -> access.Scope:
    """To what a token narrows its user."""
    return access.Scope(access.right_named(token.right), None if token.tables is None else frozenset(token.tables))


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at >= _USE_IS_NOTED_AFTER:
        # Of many requests in this minute one writes.
        due = Q(last_used_at=None) | Q(last_used_at__lte=now - _USE_IS_NOTED_AFTER)
        ApiToken.objects.filter(due, pk=token.pk).update(last_used_at=now)


def digest_of(text: str) -> str:
    """What is kept of a token; ``ApiToken`` says why this is enough."""
    return hashlib.sha256(text.encode()).hexdigest()
