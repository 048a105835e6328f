"""The ASGI application: Django for HTTP, Channels for WebSockets."""

import gc
import os
from importlib import import_module
from typing import Any, cast
from urllib.parse import ParseResult

import django
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator

from config.environment import load_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Set before the settings load: processes that serve requests get short database time limits.
os.environ.setdefault("TABLEKEEP_ROLE", "web")

load_settings()
django.setup(set_prefix=False)

# These import models, so import them only once Django is set up.
from django.conf import settings  # noqa: E402

from config.body_limits import BodyLimits  # noqa: E402
from config.handler import Handler  # noqa: E402
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


application = ProtocolTypeRouter(
    {
        "http": BodyLimits(Handler()),
        "websocket": BrowserOriginValidator(
            AuthMiddlewareStack(URLRouter(cast("list[Any]", websocket_urlpatterns))),
            settings.ALLOWED_HOSTS,
        ),
    }
)

# Everything loaded so far stays, so the garbage collector need not visit it again, which would stop all requests for
# 70 ms (measured). Django would load the views only with the first request.
import_module(settings.ROOT_URLCONF)
gc.collect()
gc.freeze()
