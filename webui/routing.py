"""WebSockets of the console and the API."""

from django.urls import path, re_path

from webui.consumers import ImportConsumer, Nothing

websocket_urlpatterns = [
    path("ws/imports/<int:pk>/", ImportConsumer.as_asgi()),  # type: ignore[arg-type]  # an ASGI application, no view
    re_path(r"", Nothing.as_asgi()),  # type: ignore[arg-type]  # without it a wrong address is a 500
]
