"""Lists of the catalog (tables, columns, imports): ``{"count", "next", "previous", "results"}`` by page number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param


def listing[M: Model](
    request: Request, found: QuerySet[M], represent: Callable[[list[M]], Sequence[Any]], *, page: int, limit: int
) -> Response:
    """One page of ``found``, made of what ``represent`` returns for each entry. Beyond the end it is empty."""
    count = found.count()
    offset = (page - 1) * limit
    entries = list(found[offset : offset + limit]) if offset < count else []
    return page_of(request, count, represent(entries), page=page, limit=limit)


def page_of(request: Request, count: int, results: Sequence[Any], *, page: int, limit: int) -> Response:
    """A page of ``count`` entries that is already made."""
    last = max(1, -(-count // limit))
    url = request.build_absolute_uri()
    return Response(
        {
            "count": count,
            "next": replace_query_param(url, "page", page + 1) if page < last else None,
            "previous": replace_query_param(url, "page", min(page - 1, last)) if page > 1 else None,
            "results": results,
        }
    )


def cursor_url(request: Request, cursor: str | None) -> str | None:
    """The request's URL with another cursor."""
    if cursor is None:
        return None
    return replace_query_param(remove_query_param(request.build_absolute_uri(), "page"), "cursor", cursor)


def last_url(request: Request, cursor: str | None, number: int | None) -> str | None:
    """The URL of the last page: by number if that is known, else by cursor."""
    if number is None:
        return cursor_url(request, cursor)
    return replace_query_param(remove_query_param(request.build_absolute_uri(), "cursor"), "page", number)
