"""`manage.py stack`: all of Tablekeep on a machine that only has Python. Called by `make run` and `make demo`."""

import asyncio
import fcntl
import os
import shlex
import signal
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from config import uvicorn
from config.stack.embedded import postgres_in, redis_in
from config.stack.private import PROJECT_DIR, data_dir, make_private_folder, write_private_file
from config.stack.processes import Program
from config.stack.supervisor import StackError, Supervisor

_ENV_FILE = "stack.env"
# Seconds. A SIGTERM to make's process group arrives twice, the second time from make: only a later signal means
# “hurry”.
_ECHO = 2.0


class Command(BaseCommand):
    """PostgreSQL, Redis, the ASGI server, the Celery worker and its scheduler, kept running until Ctrl-C."""

    help = "Run Tablekeep with an embedded PostgreSQL and Redis (or those of DATABASE_URL and REDIS_URL) until Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One switch, for the demo data."""
        parser.add_argument("--demo", action="store_true", help="import the flights data set first")

    def handle(self, *args: Any, demo: bool, **options: Any) -> None:
        """Run until told to stop.

        Raises:
            CommandError: another stack uses this DATA_DIR, the port is taken, or a program kept failing.
        """
        folder = make_private_folder(data_dir())
        with _only_one(folder), _listening_socket() as listener:
            try:
                asyncio.run(_Stack(folder, listener, self.stdout, demo=demo).run())
            except (StackError, RuntimeError) as error:
                raise CommandError(str(error)) from error


