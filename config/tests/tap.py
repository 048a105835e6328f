"""A proxy between a program and PostgreSQL that counts exchanges, each of which waits for an answer.

An exchange is what PostgreSQL answers with one ReadyForQuery: a simple query or, in the extended protocol, everything
up to a Sync. BEGIN, COMMIT, SAVEPOINT, set_config and EXPLAIN count like anything else; several statements that are
sent in one go count once.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_PARSE, _QUERY, _SYNC = b"P", b"Q", b"S"


@dataclass
class Tap:
    """``port`` leads to the server; ``exchanges`` are the statements of each exchange since the last ``clear``."""

    port: int
    exchanges: list[str] = field(default_factory=list)

    def clear(self) -> None:
        """Start counting again."""
        self.exchanges.clear()


@contextmanager
def tapped(host: str, port: int) -> Iterator[Tap]:
    """A counting proxy for the server at ``host`` and ``port``."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        tap = Tap(listener.getsockname()[1])
        threading.Thread(target=_accept, args=(listener, (host, port), tap), daemon=True).start()
        yield tap


def _accept(listener: socket.socket, server: tuple[str, int], tap: Tap) -> None:
    with suppress(OSError):  # the listener is closed at the end
        while True:
            client, _ = listener.accept()
            behind = socket.create_connection(server)
            for connection in (client, behind):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_pass_on, args=(client, behind, tap), daemon=True).start()
            threading.Thread(target=_pass_on, args=(behind, client, None), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, tap: Tap | None) -> None:
    heard, has_begun, statements = bytearray(), False, list[str]()
    with suppress(OSError):
        while data := source.recv(1 << 16):
            if tap is not None:
                heard += data
                # The first message has no type: length, then the protocol's number. A request for SSL has the same
                # form.
                while not has_begun and len(heard) >= 8 and len(heard) >= (length := int.from_bytes(heard[:4])):
                    has_begun = heard[4:8] == b"\x00\x03\x00\x00"
                    del heard[:length]
                while has_begun and len(heard) >= 5 and len(heard) > (length := int.from_bytes(heard[1:5])):
                    kind, content = bytes(heard[:1]), bytes(heard[5 : 1 + length])
                    del heard[: 1 + length]
                    if kind in (_QUERY, _PARSE):
                        text = content if kind == _QUERY else content[content.index(b"\0") + 1 :]
                        statements.append(text[: text.index(b"\0")].decode())
                    if kind in (_QUERY, _SYNC):
                        tap.exchanges.append("; ".join(statements))
                        statements.clear()
            target.sendall(data)
    for connection in (source, target):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
