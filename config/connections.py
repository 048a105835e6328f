"""Returns connections to the pool as soon as a response is made, not when its last byte has been sent."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class ConnectionMiddleware:
    """Wraps everything that uses PostgreSQL: whatever happens in a request, its thread keeps no pooled connection.

    Otherwise ten slow readers would hold ten connections. Streaming responses use one outside the pool.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """One request."""
        try:
            return self._get_response(request)
        finally:
            if connection.settings_dict["OPTIONS"].get("pool"):
                connection.close()
