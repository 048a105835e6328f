"""Django for HTTP, Channels for WebSockets. Imports models, so Django has to be set up first (`config.asgi`)."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import ParseResult

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.conf import settings

from config.body_limits import BodyLimits
from config.handler import Handler
from webui.routing import websocket_urlpatterns


class BrowserOriginValidator(OriginValidator):
    """Refuses foreign origins at the handshake.

    Browsers always send Origin, and only they send a user's cookie from foreign pages; API clients, which use a
    token, send none.
    """

    def valid_origin(self, parsed_origin: ParseResult | None) -> bool:
        """True without an Origin header, or when its host is one of ALLOWED_HOSTS."""
        return parsed_origin is None or super().valid_origin(parsed_origin)


application = ProtocolTypeRouter(
    {
        "http": BodyLimits(Handler()),
        "websocket": BrowserOriginValidator(
            AuthMiddlewareStack(URLRouter(cast("list[Any]", websocket_urlpatterns))),
            settings.ALLOWED_HOSTS,
        ),
    }
)
