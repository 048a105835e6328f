"""Responses of any length from plain generators, also under ASGI.

Under ASGI, Django would read a plain iterator into memory completely before sending the first byte.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, connection
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

from dataengine.http import places
from dataengine.postgres.backend.base import beside_pool

RECHECK_SECONDS = 2.0
"""How often is asked whether what is being sent may still be seen: a right that was taken away ends within 5 s."""


class Revoked(Exception):
    """The right to what is being sent was taken away meanwhile. The client gets a file that breaks off."""


class Download(StreamingHttpResponse):
    """Tells when it is over, however it ended: closed is every response, even one that was never begun."""

    place: places.Place | None = None
    content_in_thread: AsyncGenerator[str | bytes] | None = None

    def is_being_sent(self) -> None:
        """To be called every few seconds while the client is there: only so long its place is kept."""
        if self.place is not None:
            self.place.is_used()

    async def end(self) -> None:
        """End the query and its session, in the thread that they belong to.

        Closing what Django wraps around a generator does not close the generator; the garbage collector would, later
        and elsewhere.
        """
        if self.content_in_thread is not None:
            await self.content_in_thread.aclose()

    def close(self) -> None:
        """Give back its place, too."""
        try:
            super().close()
        finally:
            if self.place is not None:
                self.place.give_back()


def download(
    request: HttpRequest,
    pieces: Generator[str] | Generator[bytes],
    content_type: str,
    filename: str,
    *,
    allowed: Callable[[], bool],
    interrupt: Callable[[], None] | None = None,
    user_id: int | None = None,
) -> Download:
    """A file of any length; ``interrupt`` stops what ``pieces`` is waiting for if the client goes away.

    ``allowed`` tells whether the client may still have it (``revocation.py``).
    With ``user_id`` it takes one of the user's places. Raises TooMany if all are taken.
    The response to HEAD has no content: the file need not be made.
    """
    place: places.Place | None = None
    if request.method == "HEAD":
        pieces = _nothing()
    elif user_id is not None:
        place = places.take(user_id)
    in_a_thread = in_thread(pieces, interrupt, allowed) if isinstance(request, ASGIRequest) else None
    response = Download(in_a_thread or pieces, content_type=content_type)
    response.place, response.content_in_thread = place, in_a_thread
    disposition = content_disposition_header(as_attachment=True, filename=filename)
    response["Content-Disposition"] = disposition or "attachment"
    return response


async def in_thread[T: str | bytes](
    pieces: Generator[T],
    interrupt: Callable[[], None] | None = None,
    allowed: Callable[[], bool] | None = None,
) -> AsyncGenerator[T]:
    """``pieces``, each made in the thread of the request, which has its database connection.

    If the client goes away, the generator is closed, which ends its query and its transaction. If it is waiting for the
    database at that moment, ``interrupt`` (called from another thread) stops that.

    Raises Revoked soon after ``allowed`` says no.
    """
    pieces = _beside_pool(pieces)
    asked = time.monotonic()
    step = sync_to_async(_next, thread_sensitive=True)
    try:
        while (piece := await step(pieces)) is not None:
            if allowed is not None and time.monotonic() - asked > RECHECK_SECONDS:
                if not await asyncio.to_thread(_ask, allowed):
                    raise Revoked
                asked = time.monotonic()
            yield piece
    except asyncio.CancelledError:
        if interrupt is not None:
            await asyncio.to_thread(interrupt)
        raise
    finally:
        await sync_to_async(pieces.close, thread_sensitive=True)()


def _ask(allowed: Callable[[], bool]) -> bool:
    """What ``allowed`` says. If the database does not answer, the export's own session will find that out."""
    try:
        return allowed()
    except DatabaseError:
        return True
    finally:
        connection.close()  # this thread's


def _nothing() -> Generator[bytes]:
    yield from ()


def _beside_pool[T](pieces: Generator[T]) -> Generator[T]:
    with beside_pool():
        yield from pieces


def _next[T](pieces: Generator[T]) -> T | None:
    # StopIteration cannot cross into a coroutine.
    return next(pieces, None)
