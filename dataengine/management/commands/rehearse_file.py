"""``manage.py rehearse_file``: what an import of a whole file would do, asked on standard input, answered as JSON.

The question is one line. Whoever asked keeps the input open for as long as the answer is wanted: once it is closed, by
a process that lost interest or died, the session in PostgreSQL is ended and with it all that was done.
"""

from __future__ import annotations

import json
import os
import select
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error as DatabaseError

from dataengine.jobs.memory import keep_arrow_flat
from dataengine.postgres.statements import raw_connection
from dataengine.services.file_rehearsals import end_session, rehearse, stands_in_the_way

_LOOK_SECONDS = 0.25
_NICE = 15


class Command(BaseCommand):
    """Rehearses one import, with the lowest priority: it ends itself as soon as it is in anybody's way."""

    help = __doc__ or ""
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        with suppress(OSError):
            os.nice(_NICE)
        keep_arrow_flat()
        asked = json.loads(sys.stdin.readline())
        answering = threading.Lock()
        watch = threading.Thread(
            target=_watch, args=(raw_connection().info.backend_pid, asked["seconds"], answering), daemon=True
        )
        watch.start()
        try:
            found = rehearse(asked)
        except DatabaseError:
            # If it is the watch that ended the session, it is about to say why, and then ends the process.
            with answering:
                raise
        with answering:
            _answer(found)


def _watch(backend: int, seconds: float, answering: threading.Lock) -> None:
    """End the rehearsal when it takes too long, is in somebody's way, or nobody wants it any more."""
    until = time.monotonic() + seconds
    while True:
        if select.select([sys.stdin], [], [], _LOOK_SECONDS)[0]:
            ending = "unwanted"
        elif time.monotonic() > until:
            ending = "too_long"
        elif _is_in_the_way(backend):
            ending = "gave_way"
        else:
            continue
        with answering:
            with suppress(DatabaseError):
                end_session(backend)
            _answer({"ending": ending})


def _is_in_the_way(backend: int) -> bool:
    try:
        return stands_in_the_way(backend)
    except DatabaseError:
        return True  # a database that does not answer has other worries


def _answer(found: dict[str, Any]) -> None:
    """Tell and end at once, whatever the other thread is doing: nothing of it is to stay anyway."""
    with suppress(OSError):
        json.dump(found, sys.stdout, cls=DjangoJSONEncoder)
        sys.stdout.flush()
    os._exit(0)