class _Stack:
    """The programs of one installation, in the order of their dependencies."""

    def __init__(self, folder: Path, listener: socket.socket, output: OutputWrapper, *, demo: bool) -> None:
        self._folder = folder
        self._listener = listener
        self._output = output
        self._demo = demo
        self._host, self._port = _reachable(listener)
        self._address = f"http://{f'[{self._host}]' if ':' in self._host else self._host}:{self._port}/"
        self._environment = dict(os.environ) | {"DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1"}
        self._environment.pop("TABLEKEEP_ROLE", None)
        self._environment["STACK_ADDRESS"] = self._address
        # No proxy is in front of it, so nobody may say for another who asks. (Uvicorn would believe this machine.)
        self._environment.setdefault("FORWARDED_ALLOW_IPS", "")

    async def run(self) -> None:
        """Start everything, keep it running, and stop it at SIGINT, SIGTERM or SIGHUP."""
        supervisor = Supervisor()
        stopping = asyncio.Event()

        loop = asyncio.get_running_loop()
        first = 0.0

        def stop() -> None:
            nonlocal first
            if not stopping.is_set():
                first = loop.time()
                stopping.set()
            elif loop.time() - first > _ECHO:
                supervisor.write("Killing what still runs.")
                supervisor.hurry()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # `nohup make run` means that a closed terminal stops nothing.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                loop.add_signal_handler(number, stop)
        life = asyncio.create_task(self._live(supervisor))
        told = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({life, told}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            life.cancel()
            if stopping.is_set():
                supervisor.write("Stopping. Press Ctrl-C again to hurry.")
            await supervisor.stop()
            (self._folder / _ENV_FILE).unlink(missing_ok=True)
            if stopping.is_set():
                supervisor.write(f"Stopped. The data is in {self._folder}.")
            with suppress(asyncio.CancelledError):
                await life  # raises the error that ended it

    async def _live(self, supervisor: Supervisor) -> None:
        supervisor.write("Starting PostgreSQL and Redis")
        await self._start_servers(supervisor)
        write_private_file(self._folder / _ENV_FILE, _as_shell(self._environment))
        notices = await supervisor.run(self._manage("prepare", "--static"))
        self._environment.pop("ADMIN_PASSWORD", None)
        supervisor.write("Starting the console and its workers")
        await supervisor.start(self._worker())
        await supervisor.start(self._scheduler())
        await supervisor.start(self._web())
        if self._demo:
            await supervisor.run(self._manage("demo"), foreground=True)
        self._announce(notices.decode())
        await supervisor.watch()

    async def _start_servers(self, supervisor: Supervisor) -> None:
        """Start PostgreSQL and Redis, unless the environment names them."""
        if not self._environment.get("DATABASE_URL"):
            pooled = 2 * settings.WEB_CONCURRENCY * settings.DATABASE_POOL_SIZE  # the owner's and the reader's
            postgres = postgres_in(self._folder, pooled=pooled)
            postgres.initialise()
            await supervisor.start(postgres.program())
            postgres.ensure_database()
            self._environment["DATABASE_URL"] = postgres.url
            self._environment["READER_URL"] = postgres.reader_url
        if not self._environment.get("REDIS_URL"):
            redis = redis_in(self._folder)
            await supervisor.start(redis.program())
            self._environment["REDIS_URL"] = redis.url

    def _manage(self, *words: str) -> Program:
        return self._python(words[0], "manage.py", *words)

    def _web(self) -> Program:
        """Uvicorn on a socket that we keep open: while it restarts, clients wait instead of being refused."""
        descriptor = self._listener.fileno()
        return self._python(
            "web",
            "-m",
            "config.uvicorn",
            f"--fd={descriptor}",
            role="web",
            files=(descriptor,),
            ready=self._answers,
        )

    def _worker(self) -> Program:
        # SIGTERM lets a task finish; an import that takes longer than the grace period restarts with the next stack.
        return self._celery("worker", "worker", "--loglevel=INFO", "--without-gossip", "--without-mingle")

    def _scheduler(self) -> Program:
        # Its schedule is one line of the settings, so it needs no file and no pid of its own.
        return self._celery("beat", "beat", "--scheduler=celery.beat.Scheduler", "--pidfile=")

    def _celery(self, name: str, *arguments: str) -> Program:
        # Celery warns when it runs as root, but whoever calls `make run` as root has decided that.
        return self._python(
            name, "-W", "ignore::UserWarning:celery.platforms", "-m", "celery", "-q", "-A", "config.celery", *arguments
        )

    def _python(self, name: str, *arguments: str, role: str = "worker", **options: Any) -> Program:
        return Program(
            name=name,
            argv=(sys.executable, *arguments),
            env=self._environment | {"TABLEKEEP_ROLE": role},
            folder=PROJECT_DIR,
            # Nobody is left to wait for it to finish; imports are safe to kill.
            orphan_signal=signal.SIGKILL,
            **options,
        )

    def _answers(self) -> bool:
        with closing(HTTPConnection(self._host, self._port, timeout=2)) as connection:
            try:
                connection.request("GET", "/health/ready/")
                return connection.getresponse().status == 200
            except (HTTPException, OSError):
                return False

    def _announce(self, notices: str) -> None:
        if self._demo and not notices:
            user = self._environment.get("ADMIN_USERNAME") or "admin"
            notices = (
                f"Log in at {self._address} as {user}, with the password shown at the first start "
                f"(another: make manage args='changepassword {user}').\n"
            )
        self._output.write(notices, ending="")
        self._output.write(f"Tablekeep is ready at {self._address}")
        self._output.flush()


def _reachable(listener: socket.socket) -> tuple[str, int]:
    """Host and port at which this machine reaches the socket: where it listens on all addresses, at loopback."""
    host, port = listener.getsockname()[:2]
    address = ip_address(host.partition("%")[0])
    if address.is_unspecified:
        host = "::1" if isinstance(address, IPv6Address) else "127.0.0.1"
    return host, port


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the kernel releases whatever happens to this process."""
    with (folder / "stack.lock").open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise CommandError(
                f"Tablekeep is already running in {folder} (process {file.read().strip() or 'unknown'}). "
                "Stop it first, or choose another folder with DATA_DIR."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def _listening_socket() -> Iterator[socket.socket]:
    """The server's socket, opened before anything else so that a taken port is noticed at once."""
    host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
    if not port.isdecimal() or int(port) > 65535:
        raise CommandError(f"PORT must be a number up to 65535, not {port!r}.")
    try:
        listener = uvicorn.listen(host, int(port))
    except OSError as error:
        raise CommandError(
            f"Cannot listen on {host}, port {port}: {error.strerror}. PORT=0 chooses a free port."
        ) from error
    with listener:
        yield listener


def _as_shell(environment: Mapping[str, str]) -> str:
    """The variables that other programs need to reach this stack; load them with `set -a; . stack.env`."""
    names = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PUBLIC_URL", "STACK_ADDRESS")
    return "".join(f"{name}={shlex.quote(environment[name])}\n" for name in names if environment.get(name))
