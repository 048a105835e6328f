"""By what and from where something is done. Pure.

Set where a request, a task or a command comes in, so that no request goes below a view; read by whoever writes down
what was done (``services/audit.py``) and by the log, passed on with messages and to threads (``thread``), and kept
with a job for the worker that does it.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

_SANE_ID = re.compile(r"[A-Za-z0-9._:@/+=-]{1,64}")


@dataclass(frozen=True, slots=True)
class Origin:
    """``via`` is ``session``, ``jwt``, ``token``, ``command`` or ``system``; ``name`` that of the token or command.

    ``job`` is the job in which it is done; it is not kept.
    """

    via: str = "system"
    name: str = ""
    address: str = ""
    request_id: str = ""
    job: str = ""

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Origin:
        """The origin that ``as_json`` stored; keys that nobody knows any more are passed over."""
        known = {made.name for made in fields(cls)}
        return cls(**{name: str(value) for name, value in stored.items() if name in known})


_CURRENT: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039  (frozen)


def current() -> Origin:
    """The origin of what is being done now."""
    return _CURRENT.get()


def current_as_json() -> dict[str, str]:
    """The same for a job's row or a message: what is not empty."""
    return {name: value for name, value in asdict(current()).items() if value and name != "job"}


@contextmanager
def acting(origin: Origin) -> Iterator[None]:
    """Do what is inside as coming from ``origin``."""
    before = _CURRENT.set(origin)
    try:
        yield
    finally:
        _CURRENT.reset(before)


def refine(**known: str) -> None:
    """Add to the present origin what is known by now, such as ``via`` once a token has been read."""
    _CURRENT.set(replace(current(), **known))


def enter(origin: Origin) -> None:
    """Do everything from now on in this context as coming from ``origin``."""
    _CURRENT.set(origin)


def request_id(given: str | None) -> str:
    """The id that the client gave its request, if it can stand in a log; else one of our own."""
    return given if given and _SANE_ID.fullmatch(given) else uuid.uuid4().hex


def thread(work: Callable[[], None], name: str) -> threading.Thread:
    """A daemon thread, not started yet, whose work comes from where its maker comes from."""
    return threading.Thread(target=copy_context().run, args=(work,), name=name, daemon=True)
