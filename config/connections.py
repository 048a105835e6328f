"""Connections go back to the pool as soon as an answer is made, not when the last byte of it has reached its reader."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class ConnectionMiddleware:
    """The outermost of all: whatever happens within a request, its thread keeps no connection of the pool.

    Ten readers on slow lines would else hold ten connections. What streams takes one beside the pool.
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
