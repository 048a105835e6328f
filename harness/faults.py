"""Things that go wrong while an import runs. Each is done to the real processes of a running stack, from outside."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil
import psycopg

from harness.system import System


@dataclass(frozen=True)
class Fault:
    """``strike`` does the damage and, where it is one that passes (a freeze), undoes it."""

    name: str
    strike: Callable[[System], None]

    def __str__(self) -> str:
        return self.name


def _child_of_stack(system: System, is_it: Callable[[psutil.Process], bool]) -> psutil.Process:
    """One of the stack's programs, waited for where it is just being started again."""
    while True:
        for process in psutil.Process(system.pid).children():
            with contextlib.suppress(psutil.Error):
                if is_it(process):
                    return process
        time.sleep(0.01)


def _worker(system: System) -> psutil.Process:
    """The Celery worker's main process; not the scheduler, which is Celery's, too."""
    return _child_of_stack(system, lambda process: {"celery", "worker"} <= set(process.cmdline()))


def _server(system: System, name: str) -> psutil.Process:
    """PostgreSQL's or Redis's main process. Their command lines are what they make of them."""
    return _child_of_stack(system, lambda process: process.name() == name)


def kill_pool_children(system: System) -> None:
    """kill -9 of every child of the worker: whichever has the import is among them."""
    for child in _worker(system).children(recursive=True):
        _send(child, signal.SIGKILL)


def kill_worker(system: System) -> None:
    """kill -9 of the whole worker."""
    main = _worker(system)
    for process in [main, *main.children(recursive=True)]:
        _send(process, signal.SIGKILL)


def deploy(system: System) -> None:
    """SIGTERM to the worker, as a deploy sends it."""
    _send(_worker(system), signal.SIGTERM)


def freeze_worker(system: System) -> None:
    """Stop the whole worker for longer than the sweeper's patience with a heartbeat, then wake it."""
    main = _worker(system)
    frozen = [main, *main.children(recursive=True)]
    for process in frozen:
        _send(process, signal.SIGSTOP)
    time.sleep(3)
    for process in frozen:
        _send(process, signal.SIGCONT)


def terminate_backends(system: System) -> None:
    """pg_terminate_backend of every session of the worker."""
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'tablekeep-worker%' AND pid <> pg_backend_pid()"
        )


def kill_backends(system: System) -> None:
    """kill -9 of the import's PostgreSQL backend: the server throws everybody out and recovers."""
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'tablekeep-worker%'"
        ).fetchall()
    for (pid,) in rows:
        if psutil.pid_exists(pid):
            _send(psutil.Process(pid), signal.SIGKILL)


def stop_postgres(system: System) -> None:
    """An immediate shutdown (SIGQUIT to the postmaster); the supervisor starts it again."""
    _send(_server(system, "postgres"), signal.SIGQUIT)


def kill_redis(system: System) -> None:
    """kill -9 of Redis, which comes back empty."""
    _send(_server(system, "redis-server"), signal.SIGKILL)


@contextlib.contextmanager
def frozen_redis(system: System) -> Iterator[None]:
    """Redis stopped, and woken at the end."""
    redis = _server(system, "redis-server")
    _send(redis, signal.SIGSTOP)
    try:
        yield
    finally:
        _send(redis, signal.SIGCONT)


def freeze_redis(system: System) -> None:
    """Stop Redis for a while, then wake it."""
    with frozen_redis(system):
        time.sleep(6)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


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
