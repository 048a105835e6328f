"""The user's own account: API tokens."""

from __future__ import annotations

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from dataengine.api import account_shapes as shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.api.pagination import listing
from dataengine.api.serializers import PageQuery
from dataengine.http.authentication import NotByApiToken
from dataengine.models import ApiToken
from dataengine.services import tokens


class _AccountView(ApiView):
    permission_classes = (IsAuthenticated, NotByApiToken)


class ApiTokensView(_AccountView):
    """The user's API tokens: for programs, named, with a highest right, and for all of the user's tables or some.

    A token never holds more than its user does. Without `own` for all tables it makes no tables; no token makes tokens
    or changes the password. Changing the password and logging out everywhere revoke them all.
    """

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
        token, text = tokens.create_token(user=self.user, **asked)
        names = {"names": tokens.table_names([token])}
        return Response({**shapes.ApiTokenSerializer(token, context=names).data, "token": text}, status=201)


class ApiTokenView(_AccountView):
    """One API token."""

    operations = {"delete": Operation("revoke_api_token", "Revoke an API token", None, 204)}

    def delete(self, request: Request, pk: int) -> Response:
        tokens.revoke_token(user=self.user, token=tokens.get_token(self.user, pk))
        return Response(status=204)
