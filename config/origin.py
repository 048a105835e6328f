"""Says for everything that a request does by what and from where it is done (``dataengine.origin``)."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from dataengine.origin import Origin, acting


class OriginMiddleware:
    """A browser's session, unless the API's authentication finds a token."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """One request."""
        # Not X-Forwarded-For, which anybody can set: the server sets REMOTE_ADDR from proxies that it trusts.
        with acting(Origin(via="session", address=request.META.get("REMOTE_ADDR", ""))):
            return self._get_response(request)
