"""Django on ASGI for synchronous middleware and views: a request is one visit to a thread, and threads are kept.

Django itself makes a thread for each request, goes there four times (signals, view, closing) and listens meanwhile
whether the client has gone. That takes longer than an insertion does (measured), and is of use only to what streams.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import connections
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

_THREADS = 64
"""Requests at the same time; others wait for one of them to end. Threads are made as they are needed.

Many more than there are connections to PostgreSQL: who waits for one must not keep out those who need none.
"""

type Scope = dict[str, Any]
type Receive = Callable[[], Awaitable[Mapping[str, Any]]]
type Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class Handler(ASGIHandler):
    """Django's, but for how it comes to a thread. What streams is sent as Django sends it, in a thread of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="request")

    def load_middleware(self, is_async: bool = False) -> None:
        """As for WSGI."""
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        # The thread sees what is set for this task, and what it sets itself is gone with the request.
        answer = contextvars.copy_context().run
        loop = asyncio.get_running_loop()
        # Who stops waiting for it (a server that must end) does not take the body away from it.
        response = await loop.run_in_executor(self._threads, answer, self._answer, scope, body)
        try:
            if response.streaming:
                async with ThreadSensitiveContext():
                    await self._stream(response, receive, send)
            else:
                await self.send_response(response, send)
        finally:
            body.close()

    def _answer(self, scope: Scope, body: Any) -> HttpResponseBase:
        """All of a request but the sending of its answer."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        request, refused = self.create_request(scope, body)
        response: HttpResponseBase = refused if request is None else self.get_response(request)
        response._handler_class = type(self)  # type: ignore[attr-defined]  # whom its end is told of
        if not response.streaming:
            response.close()  # its content is there already; this lets go of files and connections
        else:
            # It streams from another thread, which has connections of its own.
            connections.close_all()
            if isinstance(response, FileResponse):
                response.block_size = self.chunk_size
        return response

    async def _stream(self, response: HttpResponseBase, receive: Receive, send: Send) -> None:
        """Send it until its end, or until the client has gone."""
        sending = asyncio.create_task(self.send_response(response, send))
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (leaving, sending):
                task.cancel()
            with suppress(asyncio.CancelledError, RequestAborted):
                await leaving
            try:
                with suppress(asyncio.CancelledError):
                    await sending
            finally:
                await sync_to_async(response.close)()
