"""Keeps answers out of caches that several people share: what one user may see is nobody else's."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers


class PrivateAnswersMiddleware:
    """Whatever does not say otherwise, as static files do, is for the one who asked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """One request."""
        response = self._get_response(request)
        response.setdefault("Cache-Control", "private")
        if "public" not in response["Cache-Control"]:
            # For caches that keep even what is private, a browser's with several accounts among them.
            patch_vary_headers(response, ("Cookie", "Authorization"))
        return response
