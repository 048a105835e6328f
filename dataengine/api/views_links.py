"""Public links of a table: for owners, where the installation allows them."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from dataengine.api import link_shapes as shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.api.pagination import listing
from dataengine.api.serializers import PageQuery
from dataengine.exceptions import InvalidInput, shown
from dataengine.models import Column, Table
from dataengine.services import public_links


class LinksView(ApiView):
    """Links that show a view of the table to whoever has them, until they expire or are revoked.

    Where the installation allows none (`PUBLIC_LINKS`), none is made, and those that there are show nothing.
    """

    answers_secrets = True
    operations = {
        "get": Operation("list_links", "List public links", shapes.LinkList, query=PageQuery),
        "post": Operation("create_link", "Make a public link", shapes.MadeLink, 201, body=shapes.NewLink),
    }

    def get(self, request: Request, **names: Any) -> Response:
        table, asked = self.table(names, "own"), checked(PageQuery, request.query_params.dict())
        known = _names(table)
        found = table.public_links.select_related("user")
        return listing(request, found, lambda some: shapes.shown(some, known), **asked)

    def post(self, request: Request, **names: Any) -> Response:
        table, asked = self.table(names, "own"), checked(shapes.NewLink, self.body())
        columns = None if "columns" not in asked else _columns(table, asked.pop("columns"))
        link, secret = public_links.make(user=self.user, table=table, columns=columns, **asked)
        [data] = shapes.shown([link], _names(table))
        address = self.base_url() + reverse("console:public", args=[secret])
        return Response({**data, "url": address}, status=201)


class LinkView(ApiView):
    """One public link."""

    operations = {"delete": Operation("revoke_link", "Revoke a public link", None, 204)}

    def delete(self, request: Request, **names: Any) -> Response:
        public_links.revoke(user=self.user, table=self.table(names, "own"), pk=names["pk"])
        return Response(status=204)


def _names(table: Table) -> dict[int, str]:
    return {column.pk: column.name for column in table.all_columns()}


def _columns(table: Table, names: list[str]) -> list[Column]:
    """The columns with these names, each once. Raises InvalidInput filed under ``columns``."""
    known = {column.name: column for column in table.all_columns()}
    for name in names:
        if name not in known:
            reason = f"There is no column “{shown(name)}”."
            raise InvalidInput(f"columns: {reason}", fields={"columns": reason})
    return [known[name] for name in dict.fromkeys(names)]
