"""A request takes a thread that is there already: to start one takes as long as many a request."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from asgiref.testing import ApplicationCommunicator

from config.handler import Handler

SCOPE: dict[str, Any] = {
    "type": "http", "http_version": "1.1", "method": "GET", "path": "/health/live/", "query_string": b"",
    "headers": [(b"host", b"localhost")], "root_path": "",
}  # fmt: skip


async def ask(handler: Handler) -> int:
    request = ApplicationCommunicator(handler, SCOPE)
    await request.send_input({"type": "http.request", "body": b"", "more_body": False})
    start, content = await request.receive_output(60), await request.receive_output(60)
    assert b"ok" in content["body"]
    return int(start["status"])


async def test_one_after_the_other() -> None:
    before, handler = set(threading.enumerate()), Handler()
    for _ in range(30):
        assert await ask(handler) == 200
    made = {thread for thread in set(threading.enumerate()) - before if thread.name.startswith("request")}
    # A thread that has just answered may not be back yet when the next request comes.
    assert 1 <= len(made) <= 3


async def test_at_once() -> None:
    handler = Handler()
    assert set(await asyncio.gather(*(ask(handler) for _ in range(20)))) == {200}
