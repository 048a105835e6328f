"""Where links in mails lead. A mail with a link for a new password must lead nowhere but to the console.

Whoever asks for one for somebody else chooses the Host header, and ``ALLOWED_HOSTS`` may let many through.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def console_url(request: HttpRequest) -> str:
    """``PUBLIC_URL``, or without one what the request was sent to, if the installation names that; else its default."""
    is_trusted = not settings.PUBLIC_URL_IS_GIVEN and _is_named(request)
    return request.build_absolute_uri("/") if is_trusted else str(settings.PUBLIC_URL)


def _is_named(request: HttpRequest) -> bool:
    """Whether ``ALLOWED_HOSTS`` has this very name, and the port is not somebody else's on that machine."""
    host = request.get_host()
    if f"{request.scheme}://{host}" in settings.CSRF_TRUSTED_ORIGINS:
        return True
    name, _, port = host.lower().rpartition(":") if not host.endswith("]") and ":" in host else (host.lower(), "", "")
    # The pattern `*`, and those of whole domains, are no names that a host can have.
    names = {allowed.lower() for allowed in settings.ALLOWED_HOSTS} - {*_LOOPBACK}
    return name in names and port in ("", request.META.get("SERVER_PORT"))
