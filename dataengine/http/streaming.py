"""Answers of any length from plain generators, under ASGI too.

Given a plain iterator, Django under ASGI would read all of it into memory before it sends the first byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator

from asgiref.sync import sync_to_async


async def in_thread[T: str | bytes](
    pieces: Generator[T], interrupt: Callable[[], None] | None = None
) -> AsyncGenerator[T]:
    """``pieces``, each made in the request's own thread, where its database connection is.

    If the client goes away the generator is closed, which ends its query and its transaction. Should it be waiting
    for the database just then, ``interrupt`` (called from another thread) stops that.
    """
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


def nothing() -> Generator[bytes]:
    """The content of an answer to HEAD: nobody would read a file that was made for it."""
    yield from ()


def _next[T](pieces: Generator[T]) -> T | None:
    # StopIteration cannot cross into a coroutine.
    return next(pieces, None)
