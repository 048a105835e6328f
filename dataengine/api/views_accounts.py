"""The user's own account: API tokens, sessions, the password."""

from __future__ import annotations

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.tokens import Token

from dataengine.api import account_shapes as shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.api.pagination import listing
from dataengine.api.serializers import PageQuery, Tokens
from dataengine.api.views_tokens import TOO_MANY_FAILURES, throttled
from dataengine.exceptions import InvalidInput
from dataengine.http.authentication import Bearer, NotByApiToken, refresh_token_for, session_id
from dataengine.http.devices import client_named
from dataengine.http.throttles import FailedAttempts
from dataengine.models import ApiToken
from dataengine.services import passwords, sessions, tokens


class _AccountView(ApiView):
    permission_classes = (IsAuthenticated, NotByApiToken)


class ApiTokensView(_AccountView):
    """The user's API tokens: for programs, named, with a highest right, and for all of the user's tables or some.

    A token never holds more than its user does. Without `own` for all tables it makes no tables; no token makes tokens
    or changes the password. Changing the password and logging out everywhere revoke them all.
    """

    answers_secrets = True
    operations = {
        "get": Operation("list_api_tokens", "List API tokens", shapes.ApiTokenList, query=PageQuery),
        "post": Operation("create_api_token", "Make an API token", shapes.MadeApiToken, 201, body=shapes.NewApiToken),
    }

    def get(self, request: Request) -> Response:
        asked = checked(PageQuery, request.query_params.dict())

        def represent(found: list[ApiToken]) -> list[dict[str, object]]:
            names = {"names": tokens.table_names(found)}
            return [shapes.ApiTokenSerializer(token, context=names).data for token in found]

        return listing(request, self.user.api_tokens.all(), represent, **asked)

    def post(self, request: Request) -> Response:
        asked = checked(shapes.NewApiToken, self.body())
        token, text = tokens.create_token(user=self.user, check=Bearer.of(request).user, **asked)
        names = {"names": tokens.table_names([token])}
        return Response({**shapes.ApiTokenSerializer(token, context=names).data, "token": text}, status=201)


class ApiTokenView(_AccountView):
    """One API token."""

    operations = {"delete": Operation("revoke_api_token", "Revoke an API token", None, 204)}

    def delete(self, request: Request, pk: int) -> Response:
        tokens.revoke_token(user=self.user, token=tokens.get_token(self.user, pk))
        return Response(status=204)


class SessionsView(_AccountView):
    """Where the user is logged in: browsers, and programs with JSON web tokens, each renewed by the one before.

    DELETE logs the user out everywhere: it ends all sessions, revokes all API tokens, and ends all JSON web tokens made
    until then, the one that it is called with among them.
    """

    operations = {
        "get": Operation("list_sessions", "List sessions", shapes.SessionList, query=PageQuery),
        "delete": Operation("end_sessions", "Log out everywhere", None, 204),
    }

    def get(self, request: Request) -> Response:
        asked = checked(PageQuery, request.query_params.dict())

        token = request.auth
        current = session_id(token) if isinstance(token, Token) else None

        def represent(found: list[sessions.Row]) -> list[dict[str, object]]:
            made = [sessions.shown(row) for row in found]
            return [shapes.SessionSerializer(one, context={"current": str(current)}).data for one in made]

        return listing(request, sessions.sessions_of(self.user), represent, **asked)

    def delete(self, request: Request) -> Response:
        sessions.log_out_everywhere(user=self.user)
        return Response(status=204)


class SessionView(_AccountView):
    """One session. DELETE ends it: of a program's, refresh and access tokens let nobody in any more."""

    operations = {"delete": Operation("end_session", "End a session", None, 204)}

    def delete(self, request: Request, pk: str) -> Response:
        sessions.end_session(user=self.user, public_id=pk)
        return Response(status=204)


class PasswordView(_AccountView):
    """Changes the password, which ends all sessions and tokens there are. The answer is a new pair of tokens."""

    answers_secrets = True
    operations = {
        "post": Operation(
            "change_password", "Change the password", Tokens, body=shapes.NewPassword, others=TOO_MANY_FAILURES
        )
    }

    def post(self, request: Request) -> Response:
        asked = checked(shapes.NewPassword, self.body())
        # Whoever found a session or a token open must not find the password, too.
        attempts = FailedAttempts(request, self.user.get_username())
        if not attempts.may_try():
            raise throttled(attempts)
        try:
            passwords.change_password(user=self.user, **asked)
        except InvalidInput as error:
            if "old" in error.fields and not attempts.failed():
                raise throttled(attempts) from None
            raise
        token = refresh_token_for(self.user, client_named(request))
        return Response({"access": str(token.access_token), "refresh": str(token)})
