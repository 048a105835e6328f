"""How an attempt at a job ended has to be written down, whatever state the database is in just then."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

_PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.5


def write_down(ending: Callable[[], None]) -> None:
    """Call ``ending``, which writes to the job's row, until the database takes it.

    One without room, or one that is just coming back, does not at once, and nobody else knows why the attempt ended.
    A session that still works is kept: its locks tell the sweeper that the job has somebody. Raises what the database
    said last when it has not taken it for half a minute.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        if not connection.is_usable():
            connection.close()
        try:
            return ending()
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() > deadline:
                raise
            logger.warning("The end of an attempt is not written yet: %s", error)
        time.sleep(_PAUSE_SECONDS)
