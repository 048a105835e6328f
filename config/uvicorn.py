"""The web server: uvicorn on a listening socket of ours, the same in the embedded stack and in the container.

Uvicorn's own `--fd` treats every descriptor as a UNIX socket. Connections of a TCP socket passed that way never get
TCP_NODELAY, so every response on a kept connection waits 42 ms for a delayed acknowledgement (measured).
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile

import uvicorn
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.supervisors import Multiprocess

from config.environment import load_settings
from dataengine import origin

_BACKLOG = 2048
_LONGEST_ADDRESS = 65_535
"""The limit of uvicorn's parser, in bytes."""


class Protocol(HttpToolsProtocol):
    """Uvicorn's HTTP; its own errors have a request id, and the API's shape under the API's addresses."""

    url = b""

    def send_400_response(self, msg: str) -> None:
        """Answer requests that cannot be parsed, which never reach Django."""
        content_type, content = "text/plain; charset=utf-8", msg.encode("ascii")
        if self.url.startswith(b"/api"):
            # Django is set up by the time there are requests.
            from dataengine.api.errors import plain_response
            from dataengine.exceptions import InvalidInput

            reason = "This is not a valid HTTP request."
            if len(self.url) > _LONGEST_ADDRESS:
                reason = f"The URL is too long: at most {_LONGEST_ADDRESS:,} bytes are allowed."
            answer = plain_response(InvalidInput(reason, code="bad_request"))
            content_type, content = answer["Content-Type"], answer.content
        head = {
            "content-type": content_type,
            "content-length": len(content),
            "connection": "close",
            "x-request-id": origin.request_id(None),
        }
        lines = [STATUS_LINE[400]]
        lines += [b"%b: %b\r\n" % header for header in self.server_state.default_headers]
        lines += [f"{name}: {value}\r\n".encode("ascii") for name, value in head.items()]
        self.transport.write(b"".join([*lines, b"\r\n", content]))
        self.transport.close()


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one.

    Raises:
        OSError: the address is taken, or does not belong to this machine.
    """
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    # On Linux accepted connections inherit it, whichever event loop accepts them.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def server_config(*, workers: int = 1, grace: int = 5) -> uvicorn.Config:
    """How we run it. `grace` is in seconds: open WebSockets would keep a stopping server alive for ever."""
    return uvicorn.Config(
        "config.asgi:application",
        http=Protocol,
        lifespan="off",
        log_config=None,  # our own says where lines come from
        log_level="warning",
        access_log=False,  # the address of a WebSocket may contain a token
        timeout_graceful_shutdown=grace,
        workers=workers,
        ws_max_size=64 * 1024,
    )


def main(arguments: list[str]) -> None:
    """Serve until told to stop, on an inherited descriptor (`--fd`) or on HOST and PORT."""
    parser = argparse.ArgumentParser(prog="python -m config.uvicorn", description="Serve the console and the API.")
    parser.add_argument("--fd", type=int, help="descriptor of a listening socket (default: listen on --host, --port)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--grace", type=int, default=5, help="seconds for open requests to finish when it stops")
    given = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("TABLEKEEP_ROLE", "web")
    load_settings()
    # `socket(fileno=…)` gets family and protocol from the kernel.
    listener = listen(given.host, given.port) if given.fd is None else socket.socket(fileno=given.fd)
    if settings.WEB_CONCURRENCY > 1:
        # Where the processes put what they count, so that each can tell of all.
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="tablekeep-metrics-"))
    config = server_config(workers=settings.WEB_CONCURRENCY, grace=given.grace)
    if config.workers > 1:
        Multiprocess(config, sockets=[listener]).run()
    else:
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1:])
