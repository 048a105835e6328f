"""Keeps answers out of caches that several people share: what one user may see is nobody else's."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase


class PrivateAnswersMiddleware:
    """Whatever does not say otherwise, as static files do, is for the one who asked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """One request."""
        response = self._get_response(request)
        response.setdefault("Cache-Control", "private")
        return response
