"""Every connection has TCP_NODELAY: without it, each answer on a kept one waits for a delayed acknowledgement."""

import http.client
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from config.uvicorn import listen, server_config
from dataengine.tests.threads import Beside


@contextmanager
def serving(listener: socket.socket, loop: str) -> Iterator[uvicorn.Server]:
    config = server_config()
    config.loop = loop
    server = uvicorn.Server(config)
    thread = Beside(target=lambda: server.run(sockets=[listener]))
    thread.start()
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("way", ["our own", "inherited"])
def test_a_kept_connection_waits_for_no_acknowledgement(way: str, loop: str) -> None:
    with listen("127.0.0.1", 0) as ours:
        port = ours.getsockname()[1]
        listener = socket.socket(fileno=os.dup(ours.fileno())) if way == "inherited" else ours
        assert listener.family == socket.AF_INET
        with listener, serving(listener, loop) as server:
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            for _ in range(2):
                client.request("GET", "/health/live/")
                assert client.getresponse().read()
            (connection,) = server.server_state.connections
            accepted = connection.transport.get_extra_info("socket")
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            client.close()
