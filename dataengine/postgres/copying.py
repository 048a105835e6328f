"""COPY TO, in pieces of whole lines."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.abc import PQGen
from psycopg.generators import fetch_many
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.waiting import Wait

_PIECE_BYTES = 256 * 1024


def copied_out(
    session: psycopg.Connection[Any], statement: sql.Composed, parameters: Sequence[Any] = ()
) -> Generator[bytes]:
    """What a ``COPY … TO STDOUT`` writes. The session can do nothing else until the end."""
    # COPY takes no server-side parameters: the client-side cursor quotes them into the statement.
    with psycopg.ClientCursor(session) as cursor, cursor.copy(statement, parameters or None):
        while session.info.transaction_status == TransactionStatus.ACTIVE:
            if piece := session.wait(_piece(session)):
                yield piece


def _piece(session: psycopg.Connection[Any]) -> PQGen[bytes]:
    """Some whole lines of a running COPY, for ``Connection.wait``; at the end maybe none.

    psycopg returns one line per call. Taking all that libpq has ready costs a third of that (measured).
    """
    take = session.pgconn.get_copy_data
    piece = bytearray()
    while len(piece) < _PIECE_BYTES:
        length, line = take(1)
        if length > 0:
            piece += line
        elif length == 0:
            yield Wait.R
            session.pgconn.consume_input()
        else:
            [result] = yield from fetch_many(session.pgconn)
            if result.status != ExecStatus.COMMAND_OK:
                raise psycopg.errors.error_from_result(result)
            break
    return bytes(piece)
