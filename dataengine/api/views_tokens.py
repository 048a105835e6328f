"""JSON web tokens: a short-lived access token, and a refresh token that can be used once."""

from __future__ import annotations

from typing import cast

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.db import transaction
from rest_framework.exceptions import APIException, AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from dataengine.api import serializers as shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.http import second_factor
from dataengine.http.authentication import GENERATION, refresh_token_for, session_id, user_id
from dataengine.http.devices import client_named
from dataengine.http.throttles import FailedAttempts
from dataengine.services import addresses, audit

TOO_MANY_FAILURES = {
    429: (shapes.ErrorShape, "Too many requests or failures from this address; Retry-After tells how long to wait")
}
_DEAD = "This refresh token is invalid, has expired, or has already been used."


class _TokenView(ApiView):
    permission_classes = ()
    authentication_classes = ()

    def get_authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'  # without it, 401 would become 403

    def check(self, attempts: FailedAttempts) -> None:
        """Raise Throttled after too many failures."""
        if not attempts.may_try():
            raise throttled(attempts)

    def refuse(self, attempts: FailedAttempts, message: str, code: str) -> APIException:
        return AuthenticationFailed(message, code) if attempts.failed() else throttled(attempts)


def throttled(attempts: FailedAttempts) -> Throttled:
    """The answer after too many failures: the same for an account that there is and one that there is not."""
    return Throttled(attempts.wait(), "There were too many failed attempts; Retry-After says when to try again.")


class TokenView(_TokenView):
    """Log in."""

    operations = {
        "post": Operation(
            "token", "Log in", shapes.Tokens, body=shapes.Credentials, verb=shapes.Credentials, others=TOO_MANY_FAILURES
        )
    }

    def post(self, request: Request) -> Response:
        given = checked(shapes.Credentials, self.body())
        attempts = FailedAttempts(request, given["username"])
        self.check(attempts)
        user = authenticate(request._request, username=given["username"], password=given["password"])
        if not isinstance(user, User):
            raise self.refuse(attempts, "The username or password is wrong.", "no_active_account")
        # Check again: others may have failed meanwhile.
        self.check(attempts)
        if second_factor.is_needed(user):
            self.check_code(attempts, user, given.get("code"))
        if addresses.must_verify(user):
            reason = "Verify your e-mail address first: log in on the web, and follow the link that is sent to it."
            raise AuthenticationFailed(reason, "email_not_verified")
        token = refresh_token_for(user, client_named(request))
        audit.record_event(user=user, action="jwt.issued")
        return Response({"access": str(token.access_token), "refresh": str(token)})

    def check_code(self, attempts: FailedAttempts, user: User, code: str | None) -> None:
        """Raise AuthenticationFailed without the right code: the password alone is not enough."""
        if code is None:
            raise AuthenticationFailed("Give the code of your second factor, too.", "second_factor_needed")
        if not second_factor.accepts(user, code):
            raise self.refuse(attempts, "The code is wrong, or has been used.", "second_factor_wrong")


class TokenRefreshView(_TokenView):
    """A new pair of tokens for a refresh token, which cannot be used again."""

    operations = {
        "post": Operation(
            "refresh_token",
            "Renew tokens",
            shapes.Tokens,
            body=shapes.RefreshToken,
            verb=shapes.RefreshToken,
            others=TOO_MANY_FAILURES,
        )
    }

    def post(self, request: Request) -> Response:
        given = checked(shapes.RefreshToken, self.body())
        attempts = FailedAttempts(request)
        self.check(attempts)
        try:
            with transaction.atomic():
                token = RefreshToken(given["refresh"])
                pk = user_id(token.payload.get(api_settings.USER_ID_CLAIM))
                user = None if pk is None else User.objects.filter(pk=pk, is_active=True).first()
                stamp = token.payload.get(api_settings.REVOKE_TOKEN_CLAIM)
                if user is None or stamp != get_md5_hash_password(user.password):
                    raise TokenError(_DEAD)
                # Of two requests with one token, the second waits here for the first, then finds that the token has
                # been used.
                _, is_first_use = cast("tuple[object, bool]", token.blacklist())
                if not is_first_use:
                    raise TokenError(_DEAD)
                fresh = refresh_token_for(user, client_named(request), session_id(token))
                if fresh.get(GENERATION, 0) != token.get(GENERATION, 0):
                    raise TokenError(_DEAD)
        except TokenError as error:
            raise self.refuse(attempts, _DEAD, "token_not_valid") from error
        return Response({"access": str(fresh.access_token), "refresh": str(fresh)})
