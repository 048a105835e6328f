"""Django on ASGI for synchronous middleware and views: each request enters a thread once, and threads are reused.

Django itself starts a thread for each request, enters it four times (signals, view, closing), and has a task wait for
the client to disconnect. That takes longer than inserting a record (measured), and only streaming responses need it.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import connections
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from config.origin import HEADER, of_scope
from dataengine.http.streaming import Download, Revoked
from dataengine.origin import current, enter

_THREADS = 64
"""How many requests are handled at the same time; others wait. Threads are started as they are needed.

There are many more than connections to PostgreSQL, so that requests that wait for one do not block those that need
none.
"""
_SIGN_SECONDS = 10.0
"""How often a download says that it is still being sent."""

type Scope = dict[str, Any]
type Receive = Callable[[], Awaitable[Mapping[str, Any]]]
type Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class Handler(ASGIHandler):
    """Django's handler with other threads. Streaming responses are sent as Django does, in a thread of their own."""

    def __init__(self) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="request")

    def load_middleware(self, is_async: bool = False) -> None:
        """Load middleware as for WSGI."""
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        # The thread sees this task's context variables; what it sets itself ends with the request.
        context = contextvars.copy_context()
        context.run(enter, of_scope(scope))
        loop = asyncio.get_running_loop()
        # If this task is cancelled (at shutdown), the thread still has the body.
        response = await loop.run_in_executor(self._threads, context.run, self._answer, scope, body)
        try:
            if response.streaming:
                await asyncio.create_task(self._stream(response, receive, send), context=context)
            else:
                await self.send_response(response, send)
        finally:
            body.close()

    def _answer(self, scope: Scope, body: Any) -> HttpResponseBase:
        """Do everything except sending the response."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        request, refused = self.create_request(scope, body)
        response = self.get_response(request) if request is not None else refused
        assert response is not None  # there is one or the other
        response.setdefault(HEADER, current().request_id)  # refused, it passed no middleware
        response._handler_class = type(self)  # type: ignore[attr-defined]  # the sender of request_finished
        if not response.streaming:
            response.close()  # its content is in memory; this releases files and connections
        else:
            # It is streamed by another thread, which opens its own connections.
            connections.close_all()
            if isinstance(response, FileResponse):
                response.block_size = self.chunk_size
        return response

    async def _stream(self, response: HttpResponseBase, receive: Receive, send: Send) -> None:
        """Send it until it ends or the client disconnects."""
        # Entered by this task, not by the one that started it: their context variables differ, and without this one
        # all responses would share one thread, and so one database connection.
        async with ThreadSensitiveContext(), AsyncExitStack() as ending:
            ending.push_async_callback(sync_to_async(response.close))
            if isinstance(response, Download):
                ending.push_async_callback(response.end)
            sending = asyncio.create_task(self.send_response(response, send))
            ending.push_async_callback(_cancel, sending)
            leaving = asyncio.create_task(self.listen_for_disconnect(receive))
            ending.push_async_callback(_cancel, leaving)
            both = (sending, leaving)
            while not (await asyncio.wait(both, timeout=_SIGN_SECONDS, return_when=asyncio.FIRST_COMPLETED))[0]:
                if isinstance(response, Download):
                    response.is_being_sent()


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    # Revoked: the connection is closed, so the file is no whole one.
    with suppress(asyncio.CancelledError, RequestAborted, Revoked):
        await task
