"""The ASGI application: Django for HTTP, Channels for WebSockets."""

import os
from typing import Any, cast
from urllib.parse import ParseResult

import django
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from config.environment import load_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Set before the settings load: processes that serve requests get short database time limits.
os.environ.setdefault("TABLEKEEP_ROLE", "web")

load_settings()
django.setup(set_prefix=False)

# These import models, so import them only once Django is set up.
from django.conf import settings  # noqa: E402

from config.body_limits import BodyLimits  # noqa: E402
from dataengine.jobs.memory import keep_flat  # noqa: E402
from webui.routing import websocket_urlpatterns  # noqa: E402

keep_flat()


class BrowserOriginValidator(OriginValidator):
    """Refuses foreign origins at the handshake.

    Browsers always send Origin, and only they send a user's cookie from foreign pages; API clients, which use a
    token, send none.
    """

    def valid_origin(self, parsed_origin: ParseResult | None) -> bool:
        """True without an Origin header, or when its host is one of ALLOWED_HOSTS."""
        return parsed_origin is None or super().valid_origin(parsed_origin)


class Handler(ASGIHandler):
    """Handles a whole request, middleware and view, in one visit to its thread.

    Our middleware and views are synchronous. Django would enter the thread for the outermost middleware, return to the
    loop for the view, and enter the thread again: each change takes about a tenth of a millisecond (measured).
    """

    def load_middleware(self, is_async: bool = False) -> None:
        """Load middleware as for WSGI."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """The response."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


application = ProtocolTypeRouter(
    {
        "http": BodyLimits(Handler()),
        "websocket": BrowserOriginValidator(
            AuthMiddlewareStack(URLRouter(cast("list[Any]", websocket_urlpatterns))),
            settings.ALLOWED_HOSTS,
        ),
    }
)
