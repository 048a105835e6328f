"""WebSockets of the console and the API."""

from django.urls import path

from webui.consumers import ImportConsumer

websocket_urlpatterns = [
    path("ws/imports/<int:pk>/", ImportConsumer.as_asgi()),  # type: ignore[arg-type]  # an ASGI application, no view
]
