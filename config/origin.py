"""Says for everything that a request does by what and from where it is done (``dataengine.origin``).

Answers name their request (``X-Request-ID``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from dataengine.origin import Origin, acting, current, request_id

HEADER = "X-Request-ID"
_IN_SCOPE = HEADER.lower().encode()


def of_scope(scope: Mapping[str, Any]) -> Origin:
    """Where a request of the ASGI server comes from."""
    given = next((value.decode("latin-1") for name, value in scope["headers"] if name.lower() == _IN_SCOPE), None)
    client = scope.get("client") or ("",)
    return Origin(via="session", address=client[0], request_id=request_id(given))


class OriginMiddleware:
    """A browser's session, unless the API's authentication finds a token.

    Our own handler has entered the request's origin already, in which streaming goes on after this; others, such as
    that of Django's test client, have not.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """One request."""
        origin = current()
        if not origin.request_id:
            # Not X-Forwarded-For, which anybody can set: the server sets REMOTE_ADDR from proxies that it trusts.
            address = request.META.get("REMOTE_ADDR", "")
            origin = Origin(via="session", address=address, request_id=request_id(request.headers.get(HEADER)))
        with acting(origin):
            response = self._get_response(request)
        response[HEADER] = origin.request_id
        return response
