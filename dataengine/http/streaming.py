"""Responses of any length from plain generators, also under ASGI.

Under ASGI, Django would read a plain iterator into memory completely before sending the first byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

from dataengine.postgres.backend.base import beside_pool


def download(
    request: HttpRequest,
    pieces: Generator[str] | Generator[bytes],
    content_type: str,
    filename: str,
    *,
    interrupt: Callable[[], None] | None = None,
) -> StreamingHttpResponse:
    """A file of any length; ``interrupt`` stops what ``pieces`` is waiting for if the client goes away.

    The response to HEAD has no content: the file need not be made.
    """
    if request.method == "HEAD":
        pieces = _nothing()
    content = in_thread(pieces, interrupt) if isinstance(request, ASGIRequest) else pieces
    response = StreamingHttpResponse(content, content_type=content_type)
    disposition = content_disposition_header(as_attachment=True, filename=filename)
    response["Content-Disposition"] = disposition or "attachment"
    return response


async def in_thread[T: str | bytes](
    pieces: Generator[T], interrupt: Callable[[], None] | None = None
) -> AsyncGenerator[T]:
    """``pieces``, each made in the thread of the request, which has its database connection.

    If the client goes away, the generator is closed, which ends its query and its transaction. If it is waiting for the
    database at that moment, ``interrupt`` (called from another thread) stops that.
    """
    pieces = _beside_pool(pieces)
    step = sync_to_async(_next, thread_sensitive=True)
    try:
        while (piece := await step(pieces)) is not None:
            yield piece
    except asyncio.CancelledError:
        if interrupt is not None:
            await asyncio.to_thread(interrupt)
        raise
    finally:
        await sync_to_async(pieces.close, thread_sensitive=True)()


def _nothing() -> Generator[bytes]:
    yield from ()


def _beside_pool[T](pieces: Generator[T]) -> Generator[T]:
    with beside_pool():
        yield from pieces


def _next[T](pieces: Generator[T]) -> T | None:
    # StopIteration cannot cross into a coroutine.
    return next(pieces, None)
