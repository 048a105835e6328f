"""A server outside of the stack: it serves files to sources, and takes the messages of webhooks, slowly at first."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HOLD_SECONDS = 2.0
"""How long the first attempt to deliver a message waits for its answer."""


class Elsewhere:
    """``messages`` are the ids of the messages that were answered, ``begun`` is set when the first one comes."""

    def __init__(self, file: Path) -> None:
        self.messages: list[str] = []
        self.begun = threading.Event()
        elsewhere = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = file.read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                if not elsewhere.begun.is_set():
                    elsewhere.begun.set()
                    time.sleep(HOLD_SECONDS)
                elsewhere.messages.append(self.headers["webhook-id"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def elsewhere(file: Path) -> Iterator[Elsewhere]:
    """A server that is there for one trial, and has ``file`` at every path."""
    server = Elsewhere(file)
    try:
        yield server
    finally:
        server.close()
