"""Asking what an import would make of a file, by a process of its own: what converts is not loaded into web processes.

Such a process takes about a second (most of it to start) and some 150 MB, so there are few at a time. On a busy machine
it takes longer than anybody wants to wait for a page: who asks again for the same gets what was found meanwhile.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextvars import copy_context
from dataclasses import asdict
from typing import Any, cast

from django.conf import settings
from django.core.files.storage import default_storage

from dataengine.columns.types import ColumnSpec
from dataengine.imports.planning.references import ByValue

logger = logging.getLogger(__name__)

WAIT_SECONDS = 4.0
"""How long a page waits; then it is shown without, and asks again."""
_AT_MOST_SECONDS = 90.0
_AT_A_TIME = 2
_KEPT = 16
"""How many answers are kept, in case they are asked for again."""


class Pending(Exception):
    """The answer is not there yet; ask again."""


class _Looks:
    """The questions of this process: those that are being answered, and the last answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: OrderedDict[str, Future[dict[str, Any]]] = OrderedDict()
        self._threads = ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="look")

    def ask(self, question: str) -> Future[dict[str, Any]]:
        with self._lock:
            if question not in self._asked:
                self._asked[question] = self._threads.submit(copy_context().run, _answer, question)
            self._asked.move_to_end(question)
            while len(self._asked) > _KEPT:
                self._asked.popitem(last=False)[1].cancel()
            return self._asked[question]

    def forget(self, question: str) -> None:
        """Ask anew next time: there was no answer, which may have had reasons of the moment."""
        with self._lock:
            self._asked.pop(question, None)


_looks = _Looks()


def look(
    key: str,
    filename: str,
    options: Mapping[str, Any],
    columns: Sequence[ColumnSpec] | None,
    references: Mapping[str, ByValue] | None = None,
) -> dict[str, Any]:
    """What ``imports/looking.py`` finds in a stored file; empty where it cannot tell. Raises Pending."""
    try:
        path = default_storage.path(key)
    except NotImplementedError:  # it lies elsewhere
        path = ""
    question = {
        "path": path,
        "key": key,
        "filename": filename,
        "options": options,
        "columns": None if columns is None else [asdict(column) for column in columns],
        "references": {name: asdict(rule) for name, rule in (references or {}).items()},
    }
    return _answer_to(question, WAIT_SECONDS)


def look_at_text(text: str, filename: str, options: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
    """The same for a text as the only content of a file for a new table. Raises Pending after ``seconds``."""
    question = {"text": text, "filename": filename, "options": options, "columns": None}
    return _answer_to(question, seconds)


def _answer_to(question: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    asked = json.dumps(question)
    try:
        found = _looks.ask(asked).result(seconds)
    except (NotYet, CancelledError) as error:  # cancelled: too many others were asked since
        raise Pending from error
    if not found:
        _looks.forget(asked)
    return found


def _answer(question: str) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "django", "look_into"],
            input=question,
            env={**os.environ, "TABLEKEEP_ROLE": "worker"},
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            timeout=_AT_MOST_SECONDS,
            check=True,
        )
        return cast("dict[str, Any]", json.loads(done.stdout))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        logger.warning("A file could not be looked into: %s %s", error, (getattr(error, "stderr", "") or "")[-2_000:])
        return {}
