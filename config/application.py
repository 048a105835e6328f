"""Django for HTTP, Channels for WebSockets. Imports models, so Django has to be set up first (`config.asgi`)."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlsplit

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain

from config.body_limits import BodyLimits
from config.handler import Handler, Receive, Scope, Send
from webui.routing import websocket_urlpatterns


class SameOrigin:
    """Refuses foreign origins at the handshake, by the rule that Django has for forms.

    Browsers always send Origin, and only they send a user's cookie from foreign pages; API clients, which use a
    token, send none. Channels' own validator asks for no more than a name of ALLOWED_HOSTS: there every other program
    on this machine, and with `*` every page of the world, was one of ours.
    """

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse one socket."""
        headers = dict(scope["headers"])
        origin, host = (headers.get(name, b"").decode("latin-1") for name in (b"origin", b"host"))
        served: Any = self._application if not origin or is_ours(origin, host) else WebsocketDenier()
        await served(scope, receive, send)


def is_ours(origin: str, host: str) -> bool:
    """Whether a page of this origin is one of the console: it is where the request went, or is trusted."""
    try:
        page = urlsplit(origin.lower())
    except ValueError:
        return False
    if page.netloc == host.lower() and validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return page.scheme in ("http", "https")
    trusted = map(urlsplit, settings.CSRF_TRUSTED_ORIGINS)
    return any(page.scheme == one.scheme and is_same_domain(page.netloc, one.netloc.lstrip("*")) for one in trusted)


application = ProtocolTypeRouter(
    {
        "http": BodyLimits(Handler()),
        "websocket": SameOrigin(AuthMiddlewareStack(URLRouter(cast("list[Any]", websocket_urlpatterns)))),
    }
)
