"""Requests reuse threads: starting one takes as long as handling many a request."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from django.core.signals import request_started

from config.handler import Handler

SCOPE: dict[str, Any] = {
    "type": "http", "http_version": "1.1", "method": "GET", "path": "/health/live/", "query_string": b"",
    "headers": [(b"host", b"localhost")], "root_path": "",
}  # fmt: skip


async def ask(handler: Handler) -> int:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await handler(SCOPE, receive, send)
    assert b"ok" in sent[1]["body"]
    return int(sent[0]["status"])


async def test_one_after_the_other() -> None:
    handler, visited = Handler(), list[threading.Thread]()

    def note(**of: Any) -> None:
        visited.append(threading.current_thread())

    request_started.connect(note)
    try:
        for _ in range(100):
            assert await ask(handler) == 200
    finally:
        request_started.disconnect(note)
    # A thread that has just answered may not be idle yet when the next request comes.
    assert len(visited) == 100
    assert len(set(visited)) <= 64


async def test_at_once() -> None:
    handler = Handler()
    assert set(await asyncio.gather(*(ask(handler) for _ in range(20)))) == {200}
