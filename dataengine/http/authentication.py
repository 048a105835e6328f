"""Who sends a request of the API: the bearer of a JSON web token or of an API token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.contrib.auth import get_user_model
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from dataengine.http.devices import client_named
from dataengine.models import ApiToken
from dataengine.origin import refine
from dataengine.postgres import credentials
from dataengine.services import sessions, tokens

if TYPE_CHECKING:
    from django.contrib.auth.models import User

GENERATION = "generation"
"""The claim of JSON web tokens that must be the account's; left out if it is 0."""

SESSION = "session"
"""The claim that names their session. Tokens from before there were any lack it until they are renewed."""

_ID = re.compile(r"[0-9]{1,18}")
_DEAD = AuthenticationFailed("This token is invalid, has expired, or has been revoked.", "token_not_valid")


def user_id(claim: object) -> int | None:
    """The id in the claim of a JSON web token that names its user; None if no user can have such a one."""
    text = str(claim)
    return int(text) if _ID.fullmatch(text) else None


def session_id(token: Token) -> UUID | None:
    """The session that a JSON web token names. Raises AuthenticationFailed if that can be none."""
    claim = token.get(SESSION)
    try:
        return None if claim is None else UUID(str(claim))
    except ValueError:
        raise _DEAD from None


class _Users:
    """The part of the user model's manager that ``JWTAuthentication`` uses for each request."""

    session: UUID | None = None
    """That of the token whose user is fetched next."""
    found: credentials.Known | None = None
    """What was fetched last."""

    def get(self, **key: Any) -> Any:
        """The user with this id. Raises DoesNotExist."""
        pk = user_id(key[api_settings.USER_ID_FIELD])
        self.found = None if pk is None else credentials.known_user(pk, self.session)
        if self.found is None:
            raise get_user_model().DoesNotExist
        return self.found.user


class Authentication(JWTAuthentication):
    """simplejwt's authentication with all its checks, and API tokens.

    The user is fetched by a prepared statement, in either case together with what tells whether the token is valid.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._users = _Users()
        known = {"objects": self._users, "DoesNotExist": self.user_model.DoesNotExist}
        self.user_model = type("Users", (), known)  # all of it that is used

    def authenticate(self, request: Request) -> Any:
        """The user and the token; None without one."""
        header = self.get_header(request)
        raw = None if header is None else self.get_raw_token(header)
        if raw is None or not raw.startswith(tokens.PREFIX.encode()):
            found = super().authenticate(request)
            if found is not None:
                refine(via="jwt")
                self._note_use(request)
            return found
        return by_api_token(raw.decode("latin-1"))

    def get_user(self, validated_token: Token) -> Any:
        """The token's user, unless its session has ended, or the user has logged out everywhere since it was made."""
        self._users.session = session_id(validated_token)
        user = super().get_user(validated_token)
        known = self._users.found
        assert known is not None
        has_ended = self._users.session is not None and known.session_seen_at is None
        if has_ended or validated_token.get(GENERATION, 0) != known.generation:
            raise _DEAD
        return user

    def _note_use(self, request: Request) -> None:
        session, known = self._users.session, self._users.found
        if session is not None and known is not None and known.session_seen_at is not None:
            sessions.note_api_use(session, known.session_seen_at, client_named(request))


def by_api_token(text: str) -> tuple[User, ApiToken]:
    """The user of an API token, narrowed to its scope, and the token. Raises AuthenticationFailed."""
    found = tokens.user_of(text)
    if found is None:
        raise _DEAD
    refine(via="token", name=found[1].name)
    return found


class Bearer:
    """The bearer of a token over the time that a socket is open or a download runs.

    A JSON web token need not live as long as that.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._validated: Token | None = None

    @classmethod
    def of(cls, request: Request) -> Bearer:
        """Who sends a request that has been let in."""
        scheme_and_text = str(request.headers.get("Authorization", "")).split()
        made = cls(scheme_and_text[-1] if scheme_and_text else "")
        if isinstance(request.auth, Token):
            made._validated = request.auth
        return made

    def user(self) -> User:
        """The user now. Raises APIException or TokenError if the token does not, or no longer, let anybody in."""
        if self._text.startswith(tokens.PREFIX):
            return by_api_token(self._text)[0]
        self._validated = self._validated or AccessToken(self._text)  # type: ignore[arg-type]  # takes the text
        return cast("User", Authentication().get_user(self._validated))


def refresh_token_for(user: User, client: sessions.Client, session: UUID | None = None) -> RefreshToken:
    """A new refresh token, from which its access token is made: of that session, or of a new one.

    It dies when the session is ended, or the user logs out everywhere. Raises TokenError if the session has ended.
    """
    expires_at = timezone.now() + api_settings.REFRESH_TOKEN_LIFETIME
    if session is None:
        session = sessions.begin_api_session(user=user, client=client, expires_at=expires_at)
    elif not sessions.renew_api_session(session, user=user, client=client, expires_at=expires_at):
        raise TokenError("This session has ended.")
    token = RefreshToken.for_user(user)
    token[SESSION] = str(session)
    found = credentials.known_user(user.pk)
    if found is not None and found.generation:
        token[GENERATION] = found.generation
    return token


class NotByApiToken(BasePermission):
    """Keeps API tokens from what would let their bearer outlive them: making tokens, passwords, sessions."""

    message = "This cannot be done with an API token. Log in."
    code = "not_by_token"

    def has_permission(self, request: Request, view: Any) -> bool:
        return not isinstance(request.auth, ApiToken)
