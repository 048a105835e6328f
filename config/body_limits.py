"""Refuses bodies that are too large before or while they arrive; Django itself only checks them afterwards.

Bodies with files (``multipart/form-data``) may be as large as MAX_UPLOAD_BYTES plus the form's other fields; anything
else as large as DATA_UPLOAD_MAX_MEMORY_SIZE. A body that announces more is refused at once, one that announces
nothing is cut off where it passes the limit. Whatever had arrived was in an unnamed file, which disappears with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from dataengine.api import errors as api_errors
from dataengine.exceptions import TooLarge
from webui import errors as console_errors

_FORM_BYTES = 1024**2
"""The size of a form without its file: names, options, boundaries."""
_LINGER_SECONDS = 5.0
"""How long the rest is read and discarded after the answer. Many clients read no answer before they have sent all,
and closing  with unread data would lose the answer."""
_SCOPE_KEY = "tablekeep.too_large"

type Scope = dict[str, Any]
type Receive = Callable[[], Awaitable[Any]]
type Send = Callable[[Any], Awaitable[None]]
type App = Callable[[Scope, Receive, Send], Awaitable[None]]


class BodyLimits:
    """ASGI: passes on bodies within their limit; for others Django answers without the body."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        headers = {name.lower(): value for name, value in scope["headers"]}
        limit = _limit(headers)
        announced = headers.get(b"content-length", b"")
        if announced:
            if announced.isdigit() and int(announced) > limit:
                await self._refuse(scope, receive, send)
            else:
                await self._app(scope, receive, send)
            return
        body = _Counted(receive, limit)
        await self._app(scope, body, send)
        if body.exceeded:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        rest = _Discarded(receive, send, scope)
        discarding = asyncio.create_task(rest.discard())
        try:
            await self._app({**scope, _SCOPE_KEY: True}, rest.receive, rest.send)
        finally:
            discarding.cancel()


class TooLargeMiddleware:
    """Django: answers requests that ``BodyLimits`` stopped, in the API's shape or as a page of the console."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request, or pass it on."""
        if not getattr(request, "scope", {}).get(_SCOPE_KEY):
            return self._get_response(request)
        error = _error(request)
        if request.path.startswith("/api/"):
            return api_errors.plain_response(error)
        return console_errors.error_response(request, error)


class _Counted:
    """A ``receive`` that ends a body at its limit, as if the client had disconnected."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self.exceeded = False
        self._receive = receive
        self._left = limit

    async def __call__(self) -> Any:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.exceeded = True
            return {"type": "http.disconnect"}
        return message


class _Discarded:
    """A request without its body, which is read and discarded while the answer is made and a little longer."""

    def __init__(self, receive: Receive, send: Send, scope: Scope) -> None:
        self._receive = receive
        self._send = send
        self._ended = asyncio.Event()
        # A client that waits for “100 Continue” has sent nothing yet; reading would make it send the body.
        self._waits = any(name.lower() == b"expect" for name, _ in scope["headers"])

    async def discard(self) -> None:
        """Read until the body ends or the client disconnects."""
        message = {"more_body": True}
        while not self._waits and message.get("more_body", False):
            message = await self._receive()  # has no "more_body" after a disconnect
        self._ended.set()

    async def receive(self) -> Any:
        """An empty body."""
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Any) -> None:
        """Pass on the answer, but only end it once the body has ended."""
        if message["type"] != "http.response.body" or message.get("more_body", False):
            await self._send(message)
            return
        await self._send({**message, "more_body": True})
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), _LINGER_SECONDS)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _limit(headers: Mapping[bytes, bytes]) -> int:
    if _carries_files(headers.get(b"content-type", b"").decode("latin-1")):
        return int(settings.MAX_UPLOAD_BYTES) + _FORM_BYTES
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def _carries_files(content_type: str) -> bool:
    return content_type.strip().lower().startswith("multipart/form-data")


def _error(request: HttpRequest) -> TooLarge:
    if _carries_files(request.headers.get("Content-Type", "")):
        reason = f"This file is too large: at most {settings.MAX_UPLOAD_BYTES:,} bytes are allowed."
        return TooLarge(reason, fields={"file": reason})
    return TooLarge(f"The body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes.")
