"""Faults while an import runs, inflicted on the real processes of a running stack from outside."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil
import psycopg

from harness.system import System

_RESTART_SECONDS = 120


@dataclass(frozen=True)
class Fault:
    """``strike`` does the damage and, if it is temporary (a freeze), undoes it.

    Returns when the damage was done: a job that had ended by then was missed. None: there was nothing to strike.
    """

    name: str
    strike: Callable[[System], datetime | None]

    def __str__(self) -> str:
        return self.name


def _child_of_stack(system: System, is_it: Callable[[psutil.Process], bool]) -> psutil.Process:
    """One of the stack's programs; waits if it is just being restarted. Raises AssertionError if it stays away."""
    deadline = time.monotonic() + _RESTART_SECONDS
    while time.monotonic() < deadline:
        for process in psutil.Process(system.pid).children():
            with contextlib.suppress(psutil.Error):
                if is_it(process):
                    return process
        time.sleep(0.01)
    raise AssertionError(f"A program of the stack was not there for {_RESTART_SECONDS} s.")


def _worker(system: System) -> psutil.Process:
    """The Celery worker's main process; not the scheduler, which is also Celery."""
    return _child_of_stack(system, lambda process: {"celery", "worker"} <= set(process.cmdline()))


def _server(system: System, name: str) -> psutil.Process:
    """PostgreSQL's or Redis's main process. They rewrite their command lines."""
    return _child_of_stack(system, lambda process: process.name() == name)


def kill_pool_children(system: System) -> datetime | None:
    """kill -9 of every child of the worker: one of them has the import."""
    return _send(_worker(system).children(recursive=True), signal.SIGKILL)


def kill_worker(system: System) -> datetime | None:
    """kill -9 of the whole worker."""
    main = _worker(system)
    return _send([main, *main.children(recursive=True)], signal.SIGKILL)


def deploy(system: System) -> datetime | None:
    """SIGTERM to the worker, as during a deployment."""
    return _send([_worker(system)], signal.SIGTERM)


def freeze_worker(system: System) -> datetime | None:
    """Stop the whole worker for longer than the sweeper's patience with a heartbeat, then wake it."""
    main = _worker(system)
    frozen = [main, *main.children(recursive=True)]
    struck = _send(frozen, signal.SIGSTOP)
    time.sleep(3)
    _send(frozen, signal.SIGCONT)
    return struck


def terminate_backends(system: System) -> datetime | None:
    """pg_terminate_backend of every session of the worker."""
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'tablekeep-worker%' AND pid <> pg_backend_pid()"
        ).fetchall()
    return datetime.now(UTC) if ended else None


def kill_backends(system: System) -> datetime | None:
    """kill -9 of the import's PostgreSQL backend: the server ends all sessions and recovers."""
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'tablekeep-worker%'"
        ).fetchall()
    return _send([psutil.Process(pid) for (pid,) in rows if psutil.pid_exists(pid)], signal.SIGKILL)


def stop_postgres(system: System) -> datetime | None:
    """An immediate shutdown (SIGQUIT to the postmaster); the supervisor starts it again."""
    return _send([_server(system, "postgres")], signal.SIGQUIT)


def kill_redis(system: System) -> datetime | None:
    """kill -9 of Redis, which restarts empty."""
    return _send([_server(system, "redis-server")], signal.SIGKILL)


@contextlib.contextmanager
def frozen_redis(system: System) -> Iterator[datetime | None]:
    """Stop Redis, and wake it at the end."""
    redis = _server(system, "redis-server")
    struck = _send([redis], signal.SIGSTOP)
    try:
        yield struck
    finally:
        _send([redis], signal.SIGCONT)


def freeze_redis(system: System) -> datetime | None:
    """Stop Redis for a while, then wake it."""
    with frozen_redis(system) as struck:
        time.sleep(6)
    return struck


def _send(processes: Iterable[psutil.Process], number: signal.Signals) -> datetime | None:
    """Send a signal to all that still exist. Returns when that was done, or None if there were none."""
    struck = None
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
            struck = datetime.now(UTC)
    return struck


FAULTS = (
    Fault("kill -9 of the pool's children", kill_pool_children),
    Fault("kill -9 of the whole worker", kill_worker),
    Fault("SIGTERM of the worker", deploy),
    Fault("worker frozen and woken", freeze_worker),
    Fault("sessions terminated", terminate_backends),
    Fault("kill -9 of a PostgreSQL backend", kill_backends),
    Fault("immediate stop of PostgreSQL", stop_postgres),
    Fault("Redis killed and emptied", kill_redis),
    Fault("Redis frozen", freeze_redis),
)
