"""Answers of any length from plain generators, under ASGI too.

Given a plain iterator, Django under ASGI would read all of it into memory before it sends the first byte.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator

from asgiref.sync import sync_to_async


async def in_thread(pieces: Generator[str | bytes]) -> AsyncIterator[str | bytes]:
    """``pieces``, each made in the request's own thread, where its database connection is.

    If the client goes away the generator is closed, which ends its query and its transaction.
    """
    step = sync_to_async(_next, thread_sensitive=True)
    try:
        while (piece := await step(pieces)) is not None:
            yield piece
    finally:
        await sync_to_async(pieces.close, thread_sensitive=True)()


def _next(pieces: Generator[str | bytes]) -> str | bytes | None:
    # StopIteration cannot cross into a coroutine.
    return next(pieces, None)
